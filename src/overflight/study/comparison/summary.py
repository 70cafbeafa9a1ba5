"""A comparison in a few lines for people: what a record shows of an assessment."""

from collections.abc import Sequence

import numpy as np

from overflight.notices import Notice, Value
from overflight.service.classes import DEFAULT_CLASS
from overflight.study.comparison.findings import ContractCheck, NeighbourChange, PolicyComparison, is_sure

MOST_CONTRACTS = 5
"""Contracts that the summary names one by one."""

MOST_NEIGHBOURS = 6
"""Neighbours that a line names one by one."""

_FEW = 0.5
"""Fewer people than this are nobody."""


def summarise(found: PolicyComparison) -> tuple[str, ...]:
    """Lines for people, the gravest first: people, terminals, rates, neighbours, the line, others who could serve, contracts."""
    lines = [_say_people(found)]
    if found.terminal_class != DEFAULT_CLASS:
        text = "people are counted by terminals of class {terminal_class}"
        lines.append(Notice.of("summary_line.people_class", text, terminal_class=Notice.word("terminal_class", found.terminal_class)))
    lines += [*_say_conditions(found), _say_terminals(found), *_say_known(found), _say_rates(found)]
    lines += [*_say_neighbours(found), *_say_line(found), *_say_others(found), *_say_contracts(found)]
    return tuple(lines)


def _say_people(found: PolicyComparison) -> Notice:
    lives = found.lives
    values: dict[str, Value] = {
        "name": found.name,
        "name_fr": found.name_fr,
        "gaining": _about(lives.gaining),
        "losing": _about(lives.losing),
        "before": _about(lives.served[0]),
        "after": _about(lives.served[1]),
        "total": _about(lives.total),
    }
    if lives.gaining < _FEW and lives.losing < _FEW:
        text = "{name}: nobody gains or loses service; of {total:,.0f} people {after:,.0f} are served"
        return Notice.of("summary_line.people_same", text, **values)
    if lives.losing < _FEW:
        text = "{name}: {gaining:,.0f} people gain service; of {total:,.0f}, {before:,.0f} were served and {after:,.0f} will be"
        return Notice.of("summary_line.people_gain", text, **values)
    if lives.gaining < _FEW:
        text = "{name}: {losing:,.0f} people lose service; of {total:,.0f}, {before:,.0f} were served and {after:,.0f} will be"
        return Notice.of("summary_line.people_lose", text, **values)
    text = (
        "{name}: {gaining:,.0f} people gain service, {losing:,.0f} lose it; of {total:,.0f}, {before:,.0f} were served and"
        " {after:,.0f} will be"
    )
    return Notice.of("summary_line.people", text, **values)


def _say_conditions(found: PolicyComparison) -> list[Notice]:
    """Who is served at a limit, or only if listed."""
    lives, lines = found.lives, []
    if lives.limited_anew >= _FEW:
        text = "{count:,.0f} people come under a limit"
        lines.append(Notice.of("summary_line.people_limited", text, count=_about(lives.limited_anew)))
    if lives.freed_of_limit >= _FEW:
        text = "{count:,.0f} people are freed of a limit"
        lines.append(Notice.of("summary_line.people_freed", text, count=_about(lives.freed_of_limit)))
    if max(lives.listed_only) >= _FEW:
        text = "people where only listed terminals are served: {before:,.0f} before, {after:,.0f} after"
        before, after = (_about(count) for count in lives.listed_only)
        lines.append(Notice.of("summary_line.people_listed", text, before=before, after=after))
    return lines


def _say_known(found: PolicyComparison) -> list[Notice]:
    if found.known is None:
        return []
    gaining, losing = (sum(getattr(row, name) for row in found.known.by_class) for name in ("gaining", "losing"))
    text = "known terminals, of {total:,} in the territory: {gaining:,.0f} gain service, {losing:,.0f} lose it"
    return [Notice.of("summary_line.terminals_known", text, total=found.known.in_territory, gaining=gaining, losing=losing)]


def _about(count: float) -> float:
    """A number of people or terminals to three figures: nothing here is surer."""
    return float(f"{count:.3g}")


def _say_terminals(found: PolicyComparison) -> Notice:
    gaining, losing, total = (_about(sum(getattr(row, name) for row in found.classes)) for name in ("gaining", "losing", "terminals"))
    text = "terminals, of {total:,.0f}: {gaining:,.0f} gain service, {losing:,.0f} lose it"
    return Notice.of("summary_line.terminals", text, total=total, gaining=gaining, losing=losing)


def _say_rates(found: PolicyComparison) -> Notice:
    rates = found.rates
    before, after = (_write_rate(value) for value in rates.median_mbps)
    text = "an active terminal, in the median: before {before}, after {after}; all together up to {low:,.1f} and {high:,.1f} Gbit/s"
    low, high = rates.capacity_gbps
    return Notice.of("summary_line.rates", text, before=before, after=after, low=low, high=high)


def _write_rate(mbps: float) -> Notice:
    if not np.isfinite(mbps):
        return Notice.word("summary_word", "nobody is served")
    return Notice.of("summary_word.rate", "{rate:,.0f} Mbit/s", rate=mbps)


def _say_neighbours(found: PolicyComparison) -> list[Notice]:
    """What becomes of those that share the satellites."""
    return [*_say_switched(found), *_say_felt(found)]


def _say_switched(found: PolicyComparison) -> list[Notice]:
    """Neighbours most of whose terminals lose service, or gain it."""
    lines = []
    off = [row for row in found.neighbours if row.active_terminals[1] < 0.5 * row.active_terminals[0]]
    on = [row for row in found.neighbours if row.active_terminals[0] < 0.5 * row.active_terminals[1]]
    if off:
        text = "elsewhere, most terminals lose service in {names}"
        lines.append(Notice.of("summary_line.neighbours_off", text, names=_name_some(off), names_fr=_name_some(off, french=True)))
    if on:
        text = "elsewhere, most terminals gain service in {names}"
        lines.append(Notice.of("summary_line.neighbours_on", text, names=_name_some(on), names_fr=_name_some(on, french=True)))
    return lines


def _name_some(rows: Sequence[NeighbourChange], *, french: bool = False) -> tuple[str, ...]:
    names = [row.name_fr if french else row.name for row in rows]
    more = len(names) - MOST_NEIGHBOURS
    return (*names[:MOST_NEIGHBOURS], Notice.of("left_out.more", "and {count:,} more", count=more)) if more > 0 else tuple(names)


def _say_felt(found: PolicyComparison) -> list[Notice]:
    """The neighbour whose remaining terminals feel the change most."""
    rows = lasting_neighbours(found.neighbours)
    if not rows:
        return []
    felt = most_felt(rows)
    share = felt.mean_mbps[1] / felt.mean_mbps[0] - 1.0
    values: dict[str, Value] = {
        "name": felt.name,
        "name_fr": felt.name_fr,
        "share": share,
        "before": felt.mean_mbps[0],
        "after": felt.mean_mbps[1],
    }
    if not is_sure(felt.mean_mbps, felt.mean_margin_mbps) or abs(share) < 0.0005:
        return [Notice.of("summary_line.neighbours_same", "terminals elsewhere get what they got before, as far as can be told", **values)]
    text = "of the neighbours {name} feels it most: {after:,.1f} Mbit/s an active terminal instead of {before:,.1f} ({share:+.1%})"
    return [Notice.of("summary_line.neighbours", text, **values)]


def lasting_neighbours(rows: Sequence[NeighbourChange]) -> list[NeighbourChange]:
    """Neighbours that are served before and after and have a hundredth of the terminals there are: of fewer, a rate says little."""
    whole = sum(row.active_terminals[1] for row in rows)
    return [row for row in rows if row.mean_mbps[0] > 0.0 and row.mean_mbps[1] > 0.0 and row.active_terminals[1] >= 0.01 * whole]


def most_felt(rows: Sequence[NeighbourChange]) -> NeighbourChange:
    """The neighbour whose terminals feel the change most, those first where it is more than the differences between slots."""

    def felt(row: NeighbourChange) -> tuple[bool, float, str]:
        before, after = row.mean_mbps
        return is_sure(row.mean_mbps, row.mean_margin_mbps), abs(after / before - 1.0), row.code

    return max(rows, key=felt)


def _say_line(found: PolicyComparison) -> list[Notice]:
    bands = found.edges[1].bands
    if not bands or bands == found.edges[0].bands:
        return []
    values = {
        "cell": _about(sum(row.lit_by_cell for row in bands)),
        "beam": _about(sum(row.lit_by_beam for row in bands)),
        "dark": _about(sum(row.dark_by_cell for row in bands)),
    }
    if max(values.values()) < _FEW:
        return []
    text = (
        "the line after the change is not sharp: of people in the territory and around it, {cell:,.0f} are to be denied and live in cells"
        " that are on, {dark:,.0f} are to be served and live in cells that are off; beams meant for others reach {beam:,.0f} who are denied"
    )
    return [Notice.of("summary_line.line", text, **values)]


def _say_others(found: PolicyComparison) -> list[Notice]:
    if not found.alternatives:
        return []
    names = tuple(
        Notice.of("summary_line.alternative", "{title} in view {share:.0%} of the time", title=row.title, share=row.covered_fraction)
        for row in found.alternatives
    )
    return [Notice.of("summary_line.alternatives", "over those who lose service: {names:; }", names=names)]


def _say_contracts(found: PolicyComparison) -> list[Notice]:
    agreed = [row for row in found.contracts if row.change != "not-agreed"]
    if not agreed:
        return []
    broken = [row for row in agreed if row.change == "broken"]
    worse = [row for row in agreed if row.is_worse]
    text = "contracts, of {total} in force: {before} kept before, {after} after; broken by the change: {broken}, mended: {mended}"
    before, after = (
        sum(side.state == "kept" for side in sides) for sides in zip(*((row.before, row.after) for row in agreed), strict=True)
    )
    mended = sum(row.change == "mended" for row in agreed)
    values = {"total": len(agreed), "before": before, "after": after, "broken": len(broken), "mended": mended}
    lines = [Notice.of("summary_line.contracts", text, **values)]
    lines += [_say_contract(row) for row in broken[:MOST_CONTRACTS]]
    text = "not kept before either, and worse: {name} ({customer}): rate reached {before:.0%}, then {after:.0%}"
    for row in worse[:MOST_CONTRACTS]:
        shares = {"before": row.before.met_share, "after": row.after.met_share}
        lines.append(Notice.of("summary_line.contract_worse", text, name=row.name, customer=row.customer, **shares))
    return lines


def _say_contract(row: ContractCheck) -> Notice:
    state = Notice.word("contract_state", row.after.state)
    values: dict[str, Value] = {"name": row.name, "customer": row.customer, "state": state}
    if not row.value_per_year:
        return Notice.of("summary_line.contract_unvalued", "broken: {name} ({customer}): {state}", **values)
    text = "broken: {name} ({customer}, {value:,.0f} {currency} a year): {state}"
    return Notice.of("summary_line.contract", text, value=row.value_per_year, currency=row.currency, **values)
