"""Weighted max-min fair rates of flows over shared resources, and the certificate that they are.

Every flow's rate rises in step with its weight until it meets its demand or one of its resources is full; a full resource is the flow's
bottleneck. The rates so found are the only ones that are max-min fair: no flow could have more without taking from one that has no more
per weight.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from overflight.errors import InputError

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int32]
Offsets = npt.NDArray[np.int64]

NO_BOTTLENECK = -1
"""In arrays of bottlenecks: the flow has all that it asks for."""

TOLERANCE = 1e-9
"""Relative tolerance of the certificate."""


@dataclass(frozen=True, slots=True, eq=False)
class FlowTable:
    """Flows over resources, one row per flow.

    A flow crosses the resources of its own list and, where it has a path, those of the path, which many flows may share: the beam is a
    flow's own, the way from its satellite to its PoP is common to all of the satellite's flows to that PoP. One list per flow says the
    same without paths, only at greater length (`expand_paths`).

    Attributes
    ----------
    indptr
        Bounds of each flow's own list, int64, shape (flows + 1,).
    resource
        The lists, one after the other, int32. A resource that a flow lists twice, it takes twice.
    weight
        Share in which a flow's rate rises, shape (flows,): its terminals times the weight of their class. A flow of weight 0 gets 0.
    demand
        The most that a flow asks for, Mbit/s, shape (flows,); infinite where it takes what it gets.
    path
        Path of each flow, int32, shape (flows,), -1 for none; None if no flow has one.
    path_indptr, path_resource
        Bounds and lists of the paths, int64, shape (paths + 1,), and int32.
    """

    indptr: Offsets
    resource: Indices
    weight: Floats
    demand: Floats
    path: Indices | None = None
    path_indptr: Offsets | None = None
    path_resource: Indices | None = None

    def __len__(self) -> int:
        return len(self.weight)


class FairRates(NamedTuple):
    """What each flow gets.

    Attributes
    ----------
    rate
        Mbit/s, shape (flows,).
    bottleneck
        The resource that holds each flow back, int32, shape (flows,); `NO_BOTTLENECK` where its demand is met or its weight is 0.
    load
        What flows put on each resource, Mbit/s, shape (resources,).
    """

    rate: Floats
    bottleneck: Indices
    load: Floats


class Certificate(NamedTuple):
    """What an examination of rates found.

    Attributes
    ----------
    worst_overload
        Greatest excess of a load over its capacity, relative to the capacity; 0 if there is none, infinite for a load on no capacity.
    worst_excess
        Greatest excess of a rate over its demand, relative to the demand.
    worst_imbalance
        Greatest difference of a load as told from the sum of the rates that cross the resource, relative to that sum.
    unexplained
        Flows below their demand that cross no full resource on which nobody has more per weight.
    first_unexplained
        The first of them; -1 if there is none.
    """

    worst_overload: float
    worst_excess: float
    worst_imbalance: float
    unexplained: int
    first_unexplained: int

    def holds(self, tolerance: float = TOLERANCE) -> bool:
        """Whether the rates are feasible, conserved and max-min fair to a relative tolerance."""
        worst = max(self.worst_overload, self.worst_excess, self.worst_imbalance)
        return self.unexplained == 0 and worst <= tolerance


class FlowArrays(NamedTuple):
    """A table of flows in the kernels' form, checked and complete."""

    indptr: Offsets
    resource: Indices
    weight: Floats
    demand: Floats
    path: Indices
    path_indptr: Offsets
    path_resource: Indices


def fair_rates(flows: FlowTable, capacity: npt.ArrayLike) -> FairRates:
    """Find the weighted max-min fair rates by progressive filling.

    Exact but for rounding: relative to the capacities about 1e-12. On one thread; equal input gives equal bytes. Takes about
    ``incidences + resources * log(resources)`` steps.

    Parameters
    ----------
    flows
        The flows.
    capacity
        Mbit/s of each resource, shape (resources,). 0: who crosses it gets 0. Infinite: it holds nobody back.

    Raises
    ------
    InputError
        If a shape, an index or a value cannot be used, or nothing bounds a flow: it asks for infinitely much and crosses no resource
        of finite capacity.

    References
    ----------
    Bertsekas, Gallager, *Data Networks*, 2nd ed. (1992), section 6.5.2.
    """
    from overflight.flow import _kernels

    arrays, limits = check_flows(flows, capacity)
    rate, bottleneck, load = np.empty(len(flows)), np.empty(len(flows), np.int32), np.zeros(len(limits))
    unbounded = _kernels.fill(*arrays, limits, rate, bottleneck)
    if unbounded >= 0:
        msg = f"flow {unbounded}: nothing bounds it; give it a demand, or a resource of finite capacity"
        raise InputError(msg)
    _kernels.add_loads(arrays.indptr, arrays.resource, *arrays[4:], rate, load)
    return FairRates(rate, bottleneck, load)


def certify_fair(flows: FlowTable, capacity: npt.ArrayLike, rates: FairRates, *, tolerance: float = TOLERANCE) -> Certificate:
    """Examine rates without regard to how they were found: feasible, conserved, max-min fair.

    Max-min fair are feasible rates of which each meets its demand or crosses a full resource on which no flow has more per weight.

    Parameters
    ----------
    flows, capacity
        As given to `fair_rates`.
    rates
        What is to be examined.
    tolerance
        Relative: a resource is full from ``1 - tolerance`` of its capacity on, and so for demands and shares.

    Raises
    ------
    InputError
        If a shape, an index or a value cannot be used.
    """
    from overflight.flow import _kernels

    arrays, limits = check_flows(flows, capacity)
    rate, told = np.ascontiguousarray(rates.rate, np.float64), np.ascontiguousarray(rates.load, np.float64)
    if rate.shape != arrays.weight.shape or told.shape != limits.shape or not (rate >= 0.0).all():
        msg = f"rates: shapes {rate.shape} and {told.shape}; give a rate of at least 0 for each flow and a load for each resource"
        raise InputError(msg)
    load = np.zeros(len(limits))
    _kernels.add_loads(arrays.indptr, arrays.resource, *arrays[4:], rate, load)
    count, first = _kernels.find_unexplained(*arrays, limits, rate, load, tolerance)
    return Certificate(
        _worst_excess(load, limits),
        _worst_excess(rate, arrays.demand),
        max(_worst_excess(load, told), _worst_excess(told, load)),
        int(count),
        int(first),
    )


def expand_paths(flows: FlowTable) -> FlowTable:
    """Write every flow's resources in one list of its own: own resources first, then those of its path."""
    path, bounds, resource = flows.path, flows.path_indptr, flows.path_resource
    if path is None or bounds is None or resource is None:
        return flows
    own = np.diff(flows.indptr)
    shared = np.where(path >= 0, np.diff(np.append(bounds, bounds[-1]))[path], 0)
    indptr = np.concatenate([[0], np.cumsum(own + shared)])
    both = np.empty(indptr[-1], np.int32)
    both[np.repeat(indptr[:-1] - flows.indptr[:-1], own) + np.arange(len(flows.resource))] = flows.resource
    first = np.where(path >= 0, bounds[path], 0)
    step = np.arange(shared.sum()) - np.repeat(np.cumsum(shared) - shared, shared)
    both[np.repeat(indptr[:-1] + own, shared) + step] = resource[np.repeat(first, shared) + step]
    return FlowTable(indptr, both, flows.weight, flows.demand)


def check_flows(flows: FlowTable, capacity: npt.ArrayLike) -> tuple[FlowArrays, Floats]:
    """Check a table of flows against capacities; returns both in the kernels' form.

    Raises
    ------
    InputError
        If a shape, an index or a value cannot be used; the message names the first flow.
    """
    from overflight.flow import _kernels

    limits = np.ascontiguousarray(capacity, dtype=np.float64)
    if limits.ndim != 1 or not (limits >= 0.0).all():
        msg = f"capacity: shape {limits.shape} or its values do not fit; give Mbit/s of at least 0, shape (resources,)"
        raise InputError(msg)
    count, has_paths = len(flows), flows.path is not None
    if has_paths and (flows.path_indptr is None or flows.path_resource is None):
        msg = "flows: path is given without path_indptr and path_resource; give all three or none"
        raise InputError(msg)
    arrays = FlowArrays(
        np.ascontiguousarray(flows.indptr, np.int64),
        np.ascontiguousarray(flows.resource, np.int32),
        np.ascontiguousarray(flows.weight, np.float64),
        np.ascontiguousarray(flows.demand, np.float64),
        np.ascontiguousarray(flows.path, np.int32) if has_paths else np.full(count, -1, np.int32),
        np.ascontiguousarray(flows.path_indptr, np.int64) if has_paths else np.zeros(1, np.int64),
        np.ascontiguousarray(flows.path_resource, np.int32) if has_paths else np.empty(0, np.int32),
    )
    if not len(arrays.path_indptr):
        msg = "flows: path_indptr is empty; give one more bound than paths"
        raise InputError(msg)
    if arrays.indptr.shape != (count + 1,) or arrays.demand.shape != (count,) or arrays.path.shape != (count,):
        shapes = f"{len(arrays.indptr)} bounds, {len(arrays.demand)} demands, {len(arrays.path)} paths"
        msg = f"flows: {shapes} do not fit {count} weights; give one more bound than weights, and as many demands and paths"
        raise InputError(msg)
    flow, reason = _kernels.find_wrong_flow(*arrays[:5], len(arrays.path_indptr) - 1, len(limits))
    if reason:
        msg = f"flow {flow}: {_REASONS[reason]}"
        raise InputError(msg)
    wrong = _kernels.find_wrong_path(arrays.path_indptr, arrays.path_resource, len(limits))
    if wrong >= 0:
        msg = f"path {wrong}: its bounds or resources do not fit; give resources from 0 to {len(limits) - 1}"
        raise InputError(msg)
    return arrays, limits


_REASONS = {
    1: "the bounds of its list do not fit; indptr starts at 0, never falls and ends at the number of listed resources",
    2: "it crosses a resource that does not exist; resources count from 0",
    3: "its weight is negative or no number; give 0 or more",
    4: "its demand is negative or no number; give 0 or more, infinite for what it can get",
    5: "its path does not exist; paths count from 0, -1 is none",
}


def _worst_excess(value: Floats, limit: Floats) -> float:
    """Greatest ``value / limit - 1``, at least 0."""
    over = value > limit
    if not over.any():
        return 0.0
    with np.errstate(divide="ignore"):
        return float((value[over] / limit[over] - 1.0).max())
