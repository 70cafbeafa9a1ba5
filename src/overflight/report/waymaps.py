"""The wider map: the territory, the gateways where its traffic comes to ground, and the points of presence."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from matplotlib.axes import Axes

from overflight.earth.cells import cell_centres
from overflight.report import figures
from overflight.report.answers import country_name, site_name, territory_name
from overflight.report.figures import BLUE, VERMILION, WIDTH, add_axes, new_figure, to_svg
from overflight.report.maps import Base, Labels, draw_base, draw_scale_bar, fit_view, prepare_base
from overflight.report.projection import Projection, centre_on, great_circle, mean_direction
from overflight.report.words import Words
from overflight.study.findings import FleetFindings, LandingSite, TerritoryFindings

Floats = npt.NDArray[np.float64]

LEAST_SHARE = 0.005
"""Sites with a smaller share are left to the table."""

_MAX_LABELS = 14
_MAX_COUNTRIES = 14
_LEAST_COUNTRY = 0.004
"""A neighbour is named when at least this share of the map is its land."""

_MOST_DOTS = 400
_MARKS: dict[str, dict[str, Any]] = {
    "gateway": {"marker": "^", "color": BLUE, "markeredgecolor": "white", "markeredgewidth": 0.8, "zorder": 7.0},
    "pop": {"marker": "s", "color": "white", "markeredgecolor": VERMILION, "markeredgewidth": 1.6, "zorder": 6.5},
}
_LEAST_VIEW_KM = 900.0


def drawn_sites(sites: Sequence[LandingSite]) -> list[LandingSite]:
    """Sites that the map shows, by falling share."""
    known = [site for site in sites if site.share >= LEAST_SHARE and np.isfinite([site.lat_deg, site.lon_deg]).all()]
    return sorted(known, key=lambda site: (-site.share, site.name))


def middle_of(findings: TerritoryFindings) -> tuple[float, float]:
    """Latitude and longitude of the middle of the simulated cells."""
    return mean_direction(*cell_centres(findings.cell_ids))


def draw_way(findings: TerritoryFindings, fleet: FleetFindings, words: Words, *, key: str, label: str) -> str:
    """Draw the territory with the gateways and points of presence that carry its traffic."""
    gateways, pops = drawn_sites(fleet.gateways), drawn_sites(fleet.pops)
    lat_deg, lon_deg = cell_centres(findings.cell_ids)
    sites = [*gateways, *pops]
    all_lat = np.append(lat_deg, [site.lat_deg for site in sites])
    all_lon = np.append(lon_deg, [site.lon_deg for site in sites])
    projection = centre_on(all_lat, all_lon)
    x_km, y_km = projection.to_plane_km(all_lat, all_lon)
    view = fit_view(projection, x_km, y_km, width=WIDTH, heights=(300.0, 460.0), least_km=_LEAST_VIEW_KM, margin=0.14)
    start = middle_of(findings)
    with figures.house_style():
        figure = new_figure(view.height + 1)
        axes = add_axes(figure, 0.5, 0.5, view.width - 1, view.height - 0.5)
        base = prepare_base(view, outline=findings.outline, code=findings.code)
        draw_base(axes, base, territory_colour="#bfd9e8")
        _dot_cells(axes, lat_deg, lon_deg, projection)
        for site in gateways[::-1]:
            _draw_line(axes, projection, start, site, BLUE, 0.8 + 6.0 * np.sqrt(site.share), "-")
        if len(pops) == 1:
            for site in gateways:
                _draw_line(axes, projection, (pops[0].lat_deg, pops[0].lon_deg), site, VERMILION, 0.8 + 1.5 * site.share, (0, (3, 2)))
        labels = Labels(view)
        labels.taken.append(draw_scale_bar(axes, view, words))
        _draw_sites(axes, labels, projection, (gateways, pops), words)
        _label_territory(axes, labels, findings, projection, words)
        _label_countries(axes, labels, base, words)
        return to_svg(figure, key=key, label=label)


def _dot_cells(axes: Axes, lat_deg: Floats, lon_deg: Floats, projection: Projection) -> None:
    """Show where the territory is, also where its land is smaller than a pen stroke."""
    if len(lat_deg) < _MOST_DOTS:
        axes.plot(*projection.to_plane_km(lat_deg, lon_deg), "o", color="#7fb2d1", markersize=2.2, markeredgewidth=0, zorder=2.6)


def _draw_line(
    axes: Axes, projection: Projection, start: tuple[float, float], site: LandingSite, colour: str, width: float, style: object
) -> None:
    lat_deg, lon_deg = great_circle(start, (site.lat_deg, site.lon_deg))
    x_km, y_km = projection.to_plane_km(lat_deg, lon_deg)
    axes.plot(x_km, y_km, color=colour, linewidth=width, linestyle=style, alpha=0.55, solid_capstyle="butt", zorder=5)


def _draw_sites(
    axes: Axes, labels: Labels, projection: Projection, sites: tuple[Sequence[LandingSite], Sequence[LandingSite]], words: Words
) -> None:
    """Triangles for gateways, squares for points of presence, all marks first, then as many names as fit, greatest shares first."""
    marked = []
    for kind, group in zip(("gateway", "pop"), sites, strict=True):
        for site in group:
            x_km, y_km = (float(value) for value in projection.to_plane_km(site.lat_deg, site.lon_deg))
            radius = 3.5 + 4.0 * float(np.sqrt(site.share))
            axes.plot([x_km], [y_km], markersize=2.0 * radius, **_MARKS[kind])
            labels.reserve(x_km, y_km, radius)
            marked.append((site.share, kind, site, x_km, y_km, radius))
    for share, kind, site, x_km, y_km, radius in sorted(marked, key=lambda mark: (-mark[0], mark[1], mark[2].name))[:_MAX_LABELS]:
        name = site_name(site, words, short=True)
        text = name if kind == "gateway" else words("map.pop_label", name=name)
        full = f"{text}, {words.percent(share)}"
        if not labels.put(axes, full, (x_km, y_km), radius=radius, size=10, bold=share >= 0.25):
            labels.put(axes, text, (x_km, y_km), radius=radius, size=9)


def _label_territory(axes: Axes, labels: Labels, findings: TerritoryFindings, projection: Projection, words: Words) -> None:
    x_km, y_km = (float(value) for value in projection.to_plane_km(*middle_of(findings)))
    labels.put(axes, territory_name(findings, words).upper(), (x_km, y_km), radius=16, bold=True)


def _label_countries(axes: Axes, labels: Labels, base: Base, words: Words) -> None:
    """Name the neighbours that take the most room, where nothing else is written."""
    largest = [(max(polygons, key=lambda polygon: polygon.area), code) for code, polygons in base.land]
    room = base.view.area.area
    for polygon, code in sorted(largest, key=lambda entry: (-entry[0].area, entry[1]))[:_MAX_COUNTRIES]:
        if polygon.area >= _LEAST_COUNTRY * room:
            middle = shapely.point_on_surface(polygon)
            labels.put_over(axes, country_name(code, words.lang).upper(), (middle.x, middle.y), size=8.5, colour="#8d877a")
