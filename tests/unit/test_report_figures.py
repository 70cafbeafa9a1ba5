"""Projection, classes of colour, labels that keep apart, and the SVG that goes into a page."""

import re

import numpy as np
import pytest
from tests.unit.report_sample import make_findings, make_latency

from overflight.earth.geodesy import MEAN_RADIUS_KM, unit_vectors
from overflight.report import figures
from overflight.report.cellmaps import class_breaks
from overflight.report.charts import draw_sky, latency_parts, slots_per_point
from overflight.report.maps import Labels, View, fit_view
from overflight.report.projection import Projection, centre_on, great_circle
from overflight.report.words import load_words

AREA_TOLERANCE = 1e-6
"""Relative error of an area in the plane; the projection is equal-area, the rest is the polygon's straight edges."""


@pytest.mark.parametrize("centre", [(0.0, 0.0), (90.0, 0.0), (-90.0, 0.0), (-17.0, 179.9), (50.0, -10.0)])
def test_projection_keeps_areas_and_directions(centre):
    """A small cell's area comes out as on the sphere, near the centre and far from it."""
    projection = Projection(*centre)
    assert [float(value) for value in projection.to_plane_km(*centre)] == pytest.approx([0.0, 0.0], abs=1e-6)
    step = 0.01
    for lat, lon in ((centre[0] * 0.98 + 0.3, centre[1] + 0.5), (20.0, centre[1] + 40.0), (-35.0, centre[1] - 50.0)):
        x, y = projection.to_plane_km(np.array([lat, lat, lat + step, lat + step]), np.array([lon, lon + step, lon + step, lon]))
        area = 0.5 * abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))
        true = MEAN_RADIUS_KM**2 * np.radians(step) * (np.sin(np.radians(lat + step)) - np.sin(np.radians(lat)))
        assert area == pytest.approx(true, rel=1e-4)
    north = projection.to_plane_km(centre[0] - 1.0 if centre[0] == 90.0 else centre[0] + 1.0, centre[1])
    assert abs(float(north[0])) < AREA_TOLERANCE


def test_antipode_does_not_blow_up():
    x, y = Projection(10.0, 20.0).to_plane_km(np.array([-10.0, -10.0]), np.array([200.0, 199.9]))
    assert np.isfinite([x, y]).all()


def test_centre_of_points_over_the_antimeridian():
    projection = centre_on(np.array([-17.0, -16.0, -18.0]), np.array([177.0, 179.5, -179.0]))
    assert abs(projection.centre_lon_deg) == pytest.approx(179.0, abs=0.2)
    assert not projection.is_polar


def test_points_around_a_pole_are_drawn_about_it():
    projection = centre_on(np.array([-77.8, -66.3, -90.0, -70.7]), np.array([166.7, 110.5, 0.0, 11.8]))
    assert projection.centre_lat_deg == -90.0
    assert projection.is_polar
    assert not centre_on(np.array([-77.8, -77.9]), np.array([166.7, 166.8])).is_polar


def test_great_circle_is_the_shortest_way():
    lat, lon = great_circle((25.0, 121.5), (35.7, 139.8), 50)
    path = unit_vectors(lat, lon)
    steps = np.arccos(np.clip(np.sum(path[:, 1:] * path[:, :-1], axis=0), -1, 1))
    assert steps.sum() == pytest.approx(np.arccos(path[:, 0] @ path[:, -1]), rel=1e-9)
    assert great_circle((1.0, 2.0), (1.0, 2.0), 3)[0].tolist() == [1.0, 1.0, 1.0]


def test_view_takes_the_shape_asked_for():
    view = fit_view(
        Projection(0.0, 0.0), np.array([0.0, 10.0]), np.array([0.0, 400.0]), width=350.0, heights=(240.0, 440.0), least_km=110.0
    )
    assert view.height == 440.0
    assert (view.north_km - view.south_km) / (view.east_km - view.west_km) == pytest.approx(440.0 / 350.0)
    assert (5.0, 200.0) in view
    assert (5000.0, 200.0) not in view


@pytest.mark.parametrize(
    ("values", "least_step", "breaks"),
    [
        ([31.2, 36.7], 1.0, [30, 32, 34, 36, 38]),
        ([34.1, 34.4], 1.0, [34, 35]),
        ([34.9, 35.1], 1.0, [34, 35, 36]),
        ([np.nan, 12.0], 1.0, [12, 13]),
        ([np.nan, np.nan], 1.0, [0, 1]),
        ([0.0, 100.0], 1.0, [0, 20, 40, 60, 80, 100]),
    ],
)
def test_classes_are_round_and_hold_every_value(values, least_step, breaks):
    assert class_breaks(np.array(values), least_step=least_step).tolist() == breaks


def test_labels_never_overlap():
    view = View(Projection(0.0, 0.0), 0.0, 0.0, 100.0, 100.0, 300.0, 300.0)
    with figures.house_style():
        figure = figures.new_figure(300.0, 300.0)
        axes = figures.add_axes(figure, 0, 0, 300, 300)
        labels = Labels(view)
        random = np.random.default_rng(5)
        put = [labels.put(axes, f"name {number}", tuple(random.uniform(5, 95, 2)), radius=4.0) for number in range(60)]
    assert 10 < sum(put) < 60
    for index, a in enumerate(labels.taken):
        for b in labels.taken[index + 1 :]:
            assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]


def test_svg_has_plain_text_and_identifiers_of_its_own():
    with figures.house_style():
        figure = figures.new_figure(80.0)
        axes = figures.add_axes(figure, 10, 10, 300, 60)
        axes.bar([1.0], [2.0], hatch="//", facecolor="none")
        axes.text(1.0, 1.0, "$5 & été 東京", gid="class-halo.1")
        svg = figures.to_svg(figure, key="fig7", label='a "label"')
    assert svg.startswith('<svg class="plot" role="img" aria-label="a &quot;label&quot;" viewBox="0 0 720 80">')
    assert "$5 &amp; été 東京</text>" in svg
    assert '<g class="halo">' in svg
    assert "font-family" not in svg
    assert all(name.startswith("fig7-") for name in re.findall(r' id="([^"]+)"', svg))
    assert "metadata" not in svg


def test_downsampling_keeps_the_extremes():
    """One slot in which a cell had nothing must survive among 5,760."""
    fleet = make_findings("NR", slots=5760).fleets[0]
    assert slots_per_point(5760) == 12
    words = load_words("en")
    before = draw_sky(fleet, words, key="a", label="b")
    fleet.usable_min[1234] = 0.0
    after = draw_sky(fleet, words, key="a", label="b")
    assert before != after


def test_parts_follow_the_way():
    parts = latency_parts(make_latency(34.0))
    assert [name for name, _ in parts] == ["user_link", "isl", "feeder", "backhaul", "access"]
    assert sum(value for _, value in parts) == pytest.approx(34.0, abs=1.0)
