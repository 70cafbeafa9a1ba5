"""The house style of figures, and how a matplotlib figure becomes SVG inside a page.

Figures are drawn at 72 dots per inch, so that one unit of the SVG is one point of type; text stays text, in the page's own font.
The bytes depend on nothing but the figure: no date, no random identifiers.
"""

import html
import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

WIDTH = 720.0
"""Width of a figure in SVG units."""

INK, GREY, FAINT = "#1c2126", "#5f6871", "#c9ced3"
BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, YELLOW = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#f0e442"
"""Okabe and Ito's colours, told apart by all forms of colour vision."""

LAND, SEA, COAST = "#ebe8e1", "#f7f9fa", "#b3aea3"

_LONG_PATH = 20_000
"""Characters as matplotlib writes it: beyond, a tenth of a unit is fine enough."""

_STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "overflight",
    "font.family": "DejaVu Sans",
    "font.size": 11.0,
    "text.parse_math": False,
    "axes.unicode_minus": True,
    "text.color": INK,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": GREY,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": GREY,
    "ytick.labelcolor": GREY,
    "xtick.labelsize": 10.5,
    "ytick.labelsize": 10.5,
    "hatch.linewidth": 0.7,
    "path.simplify": False,
}


@contextmanager
def house_style() -> Iterator[None]:
    """Draw in the house style; characters that matplotlib's own font lacks are the page's business, not a warning."""
    with mpl.rc_context(), warnings.catch_warnings():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)  # type: ignore[arg-type]  # its keys are a literal type that no other release has
        warnings.filterwarnings("ignore", message=r"Glyph \d+")
        yield


def new_figure(height: float, width: float = WIDTH) -> Figure:
    """Return an empty, transparent figure, sizes in SVG units."""
    figure = Figure(figsize=(width / 72.0, height / 72.0), dpi=72.0)
    figure.patch.set_visible(False)
    return figure


def add_axes(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Add axes at a place given in SVG units from the upper left corner."""
    total_width, total_height = 72.0 * figure.get_size_inches()
    axes = figure.add_axes((left / total_width, 1.0 - (top + height) / total_height, width / total_width, height / total_height))
    axes.patch.set_visible(False)
    return axes


def to_svg(figure: Figure, *, key: str, label: str) -> str:
    """Write a figure as an ``<svg>`` element to stand in a page.

    Parameters
    ----------
    figure
        What `new_figure` returned, drawn upon.
    key
        Prefix of the identifiers, unique in the page.
    label
        What the figure shows, for those who cannot see it.
    """
    buffer = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    FigureCanvasSVG(figure).print_svg(buffer, metadata=nothing)  # type: ignore[no-untyped-call]
    return _clean(buffer.getvalue(), key, label)


def _clean(text: str, key: str, label: str) -> str:
    """Strip what a page does not need, make identifiers the page's own, and write two decimals."""
    body = re.sub(r"^.*?<svg[^>]*>", "", text, count=1, flags=re.DOTALL)
    view = re.search(r'viewBox="([^"]+)"', text)
    body = re.sub(r"<metadata>.*?</metadata>|<style[^>]*>.*?</style>|<!--.*?-->", "", body, flags=re.DOTALL)
    body = re.sub(r"<defs>\s*</defs>", "", body)
    used = set(re.findall(r'href="#([^"]+)"', body)) | set(re.findall(r"url\(#([^)]+)\)", body))
    body = re.sub(r' id="([^"]*)"', lambda match: _identifier(match.group(1), used, key), body)
    body = re.sub(r'href="#|url\(#', lambda match: match.group(0) + key + "-", body)
    body = re.sub(r'(?<= )(?:d|x|y|points|transform)="[^"]*"', _shorten, body)
    body = re.sub(r"font-family: [^;\"]*; |(?<=\") transform=\"rotate\(-0 [^\"]*\"", "", body)
    body = re.sub(r"\s*\n\s*", "\n", body).replace("<g>\n</g>\n", "").strip()
    size = view.group(1) if view else ""
    return f'<svg class="plot" role="img" aria-label="{html.escape(label)}" viewBox="{size}">\n{body}\n'


def _identifier(name: str, used: set[str], key: str) -> str:
    """Keep an identifier that something refers to; one that starts with ``class-`` is a class."""
    if name in used:
        return f' id="{key}-{name}"'
    return f' class="{name.removeprefix("class-").split(".")[0]}"' if name.startswith("class-") else ""


def _shorten(match: re.Match[str]) -> str:
    """Write two decimals, one in long paths, and no letter where SVG takes a line for granted."""
    text = match.group(0)
    digits = 1 if len(text) > _LONG_PATH else 2
    text = re.sub(r"-?\d+\.\d{2,}(?!\d*e)", lambda number: _round(number.group(0), digits), text)
    text = re.sub(r"\s*\n\s*", " ", text).replace(' "', '"')
    return re.sub(r"(?<=[\d.]) L (?=-?\d)", " ", text) if text.startswith("d=") else text


def _round(number: str, digits: int) -> str:
    text = f"{float(number):.{digits}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
