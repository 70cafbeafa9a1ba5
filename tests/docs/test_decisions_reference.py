"""The page on decisions names every verb, option, keyword, kind of entry and status, and the command line what it documents."""

import re
from pathlib import Path

from typer.main import get_command

from overflight.cli.decision import app
from overflight.decisions.bodies import BODIES
from overflight.decisions.rules import KINDS, ROLES, ActionRules, InterestRules, KindRules, Rules

PAGE = (Path(__file__).resolve().parent.parent.parent / "docs" / "reference" / "decisions.md").read_text(encoding="utf-8")
WORDS = set(re.findall(r"[a-z_]+", PAGE))
STATUSES = ("requested", "assessed", "approved", "rejected", "expired", "scheduled", "in force", "superseded", "lapsed", "void")


def commands(group, path: str = "") -> dict[str, object]:
    found = {}
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            found |= commands(command, f"{path}{name} ")
        else:
            found[f"{path}{name}"] = command
    return found


def test_every_verb_is_there():
    table = PAGE.split("\n## Verbs\n", 1)[1].split("\n## ", 1)[0]
    for verb in commands(get_command(app)):
        assert re.search(rf"`{verb}[ `,]", table), verb


def test_every_option_is_there():
    for verb, command in commands(get_command(app)).items():
        for parameter in command.params:
            for option in (name for name in parameter.opts if name.startswith("--") and name != "--help"):
                assert f"{option}" in PAGE, (verb, option)


def test_every_keyword_of_the_rules_is_there():
    for model in (Rules, ActionRules, InterestRules, KindRules):
        assert set(model.model_fields) <= WORDS
    assert {*KINDS, *ROLES} <= WORDS


def test_every_kind_of_entry_and_each_of_its_keys_is_there():
    for kind, body in BODIES.items():
        assert f"`{kind}`" in PAGE
        assert set(body.model_fields) <= WORDS, kind


def test_every_status_is_there():
    for status in STATUSES:
        assert f"`{status}`" in PAGE
