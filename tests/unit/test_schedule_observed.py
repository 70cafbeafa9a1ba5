import dataclasses

import numpy as np
import pytest

from overflight.catalog.tables import read_table
from overflight.errors import CatalogError
from overflight.schedule import observed
from overflight.schedule.observed import TERMS, ObservedChoice, describe_candidates, gumbel_noise, observed_choice
from overflight.schedule.selection import Candidates, choose_serving
from overflight.schedule.strategies import STRATEGIES, find_strategy

EULER_GAMMA = 0.5772156649
PAIR_COLUMNS = [f.name for f in dataclasses.fields(Candidates) if f.name not in {"slot_index", "cell_key"}]


def make_candidates(n_cells=1, per_cell=4, slot_index=114_749_311):
    n = n_cells * per_cell
    column = np.zeros(n)
    return Candidates(
        slot_index=slot_index,
        cell=np.repeat(np.arange(n_cells, dtype=np.int32), per_cell),
        satellite=np.tile(np.arange(per_cell, dtype=np.int32), n_cells),
        norad_id=np.tile(
            np.array([45001, 55999, 56000, 100_000_001][:per_cell] if per_cell <= 4 else np.arange(44000, 44000 + per_cell)), n_cells
        ),
        elevation_deg=column + np.resize([30.0, 60.0, 75.0, 90.0], n),
        azimuth_deg=column,
        range_km=column + 600.0,
        remaining_s=column + 15.0,
        serving=np.resize([False, True, False, False], n),
        way_delay_ms=column,
        arc_separation_deg=np.resize([18.0, 60.0, 120.0, np.nan], n),
    )


def test_terms_by_hand():
    terms = dict(zip(TERMS, describe_candidates(make_candidates()), strict=True))
    assert terms["elevation"].tolist() == [-3.0, 0.0, 1.5, 3.0]
    assert terms["elevation_squared"].tolist() == [9.0, 0.0, 2.25, 9.0]
    np.testing.assert_allclose(terms["arc_separation"], [1.8, 6.0, 9.0, 9.0], rtol=1e-15)
    assert terms["serving"].tolist() == [0.0, 1.0, 0.0, 0.0]
    assert terms["newer"].tolist() == [0.0, 0.0, 1.0, 1.0]


def test_utility_weighs_the_terms():
    choice = ObservedChoice((1.0, 10.0, 100.0, 1000.0, 10000.0))
    np.testing.assert_allclose(
        choice.utility(make_candidates()), [-3 + 90 + 180, 600 + 1000, 1.5 + 22.5 + 900 + 10000, 3 + 90 + 900 + 10000]
    )


def test_built_in_coefficients_have_the_signs_that_were_observed():
    elevation, squared, separation, serving, newer = observed_choice().coefficients
    assert squared < 0.0 < min(elevation, separation, serving, newer)
    best_deg = 60.0 - 10.0 * elevation / (2.0 * squared)
    assert 57.0 < best_deg < 75.0


def test_noise_is_standard_gumbel():
    noise = gumbel_noise(make_candidates(n_cells=400, per_cell=250))
    assert abs(noise.mean() - EULER_GAMMA) < 0.02
    assert abs(noise.std() - np.pi / np.sqrt(6.0)) < 0.02
    grid = noise.reshape(400, 250)
    assert abs(np.corrcoef(grid[:-1].ravel(), grid[1:].ravel())[0, 1]) < 0.02
    assert abs(np.corrcoef(grid[:, :-1].ravel(), grid[:, 1:].ravel())[0, 1]) < 0.02
    next_slot = gumbel_noise(make_candidates(n_cells=400, per_cell=250, slot_index=114_749_312))
    assert abs(np.corrcoef(noise, next_slot)[0, 1]) < 0.02


def test_noise_does_not_depend_on_the_order_or_the_other_candidates():
    candidates = make_candidates(n_cells=5)
    order = np.random.default_rng(1).permutation(len(candidates))[:13]
    some = dataclasses.replace(candidates, **{name: getattr(candidates, name)[order] for name in PAIR_COLUMNS})
    assert np.array_equal(gumbel_noise(some), gumbel_noise(candidates)[order])


def test_noise_follows_the_cell_key_and_the_seed():
    candidates = make_candidates(n_cells=3)
    keyed = dataclasses.replace(candidates, cell_key=np.full(len(candidates), 0x85754E67FFFFFFF, dtype=np.uint64))
    noise = gumbel_noise(keyed).reshape(3, 4)
    assert np.array_equal(noise[0], noise[2])
    assert not np.array_equal(gumbel_noise(candidates), gumbel_noise(keyed))
    assert not np.array_equal(gumbel_noise(candidates), gumbel_noise(candidates, seed=1))


def test_shares_follow_the_logit():
    n_cells = 20_000
    candidates = make_candidates(n_cells=n_cells, per_cell=3)
    choice = ObservedChoice((0.2, -0.1, 0.1, 0.5, 0.3))
    first = dataclasses.replace(candidates, **{name: getattr(candidates, name)[:3] for name in PAIR_COLUMNS})
    alike = dataclasses.replace(
        candidates, **{n: np.tile(getattr(first, n), n_cells) for n in ("elevation_deg", "arc_separation_deg", "serving", "norad_id")}
    )
    serving = choose_serving(alike, choice(alike), n_cells)
    expected = np.exp(choice.utility(first))
    expected /= expected.sum()
    shares = np.bincount(serving, minlength=3) / n_cells
    np.testing.assert_allclose(shares, expected, atol=4.0 * np.sqrt(0.25 / n_cells))


def test_registry_and_seed():
    candidates = make_candidates(n_cells=50)
    by_name = find_strategy("observed")(candidates)
    assert np.array_equal(STRATEGIES["observed"](candidates), by_name)
    assert not np.array_equal(find_strategy("observed", seed=3)(candidates), by_name)


def test_the_generation_weighs_with_starlink_only():
    assert find_strategy("observed", operator="oneweb").coefficients == (*observed_choice().coefficients[:-1], 0.0)
    assert TERMS[-1] == "newer"


def test_a_table_of_other_terms_is_refused(monkeypatch):
    table = read_table("observed_selection")
    monkeypatch.setattr(observed, "read_table", lambda _: table | {"term": table["term"][::-1]})
    with pytest.raises(CatalogError, match="rebuild"):
        observed_choice(seed=99)
