"""Ground segments: masks, fibre, backhaul."""

import numpy as np
import pytest

from overflight.earth.geodesy import make_sites
from overflight.errors import InputError
from overflight.network.gateways import (
    backhaul_delay_ms,
    fibre_delay_ms,
    gateway_mask_deg,
    make_ground_segment,
)

GATEWAYS = make_sites([51.5, 64.0, 0.0], [0.0, 25.0, 30.0])
POPS = make_sites([48.85, 60.17], [2.35, 24.94])


def test_fibre_is_slower_than_vacuum_and_longer_than_the_great_circle():
    assert fibre_delay_ms(299_792.458, route_factor=1.0, fibre_index=1.0) == pytest.approx(1000.0)
    assert fibre_delay_ms(1000.0) == pytest.approx(1000.0 * 1.5 * 1.468 / 299.792458)


def test_masks_by_latitude():
    assert gateway_mask_deg([0.0, 62.0, 62.1, -70.0]).tolist() == [25.0, 25.0, 5.0, 5.0]
    assert make_ground_segment(GATEWAYS).min_elevation_deg.tolist() == [25.0, 5.0, 25.0]


def test_backhaul_has_a_row_per_pop():
    delays = backhaul_delay_ms(GATEWAYS, POPS)
    assert delays.shape == (2, 3)
    assert delays[0, 0] == pytest.approx(fibre_delay_ms(341.0), rel=0.02)
    assert np.array_equal(make_ground_segment(GATEWAYS, pops=POPS).backhaul_ms, delays)


def test_without_pops_every_gateway_is_at_the_pop():
    ground = make_ground_segment(GATEWAYS, min_elevation_deg=10.0, max_range_km=[1e3, 2e3, 3e3])
    assert ground.backhaul_ms.tolist() == [[0.0, 0.0, 0.0]]
    assert len(ground) == 3


@pytest.mark.parametrize(
    "options",
    [
        {"backhaul_ms": [1.0, 2.0]},
        {"backhaul_ms": [1.0, 2.0, -1.0]},
        {"backhaul_ms": [1.0, 2.0, np.nan]},
        {"backhaul_ms": [1.0, 2.0, 3.0], "pops": POPS},
        {"min_elevation_deg": [10.0, 20.0]},
        {"min_elevation_deg": 91.0},
        {"min_elevation_deg": np.nan},
        {"max_range_km": 0.0},
    ],
)
def test_what_does_not_fit_is_refused(options):
    with pytest.raises(InputError):
        make_ground_segment(GATEWAYS, **options)
