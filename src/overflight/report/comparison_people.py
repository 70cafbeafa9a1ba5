"""Who gains and who loses: people and cells, terminals by class and owner."""

from collections.abc import Sequence

import numpy as np

from overflight.report.comparison_map import LEAST, draw_change
from overflight.report.comparison_values import FEW, count_or_nobody, difference, headcount, say_people, territory_name, with_share
from overflight.report.markup import NUMBER, Page, escape, foreign, paragraph, rich
from overflight.report.words import NO_VALUE, Words
from overflight.study.comparison.findings import ClassChange, KnownTerminals, Pair, PolicyComparison

MOST_ROWS = 12
"""Most rows of a table of owners or of terminals by name; of the others it is said how many they are."""


def people_section(found: PolicyComparison, page: Page) -> str:
    """People and cells before and after, and the map of those that gain and lose."""
    words = page.words
    text = paragraph(_say_change(found, words), _say_served(found, words), _say_limits(found, words))
    return text + _standing_table(found, page) + _change_table(found, page) + _map(found, page)


def _say_change(found: PolicyComparison, words: Words) -> str:
    lives = found.lives
    gains, loses = lives.gaining >= FEW, lives.losing >= FEW
    key = "both" if gains and loses else "gain" if gains else "lose" if loses else "same"
    gaining, losing = say_people(lives.gaining, words), say_people(lives.losing, words)
    return words(f"comparison_people.{key}", gaining=gaining, losing=losing, territory=territory_name(found, words))


def _say_served(found: PolicyComparison, words: Words) -> str:
    if found.lives.total < FEW:
        return ""
    before, after = (count_or_nobody(value, words) for value in found.lives.served)
    total, name = say_people(found.lives.total, words), words.label("terminal_class", found.terminal_class)
    key = "served" if before != after else "served_same"
    return words(f"comparison_people.{key}", before=before, after=after, total=total, terminal_class=name)


def _say_limits(found: PolicyComparison, words: Words) -> str:
    lives = found.lives
    sentences = []
    if lives.limited_anew >= FEW:
        sentences.append(words("comparison_people.limited_anew", count=say_people(lives.limited_anew, words)))
    if lives.freed_of_limit >= FEW:
        sentences.append(words("comparison_people.freed", count=say_people(lives.freed_of_limit, words)))
    return " ".join(sentences)


def _standing_table(found: PolicyComparison, page: Page) -> str:
    """How people stand, before and after."""
    words, lives = page.words, found.lives
    columns = [
        (words("comparison_people.standing"), ""),
        *((words(f"comparison_word.{side}_column"), NUMBER) for side in ("before", "after")),
    ]
    columns.append((words("comparison_word.change"), NUMBER))
    denied = tuple(max(lives.total - served - listed, 0.0) for served, listed in zip(lives.served, lives.listed_only, strict=True))
    kinds: list[tuple[str, Pair]] = [
        ("row_served", lives.served),
        ("row_limited", lives.limited),
        ("row_listed", lives.listed_only),
        ("row_denied", (denied[0], denied[1])),
    ]
    rows = [
        [escape(words(f"comparison_people.{name}")), *(with_share(value, lives.total, words) for value in pair), difference(*pair, words)]
        for name, pair in kinds
        if name not in {"row_limited", "row_listed"} or max(pair) >= FEW
    ]
    return page.table(words("comparison_people.table"), columns, rows, narrow=True)


def _change_table(found: PolicyComparison, page: Page) -> str:
    """Who gains and loses, in people and in cells; and cells served in whole and in part."""
    words, lives, cells = page.words, found.lives, found.cells
    columns = [
        (words("comparison_people.what"), ""),
        (words("comparison_people.people"), NUMBER),
        (words("comparison_people.cells"), NUMBER),
    ]
    rows = [
        [escape(words("comparison_people.row_gain")), headcount(lives.gaining, words), words.number(cells.gaining)],
        [escape(words("comparison_people.row_lose")), headcount(lives.losing, words), words.number(cells.losing)],
    ]
    for name, people in (("row_limited_anew", lives.limited_anew), ("row_freed", lives.freed_of_limit)):
        if people >= FEW:
            rows.append([escape(words(f"comparison_people.{name}")), headcount(people, words), NO_VALUE])
    return page.table(words("comparison_people.change_table"), columns, rows, narrow=True)


def _map(found: PolicyComparison, page: Page) -> str:
    words, cells = page.words, found.cells
    key = page.next_figure()
    drawn = draw_change(found, words, key=key, label=words("comparison_map.alt", territory=territory_name(found, words)))
    counts = {name: words.count("cell", value) for name, value in (("gaining", cells.gaining), ("losing", cells.losing))}
    which = "both" if cells.gaining and cells.losing else "gain" if cells.gaining else "lose" if cells.losing else "same"
    is_cut = any(((served > LEAST) & (served < 1.0 - LEAST)).any() for served in found.cell_served)
    captions = [
        words(f"comparison_map.caption_{which}", **counts),
        words("comparison_map.note") if is_cut else "",
        _say_cells(found, words),
    ]
    captions.append(words("map.hexagons"))
    if drawn.enlarged >= 1.05:
        captions.append(words("map.enlarged", factor=words.number(drawn.enlarged, 1)))
    captions.append(words("map.projection_pole" if drawn.polar else "map.projection"))
    return page.figure(drawn.svg, key, *captions, words("map.borders", source=found.borders_source), found.worldview)


def _say_cells(found: PolicyComparison, words: Words) -> str:
    cells = found.cells
    values = {
        f"{name}_{side}": words.number(getattr(cells, name)[row])
        for name in ("whole", "partly")
        for row, side in enumerate(("before", "after"))
    }
    return words("comparison_map.cells", total=words.count("cell", cells.total), **values)


def terminals_section(found: PolicyComparison, page: Page) -> str:
    """Terminals by class as estimated or given, and those of which it is known where they are."""
    words = page.words
    text = ""
    if found.classes:
        exact = found.terminals_status == "reported"
        gaining, losing = (sum(getattr(row, name) for row in found.classes) for name in ("gaining", "losing"))
        total = sum(row.terminals for row in found.classes)
        values = {
            "total": _count(total, words, exact=exact),
            "gaining": _count(gaining, words, exact=exact) if gaining >= FEW else words("comparison_terminals.none"),
            "losing": _count(losing, words, exact=exact) if losing >= FEW else words("comparison_terminals.none"),
        }
        text += paragraph(words("comparison_terminals.lead", **values), _say_listed(found.listed_share, words))
        names = [words.label("terminal_class", row.name) for row in found.classes]
        text += _classes_table(found.classes, names, words("comparison_terminals.by_class"), page, exact=exact)
        source = f"{rich(words('comparison_terminals.source'))} {foreign(found.terminals_source, words)}."
        text += f'<p class="note">{rich(words("comparison_terminals.note"))} {source}</p>\n'
    return text + ("" if found.known is None else _known_part(found.known, page))


def _say_listed(shares: Pair, words: Words) -> str:
    if not any(np.isfinite(share) for share in shares):
        return ""
    before, after = (words.percent(share) for share in shares)
    return words("comparison_terminals.listed", before=before, after=after)


def _known_part(known: KnownTerminals, page: Page) -> str:
    """Terminals whose positions were given."""
    words = page.words
    text = f"<h3>{escape(words('comparison_terminals.known_title'))}</h3>\n"
    values = {"total": words.count("terminal", known.total), "here": words.number(known.in_territory)}
    text += paragraph(words("comparison_terminals.known", **values))
    names = [words.label("terminal_class", row.name) for row in known.by_class]
    if known.by_class:
        text += _classes_table(known.by_class, names, words("comparison_terminals.known_by_class"), page, exact=True)
    shown = known.by_owner[:MOST_ROWS]
    if shown:
        owners = [row.name or words("comparison_terminals.no_owner") for row in shown]
        text += _classes_table(shown, owners, words("comparison_terminals.known_by_owner"), page, exact=True, first="owner")
        text += _say_more(len(known.by_owner) - len(shown), "more_owners", words)
    return text + _losing_table(known, page)


def _losing_table(known: KnownTerminals, page: Page) -> str:
    """Some of the terminals that lose service, and the rule that denies each."""
    words, shown = page.words, known.losing[:MOST_ROWS]
    if not shown:
        return ""
    columns = [(words(f"comparison_terminals.{name}"), "") for name in ("identifier", "owner", "rule")]
    rows = [
        [f"<code>{escape(name)}</code>", escape(owner or words("comparison_terminals.no_owner")), say_rule(rule, words)]
        for name, owner, rule in shown
    ]
    lost = int(sum(row.losing for row in known.by_class)) or len(known.losing)
    text = page.table(words("comparison_terminals.losing_table"), columns, rows)
    return text + _say_more(lost - len(shown), "more_losing", words)


def _say_more(count: int, key: str, words: Words) -> str:
    if count <= 0:
        return ""
    return paragraph(words(f"comparison_terminals.{key}_{'one' if count == 1 else 'many'}", count=words.number(count)), kind="note")


def _classes_table(
    table: Sequence[ClassChange], names: Sequence[str], caption: str, page: Page, *, exact: bool, first: str = "class"
) -> str:
    words = page.words
    is_limited = any(max(row.limited) >= FEW for row in table)
    heads = ["all", "before", "after", *(["limited"] if is_limited else []), "gaining", "losing"]
    columns = [(words(f"comparison_terminals.{first}"), ""), *((words(f"comparison_terminals.{head}_column"), NUMBER) for head in heads)]
    rows = []
    for row, name in zip(table, names, strict=True):
        limited = [row.limited[1]] if is_limited else []
        values = [row.terminals, *row.served, *limited, row.gaining, row.losing]
        rows.append([escape(name), *(_count(value, words, exact=exact) for value in values)])
    return page.table(caption, columns, rows)


def _count(value: float, words: Words, *, exact: bool) -> str:
    """Write a number of terminals: those that were counted as they are, an estimate to three figures."""
    return words.number(value) if exact and np.isfinite(value) else headcount(value, words)


def say_rule(name: str, words: Words) -> str:
    """Name of a rule as HTML; what is no rule is said in words."""
    said = {"default": "comparison_rules.rule_default", "none": "comparison_rules.rule_none"}.get(name)
    return f"<em>{escape(words(said))}</em>" if said else f"<code>{escape(name)}</code>"
