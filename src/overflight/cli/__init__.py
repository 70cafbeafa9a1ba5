"""The command line: one module per verb, heavy imports inside the verbs.

Data go to stdout, everything else to stderr. Exit codes: 0 ok, 1 a check failed, 2 usage or bad input, 3 data missing,
130 interrupted, 70 a fault of Overflight itself.
"""

import os
import sys
from typing import Annotated

import typer

from overflight import __version__
from overflight.cli import doctor, fetch, passes, path, report, run, scenario, visible
from overflight.cli._shared import say
from overflight.errors import OverflightError

EXIT_USAGE = 2
EXIT_FAULT = 70
EXIT_INTERRUPTED = 130

app = typer.Typer(
    name="overflight",
    help="An open twin of satellite Internet, seen from the ground: who is served, how fast and by which way, over any territory.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(name="report")(report.report)
app.command(name="run")(run.run)
app.add_typer(scenario.app, name="scenario")
app.command(name="passes")(passes.passes)
app.command(name="visible")(visible.visible)
app.command(name="path")(path.path)
app.add_typer(fetch.app, name="fetch")
app.command(name="doctor")(doctor.doctor)


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
    debug = "--debug" in arguments
    # --debug is accepted anywhere on the line, since it is added after a command has failed.
    arguments = (["--debug"] if debug else []) + [argument for argument in arguments if argument != "--debug"]
    try:
        code = app(arguments, standalone_mode=False)
    except OverflightError as error:
        if debug:
            raise
        say(f"error: {_one_line(error)}")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        say("interrupted; repeat the command to go on where it stopped")
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output went away (`| head`): nothing to say, and nothing to flush at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:  # noqa: BLE001 - the last line of defence against a traceback
        _exit_for(error, debug=debug)
    sys.exit(code if isinstance(code, int) else 0)


def _exit_for(error: Exception, *, debug: bool) -> None:
    """Explain what the argument parser refused, or a fault of our own."""
    format_message = getattr(error, "format_message", None)
    if format_message is not None:
        if type(error).__name__ == "NoArgsIsHelpError":
            typer.echo(format_message())
        else:
            command = getattr(getattr(error, "ctx", None), "command_path", None) or "overflight"
            say(f"error: {_one_line(format_message())} (see '{command} --help')")
        sys.exit(EXIT_USAGE)
    if type(error).__name__ == "Abort":
        sys.exit(EXIT_INTERRUPTED)
    if debug:
        raise error
    say(f"error: a fault of Overflight itself: {type(error).__name__}: {_one_line(error)}; please report it, with what --debug shows")
    sys.exit(EXIT_FAULT)


def _one_line(message: object) -> str:
    return " ".join(str(message).split())
