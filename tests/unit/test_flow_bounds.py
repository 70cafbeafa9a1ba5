"""Greatest total, price of fairness, feasible minimum."""

import numpy as np
import pytest

from overflight.errors import InputError
from overflight.flow.bounds import check_minimum_rate, feasible_minimum_rate, max_throughput, price_of_fairness
from overflight.flow.fair import FlowTable, fair_rates

LINE = FlowTable(np.array([0, 2, 3, 4]), np.array([0, 1, 0, 1], np.int32), np.ones(3), np.full(3, np.inf))
"""One flow over two links and one over each."""


def test_the_greatest_total_starves_the_long_flow():
    most = max_throughput(LINE, [1.0, 1.0])
    assert most.total == pytest.approx(2.0)
    assert most.rate == pytest.approx([0.0, 1.0, 1.0])
    assert most.price == pytest.approx([1.0, 1.0])
    fair = fair_rates(LINE, [1.0, 1.0]).rate.sum()
    assert price_of_fairness(fair, most.total) == pytest.approx(0.25)
    assert price_of_fairness(0.0, 0.0) == 0.0


def test_flows_alike_share_what_their_kind_gets():
    flows = FlowTable(np.arange(5), np.zeros(4, np.int32), np.array([1.0, 3.0, 1.0, 0.0]), np.array([np.inf, np.inf, 1.0, np.inf]))
    assert max_throughput(flows, [9.0]).rate == pytest.approx([2.0, 6.0, 1.0, 0.0])


def test_without_flows_and_without_bounds():
    nobody = FlowTable(np.zeros(1, np.int64), np.empty(0, np.int32), np.empty(0), np.empty(0))
    assert max_throughput(nobody, [1.0]).total == 0.0
    assert feasible_minimum_rate(nobody, [1.0]) == (np.inf, -1)
    with pytest.raises(InputError, match="flow 2: nothing bounds it"):
        max_throughput(LINE, [1.0, np.inf])


def test_a_minimum_that_is_not_feasible_says_what_is():
    assert feasible_minimum_rate(LINE, [8.0, 1.0]) == (0.5, 1)
    assert feasible_minimum_rate(LINE, [8.0, 1.0], terminals=[1, 7, 0]) == (1.0, 0)
    assert check_minimum_rate(LINE, [8.0, 1.0], 0.5).rate == 0.5
    with pytest.raises(InputError, match=r"minimum rate of 25 Mbit/s: not feasible .* 0\.5 Mbit/s each is \(resource 1"):
        check_minimum_rate(LINE, [8.0, 1.0], 25.0)
