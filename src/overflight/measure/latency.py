"""Latency of a territory: propagation and backhaul as simulated, and a calibrated term for access.

A round trip is twice the way over the user link, lasers and feeder link at the speed of light in vacuum, twice the way over fibre from
the gateway to the PoP, and the access term: everything between a terminal and a PoP that is not distance (waiting for a frame's grant,
processing, queues). That term is one distribution for all territories, fitted to what the operator publishes for 76 of them; it is
supposed to be independent of the way, so that the distribution of round trips is the convolution of the two.

Quantiles are of the time that a packet takes: the 20th percentile is what the operator calls its best 20 %, the 80th its worst 20 %.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import erfc, sqrt
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from overflight.catalog.tables import float_column, read_table
from overflight.errors import InputError

Floats = npt.NDArray[np.float64]

PARTS = ("user_link", "isl", "feeder", "backhaul")
"""Parts of a round trip that are simulated."""

PROPAGATION = ("user_link", "isl", "feeder")
"""Those of them that are radio and laser links."""

BIN_MS = 0.2
MAX_MS = 600.0
"""Longer round trips count as this long."""

_BINS = round(MAX_MS / BIN_MS)
_CELLS_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class AccessTerm:
    """Round-trip time of everything but distance: a log-normal distribution above a floor.

    Attributes
    ----------
    floor_ms
        No packet takes less.
    median_ms
        Half of the packets take less.
    spread
        Standard deviation of the logarithm of the time above the floor.
    """

    floor_ms: float
    median_ms: float
    spread: float

    def __post_init__(self) -> None:
        if not (0.0 <= self.floor_ms < self.median_ms < np.inf and 0.0 < self.spread < np.inf):
            msg = (
                f"access term of floor {self.floor_ms:g} ms, median {self.median_ms:g} ms, spread {self.spread:g}: "
                "give 0 <= floor < median and a spread above 0"
            )
            raise InputError(msg)

    def quantile_ms(self, share: float) -> float:
        """Return the time that a ``share`` of the packets takes at most, for shares between 0 and 1."""
        return self.floor_ms + (self.median_ms - self.floor_ms) * float(np.exp(self.spread * NormalDist().inv_cdf(share)))

    def cumulative(self, time_ms: Floats) -> Floats:
        """Share of packets that take at most ``time_ms``, of its shape."""
        above = np.maximum(np.asarray(time_ms, dtype=np.float64) - self.floor_ms, 0.0) / (self.median_ms - self.floor_ms)
        deviation = np.log(np.maximum(above, 1e-300)) / self.spread
        return np.where(above > 0.0, _normal_cumulative(deviation), 0.0)


@dataclass(frozen=True, slots=True)
class AccessFit:
    """How well the built-in access term reproduces what the operator publishes.

    Attributes
    ----------
    term
        The fitted term.
    low, high
        Bounds of each of its parameters, 95 % (bootstrap over territories).
    territories
        Number of territories fitted to.
    spearman
        Rank correlation of simulated and published medians.
    median_abs_error_ms, best_abs_error_ms, worst_abs_error_ms
        Median absolute error of the medians, of the best 20 % and of the worst 20 %.
    source, date, status
        Where the published figures come from.
    """

    term: AccessTerm
    low: dict[str, float]
    high: dict[str, float]
    territories: int
    spearman: float
    median_abs_error_ms: float
    best_abs_error_ms: float
    worst_abs_error_ms: float
    source: str
    date: str
    status: str


@cache
def access_fit() -> AccessFit:
    """Return the access term of the built-in table ``latency_access``, with its errors."""
    table = read_table("latency_access")
    value, low, high = (dict(zip(table["parameter"], float_column(table, column), strict=True)) for column in ("value", "low", "high"))
    return AccessFit(
        term=AccessTerm(floor_ms=float(value["floor"]), median_ms=float(value["median"]), spread=float(value["spread"])),
        low={name: float(bound) for name, bound in low.items()},
        high={name: float(bound) for name, bound in high.items()},
        territories=int(table["territories"][0]),
        spearman=float(table["spearman"][0]),
        median_abs_error_ms=float(table["median_abs_error_ms"][0]),
        best_abs_error_ms=float(table["best_abs_error_ms"][0]),
        worst_abs_error_ms=float(table["worst_abs_error_ms"][0]),
        source=table["source"][0],
        date=table["date"][0],
        status=table["status"][0],
    )


@dataclass(frozen=True, slots=True)
class LatencySummary:
    """Round trips of a territory over a period. Where nothing was served, all is NaN.

    Attributes
    ----------
    p20_ms, p50_ms, p80_ms
        Quantiles of the whole round trip.
    propagation_p50_ms, user_link_p50_ms, isl_p50_ms, feeder_p50_ms, backhaul_p50_ms, access_p50_ms
        Median of each part. Medians do not add up exactly.
    served_share
        Weight of what was served over the whole weight.
    edges_ms
        Edges of the bins of the densities, shape (bins + 1,).
    density, path_density
        Density of the whole round trip, and of propagation and backhaul alone (to the nearest edge below), 1/ms, shape (bins,).
    cell_p50_ms
        Median of the whole round trip by cell, NaN where never served, shape (n_cells,).
    """

    p20_ms: float
    p50_ms: float
    p80_ms: float
    propagation_p50_ms: float
    user_link_p50_ms: float
    isl_p50_ms: float
    feeder_p50_ms: float
    backhaul_p50_ms: float
    access_p50_ms: float
    served_share: float
    edges_ms: Floats
    density: Floats
    path_density: Floats
    cell_p50_ms: Floats


class LatencyAccumulator:
    """Collects round trips block by block; its memory depends on the number of cells and not on the duration.

    Counts are whole numbers, so that neither blocks nor threads change the result.

    Parameters
    ----------
    weights
        Weight of each cell, such as its population, shape (n_cells,). If all are zero, cells weigh alike.

    Raises
    ------
    InputError
        If a weight is negative or not finite.
    """

    def __init__(self, weights: npt.ArrayLike) -> None:
        given = np.atleast_1d(np.asarray(weights, dtype=np.float64))
        if not np.all(np.isfinite(given) & (given >= 0.0)):
            msg = "weights of cells: must be finite and not negative"
            raise InputError(msg)
        self._weights = given if given.any() else np.ones_like(given)
        self._path = np.zeros((len(given), _BINS), dtype=np.int32)
        self._parts = {name: np.zeros(_BINS) for name in (*PARTS, "propagation")}
        self._slots = 0

    def add(self, parts: Mapping[str, npt.ArrayLike]) -> None:
        """Take a block of slots.

        Parameters
        ----------
        parts
            Round-trip time of each of `PARTS` in milliseconds, shape (slots, n_cells); NaN where a cell is not served.

        Raises
        ------
        InputError
            If a part is missing or the shapes differ.
        """
        missing = [name for name in PARTS if name not in parts]
        arrays = {name: np.asarray(parts[name], dtype=np.float64) for name in PARTS if name in parts}
        if missing or any(array.ndim != 2 or array.shape != next(iter(arrays.values())).shape for array in arrays.values()):
            msg = f"parts of latency: give {', '.join(PARTS)}, each of shape (slots, cells)"
            raise InputError(msg)
        propagation = arrays["user_link"] + arrays["isl"] + arrays["feeder"]
        path = propagation + arrays["backhaul"]
        if path.shape[1] != len(self._weights):
            msg = f"parts of latency: {path.shape[1]} cells, expected {len(self._weights)}"
            raise InputError(msg)
        slot, cell = np.nonzero(np.isfinite(path))
        np.add.at(self._path, (cell, _bin_of(path[slot, cell])), 1)
        for name, values in (*arrays.items(), ("propagation", propagation)):
            np.add.at(self._parts[name], _bin_of(values[slot, cell]), self._weights[cell])
        self._slots += len(path)

    def summarise(self, access: AccessTerm) -> LatencySummary:
        """Summary of all that was taken, with an access term added."""
        path = self._weights @ self._path
        served_share = float(path.sum() / (self._weights.sum() * max(self._slots, 1)))
        return _summarise(path, self._parts, access, served_share=served_share, cell_p50_ms=self._cell_medians_ms(access))

    def _cell_medians_ms(self, access: AccessTerm) -> Floats:
        medians_ms = np.full(len(self._path), np.nan)
        served = np.flatnonzero(self._path.any(axis=1))
        for start in range(0, len(served), _CELLS_AT_ONCE):
            rows = served[start : start + _CELLS_AT_ONCE]
            medians_ms[rows] = round_trip_quantiles_ms(self._path[rows].astype(np.float64), access, 0.5)[:, 0]
        return medians_ms


def latency_distribution(
    propagation_ms: npt.ArrayLike, backhaul_ms: npt.ArrayLike, weights: npt.ArrayLike, access: AccessTerm
) -> LatencySummary:
    """Summarise round trips given at once, one number per sample.

    Parameters
    ----------
    propagation_ms, backhaul_ms
        Round-trip times, shape (n,); NaN where not served.
    weights
        Weight of each sample, shape (n,).
    access
        The access term.

    Returns
    -------
    LatencySummary
        Propagation is not told apart into user link, lasers and feeder link: those are NaN, and so is every cell's median.
    """
    arrays = (np.atleast_1d(np.asarray(values, dtype=np.float64)) for values in (propagation_ms, backhaul_ms, weights))
    propagation, backhaul, weight = np.broadcast_arrays(*arrays)
    served = np.isfinite(propagation + backhaul)
    parts = {
        name: np.bincount(_bin_of(values[served]), weight[served], _BINS).astype(np.float64)
        for name, values in (("propagation", propagation), ("backhaul", backhaul), ("path", propagation + backhaul))
    }
    served_share = float(weight[served].sum() / weight.sum()) if weight.any() else 0.0
    return _summarise(parts["path"], parts, access, served_share=served_share, cell_p50_ms=np.full(1, np.nan))


def round_trip_quantiles_ms(path_density: Floats, access: AccessTerm, shares: npt.ArrayLike) -> Floats:
    """Quantiles of path + access, for many distributions of the path at once.

    Parameters
    ----------
    path_density
        As in `LatencySummary`, one distribution a row, shape (rows, bins); any scale.
    access
        The access term.
    shares
        Which quantiles, between 0 and 1, shape (k,).

    Returns
    -------
    ndarray
        Shape (rows, k), milliseconds.
    """
    wanted = np.atleast_1d(np.asarray(shares, dtype=np.float64))
    whole = _convolve(np.atleast_2d(path_density), access)
    return np.array([[_quantile_ms(row, share, shift_ms=0.5 * BIN_MS) for share in wanted] for row in whole])


def _summarise(
    path: Floats, parts: Mapping[str, Floats], access: AccessTerm, *, served_share: float, cell_p50_ms: Floats
) -> LatencySummary:
    edges_ms = np.arange(_BINS + 1, dtype=np.float64) * BIN_MS
    served = path.sum()
    whole = _convolve(path[np.newaxis] / served, access)[0] if served else np.zeros(_BINS)
    part = {name: _quantile_ms(parts[name], 0.5) if name in parts else np.nan for name in (*PARTS, "propagation")}
    return LatencySummary(
        p20_ms=_quantile_ms(whole, 0.2, shift_ms=0.5 * BIN_MS),
        p50_ms=_quantile_ms(whole, 0.5, shift_ms=0.5 * BIN_MS),
        p80_ms=_quantile_ms(whole, 0.8, shift_ms=0.5 * BIN_MS),
        propagation_p50_ms=part["propagation"],
        user_link_p50_ms=part["user_link"],
        isl_p50_ms=part["isl"],
        feeder_p50_ms=part["feeder"],
        backhaul_p50_ms=part["backhaul"],
        access_p50_ms=access.median_ms if served else np.nan,
        served_share=served_share,
        edges_ms=edges_ms,
        density=whole / BIN_MS if served else np.full(_BINS, np.nan),
        path_density=path / served / BIN_MS if served else np.full(_BINS, np.nan),
        cell_p50_ms=cell_p50_ms,
    )


def _bin_of(values_ms: Floats) -> npt.NDArray[np.int64]:
    """Bin of each value: bins are centred on whole multiples of the width, so that zero is told apart from a little."""
    return np.clip(np.rint(values_ms / BIN_MS), 0, _BINS - 1).astype(np.int64)


def _convolve(path: Floats, access: AccessTerm) -> Floats:
    """Distributions of path + access, shape (rows, bins); bin k then runs from k to k + 1 widths.

    The path's bins count as points in their middles, at k widths; the access term has its exact share between k and k + 1 widths.
    """
    share = np.diff(access.cumulative(np.arange(_BINS + 1, dtype=np.float64) * BIN_MS))
    share[-1] += 1.0 - share.sum()
    size = 2 * _BINS
    whole = np.fft.irfft(np.fft.rfft(path, size, axis=1) * np.fft.rfft(share, size), size, axis=1)
    whole[:, _BINS - 1] += whole[:, _BINS:].sum(axis=1)
    return np.asarray(np.maximum(whole[:, :_BINS], 0.0))


def _quantile_ms(counts: Floats, share: float, *, shift_ms: float = 0.0) -> float:
    """Quantile of a histogram with bins centred on k widths (plus ``shift_ms``), linear within all but the first; NaN if it is empty."""
    cumulative = np.cumsum(counts)
    if not cumulative[-1]:
        return np.nan
    wanted = share * cumulative[-1]
    row = int(np.searchsorted(cumulative, wanted))
    if not row:
        return shift_ms
    below = cumulative[row - 1]
    return float((row - 0.5 + (wanted - below) / (cumulative[row] - below)) * BIN_MS + shift_ms)


def _normal_cumulative(deviation: Floats) -> Floats:
    return np.array([0.5 * erfc(-value * sqrt(0.5)) for value in deviation.ravel()]).reshape(deviation.shape)
