import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from overflight.catalog.versions import read_versions
from overflight.radio import _link_kernels
from overflight.radio._steps import ANGLE_BITS, FIRST_ANGLE_OCTAVE
from overflight.radio.interference import find_interference, make_interference_model
from overflight.radio.link import channel_rates_mbps, link_budget, make_link_model
from overflight.radio.modcod import efficiency_table, spectral_efficiency
from overflight.radio.spectrum import LINKS, channel_plan, channels_of, licensed_mask

STEP_DB = 0.0086
"""Widest step of the table of spectral efficiency."""
TABLES = 0.003
"""Relative error of a rate from all the kernel's tables together, under Shannon's bound, which hides nothing between steps."""

MODELS = {link: make_link_model(link, operator="starlink", model="shannon") for link in LINKS}
SHANNON, STEPS = (efficiency_table(model=model, margin_db=0.7) for model in ("shannon", "dvb-s2x"))
INTERFERENCE = make_interference_model(11.7)
BROADBAND = [row for row, beams in enumerate(read_versions().downlink_beams) if beams]


@given(quality_db=st.floats(-11.9, 41.9), more_db=st.floats(0.0, 10.0))
@settings(max_examples=200, deadline=None)
def test_more_signal_never_carries_less_and_the_table_never_promises_more(quality_db, more_db):
    for model, table in (("dvb-s2x", STEPS), ("shannon", SHANNON)):
        exact = spectral_efficiency(quality_db, model=model, margin_db=0.7)
        assert spectral_efficiency(quality_db + more_db, model=model, margin_db=0.7) >= exact
        tabulated = _link_kernels.look_up_efficiency(table, 10.0 ** (quality_db / 10.0))
        assert spectral_efficiency(quality_db - STEP_DB, model=model, margin_db=0.7) - 1e-9 <= tabulated <= exact + 1e-9


@given(
    link=st.sampled_from(LINKS),
    range_km=st.floats(300.0, 2500.0),
    elevation_deg=st.floats(5.0, 90.0),
    attenuation_db=st.floats(0.0, 30.0),
    version=st.sampled_from(BROADBAND),
)
@settings(max_examples=300, deadline=None)
def test_the_kernel_does_what_the_budget_says(link, range_km, elevation_deg, attenuation_db, version):
    model = MODELS[link]
    budget = link_budget(model, range_km=range_km, elevation_deg=elevation_deg, version=version, attenuation_db=attenuation_db)
    rate = channel_rates_mbps(
        model, range_km=[range_km], elevation_deg=[elevation_deg], version=[version], attenuation_db=[attenuation_db]
    )[0]
    if budget.c_over_ni_db > -11.0:
        assert rate == pytest.approx(budget.rate_mbps, rel=TABLES)
    else:
        assert rate <= budget.rate_mbps * (1.0 + TABLES)


@given(link=st.sampled_from(LINKS), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_rates_fall_with_weather_and_interference_and_do_not_depend_on_order_or_threads(link, seed):
    generator = np.random.default_rng(seed)
    pairs = 9000
    given_pairs = {
        "range_km": generator.uniform(400.0, 1500.0, pairs),
        "elevation_deg": generator.uniform(10.0, 90.0, pairs),
        "version": generator.integers(0, len(read_versions()), pairs).astype(np.int32),
        "attenuation_db": generator.uniform(0.0, 20.0, pairs),
        "i_over_c": generator.uniform(0.0, 0.2, pairs),
    }
    rates = channel_rates_mbps(MODELS[link], **given_pairs)
    assert np.array_equal(channel_rates_mbps(MODELS[link], threads=2, **given_pairs), rates)
    order = generator.permutation(pairs)
    assert np.array_equal(channel_rates_mbps(MODELS[link], **{name: array[order] for name, array in given_pairs.items()}), rates[order])
    for name in ("attenuation_db", "i_over_c"):
        worse = {**given_pairs, name: given_pairs[name] * 1.5}
        assert (channel_rates_mbps(MODELS[link], **worse) <= rates).all()


@given(numbers=st.sets(st.integers(1, 8)))
def test_masks_round_trip(numbers):
    plan = channel_plan("starlink", "user-down")
    assert set(channels_of(licensed_mask(plan, numbers), plan)) == numbers


def gain(pattern, cosine):
    x = max(2.0 - 2.0 * cosine, 2.0**FIRST_ANGLE_OCTAVE)
    octave = int(np.floor(np.log2(x)))
    step = (octave - FIRST_ANGLE_OCTAVE) * 2**ANGLE_BITS + int((x / 2.0**octave - 1.0) * 2**ANGLE_BITS)
    return pattern[min(step, len(pattern) - 1)]


def slow_interference(cell, satellite, channel, cells_km, positions_km, *, is_up):
    same, others = np.zeros(len(cell)), np.zeros(len(cell))
    links = cells_km[cell] - positions_km[:, satellite].T
    lengths = np.linalg.norm(links, axis=1)
    ahead = links / lengths[:, np.newaxis]
    for i in range(len(cell)):
        for j in range(len(cell)):
            if i == j or channel[i] != channel[j]:
                continue
            if satellite[i] == satellite[j]:
                stretch = 1.0 if is_up else (lengths[j] / lengths[i]) ** 2
                same[i] += stretch * gain(INTERFERENCE.space_pattern, ahead[i] @ ahead[j])
            elif np.linalg.norm(cells_km[cell[i]] - cells_km[cell[j]]) <= INTERFERENCE.ring_km:
                sends, receives = (i, j) if is_up else (j, i)
                path = cells_km[cell[receives]] - positions_km[:, satellite[sends]]
                away = np.linalg.norm(path)
                space = gain(INTERFERENCE.space_pattern, path @ ahead[sends] / away)
                ground = gain(INTERFERENCE.ground_pattern, path @ ahead[receives] / away)
                others[i] += (lengths[j] / away) ** 2 * space * ground
    return same, others


def random_beams(seed):
    generator = np.random.default_rng(seed)
    east, north = generator.uniform(-120.0, 120.0, (2, 40))
    cells_km = np.stack([np.sqrt(6371.0**2 - east**2 - north**2), east, north], axis=1)
    side, up = generator.uniform(-500.0, 500.0, (2, 6))
    positions_km = np.stack([np.sqrt(6900.0**2 - side**2 - up**2), side, up])
    beams = 60
    return (
        generator.integers(0, 40, beams).astype(np.int32),
        generator.integers(0, 6, beams).astype(np.int32),
        generator.integers(0, 3, beams).astype(np.int32),
        cells_km,
        positions_km,
    )


@given(seed=st.integers(0, 2**32 - 1), is_up=st.booleans())
@settings(max_examples=15, deadline=None)
def test_interference_is_that_of_a_slow_sum_in_any_order_by_any_threads(seed, is_up):
    cell, satellite, channel, cells_km, positions_km = random_beams(seed)
    where = {"cells_km": cells_km, "positions_km": positions_km, "is_up": is_up}
    found = find_interference(INTERFERENCE, cell=cell, satellite=satellite, channel=channel, **where)
    same, others = slow_interference(cell, satellite, channel, cells_km, positions_km, is_up=is_up)
    # An angle on the edge of a step may fall on either side of it: a few parts in a thousand of one term.
    assert found.same_satellite == pytest.approx(same, rel=0.02, abs=1e-12)
    assert found.other_satellites == pytest.approx(others, rel=0.02, abs=1e-12)
    parallel = find_interference(INTERFERENCE, cell=cell, satellite=satellite, channel=channel, threads=3, **where)
    assert np.array_equal(parallel.total, found.total)
    order = np.random.default_rng(seed).permutation(len(cell))
    shuffled = find_interference(INTERFERENCE, cell=cell[order], satellite=satellite[order], channel=channel[order], **where)
    assert shuffled.total == pytest.approx(found.total[order], rel=1e-12, abs=1e-15)


@given(seed=st.integers(0, 2**32 - 1), is_up=st.booleans())
@settings(max_examples=15, deadline=None)
def test_a_beam_less_never_makes_interference_more(seed, is_up):
    cell, satellite, channel, cells_km, positions_km = random_beams(seed)
    where = {"cells_km": cells_km, "positions_km": positions_km, "is_up": is_up}
    before = find_interference(INTERFERENCE, cell=cell, satellite=satellite, channel=channel, **where).total
    after = find_interference(INTERFERENCE, cell=cell[1:], satellite=satellite[1:], channel=channel[1:], **where).total
    assert (after <= before[1:] * (1.0 + 1e-12)).all()
