"""Maps of a territory's cells, one variable per panel: median round trip and satellites that may serve, or what else one gives them."""

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import shapely
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.ticker import MaxNLocator

from overflight.earth.cells import cell_boundaries, cell_centres
from overflight.report import figures
from overflight.report.figures import GREY, INK, WIDTH, add_axes, new_figure, to_svg
from overflight.report.maps import Base, View, draw_base, draw_outline, draw_scale_bar, fit_view, path_of, polygons_of, prepare_base
from overflight.report.projection import Projection, centre_on
from overflight.report.words import Words
from overflight.study.findings import FleetFindings, TerritoryFindings

Floats = npt.NDArray[np.float64]

MAX_VECTOR_CELLS = 3_000
"""More cells than these are painted as an image, so that the page stays small."""

_IMAGE_DPI = 144
_CELL_WIDTH_KM = 17.0
_CELL_AREA_KM2 = 250.0
_MOST_HATCHED = 30_000
"""So many denied cells are hatched at most: on a map of half the Earth they would be one grey."""

_LEAST_CELL_WIDTH = 9.0
"""Cells that would be narrower than this on paper are drawn enlarged, if they are scattered."""

_MOST_SCATTERED, _MOST_ENLARGED = 0.06, 500
"""Cells that fill less of the map and are not more than these are scattered islands; other cells, enlarged, would hide one another."""

_WIDTH_WITH_EDGES = 6.5
"""From this width on paper on, white lines part the cells."""

_EMPTY = "#f1f2f3"
_NOUGHT = "#d55e00"
_LEAST_VIEW_KM = 110.0
_HEADER = 50.0
_LETTER = 5.6
"""Width of a letter of the key, the mean, SVG units."""

_GAP = 16.0


@dataclass(frozen=True, slots=True)
class Ground:
    """What a map of cells shows besides their values: the territory and its border, how many cells it has, those that are hatched."""

    code: str
    outline: shapely.Geometry | None
    cells_total: int
    hatched: npt.NDArray[np.uint64]
    """Cells that the operator denies."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One variable on the map."""

    title: str
    values: Floats
    palette: str
    bright_low: bool
    """Whether low values are the bright (good) ones."""
    breaks: Floats
    """Where its classes end, ascending."""
    empty: str
    """What the key says of cells without a value."""
    is_dotted: bool = True
    """Whether cells without a value are dotted: they are few, and matter."""
    marks_nought: bool = False
    """Whether cells with nothing are a class of their own."""
    empty_colour: str = _EMPTY
    kinds: tuple[tuple[str, str], ...] = ()
    """Name and colour of each class, where classes are kinds of cells and values are their numbers from 0."""


@dataclass(frozen=True, slots=True)
class CellMap:
    """The drawn map and what its caption must say of it."""

    svg: str
    enlarged: float
    """How many times too wide the cells are drawn."""
    sampled: bool
    polar: bool


def is_sampled(findings: TerritoryFindings) -> bool:
    """Whether only some of the territory's cells were simulated."""
    return findings.cells_total > len(findings.cell_ids)


def ground_of(findings: TerritoryFindings) -> Ground:
    """The ground of a territory's report."""
    return Ground(findings.code, findings.outline, findings.cells_total, findings.policy.denied_cell_ids)


def kinds_panel(title: str, numbers: npt.NDArray[np.int64], kinds: Sequence[tuple[str, str]]) -> Panel:
    """A panel of kinds of cells, by number; the key names those that are there."""
    present = np.unique(numbers)
    values = np.searchsorted(present, numbers).astype(np.float64)
    breaks = np.arange(len(present) + 1, dtype=np.float64)
    return Panel(title, values, "", bright_low=False, breaks=breaks, empty="", kinds=tuple(kinds[number] for number in present.tolist()))


def draw_cells(findings: TerritoryFindings, fleet: FleetFindings, words: Words, *, key: str, label: str) -> CellMap:
    """Draw the territory's cells.

    Cells are hexagons; where only some were simulated, each colours the part of the territory that is nearest to it.
    """
    panels = _choose_panels(fleet, words)
    return draw_panels(ground_of(findings), findings.cell_ids, panels, words, sampled=is_sampled(findings), key=key, label=label)


def draw_panels(
    ground: Ground,
    cell_ids: npt.NDArray[np.uint64],
    panels: Sequence[Panel],
    words: Words,
    *,
    sampled: bool = False,
    key: str,
    label: str,
) -> CellMap:
    """Draw one map for each variable.

    Parameters
    ----------
    ground
        The territory.
    cell_ids
        The cells whose values the panels hold.
    sampled
        Whether there are more cells than these.
    """
    lat_deg, lon_deg = cell_centres(cell_ids)
    seen = shapely.get_coordinates(ground.outline) if sampled and ground.outline is not None else np.empty((0, 2))
    projection = centre_on(np.append(lat_deg, seen[:, 1]), np.append(lon_deg, seen[:, 0]))
    corners = _project_corners(cell_ids, projection)
    extent = np.concatenate([*corners, np.column_stack(projection.to_plane_km(seen[:, 1], seen[:, 0]))])
    view, stacked = _choose_view(projection, extent, len(panels))
    enlarged = _enlargement(len(cell_ids), view) if not sampled else 1.0
    some_denied = 0 < len(ground.hatched) < min(ground.cells_total, _MOST_HATCHED)
    denied = _polygons(_project_corners(ground.hatched, projection), enlarged) if some_denied else []
    with figures.house_style():
        base = prepare_base(view, outline=ground.outline, code=ground.code)
        shapes = _nearest_parts(base, lat_deg, lon_deg) if sampled else [[cell] for cell in _polygons(corners, enlarged)]
        apart = not sampled and len(shapes) <= MAX_VECTOR_CELLS and _CELL_WIDTH_KM * enlarged * view.units_per_km > _WIDTH_WITH_EDGES
        edge = "white" if apart else None
        step = _HEADER + view.height + _GAP
        figure = new_figure(step * (len(panels) if stacked else 1))
        for index, panel in enumerate(panels):
            left, top = (0.0, index * step) if stacked else (index * (view.width + _GAP), 0.0)
            axes = add_axes(figure, left + 0.5, top + _HEADER, view.width - 1, view.height)
            draw_base(axes, base)
            _draw_panel(axes, panel, shapes, edge=edge)
            _hatch(axes, denied)
            draw_outline(axes, base)
            if sampled:
                _dot(axes, projection, lat_deg, lon_deg)
            draw_scale_bar(axes, view, words)
            _draw_key(figure, panel, (left, top), words, denied=bool(denied) and index == 0)
        figure.set_dpi(_IMAGE_DPI)  # of what is painted as an image; all else is drawn at 72 dots per inch
        return CellMap(to_svg(figure, key=key, label=label), enlarged, sampled, projection.is_polar)


def class_breaks(values: Floats, *, least_step: float) -> Floats:
    """Round breaks of about five classes around the values; classes are no narrower than ``least_step``."""
    known = values[np.isfinite(values)]
    if not len(known):
        return np.array([0.0, least_step])
    low, high = float(known.min()), float(known.max())
    if np.floor(low / least_step) == np.floor(high / least_step):
        start = np.floor(low / least_step) * least_step
        return np.array([start, start + least_step])
    ticks = np.asarray(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high), dtype=np.float64)
    if ticks[1] - ticks[0] < least_step:
        ticks = np.arange(np.floor(low / least_step), np.ceil(high / least_step) + 1) * least_step
    first, last = int(np.searchsorted(ticks, low, side="right")) - 1, int(np.searchsorted(ticks, high, side="left"))
    return ticks[max(0, first) : last + 1]


def _choose_panels(fleet: FleetFindings, words: Words) -> list[Panel]:
    """Latency and usable satellites; without any latency, satellites in view instead of it."""
    latency, usable, in_view = fleet.cell_latency_p50_ms, fleet.cell_usable_mean, fleet.cell_in_view_mean
    if np.isfinite(latency).any():
        first = _make_panel(words("map.latency_title"), latency, "viridis", words, bright_low=True)
        return [first, _make_panel(words("map.usable_title"), usable, "cividis", words, bright_low=False)]
    return [_make_panel(words("map.in_view_title"), in_view, "cividis", words, bright_low=False)]


def _make_panel(title: str, values: Floats, palette: str, words: Words, *, bright_low: bool) -> Panel:
    return Panel(title, values, palette, bright_low, class_breaks(values, least_step=1.0), words("map.never"))


def _choose_view(projection: Projection, extent: Floats, panels: int) -> tuple[View, bool]:
    """Side by side or one above the other, whichever shows the territory larger."""
    x_km, y_km = extent[:, 0], extent[:, 1]
    wide = fit_view(projection, x_km, y_km, width=WIDTH, heights=(220.0, 340.0 if panels > 1 else 420.0), least_km=_LEAST_VIEW_KM)
    if panels == 1:
        return wide, True
    narrow = fit_view(projection, x_km, y_km, width=(WIDTH - _GAP) / 2, heights=(240.0, 440.0), least_km=_LEAST_VIEW_KM)
    return (wide, True) if wide.units_per_km > 1.25 * narrow.units_per_km else (narrow, False)


def _enlargement(cells: int, view: View) -> float:
    """How many times too wide cells are drawn: small ones of scattered islands only, as others would hide one another."""
    map_km2 = (view.east_km - view.west_km) * (view.north_km - view.south_km)
    is_scattered = cells <= _MOST_ENLARGED and cells * _CELL_AREA_KM2 < _MOST_SCATTERED * map_km2
    return max(1.0, _LEAST_CELL_WIDTH / (_CELL_WIDTH_KM * view.units_per_km)) if is_scattered else 1.0


def _project_corners(cells: npt.NDArray[np.uint64], projection: Projection) -> list[Floats]:
    """Corners of cells in the plane, arrays (k, 2)."""
    rings = cell_boundaries(cells)
    if not rings:
        return []
    every = np.concatenate(rings)
    plane = np.column_stack(projection.to_plane_km(every[:, 1], every[:, 0]))
    return np.split(plane, np.cumsum([len(ring) for ring in rings])[:-1])


def _polygons(rings: Sequence[Floats], factor: float) -> list[shapely.Polygon]:
    """Make polygons of rings, each enlarged about its middle."""
    return [shapely.Polygon(ring.mean(axis=0) + factor * (ring - ring.mean(axis=0))) for ring in rings]


def _nearest_parts(base: Base, lat_deg: Floats, lon_deg: Floats) -> list[list[shapely.Polygon]]:
    """Cut the territory into the parts nearest to each simulated cell."""
    view = base.view
    points = shapely.points(*view.projection.to_plane_km(lat_deg, lon_deg))
    if len(points) == 1:
        return [base.territory]
    regions = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(points), extend_to=view.area))
    ours, theirs = shapely.STRtree(regions).query(points, predicate="intersects")
    region_of = dict(zip(ours.tolist(), theirs.tolist(), strict=True))
    pieces = shapely.intersection(regions, shapely.union_all(base.territory))
    return [polygons_of(pieces[region_of[index]]) for index in range(len(points))]


def _draw_panel(axes: Axes, panel: Panel, shapes: Sequence[Sequence[shapely.Polygon]], *, edge: str | None) -> None:
    """Fill the cells class by class; those without a value are grey, and dotted where the panel says so."""
    breaks, known = panel.breaks, np.isfinite(panel.values)
    classes = np.clip(np.searchsorted(breaks, panel.values, side="right") - 1, 0, len(breaks) - 2)
    classes[known & (panel.values <= 0.0) & panel.marks_nought] = -1
    colours = [_NOUGHT, *_colours(panel, len(breaks) - 1)]
    drawn = known if panel.is_dotted else np.ones(len(known), dtype=np.bool_)
    if len(shapes) > MAX_VECTOR_CELLS:
        faces = [
            (colours[number + 1] if is_known else panel.empty_colour)
            for number, is_known in zip(classes.tolist(), known.tolist(), strict=True)
        ]
        _paint_cells(axes, [(polygon, faces[index]) for index in np.flatnonzero(drawn).tolist() for polygon in shapes[index]])
    else:
        _fill_class(axes, _of_class(shapes, drawn & ~known), panel.empty_colour, edge or panel.empty_colour)
        for number, colour in enumerate(colours, start=-1):
            _fill_class(axes, _of_class(shapes, known & (classes == number)), colour, edge or colour)
    empty = _of_class(shapes, ~known & panel.is_dotted)
    if empty:
        axes.add_patch(PathPatch(path_of(empty), facecolor=panel.empty_colour, edgecolor=GREY, hatch="....", linewidth=0.4, zorder=3))


def _of_class(shapes: Sequence[Sequence[shapely.Polygon]], chosen: npt.NDArray[np.bool_]) -> list[shapely.Polygon]:
    return [polygon for index in np.flatnonzero(chosen).tolist() for polygon in shapes[index]]


def _fill_class(axes: Axes, polygons: Sequence[shapely.Polygon], colour: str, edge: str) -> None:
    """One path for all cells of one class."""
    if polygons:
        axes.add_patch(PathPatch(path_of(polygons), facecolor=colour, edgecolor=edge, linewidth=0.4, zorder=3))


def _paint_cells(axes: Axes, cells: Sequence[tuple[shapely.Polygon, str]]) -> None:
    """One image of all cells."""
    rings, colours = [shapely.get_coordinates(polygon.exterior) for polygon, _ in cells], [colour for _, colour in cells]
    # Without smoothed edges an image has few colours, and cells leave no seams.
    axes.add_collection(
        PolyCollection(rings, facecolors=colours, edgecolors="none", linewidths=0.0, antialiaseds=False, zorder=3, rasterized=True)
    )


def _hatch(axes: Axes, polygons: Sequence[shapely.Polygon]) -> None:
    """Pale and hatch the area of cells that the operator denies."""
    if polygons:
        # Cells on the far side of a projection may turn over: what is left of them is still drawn.
        area = polygons_of(shapely.union_all(shapely.make_valid(np.array(polygons)), grid_size=0.01))
        axes.add_patch(PathPatch(path_of(area), facecolor="#ffffff90", edgecolor="none", zorder=4.5))
        axes.add_patch(PathPatch(path_of(area), facecolor="none", edgecolor=INK, hatch="/////", linewidth=0.7, zorder=5))


def _dot(axes: Axes, projection: Projection, lat_deg: Floats, lon_deg: Floats) -> None:
    x_km, y_km = projection.to_plane_km(lat_deg, lon_deg)
    axes.plot(x_km, y_km, ".", color="white", markersize=2.0, markeredgewidth=0, zorder=4.5)


def _draw_key(figure: Figure, panel: Panel, corner: tuple[float, float], words: Words, *, denied: bool) -> None:
    """Title of a panel and the key to its classes."""
    left, top = corner
    axes = add_axes(figure, left, top, WIDTH / 2, _HEADER)
    axes.set_xlim(0, WIDTH / 2)
    axes.set_ylim(_HEADER, 0)
    axes.axis("off")
    axes.text(0, 11, panel.title, weight="bold")
    if panel.kinds:
        _name_kinds(axes, panel.kinds)
        return
    colours, x = _colours(panel, len(panel.breaks) - 1), 0.0
    width = min(40.0, 200.0 / max(len(colours), 1))
    if panel.marks_nought and bool((panel.values <= 0.0).any()):
        axes.add_patch(Rectangle((0, 18), 16, 10, facecolor=_NOUGHT, edgecolor="white", linewidth=0.6))
        axes.text(8, 40, words.number(0.0), ha="center", fontsize=9.5, color=GREY)
        x, width = 26.0, min(width, 34.0)
    for index, colour in enumerate(colours):
        axes.add_patch(Rectangle((x + index * width, 18), width, 10, facecolor=colour, edgecolor="white", linewidth=0.6))
    digits = _digits(panel.breaks)
    for index, value in enumerate(panel.breaks if colours else ()):
        name, ha = words.number(float(value), digits), "left" if index == 0 else "center"
        axes.text(x + index * width, 40, name, ha=ha, fontsize=9.5, color=GREY)
    x += len(colours) * width + (22.0 if colours else 0.0)
    if not np.isfinite(panel.values).all():
        dots = "...." if panel.is_dotted else None
        axes.add_patch(Rectangle((x, 18), 16, 10, facecolor=panel.empty_colour, edgecolor=GREY, hatch=dots, linewidth=0.4))
        axes.text(x + 21, 27, panel.empty, fontsize=9.5, color=GREY)
        x += 30 + 6.2 * len(panel.empty)
    if denied:
        axes.add_patch(Rectangle((x, 18), 16, 10, facecolor="none", edgecolor=INK, hatch="/////", linewidth=0.5))
        axes.text(x + 21, 27, words("map.denied"), fontsize=9.5, color=GREY)


def _name_kinds(axes: Axes, kinds: Sequence[tuple[str, str]]) -> None:
    """Swatches with their names, in as many rows as they need."""
    x, y = 0.0, 18.0
    for name, colour in kinds:
        width = 38.0 + _LETTER * len(name)
        if x > 0.0 and x + width > WIDTH:
            x, y = 0.0, y + 16.0
        axes.add_patch(Rectangle((x, y), 16, 10, facecolor=colour, edgecolor=GREY, linewidth=0.4, clip_on=False))
        axes.text(x + 21, y + 9, name, fontsize=9.5, color=GREY)
        x += width


def _digits(breaks: Floats) -> int:
    return next((digits for digits in (0, 1, 2) if np.allclose(breaks, np.round(breaks, digits))), 3)


def _colours(panel: Panel, count: int) -> list[str]:
    """Colours from dark to bright, or from bright to dark; a single class takes the middle."""
    if count < 1:
        return []
    if panel.kinds:
        return [colour for _, colour in panel.kinds]
    stops = np.linspace(0.12, 0.93, count) if count > 1 else np.array([0.55])
    colours = [mpl.colors.to_hex(mpl.colormaps[panel.palette](stop)) for stop in stops]
    return colours[::-1] if panel.bright_low else colours
