"""Maps of a policy: verdicts over the world or around a territory, and an audit's findings upon them."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from overflight.clock import format_time
from overflight.earth._borders import read_all_borders
from overflight.earth.polygons import outlines
from overflight.earth.territory import Territory
from overflight.service.audit import KINDS, Audited
from overflight.service.compiled import CompiledPolicy, compile_policy
from overflight.service.policy import Policy
from overflight.service.verdicts import Reports, Terminal, prepare_policy

Floats = npt.NDArray[np.float64]

_COLOURS = {"allow": "#8cc5a8", "limit": "#f2cf70", "deny": "#d98b7c", "default": "#e9eef1"}
_INK, _BORDER, _GRID = "#2b3238", "#5f6a72", "#cfd7dc"
_KIND_MARKS = {"not-allowed": "o", "not-listed": "s", "too-long-abroad": "^", "too-fast": "D", "impossible-travel": "X"}
_KIND_COLOURS = {
    "not-allowed": "#7a1f2b",
    "not-listed": "#5b3a8e",
    "too-long-abroad": "#1f4e79",
    "too-fast": "#b35900",
    "impossible-travel": "#111111",
}
_HATCHES: Any = {"hatch.linewidth": 0.35, "hatch.color": "#55606a"}
_BORDERS = "Natural Earth borders; no position on any claim is implied."
_A = (1.340264, -0.081106, 0.000893, 0.003796)
_THIRD = np.sqrt(3.0) / 2.0
_WIDTH_IN, _PIXELS = 12.0, 1800
_EDGE_DEG = 0.5


class _World:
    """Equal Earth (Šavrič, Patterson, Jenny 2018), unit sphere."""

    extent = (-2.7066, 2.7066, -1.3173, 1.3173)

    @staticmethod
    def forward(lat_deg: Floats, lon_deg: Floats) -> tuple[Floats, Floats]:
        """Degrees to the plane."""
        theta = np.arcsin(_THIRD * np.sin(np.radians(lat_deg)))
        square = theta * theta
        six = square**3
        x = np.radians(lon_deg) * np.cos(theta) / (_THIRD * (_A[0] + 3 * _A[1] * square + six * (7 * _A[2] + 9 * _A[3] * square)))
        return np.asarray(x), np.asarray(theta * (_A[0] + _A[1] * square + six * (_A[2] + _A[3] * square)))

    @staticmethod
    def inverse(x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """The plane to degrees; NaN outside the Earth."""
        theta = y / _A[0]
        for _ in range(8):
            square = theta * theta
            six = square**3
            value = theta * (_A[0] + _A[1] * square + six * (_A[2] + _A[3] * square)) - y
            theta = theta - value / (_A[0] + 3 * _A[1] * square + six * (7 * _A[2] + 9 * _A[3] * square))
        square = theta * theta
        six = square**3
        lon = _THIRD * x * (_A[0] + 3 * _A[1] * square + six * (7 * _A[2] + 9 * _A[3] * square)) / np.cos(theta)
        sine = np.sin(theta) / _THIRD
        outside = (np.abs(sine) > 1.0) | (np.abs(lon) > np.pi)
        lat = np.degrees(np.arcsin(np.clip(sine, -1.0, 1.0)))
        return np.where(outside, np.nan, lat), np.where(outside, np.nan, np.degrees(lon))


class _Local:
    """Lambert's azimuthal equal-area projection about a place, unit sphere."""

    def __init__(self, place: Territory) -> None:
        self._lat, self._lon = np.radians(place.centre_lat_deg), np.radians(place.centre_lon_deg)
        corners = np.vstack(outlines(place.geometry))
        x, y = self.forward(corners[:, 1], corners[:, 0])
        west, east, south, north = x.min(), x.max(), y.min(), y.max()
        half = 0.62 * max(east - west, north - south, 0.012)
        cx, cy = 0.5 * (west + east), 0.5 * (south + north)
        self.extent = (cx - 1.35 * half, cx + 1.35 * half, cy - half, cy + half)

    def forward(self, lat_deg: Floats, lon_deg: Floats) -> tuple[Floats, Floats]:
        """Degrees to the plane; NaN far behind the horizon."""
        lat, lon = np.radians(lat_deg), np.radians(lon_deg) - self._lon
        along = np.sin(self._lat) * np.sin(lat) + np.cos(self._lat) * np.cos(lat) * np.cos(lon)
        with np.errstate(invalid="ignore", divide="ignore"):
            k = np.where(along > -0.6, np.sqrt(2.0 / (1.0 + along)), np.nan)
        return k * np.cos(lat) * np.sin(lon), k * (np.cos(self._lat) * np.sin(lat) - np.sin(self._lat) * np.cos(lat) * np.cos(lon))

    def inverse(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """The plane to degrees."""
        rho = np.hypot(x, y)
        c = 2.0 * np.arcsin(np.clip(rho / 2.0, 0.0, 1.0))
        with np.errstate(invalid="ignore", divide="ignore"):
            lat = np.arcsin(np.cos(c) * np.sin(self._lat) + np.where(rho > 0, y * np.sin(c) * np.cos(self._lat) / rho, 0.0))
        lon = self._lon + np.arctan2(x * np.sin(c), rho * np.cos(self._lat) * np.cos(c) - y * np.sin(self._lat) * np.sin(c))
        return np.degrees(lat), np.mod(np.degrees(lon) + 180.0, 360.0) - 180.0


def draw_policy_map(
    policy: Policy, path: Path, *, place: Territory | None = None, terminal_class: str = "consumer", time: np.datetime64
) -> None:
    """Draw where a terminal of a class, at rest and on no list, is served under a policy, into an SVG or PNG file."""
    figure, axes, projection = _new_map(place)
    compiled = compile_policy(prepare_policy(policy))
    legend = _paint(axes, projection, compiled, terminal_class, time)
    where = place.name if place is not None else "the world"
    if place is not None:
        _trace_place(axes, projection, place)
    title = f"{policy.name}: who is served over {where}"
    note = f"A {terminal_class} terminal at rest and on no list, {format_time(time)}. Default: {policy.default.verdict}. {_BORDERS}"
    _finish(figure, axes, projection, title, legend, path, note)


def draw_findings(policy: Policy, audited: Audited, path: Path) -> None:
    """Draw an audit's findings upon the policy's verdicts, into an SVG or PNG file."""
    figure, axes, projection = _new_map(None)
    time = max((one.last for one in audited.suspicions), default=np.datetime64("2026-01-01", "us"))
    legend = _paint(axes, projection, compile_policy(prepare_policy(policy)), "consumer", time, faint=True)
    for kind in KINDS:
        own = [one for one in audited.suspicions if one.kind == kind]
        if own:
            x, y = projection.forward(np.array([one.lat_deg for one in own]), np.array([one.lon_deg for one in own]))
            legend.append(
                axes.scatter(
                    x,
                    y,
                    s=26,
                    marker=_KIND_MARKS[kind],
                    color=_KIND_COLOURS[kind],
                    edgecolors="white",
                    linewidths=0.5,
                    zorder=5,
                    label=f"{kind} ({len(own)})",
                )
            )
    found = len({one.terminal.identifier for one in audited.suspicions})
    title = f"{found:,} of {audited.terminals:,} terminals found under {policy.name}"
    note = f"{audited.judged:,} reports judged. Marks stand where a finding began. {_BORDERS}"
    _finish(figure, axes, projection, title, legend, path, note)


def _new_map(place: Territory | None) -> tuple[Any, Any, Any]:
    from matplotlib.figure import Figure

    projection = _World() if place is None else _Local(place)
    west, east, south, north = projection.extent
    height = _WIDTH_IN * (north - south) / (east - west)
    figure = Figure(figsize=(_WIDTH_IN, height + 1.35))
    axes = figure.add_axes((0.01, 0.8 / (height + 1.35), 0.98, height / (height + 1.35)))
    axes.set_xlim(west, east)
    axes.set_ylim(south, north)
    axes.set_aspect("equal")
    axes.axis("off")
    return figure, axes, projection


def _paint(
    axes: Any, projection: Any, compiled: CompiledPolicy, terminal_class: str, time: np.datetime64, *, faint: bool = False
) -> list[Any]:
    """Paint verdicts; returns the patches of the legend."""
    import matplotlib as mpl
    from matplotlib.colors import to_rgba
    from matplotlib.patches import Patch

    west, east, south, north = projection.extent
    rows = round(_PIXELS * (north - south) / (east - west))
    across, up = (np.arange(_PIXELS) + 0.5) / _PIXELS, (np.arange(rows) + 0.5) / rows
    x, y = np.meshgrid(west + across * (east - west), south + up * (north - south))
    lat, lon = projection.inverse(x, y)
    on_earth = np.isfinite(lat)
    numbers = _decide(compiled, lat[on_earth], lon[on_earth], terminal_class, time)
    last = len(compiled.ready.rules)
    keys = np.array([compiled.ready.outcome(number).verdict if number < last else "default" for number in range(last + 1)])
    open_rules = np.array([any(not entry.is_free for entry in program) for program in compiled.programs])
    depends = open_rules[compiled.program_of(lat[on_earth], lon[on_earth])]
    image = np.zeros((rows, _PIXELS, 4))
    colours = {key: np.array(to_rgba(colour, 0.45 if faint and key != "default" else 1.0)) for key, colour in _COLOURS.items()}
    image[on_earth] = np.array([colours[key] for key in keys.tolist()])[numbers]
    axes.imshow(image, extent=projection.extent, origin="lower", interpolation="nearest", zorder=1)
    found = {keys[number] for number in np.unique(numbers).tolist()}
    words = {"allow": "allow", "limit": "limit", "deny": "deny", "default": f"no rule: default {compiled.ready.policy.default.verdict}"}
    legend = [Patch(facecolor=_COLOURS[key], edgecolor=_BORDER, linewidth=0.5, label=words[key]) for key in words if key in found]
    if depends.any() and not faint and not depends.all():
        mask = np.zeros((rows, _PIXELS))
        mask[on_earth] = depends
        with mpl.rc_context(_HATCHES):
            shape = {"extent": projection.extent, "origin": "lower", "zorder": 2}
            axes.contourf(mask, levels=[0.5, 1.5], colors="none", hatches=["///"], **shape)
        legend.append(Patch(facecolor="white", edgecolor=_BORDER, hatch="///", label="depends on more than place"))
    _trace(axes, projection)
    return legend


def _decide(compiled: CompiledPolicy, lat: Floats, lon: Floats, terminal_class: str, time: np.datetime64) -> npt.NDArray[np.int32]:
    count = len(lat)
    still, nan = np.zeros(count), np.full(count, np.nan)
    who = (Terminal("", terminal_class, "", "", compiled.ready.policy.operator),)
    return compiled.decide(
        Reports(lat, lon, np.full(count, time.astype("datetime64[us]")), still, nan, still, np.zeros(count, dtype=np.int32), who)
    )


def _trace(axes: Any, projection: Any) -> None:
    """Borders, parallels and meridians."""
    from matplotlib.collections import LineCollection

    west, east, south, north = projection.extent
    least = (east - west) / 900.0
    lines = []
    for geometry in read_all_borders().values():
        for line in outlines(geometry):
            x, y = projection.forward(line[:, 1], line[:, 0])
            if (
                np.ptp(x) + np.ptp(y) < least
                or not np.isfinite(x).all()
                or x.max() < west
                or x.min() > east
                or y.max() < south
                or y.min() > north
            ):
                continue
            lines.append(_thin(np.column_stack([x, y]), least * 0.15))
    axes.add_collection(LineCollection(lines, colors=_BORDER, linewidths=0.45, zorder=3))
    if isinstance(projection, _World):
        along, around = np.linspace(-90.0, 90.0, 181), np.linspace(-180.0, 180.0, 361)
        meridians = [projection.forward(along, np.full(181, float(lon))) for lon in range(-180, 181, 30)]
        parallels = [projection.forward(np.full(361, float(lat)), around) for lat in range(-60, 61, 30)]
        grid = [np.column_stack(line) for line in (*meridians, *parallels)]
        axes.add_collection(LineCollection(grid, colors=_GRID, linewidths=0.4, zorder=1.5))


def _trace_place(axes: Any, projection: Any, place: Territory) -> None:
    """The territory that the map is of, by a stronger line."""
    from matplotlib.collections import LineCollection

    lines = [np.column_stack(projection.forward(line[:, 1], line[:, 0])) for line in outlines(place.geometry)]
    axes.add_collection(LineCollection(lines, colors=_INK, linewidths=1.5, zorder=4))


def _thin(line: Floats, least: float) -> Floats:
    """A line without the corners that cannot be seen."""
    import shapely

    return np.asarray(shapely.get_coordinates(shapely.simplify(shapely.LineString(line), least, preserve_topology=False)))


def _finish(figure: Any, axes: Any, projection: Any, title: str, legend: list[Any], path: Path, note: str) -> None:
    import matplotlib as mpl

    height = figure.get_figheight()
    figure.text(0.015, 1.0 - 0.36 / height, title, fontsize=15, weight="bold", color=_INK)
    figure.text(0.015, 0.14 / height, note, fontsize=8.5, color=_BORDER)
    place = {"loc": "lower left", "bbox_to_anchor": (0.008, 0.27 / height), "ncols": max(len(legend), 1)}
    figure.legend(handles=legend, frameon=False, fontsize=10, labelcolor=_INK, **place)
    if not isinstance(projection, _World):
        axes.patch.set_visible(False)
    with mpl.rc_context(_HATCHES | {"svg.hashsalt": "overflight", "svg.fonttype": "none"}):
        figure.savefig(path, dpi=150, facecolor="white", metadata={"Date": None} if path.suffix.lower() == ".svg" else {})
