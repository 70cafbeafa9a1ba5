"""What the report quotes and rests on: the operator's published policy, assumptions, inputs, versions, how to reproduce it, terms."""

import shlex
import tomllib
import unicodedata

from overflight.clock import parse_time
from overflight.errors import OverflightError
from overflight.notices import Notice
from overflight.report.answers import status_key
from overflight.report.markup import Page, escape, foreign, paragraph, rich, unordered
from overflight.report.words import Words
from overflight.scenario import Scenario, parse_scenario
from overflight.study.findings import TerritoryFindings
from overflight.study.territory import OWN_FUNCTION, report_scenario

STATUSES = ("standard", "filing", "measured", "reported", "assumed")
"""From the surest to the least sure."""

_OPTIONS = (
    ("time", "step_s", "--step"),
    ("visibility", "user_mask_deg", "--mask"),
    ("visibility", "arc_avoidance_deg", "--arc"),
    ("selection", "strategy", "--strategy"),
    ("network", "topology", "--topology"),
    ("network", "homing", "--pop"),
)
"""Settings of a scenario that the command line offers too: table, key (and keyword of `report_scenario`), option."""

_SCENARIO_FILE = "scenario.toml"


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
    text += f"<h3>{escape(words('basis.assumptions'))}</h3>\n" + _assumptions(findings, page)
    text += f"<h3>{escape(words('basis.inputs'))}</h3>\n" + _pairs(findings.inputs, "input", "digest", page)
    text += f"<h3>{escape(words('basis.versions'))}</h3>\n" + _pairs(findings.versions, "part", "version", page)
    text += f"<h3>{escape(words('basis.reproduce'))}</h3>\n" + paragraph(words("basis.reproduce_intro")) + _reproduction(findings, words)
    title = escape(words("basis.scenario"))
    text += f"<details><summary>{title}</summary>\n<pre>{escape(findings.scenario_toml)}</pre>\n</details>\n"
    return text


def terms_section(findings: TerritoryFindings, page: Page) -> str:
    """Definitions of the terms used, by name."""
    words = page.words
    keys = [key for key in words.texts if key.startswith("term.") and not key.endswith("_text")]
    ordered = sorted(keys, key=lambda key: _sort_key(words(key)))
    step = words.duration(findings.step_s)
    items = "".join(f"<div><dt>{escape(words(key))}</dt><dd>{rich(words(f'{key}_text', step=step))}</dd></div>\n" for key in ordered)
    return f'<dl class="terms">\n{items}</dl>\n'


def _reproduction(findings: TerritoryFindings, words: Words) -> str:
    """Say what to type to get the numbers again, and what else is needed."""
    command = reproduce_command(findings, words.lang)
    text = ""
    if command is not None:
        text += f'<pre class="command">{escape(command)}</pre>\n'
        text += paragraph(words("basis.reproduce_scenario", file=_SCENARIO_FILE))
        return text + f'<pre class="command">overflight run {_SCENARIO_FILE} --out run</pre>\n'
    if _uses_own_functions(findings):
        text += paragraph(words("basis.reproduce_own"))
    else:
        text += paragraph(words("basis.reproduce_only_scenario", file=_SCENARIO_FILE))
        text += f'<pre class="command">overflight run {_SCENARIO_FILE} --out run</pre>\n'
    text += paragraph(words("basis.reproduce_python", file=_SCENARIO_FILE))
    return text + f'<pre class="command">{escape(reproduce_script(findings, words.lang))}</pre>\n'


def reproduce_command(findings: TerritoryFindings, lang: str) -> str | None:
    """Write the ``overflight report`` command that makes this report; None where there is none.

    The command is true: its options make the very scenario of the report. Files of element sets are read for that.
    """
    if _uses_own_functions(findings):
        return None
    try:
        scenario = parse_scenario(tomllib.loads(findings.scenario_toml), source=_SCENARIO_FILE)
        time, usual = scenario.time, Scenario(territory=scenario.territory)
        elements = tuple(file for fleet in scenario.constellations for file in fleet.elements)
        constellations = tuple(fleet.name for fleet in scenario.constellations if not fleet.elements)
        settings = {key: getattr(getattr(scenario, table), key) for table, key, _ in _OPTIONS}
        start = None if time.start is None else parse_time(time.start)
        remade = report_scenario(
            scenario.territory, elements=elements, constellations=constellations, start=start, hours=time.hours, **settings
        )
    except (tomllib.TOMLDecodeError, OverflightError):
        return None
    if remade != scenario:
        return None
    parts = ["overflight", "report", scenario.territory, *(["--at", time.start] if time.start else []), "--hours", _exact(time.hours)]
    for option, names in (("--elements", elements), ("--constellation", constellations)):
        parts += [part for name in names for part in (option, name)]
    for table, key, option in _OPTIONS:
        if settings[key] != getattr(getattr(usual, table), key):
            parts += [option, _exact(settings[key])]
    return " ".join(shlex.quote(part) for part in [*parts, "--lang", lang])


def reproduce_script(findings: TerritoryFindings, lang: str) -> str:
    """Write the lines of Python that make this report from its scenario, saved as a file."""
    own = ", plugins=plugins" if _uses_own_functions(findings) else ""
    return (
        "from overflight import TerritoryReport, load_scenario\n"
        "from overflight.study.territory import study_territory\n\n"
        f'findings, folder = study_territory(load_scenario("{_SCENARIO_FILE}"), "run"{own})\n'
        f'TerritoryReport(findings, folder).write_html(lang="{lang}")'
    )


def _uses_own_functions(findings: TerritoryFindings) -> bool:
    return any(isinstance(name, Notice) and name.key == OWN_FUNCTION for name, _ in findings.inputs)


def _exact(value: float | str) -> str:
    """Write an option's value so that it reads back to the same."""
    short = value if isinstance(value, str) else f"{value:g}"
    return short if isinstance(value, str) or float(short) == value else repr(value)


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


def _assumptions(findings: TerritoryFindings, page: Page) -> str:
    words = page.words
    if not findings.assumptions:
        return paragraph(words("basis.none"))
    columns = [(words(f"basis.{name}"), "") for name in ("assumption", "value", "status", "source")]
    rows = [
        [escape(words.label("assumption", row.name)), escape(row.value), status_tag(row.status, words), escape(row.source)]
        for row in findings.assumptions
    ]
    names = {status: words(f"status.{status}").capitalize() for status in STATUSES}
    return page.table(words("basis.assumptions_intro"), columns, rows) + paragraph(words("basis.statuses", **names), kind="note")


def status_tag(status: str, words: Words) -> str:
    """Make a tag that says how sure a value is: by word and by colour."""
    known = status if status in STATUSES else "other"
    return f'<span class="tag {known}">{escape(words.label("status", status))}</span>'


def _pairs(pairs: tuple[tuple[str, str], ...], left: str, right: str, page: Page) -> str:
    words = page.words
    if not pairs:
        return paragraph(words("basis.none"))
    columns = [(words(f"basis.{left}"), ""), (words(f"basis.{right}"), "")]
    return page.table("", columns, [[escape(name), f"<code>{escape(value)}</code>"] for name, value in pairs], narrow=right == "version")


def _sort_key(name: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(letter))
