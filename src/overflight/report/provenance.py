"""What the report quotes and rests on: the operator's published policy, assumptions, inputs, versions, how to reproduce it, terms."""

import unicodedata
from collections.abc import Sequence

from overflight.report.answers import status_key
from overflight.report.markup import Page, escape, foreign, paragraph, rich, unordered
from overflight.report.words import Words
from overflight.study.findings import Assumption, TerritoryFindings
from overflight.study.reproduction import SCENARIO_FILE, reproduce_command, reproduce_script, uses_own_functions

STATUSES = ("standard", "filing", "measured", "reported", "assumed")
"""From the surest to the least sure."""


def policy_section(findings: TerritoryFindings, page: Page) -> str:
    """What the operator publishes, since when, and what its words mean."""
    words, policy = page.words, findings.policy
    status = status_key(policy, words)
    meaning = words(f"policy_meaning.{status}")
    lead = "lead_unpublished" if not policy.published else "lead" if policy.date else "lead_undated"
    text = paragraph(
        words(f"policy.{lead}", date=words.date(policy.date), published=policy.published, meaning=meaning),
        words("policy.expected", expected=policy.expected) if policy.expected else "",
        _say_cells(findings, words),
    )
    text += paragraph(words("policy.simulated"), words("policy.source", source=policy.source) if policy.source else "")
    columns = [(words("policy.status"), ""), (words("policy.meaning_column"), "")]
    keys = [key.removeprefix("policy_word.") for key in words.texts if key.startswith("policy_word.")]
    here = f" <small>({escape(words('policy.this'))})</small>"
    rows = [[_status_name(key, words) + (here if key == status else ""), escape(words(f"policy_meaning.{key}"))] for key in keys]
    return text + page.table(words("policy.statuses"), columns, rows, marked=keys.index(status))


def basis_section(findings: TerritoryFindings, page: Page) -> str:
    """Warnings, assumptions with their status, inputs, versions, and how to get the same numbers again."""
    words = page.words
    warnings = unordered(foreign(text, words) for text in findings.warnings) if findings.warnings else paragraph(words("basis.no_warnings"))
    text = f'<h3 id="warnings">{escape(words("basis.warnings"))}</h3>\n{warnings}'
    text += f"<h3>{escape(words('basis.assumptions'))}</h3>\n" + assumptions_table(findings.assumptions, page)
    text += f"<h3>{escape(words('basis.inputs'))}</h3>\n" + pairs_table(findings.inputs, "input", "digest", page)
    text += f"<h3>{escape(words('basis.versions'))}</h3>\n" + pairs_table(findings.versions, "part", "version", page)
    text += f"<h3>{escape(words('basis.reproduce'))}</h3>\n" + paragraph(words("basis.reproduce_intro")) + _reproduction(findings, words)
    title = escape(words("basis.scenario"))
    text += f"<details><summary>{title}</summary>\n<pre>{escape(findings.scenario_toml)}</pre>\n</details>\n"
    return text


def terms_section(findings: TerritoryFindings, page: Page) -> str:
    """Definitions of the terms used, by name."""
    return define_terms("term", page.words, step=page.words.duration(findings.step_s))


def define_terms(table: str, words: Words, **values: str) -> str:
    """Make a list of the terms of a table and their definitions, by name."""
    keys = [key for key in words.texts if key.startswith(f"{table}.") and not key.endswith("_text")]
    ordered = sorted(keys, key=lambda key: _sort_key(words(key)))
    items = "".join(f"<div><dt>{escape(words(key))}</dt><dd>{rich(words(f'{key}_text', **values))}</dd></div>\n" for key in ordered)
    return f'<dl class="terms">\n{items}</dl>\n'


def _reproduction(findings: TerritoryFindings, words: Words) -> str:
    """Say what to type to get the numbers again, and what else is needed."""
    command = reproduce_command(findings, words.lang)
    if command is not None:
        text = f'<pre class="command">{escape(command)}</pre>\n'
        text += paragraph(words("basis.reproduce_scenario", file=SCENARIO_FILE))
        return text + f'<pre class="command">overflight run {SCENARIO_FILE} --out run</pre>\n'
    if uses_own_functions(findings):
        text = paragraph(words("basis.reproduce_own"))
    else:
        text = paragraph(words("basis.reproduce_only_scenario", file=SCENARIO_FILE))
        text += f'<pre class="command">overflight run {SCENARIO_FILE} --out run</pre>\n'
    text += paragraph(words("basis.reproduce_python", file=SCENARIO_FILE))
    return text + f'<pre class="command">{escape(reproduce_script(findings, words.lang))}</pre>\n'


def _say_cells(findings: TerritoryFindings, words: Words) -> str:
    policy = findings.policy
    if status_key(policy, words) == "unknown":
        return ""
    total = words.count("cell", findings.cells_total)
    if policy.denied_cells >= findings.cells_total:
        return words("policy.cells_all", total=total)
    if policy.denied_cells > 0:
        return words("policy.cells", denied=words.number(policy.denied_cells), total=total)
    return words("policy.cells_none")


def _status_name(key: str, words: Words) -> str:
    return f"{escape(words(f'policy_word.{key}'))} <code>{escape(key)}</code>"


def assumptions_table(assumptions: Sequence[Assumption], page: Page) -> str:
    """Make a table of assumptions, each with how sure it is and who says so."""
    words = page.words
    if not assumptions:
        return paragraph(words("basis.none"))
    columns = [(words(f"basis.{name}"), "") for name in ("assumption", "value", "status", "source")]
    rows = [
        [escape(words.label("assumption", row.name)), escape(row.value), status_tag(row.status, words), escape(row.source)]
        for row in assumptions
    ]
    names = {status: words(f"status.{status}").capitalize() for status in STATUSES}
    return page.table(words("basis.assumptions_intro"), columns, rows) + paragraph(words("basis.statuses", **names), kind="note")


def status_tag(status: str, words: Words) -> str:
    """Make a tag that says how sure a value is: by word and by colour."""
    known = status if status in STATUSES else "other"
    return f'<span class="tag {known}">{escape(words.label("status", status))}</span>'


def pairs_table(pairs: tuple[tuple[str, str], ...], left: str, right: str, page: Page) -> str:
    """Make a table of names and what belongs to them: inputs and their hashes, parts and their versions."""
    words = page.words
    if not pairs:
        return paragraph(words("basis.none"))
    columns = [(words(f"basis.{left}"), ""), (words(f"basis.{right}"), "")]
    return page.table("", columns, [[escape(name), f"<code>{escape(value)}</code>"] for name, value in pairs], narrow=right == "version")


def _sort_key(name: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(letter))
