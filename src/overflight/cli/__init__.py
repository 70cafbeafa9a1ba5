"""The command line: one module per verb, heavy imports inside the verbs.

Data go to stdout, everything else to stderr. Exit codes: 0 ok, 1 a check failed, 2 usage or bad input, 3 data missing,
130 interrupted, 70 a fault of Overflight itself.
"""

import contextlib
import io
import os
import re
import sys
import traceback
from typing import Annotated

import typer

from overflight import __version__
from overflight.cli import compare, cosmosim, decision, doctor, fetch, passes, path, policy, report, run, scenario, terminals, visible
from overflight.cli._shared import say
from overflight.errors import InputError, OverflightError, plain_words

EXIT_USAGE = 2
EXIT_FAULT = 70
EXIT_INTERRUPTED = 130

RESUMABLE = ("report", "run")
"""Verbs that go on where they were interrupted."""

_SOUTHERN_PLACE = re.compile(r"-\.?\d[\d.]*\s*°?\s*[,;\s].*")

app = typer.Typer(
    name="overflight",
    help="An open twin of satellite Internet, seen from the ground: who is served, how fast and by which way, over any territory.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(name="report", short_help="Simulate a territory and write its report.")(report.report)
app.command(name="run", short_help="Simulate a scenario.")(run.run)
app.add_typer(scenario.app, name="scenario")
app.command(name="passes", short_help="List the passes of satellites over a place.")(passes.passes)
app.command(name="visible", short_help="List the satellites above a place.")(visible.visible)
app.command(name="path", short_help="Print the route between two places, hop by hop.")(path.path)
app.add_typer(policy.app, name="policy")
app.command(name="compare", short_help="Say what a change of policy does.")(compare.compare)
app.add_typer(terminals.app, name="terminals")
app.add_typer(decision.app, name="decision")
app.command(name="cosmosim", short_help="Compute a national capacity by CosmoSim's rules.")(cosmosim.cosmosim)
app.add_typer(fetch.app, name="fetch")
app.command(name="doctor", short_help="Say what works on this machine.")(doctor.doctor)


def _show_version(asked: bool) -> None:  # noqa: FBT001
    if asked:
        typer.echo(f"overflight {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show a traceback when something goes wrong.")] = False,  # noqa: FBT002
    version: Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")] = False,  # noqa: FBT002
) -> None:
    """An open twin of satellite Internet, seen from the ground: who is served, how fast and by which way, over any territory."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    # --debug is accepted anywhere on the line, since it is added after a command has failed.
    debug = "--debug" in arguments
    arguments = [argument for argument in arguments if argument != "--debug"]
    _forgive_encoding()
    try:
        code = _run([_guard(argument) for argument in arguments])
    except BrokenPipeError:
        # The reader of our output went away (`| head`): nothing to say, and nothing to flush at exit.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except KeyboardInterrupt:
        resumes = any(argument in RESUMABLE for argument in arguments[:1])
        say("interrupted" + ("; repeat the command to go on where it stopped" if resumes else ""))
        code = EXIT_INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last line of defence against a traceback
        if debug:
            traceback.print_exc()
        code = _explain(error)
    sys.exit(code)


def _run(arguments: list[str]) -> int:
    """Parse and carry out; the parser's own way to do so would keep interrupts and broken pipes to itself."""
    command = typer.main.get_command(app)
    try:
        with command.make_context("overflight", arguments) as context:
            command.invoke(context)
        code = 0
    except typer.Exit as done:
        code = done.exit_code
    if sys.stdout is not None:
        sys.stdout.flush()
    return code


def _guard(argument: str) -> str:
    """Refuse what is no text, and keep the parser from taking a southern latitude, as in ``-17.7,178``, for an option."""
    if any("\ud800" <= character <= "\udfff" for character in argument):
        msg = f"argument {argument!a}: not UTF-8; rename the file or folder to letters that are"
        raise InputError(msg)
    return f" {argument}" if _SOUTHERN_PLACE.fullmatch(argument) else argument


def _forgive_encoding() -> None:
    """Write what a terminal's encoding does not have as question marks, instead of failing on it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _explain(error: Exception) -> int:
    """Say in one line what went wrong; returns the exit code."""
    if isinstance(error, OverflightError):
        say(f"error: {_one_line(error)}")
        return error.exit_code
    format_message = getattr(error, "format_message", None)  # what the argument parser refused
    if format_message is not None:
        if type(error).__name__ == "NoArgsIsHelpError":
            typer.echo(format_message(), err=True)
        else:
            command = getattr(getattr(error, "ctx", None), "command_path", None) or "overflight"
            say(f"error: {plain_words(_one_line(format_message())).rstrip('.')}; see '{command} --help'")
        return EXIT_USAGE
    if isinstance(error, MemoryError):
        say("error: not enough memory; take a shorter duration, a smaller territory or fewer --threads")
        return EXIT_USAGE
    if isinstance(error, OSError) and error.strerror:
        where = error.filename if isinstance(error.filename, str) else "the output"
        say(f"error: {where}: {error.strerror}; choose another place, or make room")
        return EXIT_USAGE
    say(f"error: a fault of Overflight itself: {type(error).__name__}: {_one_line(error)}; please report it, with what --debug shows")
    return EXIT_FAULT


def _one_line(message: object) -> str:
    return " ".join(str(message).split())
