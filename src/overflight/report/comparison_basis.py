"""What differs between the policies' rules, what the comparison rests on, its address, and its terms."""

from overflight.report.markup import Page, escape, foreign, paragraph, unordered
from overflight.report.provenance import assumptions_table, define_terms, pairs_table
from overflight.report.words import NO_VALUE, Words
from overflight.study.comparison.findings import PolicyComparison, PolicySide

MOST_RULES = 12
"""Rules named at once; a longer list opens."""

_CHANGES = ("added", "removed", "changed", "moved")


def rules_section(found: PolicyComparison, page: Page) -> str:
    """Both policies, and the rules that differ."""
    words = page.words
    columns = [(words("comparison_rules.policy"), ""), *((words(f"comparison_word.{side}_column"), "") for side in ("before", "after"))]
    before, after = (_describe(side, words) for side in found.policies)
    rows = [[escape(words(f"comparison_rules.{name}")), before[name], after[name]] for name in before]
    text = page.table(words("comparison_rules.table"), columns, rows)
    if found.policies[0].sha256 == found.policies[1].sha256:
        return text + paragraph(words("comparison_rules.same")) + _scenarios(found.settings, page)
    text += paragraph(words("comparison_rules.intro"))
    lists = [_names(name, found.diff.get(name, ()), words) for name in _CHANGES]
    return text + "".join(lists) + _settings(found.diff.get("settings", ()), words) + _scenarios(found.settings, page)


def _describe(side: PolicySide, words: Words) -> dict[str, str]:
    """What there is to say of a policy, as HTML."""
    if side.sha256 is None:
        name = f"<em>{escape(words('comparison_rules.no_policy'))}</em>"
        return {
            "name": name,
            "called": NO_VALUE,
            "date": NO_VALUE,
            "source": NO_VALUE,
            "rules": "0",
            "default": _verdict("deny", words),
        } | {"hash": NO_VALUE}
    return {
        "name": escape(side.name),
        "called": f"<code>{escape(side.named)}</code>",
        "date": escape(words.date(side.date)) if side.date else NO_VALUE,
        "source": foreign(side.source, words) if side.source else NO_VALUE,
        "rules": words.number(side.rules),
        "default": _verdict(side.default, words),
        "hash": f"<code>{escape(side.sha256)}</code>",
    }


def _verdict(verdict: str, words: Words) -> str:
    return escape(words.label("comparison_verdict", verdict))


def _names(change: str, names: tuple[str, ...], words: Words) -> str:
    """Names of rules that were added, removed, changed or moved; the first few, and all in a list that opens."""
    if not names:
        return ""
    heading = words(f"comparison_rules.{change}", count=words.number(len(names)))
    listed = [f"<code>{escape(name)}</code>" for name in names]
    text = f"<h3>{escape(heading)}</h3>\n<p>{', '.join(listed[:MOST_RULES])}"
    more = len(listed) - MOST_RULES
    if more <= 0:
        return text + "</p>\n"
    text += f" {escape(words('comparison_rules.and_more', count=words.number(more)))}</p>\n"
    title = escape(words("comparison_rules.all", count=words.number(len(listed))))
    return text + f'<details><summary>{title}</summary>\n<p class="names">{", ".join(listed)}</p>\n</details>\n'


def _settings(keys: tuple[str, ...], words: Words) -> str:
    if not keys:
        return ""
    names = words.listing(words.label("comparison_setting", key) for key in keys)
    return paragraph(words("comparison_rules.settings", names=names))


def _scenarios(settings: tuple[tuple[str, str, str], ...], page: Page) -> str:
    """Settings that differ where two scenarios are compared."""
    words = page.words
    if not settings:
        return ""
    columns = [(words("comparison_rules.setting"), ""), *((words(f"comparison_word.{side}_column"), "") for side in ("before", "after"))]
    rows = [[f"<code>{escape(key)}</code>", escape(before), escape(after)] for key, before, after in settings]
    return f"<h3>{escape(words('comparison_rules.scenarios'))}</h3>\n" + page.table("", columns, rows)


def basis_section(found: PolicyComparison, address: str, page: Page) -> str:
    """Address of the document, warnings, assumptions, inputs, versions."""
    words = page.words
    warnings = unordered(foreign(text, words) for text in found.warnings) if found.warnings else paragraph(words("basis.no_warnings"))
    text = f"<h3>{escape(words('comparison_basis.address'))}</h3>\n" + paragraph(words("comparison_basis.address_text"))
    text += f'<pre class="address">{escape(address)}</pre>\n' + paragraph(words("comparison_basis.same"))
    text += f'<h3 id="warnings">{escape(words("basis.warnings"))}</h3>\n{warnings}'
    text += f"<h3>{escape(words('basis.assumptions'))}</h3>\n" + assumptions_table(found.assumptions, page)
    text += f"<h3>{escape(words('basis.inputs'))}</h3>\n" + pairs_table(found.inputs, "input", "digest", page)
    return text + f"<h3>{escape(words('basis.versions'))}</h3>\n" + pairs_table(found.versions, "part", "version", page)


def terms_section(_found: PolicyComparison, page: Page) -> str:
    """Definitions of the terms used, by name."""
    return define_terms("comparison_term", page.words)
