import dataclasses

import numpy as np
import pytest

from overflight.errors import ScenarioError
from overflight.schedule.handovers import count_handovers
from overflight.schedule.selection import Candidates, choose_serving, remaining_slots
from overflight.schedule.strategies import STRATEGIES, find_strategy


def make_candidates(**columns):
    """Three cells: the first with three candidates, the second with none, the third with two."""
    cell = np.array([0, 0, 0, 2, 2], dtype=np.int32)
    base = {
        "slot_index": 7,
        "cell": cell,
        "satellite": np.array([3, 5, 9, 1, 5], dtype=np.int32),
        "norad_id": np.array([44003, 44005, 44009, 44001, 44005]),
        "elevation_deg": np.array([30.0, 80.0, 50.0, 26.0, 27.0]),
        "azimuth_deg": np.array([10.0, 90.0, 180.0, 270.0, 300.0]),
        "range_km": np.array([900.0, 560.0, 540.0, 1000.0, 990.0]),
        "remaining_s": np.array([150.0, 15.0, 60.0, 30.0, 45.0]),
        "serving": np.array([False, False, True, False, False]),
        "way_delay_ms": np.array([3.0, 4.0, 5.0, 6.0, 7.0]),
        "arc_separation_deg": np.array([40.0, 30.0, 20.0, 25.0, 35.0]),
    }
    return Candidates(**(base | columns))


@pytest.mark.parametrize(
    ("name", "expected"),
    [("highest-elevation", [5, -1, 5]), ("longest-remaining", [3, -1, 5]), ("nearest", [9, -1, 5]), ("least-handovers", [9, -1, 5])],
)
def test_built_in_strategies(name, expected):
    candidates = make_candidates()
    assert choose_serving(candidates, STRATEGIES[name](candidates), 3).tolist() == expected


def test_a_callable_of_the_users_own():
    def least_delay(candidates):
        return -candidates.way_delay_ms

    candidates = make_candidates()
    assert choose_serving(candidates, least_delay(candidates), 3).tolist() == [3, -1, 1]


def test_ties_go_to_the_lowest_satellite_in_any_order():
    candidates = make_candidates()
    backwards = dataclasses.replace(
        candidates,
        **{
            f.name: getattr(candidates, f.name)[::-1].copy()
            for f in dataclasses.fields(candidates)
            if f.name not in {"slot_index", "cell_key"}
        },
    )
    for pairs in (candidates, backwards):
        assert choose_serving(pairs, np.zeros(5), 3).tolist() == [3, -1, 1]


def test_pairs_without_a_way_or_a_score_never_serve():
    no_way = make_candidates(way_delay_ms=np.array([3.0, np.inf, 5.0, np.inf, np.inf]))
    assert choose_serving(no_way, no_way.elevation_deg, 3).tolist() == [9, -1, -1]
    candidates = make_candidates()
    assert choose_serving(candidates, [np.nan, -np.inf, 1.0, np.nan, np.nan], 3).tolist() == [9, -1, -1]


def test_wrong_number_of_scores_and_unknown_strategy_are_refused():
    with pytest.raises(ScenarioError, match="5 candidates"):
        choose_serving(make_candidates(), np.zeros(4), 3)
    with pytest.raises(ScenarioError, match="least-handovers"):
        find_strategy("best")


def test_remaining_slots_by_hand():
    # one cell; satellites by slot: {1, 4}, {1, 4}, {4}, {1, 4}: satellite 1 sets and rises again
    satellite = np.array([1, 4, 1, 4, 4, 1, 4], dtype=np.int32)
    indptr = np.array([[0, 2], [2, 4], [4, 5], [5, 7]])
    assert remaining_slots(indptr, satellite).tolist() == [2, 4, 1, 3, 2, 1, 1]
    assert remaining_slots(indptr, satellite, cap_slots=2).tolist() == [2, 2, 1, 2, 2, 1, 1]
    local = indptr - indptr[:, :1]
    assert remaining_slots(local, satellite, offset=indptr[:, 0]).tolist() == [2, 4, 1, 3, 2, 1, 1]
    with pytest.raises(ScenarioError, match="look-ahead"):
        remaining_slots(indptr, satellite, cap_slots=0)


def test_handovers_by_hand():
    serving = np.array([[4, -1, 2], [4, -1, 3], [5, -1, -1], [-1, -1, -7], [5, -1, 3], [5, -1, 3]])
    counts = count_handovers(serving)
    assert counts.handovers.tolist() == [1, 0, 1]
    assert counts.served_slots.tolist() == [5, 0, 4]
    assert counts.runs.tolist() == [3, 0, 3]
    assert counts.outages.tolist() == [1, 1, 1]
    assert counts.mean_run_slots[[0, 2]].tolist() == [5 / 3, 4 / 3]
    assert np.isnan(counts.mean_run_slots[1])
