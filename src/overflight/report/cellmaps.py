"""The map of a territory's cells: median round trip and satellites that may serve, side by side or one above the other."""

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

_CELL_WIDTH_KM = 17.0
_MOST_HATCHED = 30_000
"""So many denied cells are hatched at most: on a map of half the Earth they would be one grey."""

_LEAST_CELL_WIDTH = 9.0
"""Cells that would be narrower than this on paper are drawn enlarged."""

_WIDTH_WITH_EDGES = 6.5
"""From this width on paper on, white lines part the cells."""

_EMPTY = "#f1f2f3"
_LEAST_VIEW_KM = 110.0
_HEADER = 50.0
_GAP = 16.0


@dataclass(frozen=True, slots=True)
class Panel:
    """One variable on the map."""

    title: str
    values: Floats
    palette: str
    bright_low: bool
    """Whether low values are the bright (good) ones."""


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


def draw_cells(findings: TerritoryFindings, fleet: FleetFindings, words: Words, *, key: str, label: str) -> CellMap:
    """Draw the territory's cells.

    Cells are hexagons; where only some were simulated, each colours the part of the territory that is nearest to it.
    """
    lat_deg, lon_deg = cell_centres(findings.cell_ids)
    sampled = is_sampled(findings)
    seen = shapely.get_coordinates(findings.outline) if sampled and findings.outline is not None else np.empty((0, 2))
    projection = centre_on(np.append(lat_deg, seen[:, 1]), np.append(lon_deg, seen[:, 0]))
    corners = _project_corners(findings.cell_ids, projection)
    extent = np.concatenate([*corners, np.column_stack(projection.to_plane_km(seen[:, 1], seen[:, 0]))])
    panels = _choose_panels(fleet, words)
    view, stacked = _choose_view(projection, extent, len(panels))
    enlarged = max(1.0, _LEAST_CELL_WIDTH / (_CELL_WIDTH_KM * view.units_per_km)) if not sampled else 1.0
    some_denied = 0 < len(findings.policy.denied_cell_ids) < min(findings.cells_total, _MOST_HATCHED)
    denied = _polygons(_project_corners(findings.policy.denied_cell_ids, projection), enlarged) if some_denied else []
    with figures.house_style():
        base = prepare_base(view, outline=findings.outline, code=findings.code)
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
    usable = Panel(words("map.usable_title"), fleet.cell_usable_mean, "cividis", bright_low=False)
    if np.isfinite(fleet.cell_latency_p50_ms).any():
        return [Panel(words("map.latency_title"), fleet.cell_latency_p50_ms, "viridis", bright_low=True), usable]
    return [Panel(words("map.in_view_title"), fleet.cell_in_view_mean, "cividis", bright_low=False)]


def _choose_view(projection: Projection, extent: Floats, panels: int) -> tuple[View, bool]:
    """Side by side or one above the other, whichever shows the territory larger."""
    x_km, y_km = extent[:, 0], extent[:, 1]
    wide = fit_view(projection, x_km, y_km, width=WIDTH, heights=(220.0, 340.0 if panels > 1 else 420.0), least_km=_LEAST_VIEW_KM)
    if panels == 1:
        return wide, True
    narrow = fit_view(projection, x_km, y_km, width=(WIDTH - _GAP) / 2, heights=(240.0, 440.0), least_km=_LEAST_VIEW_KM)
    return (wide, True) if wide.units_per_km > 1.25 * narrow.units_per_km else (narrow, False)


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
    """Fill the cells class by class; those without a value are grey and dotted."""
    breaks = _breaks(panel)
    known = np.isfinite(panel.values)
    classes = np.clip(np.searchsorted(breaks, panel.values, side="right") - 1, 0, len(breaks) - 2)
    for number, colour in enumerate(_colours(panel, len(breaks) - 1)):
        polygons = [polygon for index in np.flatnonzero(known & (classes == number)).tolist() for polygon in shapes[index]]
        _fill_class(axes, polygons, colour, edge or colour, rasterized=len(shapes) > MAX_VECTOR_CELLS)
    empty = [polygon for index in np.flatnonzero(~known).tolist() for polygon in shapes[index]]
    if empty:
        axes.add_patch(PathPatch(path_of(empty), facecolor=_EMPTY, edgecolor=GREY, hatch="....", linewidth=0.4, zorder=3))


def _fill_class(axes: Axes, polygons: Sequence[shapely.Polygon], colour: str, edge: str, *, rasterized: bool) -> None:
    """One path for all cells of one class; as an image where there are many."""
    if rasterized:
        rings = [shapely.get_coordinates(polygon.exterior) for polygon in polygons]
        axes.add_collection(PolyCollection(rings, facecolors=colour, edgecolors=colour, linewidths=0.3, zorder=3, rasterized=True))
    elif polygons:
        axes.add_patch(PathPatch(path_of(polygons), facecolor=colour, edgecolor=edge, linewidth=0.4, zorder=3))


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
    breaks = _breaks(panel)
    colours = _colours(panel, len(breaks) - 1)
    width = min(40.0, 200.0 / len(colours))
    step = float(breaks[1] - breaks[0])
    digits = 0 if step >= 1.0 and np.allclose(breaks, np.rint(breaks)) else 1
    for index, colour in enumerate(colours):
        axes.add_patch(Rectangle((index * width, 18), width, 10, facecolor=colour, edgecolor="white", linewidth=0.6))
    for index, value in enumerate(breaks):
        axes.text(index * width, 40, words.number(float(value), digits), ha="left" if index == 0 else "center", fontsize=9.5, color=GREY)
    x = len(colours) * width + 22
    if not np.isfinite(panel.values).all():
        axes.add_patch(Rectangle((x, 18), 16, 10, facecolor=_EMPTY, edgecolor=GREY, hatch="....", linewidth=0.4))
        axes.text(x + 21, 27, words("map.never"), fontsize=9.5, color=GREY)
        x += 30 + 6.2 * len(words("map.never"))
    if denied:
        axes.add_patch(Rectangle((x, 18), 16, 10, facecolor="none", edgecolor=INK, hatch="/////", linewidth=0.5))
        axes.text(x + 21, 27, words("map.denied"), fontsize=9.5, color=GREY)


def _breaks(panel: Panel) -> Floats:
    return class_breaks(panel.values, least_step=1.0)


def _colours(panel: Panel, count: int) -> list[str]:
    """Colours from dark to bright, or from bright to dark; a single class takes the middle."""
    stops = np.linspace(0.12, 0.93, count) if count > 1 else np.array([0.55])
    colours = [mpl.colors.to_hex(mpl.colormaps[panel.palette](stop)) for stop in stops]
    return colours[::-1] if panel.bright_low else colours
