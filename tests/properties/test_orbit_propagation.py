"""The kernel equals the ``sgp4`` package wherever it says that it serves a satellite."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from overflight.orbit.elements import ElementSets
from overflight.orbit.propagation import Propagator

KERNEL_TOLERANCE_KM = 2e-7
"""Any near-circular orbit and any drag, within 30 days; 6.7e-8 km was the most seen in 500,000 states."""

EPOCH = np.datetime64("2026-08-22T01:02:03.456789", "us")
angles = st.floats(0.0, 360.0)
element_sets = st.tuples(
    st.floats(6.41, 16.9),
    st.one_of(st.just(0.0), st.floats(0.0, 2e-4), st.floats(0.0, 0.03)),
    st.floats(0.0, 180.0),
    angles,
    angles,
    angles,
    st.one_of(st.just(0.0), st.floats(-1e-3, 1e-3), st.floats(-0.5, 0.5)),
)
days_apart = st.floats(-30.0, 30.0)


@settings(max_examples=150, deadline=None)
@given(st.lists(element_sets, min_size=1, max_size=5), st.lists(days_apart, min_size=1, max_size=4))
def test_kernel_equals_package(rows: list[tuple[float, ...]], days: list[float]) -> None:
    n, e, i, raan, perigee, anomaly, bstar = (np.array(column) for column in zip(*rows, strict=True))
    propagator = Propagator(
        ElementSets.from_columns(
            norad_id=np.arange(len(rows)),
            epoch=np.full(len(rows), EPOCH),
            mean_motion_rev_day=n,
            eccentricity=e,
            inclination_deg=i,
            raan_deg=raan,
            argument_of_perigee_deg=perigee,
            mean_anomaly_deg=anomaly,
            bstar=bstar,
        )
    )
    times = EPOCH + np.round(np.array(days) * 86_400e6).astype("timedelta64[us]")
    reference_km, _, error = propagator.states_teme(times)
    position_km = propagator.positions_teme_km(times)
    assert np.array_equal(np.isnan(position_km).any(axis=1), error > 0)
    assert np.nanmax(np.abs(position_km - reference_km), initial=0.0) <= KERNEL_TOLERANCE_KM
    # A state's bits are its own.
    backwards = Propagator(propagator.elements.select(slice(None, None, -1))).positions_teme_km(times[::-1])
    assert np.array_equal(position_km, backwards[::-1, :, ::-1], equal_nan=True)
