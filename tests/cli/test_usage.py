"""How the command line is called: help, wrong words, and what a refusal looks like."""

import pytest
import typer
from tests.cli.sample import Call

from overflight.cli import app

VERBS = (
    *("report", "run", "passes", "visible", "path", "compare", "cosmosim", "doctor"),
    *("scenario validate", "scenario show", "scenario schema", "fetch elements"),
    *("policy show", "policy import", "policy check", "policy explain", "terminals audit", "terminals generate"),
    *("decision init", "decision request", "decision assess", "decision approve", "decision reject", "decision ratify", "decision apply"),
    *("decision revert", "decision backup", "decision restore", "decision in-force", "decision log", "decision checkpoint"),
    *("decision verify", "decision key new", "decision key issue", "decision key rotate", "decision key revoke"),
    *(f"decision person {act}" for act in ("add", "confirm", "suspend", "interest", "list")),
)
GROUPS = ("scenario", "fetch", "policy", "terminals", "decision", "decision person", "decision key")
"""Words that begin verbs and are none themselves."""


def command_of(verb: str):
    command = typer.main.get_command(app)
    for word in verb.split():
        command = command.commands[word]
    return command


def all_verbs(command, words=()):
    children = getattr(command, "commands", None)
    if children is None:
        return [" ".join(words)]
    return [verb for word, child in children.items() for verb in all_verbs(child, (*words, word))]


def test_these_are_all_the_verbs():
    assert sorted(all_verbs(typer.main.get_command(app))) == sorted(VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_help_explains_every_option_and_argument(call: Call, verb: str):
    shown = call(*verb.split(), "--help")
    assert shown.code == 0
    assert shown.err == ""
    assert f"Usage: overflight {verb}" in shown.out
    flat = " ".join(shown.out.split())
    for parameter in command_of(verb).params:
        assert parameter.help, parameter.name
        assert " ".join(parameter.help.split())[:30] in flat.replace("- ", "-")
        for name in parameter.opts if parameter.param_type_name == "option" else (parameter.metavar,):
            assert name in shown.out


def test_help_lists_the_verbs_without_cutting_words_off(call: Call):
    for words in ([], *(group.split() for group in GROUPS)):
        shown = call(*words, "--help")
        assert shown.code == 0
        listed = shown.out.partition("Commands:")[2]
        assert all(verb.split()[len(words)] in listed for verb in VERBS if verb.split()[: len(words)] == words)
        assert "..." not in listed


def test_no_arguments_shows_help_and_fails(call: Call):
    shown = call()
    assert shown.code == 2
    assert shown.out == ""
    assert shown.err.startswith("Usage: overflight")


@pytest.mark.parametrize("verb", GROUPS)
def test_half_a_verb_shows_its_help_and_fails(call: Call, verb: str):
    shown = call(*verb.split())
    assert shown.code == 2
    assert shown.out == ""
    assert f"Usage: overflight {verb}" in shown.err


def test_version(call: Call):
    shown = call("--version")
    assert shown.code == 0
    assert shown.out.startswith("overflight ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["reprot"], "'reprot'. Did you mean 'report'?; see 'overflight --help'"),
        (["frobnicate"], "No such command 'frobnicate'"),
        (["--bogus"], "No such option: --bogus"),
        (["report"], "Missing argument 'TERRITORY'; see 'overflight report --help'"),
        (["report", "Malta", "Tonga"], "unexpected extra argument"),
        (["report", "Malta", "--element", "x"], "--elements"),
        (["report", "Malta", "--hours"], "--hours"),
        (["report", "Malta", "--hours", "soon"], "Invalid value for '--hours': must be a valid number; see"),
        (["report", "Malta", "--threads", "0"], "Invalid value for '--threads': must be greater than or equal to 1"),
        (["report", "Malta", "--lang", "xx"], "Invalid value for '--lang': 'xx' is not one of en, fr"),
        (["path", "Taipei"], "Missing argument 'TO'"),
        (["run", "a.toml"], "Missing option '--out'"),
        (["scenario", "validat"], "Did you mean 'validate'?"),
        (["scenario", "validate"], "Missing argument 'SCENARIO'"),
        (["report", "Malta", "--strategy", "best"], "satellite choice 'best': unknown; take one of"),
        (["report", "Malta", "--topology", "mesh"], "topology 'mesh': unknown; take one of"),
        (["report", "Malta", "--pop", "Atlantis"], "PoP 'Atlantis': Starlink as flown on 2026-08-22 has none of that name; did you mean Atlanta?"),
        (["report", "Malta", "--pop", "zzzz"], "give 'nearest' or one of Accra, Almaty"),
        (["report", "Malta", "--constellation", "starlnk"], "constellation 'starlnk' is not built in; nearest: starlink"),
        (["report", "Malta", "--constellation", "a b"], "constellation 'a b' is not built in"),
        (["report", "Malta", "--constellation", "kuiper", "--constellation", "kuiper"], "share a name"),
        (["passes", "25,121", "--constellation", "zzz"], "constellation 'zzz' is not built in"),
        (["path", "Taipei", "Manila", "--landing", "moon"], "landing 'moon': unknown; take one of auto, gateway, terminal"),
        (["path", "Taipei", "Manila", "--constellation", "kuiper", "--landing", "gateway"], "take 'terminal'"),
        (["path", "Taipei", "Manila", "--topology", "mesh"], "topology 'mesh': unknown"),
    ],
)  # fmt: skip
def test_a_wrong_word_is_refused_in_one_line(call: Call, arguments: list[str], said: str):
    refused = call(*arguments)
    assert refused.code == 2
    assert said in refused.error
    assert "  " not in refused.error


def test_a_file_name_that_is_no_text_is_refused(call: Call):
    refused = call("report", "Malta", "--elements", b"fl\xffet.tle".decode("utf-8", "surrogateescape"))
    assert refused.code == 2
    assert refused.error == r"argument 'fl\udcffet.tle': not UTF-8; rename the file or folder to letters that are"


def test_debug_shows_a_traceback_and_keeps_the_exit_code(call: Call):
    for arguments in (["--debug", "report", "Narnia"], ["report", "Narnia", "--debug"]):
        refused = call(*arguments)
        assert refused.code == 2
        assert "Traceback (most recent call last)" in refused.err
        assert refused.err.splitlines()[-1].startswith("overflight: error: unknown territory 'Narnia'")


def test_a_fault_of_our_own_says_so(call: Call, monkeypatch: pytest.MonkeyPatch):
    def fail():
        message = "first line\nsecond line"
        raise AssertionError(message)

    monkeypatch.setattr("overflight.study.health.check_health", fail)
    failed = call("doctor")
    assert failed.code == 70
    assert failed.error.startswith("a fault of Overflight itself: AssertionError: first line second line; please report it")


def test_too_little_memory_is_told(call: Call, monkeypatch: pytest.MonkeyPatch):
    def fail():
        raise MemoryError

    monkeypatch.setattr("overflight.study.health.check_health", fail)
    failed = call("doctor")
    assert failed.code == 2
    assert "not enough memory" in failed.error


def test_doctor_finds_this_machine_sound(call: Call):
    healthy = call("doctor")
    assert healthy.code == 0
    assert "FAIL" not in healthy.out
    assert healthy.err == ""


def test_doctor_fails_where_something_does_not_work(call: Call, monkeypatch: pytest.MonkeyPatch):
    from overflight.study import health

    def fail():
        raise OSError(28, "no room")

    monkeypatch.setattr(health, "_ATTEMPTS", (("scratch", fail),))
    sick = call("doctor", "--json")
    assert sick.code == 1
    assert sick.json() == [{"name": "scratch", "ok": False, "detail": "OSError: [Errno 28] no room"}]
