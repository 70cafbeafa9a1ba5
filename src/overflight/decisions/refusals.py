"""Why an act is refused, a record cannot be used, or its contents are not what was signed."""

from overflight.errors import CheckError, InputError, OverflightError


class DecisionError(InputError):
    """An act that the rules of the record do not allow, or that names something that is not there."""


class KeyFileError(InputError):
    """A file of a private or public key cannot be used."""


class RecordError(OverflightError):
    """A record cannot be opened, created or written."""


class TamperError(CheckError):
    """What is stored or shown is not what was signed."""
