"""What becomes of contracts: which the change breaks, by which rule, and what they are worth."""

import numpy as np

from overflight.report.answers import country_name
from overflight.report.comparison_people import say_rule
from overflight.report.comparison_values import money
from overflight.report.markup import NUMBER, Page, escape, paragraph
from overflight.report.words import Words
from overflight.study.comparison.findings import ContractCheck, Keeping, PolicyComparison

MOST_RULES = 3
"""Rules that are named for one contract."""

ALL = 1.0 - 1e-9
"""A greater share than this is all of them."""

_ORDER = ("broken", "unkept", "mended", "kept", "not-agreed")


def contracts_section(found: PolicyComparison, page: Page) -> str:
    """Every contract before and after, those that the change breaks first."""
    words = page.words
    if not found.contracts:
        return ""
    rows = sorted(found.contracts, key=lambda row: _ORDER.index(row.change))
    broken = [row for row in rows if row.change == "broken"]
    heads = [("customer", ""), ("terminals", NUMBER), ("committed", NUMBER), ("availability", NUMBER), ("value", NUMBER)]
    heads += [("before", ""), ("after", ""), ("why", "")]
    columns = [(words(f"comparison_contracts.{head}"), kind) for head, kind in heads]
    text = paragraph(_say_broken(broken, len(rows), words), _say_mended(rows, words))
    table = page.table(
        words("comparison_contracts.table" if broken else "comparison_contracts.table_plain"),
        columns,
        [_row(row, words) for row in rows],
        marked=range(len(broken)),
    )
    return f'{text}<div class="contracts">\n{table}</div>\n' + paragraph(words("comparison_contracts.note"), kind="note")


def _say_broken(broken: list[ContractCheck], total: int, words: Words) -> str:
    if not broken:
        return words("comparison_contracts.none_broken")
    sums: dict[str, float] = {}
    for row in broken:
        sums[row.currency] = sums.get(row.currency, 0.0) + row.value_per_year
    worth = words.listing(money(value, currency, words) for currency, value in sorted(sums.items()) if value > 0.0)
    key = "broken" if worth else "broken_unvalued"
    return words(f"comparison_contracts.{key}", broken=words.number(len(broken)), total=words.number(total), worth=worth)


def _say_mended(rows: list[ContractCheck], words: Words) -> str:
    mended = sum(row.change == "mended" for row in rows)
    return words("comparison_contracts.mended", mended=words.number(mended), total=words.number(len(rows))) if mended else ""


def _row(row: ContractCheck, words: Words) -> list[str]:
    where = words.listing(country_name(code, words.lang) for code in row.territories[:MOST_RULES])
    where += ", …" if len(row.territories) > MOST_RULES else ""
    details = f"{words.label('terminal_class', row.terminal_class)} · {where}"
    rates = words.localise(f"{row.down_mbps:,g}") + (f" / {words.localise(f'{row.up_mbps:,g}')}" if row.up_mbps > 0.0 else "")
    return [
        f"<strong>{escape(row.customer)}</strong> <code>{escape(row.name)}</code><br><small>{escape(details)}</small>",
        words.number(row.terminals),
        rates,
        words.localise(f"{row.availability_percent:g}") + words("format.percent"),
        escape(money(row.value_per_year, row.currency, words)),
        _state(row.before, row.before.state == "kept", words),
        _state(row.after, row.change in {"kept", "mended"}, words),
        _why(row, words),
    ]


def _state(side: Keeping, is_kept: bool, words: Words) -> str:  # noqa: FBT001 - what the tag's colour says
    kind = "neutral" if side.state == "not-agreed" else "kept" if is_kept else "broken"
    tag = f'<span class="tag {kind}">{escape(words.label("contract_state", side.state))}</span>'
    details = _details(side, words)
    return tag + (f"<br><small>{escape(details)}</small>" if details else "")


def _details(side: Keeping, words: Words) -> str:
    """How far a contract is from being kept, or how well it is."""
    if side.state == "not-agreed":
        return ""
    if side.state == "denied":
        return _say_part("denied", 1.0 - side.served_share, words)
    if side.state == "limited":
        return _say_part("short", side.short_share, words)
    if not np.isfinite(side.met_share):
        return words("comparison_contracts.not_simulated")
    return words("comparison_contracts.met_share", share=words.percent(min(side.met_share, 1.0)))


def _say_part(what: str, share: float, words: Words) -> str:
    """How many of a contract's terminals something is so of."""
    if share > ALL:
        return words(f"comparison_contracts.{what}_all")
    return words(f"comparison_contracts.{what}_share", share=words.percent(max(share, 0.0)))


def _why(row: ContractCheck, words: Words) -> str:
    """Rules that deny or limit after the change; of what the change mends, those that did before."""
    side, lead = (row.before, words("comparison_contracts.until_now") + " ") if row.change == "mended" else (row.after, "")
    if not side.rules:
        return escape(words("comparison_contracts.too_slow")) if side.state == "short" else ""
    named = "<br>".join(say_rule(rule, words) for rule in side.rules[:MOST_RULES])
    more = len(side.rules) - MOST_RULES
    rest = f"<br><small>{escape(words('comparison_rules.and_more', count=words.number(more)))}</small>" if more > 0 else ""
    return escape(lead) + named + rest
