"""Every error that Overflight raises on purpose, in one tree.

The message of each is one line that says what is wrong, where, and what to do. The command line prints that line and exits with
``exit_code``; a traceback appears only with ``--debug``.
"""


class OverflightError(Exception):
    """Base of all errors raised on purpose. ``exit_code`` is what the command line returns."""

    exit_code = 2


class CheckError(OverflightError):
    """A check that the user asked for found problems."""

    exit_code = 1


class InputError(OverflightError, ValueError):
    """What the user gave cannot be used."""


class TimeError(InputError):
    """A time, a duration or a range of times cannot be read or makes no sense."""


class ScenarioError(InputError):
    """A scenario is malformed, contradicts itself or names something that does not exist."""


class TerritoryError(InputError):
    """A territory is unknown, or its polygon cannot be used."""


class PlaceError(InputError):
    """A place is neither a known name nor ``LAT,LON``."""


class CatalogError(InputError):
    """A file of gateways, PoPs or availability, or a built-in table, cannot be used."""


class ElementSetError(InputError):
    """An element set, or a whole file of them, cannot be used.

    Parameters
    ----------
    message
        What is wrong and what to do.
    line
        Line (or record) number in the file, counted from 1.
    satellite
        Name or catalogue number of the satellite.
    """

    def __init__(self, message: str, *, line: int | None = None, satellite: str | None = None) -> None:
        super().__init__(message)
        self.line = line
        self.satellite = satellite


class RunError(OverflightError):
    """A run's folder cannot be written, is not empty, is damaged or belongs to another scenario."""


class DataMissingError(OverflightError):
    """Data that the request needs are not there."""

    exit_code = 3


class FetchError(DataMissingError):
    """A source on the network refused, failed, or may not be asked again yet."""


_PLAIN_WORDS = (
    ("Input should be a valid tuple", "must be a list"),
    ("Input should be a valid string", "must be text in quotes"),
    ("Input should be a valid boolean, unable to interpret input", "must be true or false"),
    (", unable to parse string as a number", ""),
    (", unable to parse string as an integer", ""),
    ("Input should be", "must be"),
)


def plain_words(message: str) -> str:
    """Put what the checkers of types say into a user's words."""
    if message.startswith("Input should be a valid dictionary"):
        return "must be a table"
    if message.startswith("String should match pattern"):
        return "may have letters, digits, '.', '_' and '-' only, and begins with a letter or digit"
    for theirs, ours in _PLAIN_WORDS:
        message = message.replace(theirs, ours)
    return message
