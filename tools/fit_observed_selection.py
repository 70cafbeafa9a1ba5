"""Refit the satellite choice "observed" to the serving satellites identified at Louvain on 2024-07-17.

Usage: ``python -m tools.fit_observed_selection``. Writes ``src/overflight/catalog/data/observed_selection.csv`` and prints the tables
of ``docs/models/schedule.md``: nested models with their likelihood on blocks of time held out, and the observed statistics beside those
of the fit.
"""

import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from tools._tables import SHARED, format_table, write_tables

from overflight.clock import Instants, parse_time
from overflight.earth.geodesy import make_sites
from overflight.orbit.elements import parse_elements
from overflight.orbit.propagation import Propagator
from overflight.schedule.observed import TERMS, describe_candidates
from overflight.schedule.selection import Candidates
from overflight.schedule.slots import SLOT_OFFSET_S, SLOT_STEP_S, slot_numbers
from overflight.sky.angles import look_angles
from overflight.sky.arc import arc_separation_deg

Floats = npt.NDArray[np.float64]

LAT_DEG, LON_DEG = 50.6667, 4.6167
MIN_ELEVATION_DEG = 25.0
MIN_ARC_SEPARATION_DEG = 18.0
BLOCK_SLOTS = 50
"""Blocks of 12.5 minutes alternate between fitting and hold-out: longer than any pass, so that no access is in both."""

SOURCE = "conditional logit on serving satellites identified from a terminal's obstruction map at Louvain; CelesTrak elements of 2024-07-16"
DATE = "2024-07-17"
COLUMNS = ("term", "value", "standard_error", "unit", "meaning", "source", "date", "status")
MEANINGS = {
    "elevation": ("1/10 deg", "elevation above 60 deg"),
    "elevation_squared": ("1/(10 deg)^2", "square of the elevation above 60 deg"),
    "arc_separation": ("1/10 deg", "separation from the visible geostationary arc, at most 90 deg"),
    "serving": ("1", "the satellite served this cell in the previous slot"),
    "newer": ("1", "catalogue number from 56000 on: v2 mini generation"),
}
NESTED = (TERMS[:2], TERMS[:3], TERMS[:4], TERMS)


@dataclass(frozen=True, slots=True)
class Choices:
    """Choices of all slots, one after the other.

    Attributes
    ----------
    terms
        Terms of the utility, shape (pairs, len(TERMS)).
    begin
        First pair of each slot, shape (nt,).
    slot
        Row of the slot of each pair, shape (pairs,).
    chosen
        Whether the pair's satellite served, shape (pairs,), one per slot.
    elevation_deg, azimuth_deg, serving
        Shape (pairs,).
    """

    terms: Floats
    begin: npt.NDArray[np.intp]
    slot: npt.NDArray[np.intp]
    chosen: npt.NDArray[np.bool_]
    elevation_deg: Floats
    azimuth_deg: Floats
    serving: npt.NDArray[np.bool_]


def read_observed(path: Path) -> tuple[Instants, list[str]]:
    """Read the series: starts of the slots, and the name of the satellite that served most seconds of each."""
    with path.open(encoding="utf-8", newline="") as lines:
        rows = [(parse_time(row["Timestamp"]), row["Connected_Satellite"]) for row in csv.DictReader(lines)]
    numbers = slot_numbers(np.array([time for time, _ in rows], dtype="datetime64[us]"))
    seconds: dict[int, Counter[str]] = {}
    for number, (_, name) in zip(numbers.tolist(), rows, strict=True):
        seconds.setdefault(number, Counter())[name] += 1
    starts_s = np.array(sorted(seconds)) * SLOT_STEP_S + SLOT_OFFSET_S
    return (starts_s * 1e6).astype("datetime64[us]"), [seconds[number].most_common(1)[0][0] for number in sorted(seconds)]


def list_candidates() -> list[tuple[Candidates, int]]:
    """For every slot: all satellites above the mask by true geometry, and which of them served."""
    starts, names = read_observed(SHARED / "reference" / "scheduler" / "louvain_2024-07-17.csv")
    path = SHARED / "data" / "elements" / "starlink_2024-07-16.tle"
    elements, _ = parse_elements(path.read_bytes(), source=path.name)
    row_of = {name: row for row, name in enumerate(elements.name)}
    positions_km = Propagator(elements).positions_km(starts)
    site = make_sites(LAT_DEG, LON_DEG)
    slots, previous, last_number = [], -1, -1
    for number, name, position_km in zip(slot_numbers(starts).tolist(), names, positions_km, strict=True):
        azimuth_deg, elevation_deg, range_km = (np.ravel(angles) for angles in look_angles(site, position_km))
        above = np.flatnonzero(elevation_deg >= MIN_ELEVATION_DEG)
        azimuth_deg, elevation_deg, range_km = azimuth_deg[above], elevation_deg[above], range_km[above]
        nothing = np.zeros(len(above))
        candidates = Candidates(
            slot_index=number,
            cell=np.zeros(len(above), dtype=np.int32),
            satellite=above.astype(np.int32),
            norad_id=elements.norad_id[above],
            elevation_deg=elevation_deg,
            azimuth_deg=azimuth_deg,
            range_km=range_km,
            remaining_s=nothing,
            serving=(above == previous) & (number == last_number + 1),
            way_delay_ms=nothing,
            arc_separation_deg=arc_separation_deg(np.full(len(above), LAT_DEG), azimuth_deg, elevation_deg),
        )
        served = row_of[name]
        slots.append((candidates, served))
        previous, last_number = served, number
    return slots


def gather_choices(slots: list[tuple[Candidates, int]], *, min_arc_separation_deg: float) -> Choices:
    """Put the slots together; those whose serving satellite is within the arc's avoidance are left out."""
    parts = []
    for candidates, served in slots:
        keep = candidates.arc_separation_deg >= min_arc_separation_deg
        chosen = candidates.satellite[keep] == served
        if chosen.any():
            terms = describe_candidates(candidates)[:, keep].T
            parts.append((terms, chosen, candidates.elevation_deg[keep], candidates.azimuth_deg[keep], candidates.serving[keep]))
    terms, chosen, elevation_deg, azimuth_deg, serving = (np.concatenate(column) for column in zip(*parts, strict=True))
    sizes = [len(part[1]) for part in parts]
    begin = np.cumsum([0, *sizes[:-1]])
    return Choices(terms, begin, np.repeat(np.arange(len(sizes)), sizes), chosen, elevation_deg, azimuth_deg, serving)


def select_slots(choices: Choices, wanted: npt.NDArray[np.bool_]) -> Choices:
    """Take some of the slots; ``wanted`` has shape (nt,)."""
    pairs = wanted[choices.slot]
    sizes = np.bincount(choices.slot)[wanted]
    slot = np.repeat(np.arange(len(sizes)), sizes)
    begin = np.cumsum([0, *sizes[:-1]])
    return Choices(
        terms=choices.terms[pairs],
        begin=begin,
        slot=slot,
        chosen=choices.chosen[pairs],
        elevation_deg=choices.elevation_deg[pairs],
        azimuth_deg=choices.azimuth_deg[pairs],
        serving=choices.serving[pairs],
    )


def probabilities(choices: Choices, coefficients: Floats) -> Floats:
    """Probability that each pair serves, shape (pairs,); the first terms are used, as many as there are coefficients."""
    utility = choices.terms[:, : len(coefficients)] @ coefficients
    weight = np.exp(utility - np.maximum.reduceat(utility, choices.begin)[choices.slot])
    return np.asarray(weight / np.add.reduceat(weight, choices.begin)[choices.slot])


def fit_logit(choices: Choices, n_terms: int) -> tuple[Floats, Floats]:
    """Maximum-likelihood coefficients and their standard errors (inverse of the observed information)."""
    terms = choices.terms[:, :n_terms]

    def minus_log_likelihood(coefficients: Floats) -> tuple[float, Floats]:
        share = probabilities(choices, coefficients)
        return -float(np.log(share[choices.chosen]).sum()), terms.T @ share - terms[choices.chosen].sum(axis=0)

    fit = minimize(minus_log_likelihood, np.zeros(n_terms), jac=True, method="BFGS", options={"gtol": 1e-6})
    share = probabilities(choices, fit.x)
    mean = np.add.reduceat(share[:, np.newaxis] * terms, choices.begin)
    information = (terms * share[:, np.newaxis]).T @ terms - mean.T @ mean
    return cast("Floats", fit.x), np.sqrt(np.diag(np.linalg.inv(information)))


def hold_out_log_likelihood(choices: Choices, n_terms: int) -> float:
    """Mean log-likelihood a slot on blocks not used in the fit (two-fold, alternating blocks)."""
    odd = np.arange(len(choices.begin)) // BLOCK_SLOTS % 2 == 1
    folds = []
    for fitted in (odd, ~odd):
        held_out = select_slots(choices, ~fitted)
        share = probabilities(held_out, fit_logit(select_slots(choices, fitted), n_terms)[0])
        folds.append(np.log(share[held_out.chosen]))
    return float(np.concatenate(folds).mean())


def summarise(choices: Choices, share: Floats) -> str:
    """Statistics of who serves when each pair serves with probability ``share``, as cells of a table."""
    order = np.argsort(choices.elevation_deg)
    median_deg = choices.elevation_deg[order][np.searchsorted(np.cumsum(share[order]), share.sum() / 2.0)]
    rank = np.empty(len(share))
    by_slot = np.lexsort((-choices.elevation_deg, choices.slot))
    rank[by_slot] = np.arange(len(share)) - choices.begin[choices.slot[by_slot]] + 1
    north = np.cos(np.radians(choices.azimuth_deg)) > 0.0
    shares = (share[chosen].sum() / len(choices.begin) for chosen in (north, rank == 1, rank <= 5, choices.serving))
    return f"{median_deg:.1f}° | " + " | ".join(f"{100.0 * value:.1f} %" for value in shares)


def main() -> None:
    """Fit, print the tables of the documentation, and write the built-in table."""
    slots = list_candidates()
    every = gather_choices(slots, min_arc_separation_deg=0.0)
    close = [(c.arc_separation_deg < MIN_ARC_SEPARATION_DEG, c.satellite == served) for c, served in slots]
    in_view = np.mean(np.concatenate([near for near, _ in close]))
    of_serving = np.mean([near[served].any() for near, served in close])
    print(f"slots {len(slots)}, in view {len(every.chosen) / len(every.begin):.1f}, served within the mask {len(every.begin)}")
    print(f"within {MIN_ARC_SEPARATION_DEG:g} deg of the arc: {in_view:.1%} of those in view, {of_serving:.1%} of those serving\n")
    choices = gather_choices(slots, min_arc_separation_deg=MIN_ARC_SEPARATION_DEG)
    print("| terms | log-likelihood a slot, held out | median elevation | north | top 1 | top 5 | kept |\n|---|---|---|---|---|---|---|")
    equal = 1.0 / np.bincount(choices.slot)[choices.slot]
    print(f"| none: all alike | {np.log(equal[choices.chosen]).mean():.3f} | {summarise(choices, equal)} |")
    for terms in NESTED:
        coefficients, _ = fit_logit(choices, len(terms))
        held_out = hold_out_log_likelihood(choices, len(terms))
        print(f"| {', '.join(terms)} | {held_out:.3f} | {summarise(choices, probabilities(choices, coefficients))} |")
    print(f"| observed, beyond the arc's avoidance | | {summarise(choices, choices.chosen.astype(np.float64))} |")
    print(f"| observed, all | | {summarise(every, every.chosen.astype(np.float64))} |\n")
    rows = []
    for term, value, error in zip(TERMS, *fit_logit(choices, len(TERMS)), strict=True):
        unit, meaning = MEANINGS[term]
        row = {"term": term, "value": f"{value:.4f}", "standard_error": f"{error:.4f}", "unit": unit, "meaning": meaning}
        rows.append(row | {"source": SOURCE, "date": DATE, "status": "measured"})
        print(f"| {term} | {value:.2f} ± {error:.2f} | {unit} | {meaning} |")
    write_tables({"observed_selection.csv": format_table(COLUMNS, rows)})


if __name__ == "__main__":
    main()
