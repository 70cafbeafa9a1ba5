"""What every map in a report stands on: a view of the plane, land and borders, graticule, scale bar, labels that keep apart."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import numpy.typing as npt
import shapely
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from overflight.earth.geodesy import MEAN_RADIUS_KM
from overflight.report.figures import COAST, INK, LAND, SEA
from overflight.report.projection import Projection
from overflight.report.words import Words

Floats = npt.NDArray[np.float64]
Box = tuple[float, float, float, float]
"""West, south, east, north of something in SVG units."""

Place = tuple[str, str, float, float]
"""Where a text stands beside a point: horizontal and vertical alignment, offset to the right and up in SVG units."""

_FARTHER = (16.0, 34.0, 60.0)
"""How much farther off a text may stand, tied to its mark by a line, when there is no room beside it."""

_SEAMS = shapely.MultiLineString([[(-180.0, -90.0), (-180.0, 90.0)], [(180.0, -90.0), (180.0, 90.0)], [(-180.0, -90.0), (180.0, -90.0)]])
"""Where the plane of longitudes is cut: edges of polygons there are no borders."""

HORIZON_DEG = 115.0
"""Land farther than this from the centre is too distorted to be drawn: maps of half the globe end in a circle."""

_CRUMB = 0.5
"""Land smaller than this, in square SVG units, is left out, the territory's own excepted."""

_LONGEST_EDGE_DEG = 1.0
"""Longer edges are divided before projection, so that parallels bend as they should."""


@dataclass(frozen=True, slots=True)
class View:
    """A rectangle of the projected plane, kilometres, and its size on paper, SVG units."""

    projection: Projection
    west_km: float
    south_km: float
    east_km: float
    north_km: float
    width: float
    height: float

    @property
    def units_per_km(self) -> float:
        """Scale at the centre."""
        return self.width / (self.east_km - self.west_km)

    @property
    def area(self) -> shapely.Polygon:
        """The rectangle, a little larger, as far as the horizon of `HORIZON_DEG` about the projection's centre."""
        margin = 3.0 / self.units_per_km
        box = shapely.box(self.west_km - margin, self.south_km - margin, self.east_km + margin, self.north_km + margin)
        horizon = shapely.Point(0.0, 0.0).buffer(2.0 * MEAN_RADIUS_KM * np.sin(np.radians(0.5 * HORIZON_DEG)), quad_segs=64)
        return shapely.intersection(box, horizon)

    def place(self, x_km: float, y_km: float) -> tuple[float, float]:
        """SVG units from the lower left corner."""
        return (x_km - self.west_km) * self.units_per_km, (y_km - self.south_km) * self.units_per_km

    def __contains__(self, point_km: tuple[float, float]) -> bool:
        return self.west_km <= point_km[0] <= self.east_km and self.south_km <= point_km[1] <= self.north_km


def fit_view(
    projection: Projection, x_km: Floats, y_km: Floats, *, width: float, heights: tuple[float, float], least_km: float, margin: float = 0.08
) -> View:
    """Fit a view of a given width around points.

    Parameters
    ----------
    x_km, y_km
        What must be seen.
    width, heights
        Width on paper, and the least and greatest height.
    least_km
        The view is at least this wide and high.
    margin
        Added on every side, as a share of the extent.
    """
    middle = 0.5 * (x_km.min() + x_km.max()), 0.5 * (y_km.min() + y_km.max())
    spans = [max(float(np.ptp(values)) * (1.0 + 2.0 * margin), least_km) for values in (x_km, y_km)]
    height = min(max(width * spans[1] / spans[0], heights[0]), heights[1])
    span_x = max(spans[0], spans[1] * width / height)
    span_y = span_x * height / width
    return View(projection, middle[0] - span_x / 2, middle[1] - span_y / 2, middle[0] + span_x / 2, middle[1] + span_y / 2, width, height)


@dataclass(frozen=True, slots=True)
class Base:
    """What lies under a map, brought into its view: worked out once, drawn in as many panels as there are."""

    view: View
    land: tuple[tuple[str, list[shapely.Polygon]], ...]
    """Neighbouring territories by code."""
    borders: list[shapely.LineString]
    graticule: list[shapely.LineString]
    territory: list[shapely.Polygon]
    outline: list[shapely.LineString]


def prepare_base(view: View, *, outline: shapely.Geometry | None, code: str) -> Base:
    """Bring land and the territory's own outline into a view."""
    crumb_km2 = _CRUMB / view.units_per_km**2
    near = [(neighbour, bring_in(_without_crumbs(geometry, crumb_km2), view)) for neighbour, geometry in _land() if neighbour != code]
    land = tuple((neighbour, polygons) for neighbour, polygons in near if polygons)
    shown = {neighbour for neighbour, _ in land}
    return Base(
        view,
        land,
        [line for neighbour, geometry in _land() if neighbour in shown for line in _borders_in(_without_crumbs(geometry, crumb_km2), view)],
        _graticule(view),
        bring_in(outline, view) if outline is not None else [],
        _borders_in(outline, view) if outline is not None else [],
    )


def draw_base(axes: Axes, base: Base, *, territory_colour: str = "white") -> None:
    """Draw sea, land with its borders, the graticule, and the territory."""
    view = base.view
    axes.set_xlim(view.west_km, view.east_km)
    axes.set_ylim(view.south_km, view.north_km)
    axes.set_xticks([])
    axes.set_yticks([])
    _fill(axes, polygons_of(view.area), SEA, 0.5)
    for spine in axes.spines.values():
        spine.set_visible(True)
    _fill(axes, [polygon for _, polygons in base.land for polygon in polygons], LAND, 1.0)
    _trace(axes, base.graticule, "#dfe3e6", 0.5, 1.1)
    _trace(axes, base.borders, COAST, 0.5, 1.2)
    _fill(axes, base.territory, territory_colour, 2.0)
    draw_outline(axes, base)


def draw_outline(axes: Axes, base: Base) -> None:
    """Draw the territory's borders, above what fills it."""
    _trace(axes, base.outline, INK, 0.9, 4.0)


def bring_in(geometry: shapely.Geometry, view: View) -> list[shapely.Polygon]:
    """Polygons of a geometry in degrees, projected, cut to the view and simplified to what can be seen."""
    parts = shapely.get_parts(geometry)
    projected = view.projection.project(shapely.segmentize(parts, _LONGEST_EDGE_DEG))
    kept: list[shapely.Polygon] = []
    for index in np.flatnonzero(_may_be_seen(projected, view)).tolist():
        if _is_inside_out(parts[index], projected[index], view.projection):
            continue
        coarse = shapely.simplify(projected[index], 0.35 / view.units_per_km)
        kept += polygons_of(shapely.intersection(coarse if coarse.is_valid else shapely.make_valid(coarse), view.area))
    return kept


def polygons_of(geometry: shapely.Geometry) -> list[shapely.Polygon]:
    """Polygons in a geometry of any kind, however nested; what has no area is dropped."""
    if geometry.geom_type == "Polygon":
        return [] if geometry.is_empty else [geometry]
    return [polygon for part in getattr(geometry, "geoms", ()) for polygon in polygons_of(part)]


def path_of(polygons: Iterable[shapely.Polygon]) -> Path:
    """Return one path of many polygons."""
    vertices, codes = [], []
    for polygon in polygons:
        for ring in (polygon.exterior, *polygon.interiors):
            corners = shapely.get_coordinates(ring)
            vertices.append(corners)
            codes.append(np.array([Path.MOVETO, *[Path.LINETO] * (len(corners) - 2), Path.CLOSEPOLY], dtype=Path.code_type))
    if not vertices:
        return Path(np.empty((0, 2)))
    return Path(np.concatenate(vertices), np.concatenate(codes))


def draw_scale_bar(axes: Axes, view: View, words: Words) -> Box:
    """Draw a scale bar in the lower left corner and return the place it takes."""
    target = 0.2 * (view.east_km - view.west_km)
    length = max(step for power in range(5) for step in (10**power, 2 * 10**power, 5 * 10**power) if step <= max(target, 1))
    x, y = 12.0, 14.0
    left, bottom = view.west_km + x / view.units_per_km, view.south_km + y / view.units_per_km
    tick = 4.0 / view.units_per_km
    axes.plot(
        [left, left, left + length, left + length], [bottom + tick, bottom, bottom, bottom + tick], color=INK, linewidth=1.1, zorder=8
    )
    axes.annotate(
        f"{words.number(length)} km",
        (left, bottom),
        xytext=(0, 6),
        textcoords="offset points",
        fontsize=9.5,
        color=INK,
        zorder=8,
        gid="class-halo.scale",
    )
    return (x - 6, y - 8, x + max(length * view.units_per_km, 50.0) + 6, y + 20)


@dataclass(slots=True)
class Labels:
    """Places texts beside points so that none covers another text or a mark."""

    view: View
    taken: list[Box] = field(default_factory=list)

    def reserve(self, x_km: float, y_km: float, radius: float) -> None:
        """Keep labels off a round mark."""
        x, y = self.view.place(x_km, y_km)
        self.taken.append((x - radius, y - radius, x + radius, y + radius))

    def put(self, axes: Axes, text: str, point_km: tuple[float, float], *, radius: float, size: float = 10.5, bold: bool = False) -> bool:
        """Write a text beside a mark of a given radius where there is room, and say whether there was any."""
        near = radius + 3.0
        if any(self._try(axes, text, point_km, place, size, INK, bold=bold) for place in _around(near)):
            return True
        return any(
            self._try(axes, text, point_km, place, size, INK, bold=bold, leader=True)
            for distance in _FARTHER
            for place in _around(near + distance)
        )

    def put_over(self, axes: Axes, text: str, point_km: tuple[float, float], *, size: float, colour: str) -> bool:
        """Write a text centred on a point if there is room."""
        return self._try(axes, text, point_km, ("center", "center", 0.0, 0.0), size, colour, bold=False)

    def _try(
        self,
        axes: Axes,
        text: str,
        point_km: tuple[float, float],
        place: Place,
        size: float,
        colour: str,
        *,
        bold: bool,
        leader: bool = False,
    ) -> bool:
        ha, va, dx, dy = place
        x, y = self.view.place(*point_km)
        wide, high = 0.6 * size * len(text) * (1.06 if bold else 1.0), 1.15 * size
        west = x + dx - {"left": 0.0, "right": wide, "center": wide / 2}[ha]
        south = y + dy - {"bottom": 0.0, "top": high, "center": high / 2}[va]
        box = (west, south, west + wide, south + high)
        inside = west >= 3 and south >= 3 and box[2] <= self.view.width - 3 and box[3] <= self.view.height - 3
        if not inside or any(_overlap(box, other) for other in self.taken):
            return False
        self.taken.append(box)
        _write(axes, text, point_km, place, size=size, colour=colour, bold=bold)
        if leader:
            end = point_km[0] + 0.94 * dx / self.view.units_per_km, point_km[1] + 0.94 * dy / self.view.units_per_km
            axes.plot([point_km[0], end[0]], [point_km[1], end[1]], color=INK, linewidth=0.6, zorder=6.2)
        return True


def _around(gap: float) -> tuple[Place, ...]:
    """Places of a text around a mark, the best first: alignment of the text and its offset."""
    slant = 0.7 * gap
    return (
        ("left", "center", gap, 0.0),
        ("right", "center", -gap, 0.0),
        ("center", "bottom", 0.0, gap),
        ("center", "top", 0.0, -gap),
        ("left", "bottom", slant, slant),
        ("left", "top", slant, -slant),
        ("right", "bottom", -slant, slant),
        ("right", "top", -slant, -slant),
    )


def _write(axes: Axes, text: str, point: tuple[float, float], place: Place, *, size: float, colour: str, bold: bool) -> None:
    ha, va, dx, dy = place
    label = axes.annotate(
        text,
        point,
        (dx, dy),
        textcoords="offset points",
        ha=ha,
        va=va,
        fontsize=size,
        color=colour,
        zorder=9,
        weight="bold" if bold else "normal",
    )
    label.set_gid("class-halo.label")


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _graticule(view: View) -> list[shapely.LineString]:
    """Meridians and parallels, few and faint."""
    span_deg = (view.north_km - view.south_km) / 111.2
    step = next((step for step in (0.25, 0.5, 1, 2, 5, 10, 20, 30) if span_deg / step <= 4.5), 30)
    around, along = np.linspace(-180.0, 180.0, 361), np.linspace(step - 90.0, 90.0 - step, 181)
    lines = [(np.full(361, lat), around) for lat in np.arange(-90.0 + step, 90.0, step)]
    lines += [(along, np.full(181, lon)) for lon in np.arange(-180.0, 180.0, _meridian_step(step, view))]
    pieces = [shapely.LineString(np.column_stack(view.projection.to_plane_km(lat_deg, lon_deg))) for lat_deg, lon_deg in lines]
    cut = shapely.intersection(np.array(pieces), view.area)
    return [part for line in cut for part in shapely.get_parts(line) if part.geom_type == "LineString"]


def _meridian_step(step: float, view: View) -> float:
    """Meridians stand closer together towards the poles: take every second, fifth … one there."""
    shrink = max(np.cos(np.radians(min(abs(view.projection.centre_lat_deg), 84.0))), 0.1)
    return next((wide for wide in (0.25, 0.5, 1, 2, 5, 10, 20, 30) if wide >= step / shrink - 1e-9), 30)


def _may_be_seen(projected: npt.NDArray[np.object_], view: View) -> npt.NDArray[np.bool_]:
    """Which projected polygons have a corner near the view, or lie all around it."""
    x_km, y_km = 0.5 * (view.west_km + view.east_km), 0.5 * (view.south_km + view.north_km)
    reach_km = 0.5 * float(np.hypot(view.east_km - view.west_km, view.north_km - view.south_km)) + _LONGEST_EDGE_DEG * 112.0
    corners, owner = shapely.get_coordinates(projected, return_index=True)
    near = np.zeros(len(projected), dtype=np.bool_)
    near[owner[np.hypot(corners[:, 0] - x_km, corners[:, 1] - y_km) <= reach_km]] = True
    return np.asarray(near | shapely.intersects_xy(projected, x_km, y_km), dtype=np.bool_)


def _is_inside_out(part: shapely.Polygon, flat: shapely.Polygon, projection: Projection) -> bool:
    """Whether a polygon around the antipode turned its outside in: it then seems to hold the centre, which it does not."""
    seems, does = shapely.intersects_xy(flat, 0.0, 0.0), shapely.intersects_xy(part, projection.centre_lon_deg, projection.centre_lat_deg)
    return bool(seems and not does)


def _without_crumbs(geometry: shapely.Geometry, least_km2: float) -> shapely.Geometry:
    """Leave out parts of a geometry in degrees whose bounding box is smaller than an area."""
    parts = shapely.get_parts(geometry)
    west, south, east, north = shapely.bounds(parts).T
    wide_km = (east - west) * 111.2 * np.cos(np.radians(np.clip(np.minimum(np.abs(south), np.abs(north)), 0.0, 85.0)))
    return shapely.multipolygons(parts[wide_km * (north - south) * 111.2 >= least_km2])


def _borders_in(geometry: shapely.Geometry, view: View) -> list[shapely.LineString]:
    """Borders of a geometry in degrees, without the cuts of the plane, projected, cut to the view and simplified."""
    edges = shapely.boundary(geometry)
    west, south, east, _ = geometry.bounds
    if west <= -180.0 or east >= 180.0 or south <= -90.0:
        edges = shapely.difference(edges, _SEAMS)
    lines = view.projection.project(shapely.segmentize(shapely.get_parts(edges), _LONGEST_EDGE_DEG))
    near = lines[shapely.intersects(lines, view.area)]
    cut = shapely.intersection(shapely.simplify(near, 0.35 / view.units_per_km), view.area)
    merged = shapely.get_parts(shapely.line_merge(cut))
    return [line for line in merged if line.geom_type == "LineString" and not line.is_empty]


def _fill(axes: Axes, polygons: Sequence[shapely.Polygon], colour: str, zorder: float) -> None:
    if polygons:
        axes.add_patch(PathPatch(path_of(polygons), facecolor=colour, edgecolor="none", linewidth=0.0, zorder=zorder))


def _trace(axes: Axes, lines: Sequence[shapely.LineString], colour: str, width: float, zorder: float) -> None:
    """Draw lines as one path."""
    corners = [shapely.get_coordinates(line) for line in lines if not line.is_empty]
    if not corners:
        return
    codes = [np.array([Path.MOVETO, *[Path.LINETO] * (len(points) - 1)], dtype=Path.code_type) for points in corners]
    path = Path(np.concatenate(corners), np.concatenate(codes))
    axes.add_patch(PathPatch(path, facecolor="none", edgecolor=colour, linewidth=width, zorder=zorder, joinstyle="round"))


@cache
def _land() -> tuple[tuple[str, shapely.Geometry], ...]:
    """The built-in borders of every territory; none where the package comes without them."""
    from overflight.earth._borders import read_all_borders

    try:
        return tuple(sorted(read_all_borders().items()))
    except FileNotFoundError:
        return ()
