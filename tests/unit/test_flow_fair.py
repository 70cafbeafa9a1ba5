"""Fair rates: known answers, edges, and what is refused."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from overflight.errors import InputError
from overflight.flow.fair import NO_BOTTLENECK, FairRates, FlowTable, certify_fair, expand_paths, fair_rates

INF = np.inf


def table(lists, weight=None, demand=None, **paths):
    indptr = np.concatenate([[0], np.cumsum([len(row) for row in lists])]).astype(np.int64)
    resource = np.array([r for row in lists for r in row], np.int32)
    weights = np.ones(len(lists)) if weight is None else np.array(weight, float)
    demands = np.full(len(lists), INF) if demand is None else np.array(demand, float)
    return FlowTable(indptr, resource, weights, demands, **paths)


def test_the_textbook_example():
    """Bertsekas and Gallager, Data Networks: one flow over all links, others over one each."""
    rates = fair_rates(table([[0, 1, 2], [0], [1], [2]]), [1.0, 2.0, 4.0])
    assert rates.rate.tolist() == [0.5, 0.5, 1.5, 3.5]
    assert rates.bottleneck.tolist() == [0, 0, 1, 2]
    assert rates.load.tolist() == [1.0, 2.0, 4.0]


def test_weights_and_demands():
    rates = fair_rates(table([[0], [0], [0]], [1.0, 2.0, 5.0], [INF, INF, 10.0]), [40.0])
    assert rates.rate.tolist() == [10.0, 20.0, 10.0]
    assert rates.bottleneck.tolist() == [0, 0, NO_BOTTLENECK]


def test_nothing_left_and_nothing_asked():
    rates = fair_rates(table([[0], [1], [1], [1], []], [1, 1, 0, 1, 2], [INF, 5.0, INF, 0.0, 3.0]), [0.0, INF])
    assert rates.rate.tolist() == [0.0, 5.0, 0.0, 0.0, 3.0]
    assert rates.bottleneck.tolist() == [0, -1, -1, -1, -1]
    assert certify_fair(table([[0]]), [0.0], FairRates(np.zeros(1), np.zeros(1, np.int32), np.zeros(1))).holds()


def test_a_resource_listed_twice_is_taken_twice():
    rates = fair_rates(table([[0, 0], [0]]), [9.0])
    assert rates.rate.tolist() == [3.0, 3.0]
    assert rates.load.tolist() == [9.0]


def test_without_flows_or_resources():
    assert fair_rates(table([]), [1.0]).load.tolist() == [0.0]
    assert fair_rates(table([[]], demand=[4.0]), []).rate.tolist() == [4.0]


def test_a_demand_that_just_fits_is_met():
    rates = fair_rates(table([[0], [0], [0]], demand=[0.1, 0.2, INF]), [0.1 + 0.2 + 0.2])
    assert rates.bottleneck[:2].tolist() == [-1, -1]


def test_weights_far_apart_do_not_blur_each_other():
    """What is left of a sum of weights after the heavy ones have gone must be exact."""
    weight = [1e-9, 3e-9, *[1e7] * 50]
    demand = [INF, INF, *[1.0] * 50]
    rates = fair_rates(table([[0]] * 52, weight, demand), [54.0])
    assert rates.rate[:2] == pytest.approx([1.0, 3.0], rel=1e-9)


def test_paths_are_shared_lists():
    paths = {"path": np.array([0, 0, -1], np.int32), "path_indptr": np.array([0, 2]), "path_resource": np.array([1, 2], np.int32)}
    flows = table([[0], [], [2]], **paths)
    assert expand_paths(flows).resource.tolist() == [0, 1, 2, 1, 2, 2]
    assert fair_rates(flows, [1.0, 10.0, 6.0]).rate.tolist() == [1.0, 2.5, 2.5]


def test_threads_do_not_matter():
    generator = np.random.default_rng(5)
    lists = [generator.integers(0, 300, generator.integers(1, 9)).tolist() for _ in range(2_000)]
    flows, capacity = table(lists, generator.uniform(0.5, 30.0, 2_000)), generator.uniform(1.0, 90.0, 300)
    with ThreadPoolExecutor(max_workers=4) as pool:
        found = list(pool.map(lambda _: fair_rates(flows, capacity), range(8)))
    assert all(rates.rate.tobytes() == found[0].rate.tobytes() for rates in found)
    assert certify_fair(flows, capacity, found[0]).holds()


@pytest.mark.parametrize("change", [0.9, 1.1])
def test_the_certificate_finds_what_is_wrong(change):
    flows, capacity = table([[0, 1, 2], [0], [1], [2]]), np.array([1.0, 2.0, 4.0])
    right = fair_rates(flows, capacity)
    rate = right.rate.copy()
    rate[1] *= change
    load = np.array([rate[0] + rate[1], 2.0, 4.0])
    found = certify_fair(flows, capacity, FairRates(rate, right.bottleneck, load))
    assert not found.holds()
    assert (found.unexplained, found.worst_overload) == ((2, 0.0) if change < 1.0 else (1, pytest.approx(0.05)))
    assert certify_fair(flows, capacity, right._replace(load=right.load * 1.01)).worst_imbalance == pytest.approx(0.01)
    assert (
        certify_fair(table([[0]], demand=[1.0]), [9.0], FairRates(np.array([2.0]), right.bottleneck, np.array([2.0]))).worst_excess == 1.0
    )


def test_rates_that_are_feasible_but_unfair_are_not_certified():
    flows = table([[0], [0]])
    found = certify_fair(flows, [4.0], FairRates(np.array([1.0, 3.0]), np.zeros(2, np.int32), np.array([4.0])))
    assert (found.worst_overload, found.unexplained, found.first_unexplained) == (0.0, 1, 0)


@pytest.mark.parametrize(
    ("flows", "capacity", "words"),
    [
        (table([[0]]), [INF], "flow 0: nothing bounds it"),
        (table([[0], []]), [1.0], "flow 1: nothing bounds it"),
        (table([[1]]), [1.0], "flow 0: it crosses a resource that does not exist"),
        (table([[0], [0]], weight=[1.0, -1.0]), [1.0], "flow 1: its weight"),
        (table([[0]], weight=[INF]), [1.0], "flow 0: its weight"),
        (table([[0]], demand=[np.nan]), [1.0], "flow 0: its demand"),
        (table([[0]]), [-1.0], "capacity"),
        (table([[0]]), [[1.0]], "capacity"),
        (FlowTable(np.array([0, 2]), np.zeros(1, np.int32), np.ones(1), np.ones(1)), [1.0], "flow 0: the bounds"),
        (FlowTable(np.array([0, 1]), np.zeros(1, np.int32), np.ones(2), np.ones(2)), [1.0], "do not fit 2 weights"),
        (table([[0]], path=np.zeros(1, np.int32)), [1.0], "give all three"),
        (
            table([[0]], path=np.ones(1, np.int32), path_indptr=np.zeros(2, int), path_resource=np.empty(0, np.int32)),
            [1.0],
            "flow 0: its path",
        ),
        (table([[0]], path=np.zeros(1, np.int32), path_indptr=np.array([0, 1]), path_resource=np.array([7], np.int32)), [1.0], "path 0"),
        (table([[0]], path=np.zeros(1, np.int32), path_indptr=np.empty(0, int), path_resource=np.empty(0, np.int32)), [1.0], "path_indptr"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(flows, capacity, words):
    with pytest.raises(InputError, match=words) as error:
        fair_rates(flows, capacity)
    assert "\n" not in str(error.value)


def test_rates_of_another_table_are_refused():
    with pytest.raises(InputError, match="rates"):
        certify_fair(table([[0]]), [1.0], FairRates(np.zeros(2), np.zeros(2, np.int32), np.zeros(1)))
