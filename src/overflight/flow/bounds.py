"""What no sharing can exceed: the greatest total throughput, and the greatest rate that all could have at once."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from overflight.errors import InputError, OverflightError
from overflight.flow.fair import FlowTable, check_flows, expand_paths, fair_rates

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int32]


class GreatestTotal(NamedTuple):
    """Rates whose sum is the greatest possible.

    Attributes
    ----------
    rate
        Mbit/s, shape (flows,). Many rates have this sum; of flows alike in their resources those here are shared fairly.
    total
        Their sum, Mbit/s.
    price
        By how much the total would grow per Mbit/s more of each resource, shape (resources,); 0 where a resource is not full.
    """

    rate: Floats
    total: float
    price: Floats


class CommonRate(NamedTuple):
    """The greatest rate that all could have at once.

    Attributes
    ----------
    rate
        Mbit/s per terminal; infinite if no resource of finite capacity is crossed.
    resource
        What holds it there; -1 if it is infinite.
    """

    rate: float
    resource: int


def max_throughput(flows: FlowTable, capacity: npt.ArrayLike) -> GreatestTotal:
    """Find the greatest sum of rates that capacities and demands allow, by linear programming (HiGHS).

    The bound that fair rates are compared with: what they fall short of it is the price of fairness. Weights do not matter to it, but a
    flow of weight 0 has nobody in it and gets 0, as it does in `fair_rates`. Seconds for 100,000 flows that differ in their resources.

    Parameters
    ----------
    flows, capacity
        As of `overflight.flow.fair.fair_rates`.

    Raises
    ------
    InputError
        If a shape, an index or a value cannot be used, or nothing bounds a flow.
    OverflightError
        If the solver gives up.
    """
    from scipy.optimize import linprog
    from scipy.sparse import csc_array

    arrays, limits = check_flows(flows, capacity)
    lists = expand_paths(flows)
    kind, first = _find_alike(lists)
    kinds = len(first)
    asked = np.bincount(kind, weights=np.where(arrays.weight > 0.0, arrays.demand, 0.0), minlength=kinds).astype(np.float64)
    length = np.diff(lists.indptr)[first]
    row = np.concatenate([lists.resource[lists.indptr[f] : lists.indptr[f + 1]] for f in first]) if kinds else lists.resource[:0]
    column = np.repeat(np.arange(kinds), length)
    held = np.isfinite(limits)
    bounded = np.bincount(column, weights=held[row], minlength=kinds) > 0
    if (~bounded & np.isinf(asked)).any():
        flow = int(np.flatnonzero((kind == np.argmax(~bounded & np.isinf(asked))) & np.isinf(arrays.demand))[0])
        msg = f"flow {flow}: nothing bounds it; give it a demand, or a resource of finite capacity"
        raise InputError(msg)
    if not kinds:
        return GreatestTotal(np.zeros(len(flows)), 0.0, np.zeros(len(limits)))
    number = np.cumsum(held) - 1
    keep = held[row]
    matrix = csc_array((np.ones(int(keep.sum())), (number[row[keep]], column[keep])), shape=(int(held.sum()), kinds))
    matrix.sum_duplicates()
    solution = linprog(-np.ones(kinds), A_ub=matrix, b_ub=limits[held], bounds=np.column_stack([np.zeros(kinds), asked]), method="highs")
    if solution.status != 0:
        msg = f"greatest total: the solver gave up ({solution.message.strip()}); give fewer flows"
        raise OverflightError(msg)
    share = FlowTable(np.arange(len(flows) + 1), kind, arrays.weight, arrays.demand)
    rate = fair_rates(share, np.maximum(solution.x, 0.0)).rate
    price = np.zeros(len(limits))
    price[held] = np.maximum(-solution.ineqlin.marginals, 0.0)
    return GreatestTotal(rate, float(-solution.fun), price)


def price_of_fairness(fair_total: float, greatest_total: float) -> float:
    """Share of the greatest total that is given up for fairness, 0 to 1.

    References
    ----------
    Bertsimas, Farias, Trichakis, "The price of fairness", Operations Research 59 (2011).
    """
    return 0.0 if greatest_total <= 0.0 else max(0.0, 1.0 - fair_total / greatest_total)


def feasible_minimum_rate(flows: FlowTable, capacity: npt.ArrayLike, *, terminals: npt.ArrayLike | None = None) -> CommonRate:
    """Find the greatest rate that every terminal could have at once, whatever it asks for: the first level of the max-min fair rates.

    Parameters
    ----------
    flows, capacity
        As of `overflight.flow.fair.fair_rates`; demands do not matter.
    terminals
        Terminals of each flow, shape (flows,); by default its weight.

    Raises
    ------
    InputError
        If a shape, an index or a value cannot be used.
    """
    count = flows.weight if terminals is None else np.asarray(terminals, np.float64)
    endless = FlowTable(
        flows.indptr, flows.resource, count, np.full(len(flows), np.inf), flows.path, flows.path_indptr, flows.path_resource
    )
    arrays, limits = check_flows(endless, capacity)
    from overflight.flow._kernels import add_loads

    pull = np.zeros(len(limits))
    add_loads(arrays.indptr, arrays.resource, *arrays[4:], arrays.weight, pull)
    crossed = np.flatnonzero((pull > 0.0) & np.isfinite(limits))
    if not len(crossed):
        return CommonRate(float("inf"), -1)
    level = limits[crossed] / pull[crossed]
    least = int(np.argmin(level))
    return CommonRate(float(level[least]), int(crossed[least]))


def check_minimum_rate(
    flows: FlowTable, capacity: npt.ArrayLike, minimum_mbps: float, *, terminals: npt.ArrayLike | None = None
) -> CommonRate:
    """Refuse a minimum rate that not every terminal can have at once.

    Parameters
    ----------
    flows, capacity, terminals
        As of `feasible_minimum_rate`.
    minimum_mbps
        Rate that each terminal is to have.

    Raises
    ------
    InputError
        If it is not feasible; the message says what is.
    """
    found = feasible_minimum_rate(flows, capacity, terminals=terminals)
    if not minimum_mbps <= found.rate:
        feasible = f"{found.rate:.4g} Mbit/s each is (resource {found.resource} is full then)"
        msg = f"minimum rate of {minimum_mbps:g} Mbit/s: not feasible for all terminals at once; {feasible}"
        raise InputError(msg)
    return found


def _find_alike(lists: FlowTable) -> tuple[Indices, npt.NDArray[np.int64]]:
    """Number the flows by their lists of resources: (kind of each flow, first flow of each kind)."""
    kinds: dict[bytes, int] = {}
    kind = np.empty(len(lists), np.int32)
    first: list[int] = []
    resource = np.ascontiguousarray(lists.resource, np.int32)
    for flow in range(len(lists)):
        found = kinds.setdefault(resource[lists.indptr[flow] : lists.indptr[flow + 1]].tobytes(), len(kinds))
        if found == len(first):
            first.append(flow)
        kind[flow] = found
    return kind, np.array(first, dtype=np.int64)
