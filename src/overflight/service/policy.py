"""A policy: who may be served where, as an ordered list of rules in TOML, read like a firewall's.

The first rule whose every condition holds decides, and the default decides what is left. Every keyword is documented in
docs/reference/policy.md. A rule without a condition matches every terminal; a condition on something that a report does not state
(its speed, say) does not hold.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import tomli_w
from pydantic import Field, ValidationError, field_validator, model_validator

from overflight.catalog.tables import read_table
from overflight.clock import format_time, parse_time
from overflight.earth.territory import find_code
from overflight.errors import InputError, TerritoryError
from overflight.intake import read_bytes
from overflight.service._closed import ClosedTable, problems_of, read_toml, without_none

__all__ = [
    "BUILT_IN", "CLASSES", "DEFAULT", "MAX_MARGIN_KM", "PUBLIC", "Area", "Circle", "Default", "Limit", "Policy", "PolicyError", "Published",
    "Rule", "embed_files", "known_code", "load_policy", "parse_policy", "policy_schema", "read_ids",
]  # fmt: skip

CLASSES = ("consumer", "enterprise", "government", "emergency", "maritime", "aviation")
"""Classes of terminals, in the order of their codes in compiled policies."""

DEFAULT = "default"
"""Name of what decides when no rule matches."""

PUBLIC = "public"
"""Name of the built-in policy: what the operator's public map said on 2026-07-23."""

BUILT_IN: dict[str, Literal["deny", "allow"]] = {PUBLIC: "deny", "public-split-allow": "allow"}
"""Built-in policies by name, and their verdict on territories whose status differs by province."""

MAX_MARGIN_KM = 500.0
"""Widest margin, strip or circle."""

MAX_SEA_KM = 50.0
"""Widest belt of sea that counts with a territory."""

CELL_RESOLUTION = 5
_DAY_MINUTES = 24 * 60

Margin = Annotated[float, Field(gt=0.0, le=MAX_MARGIN_KM, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
Position = tuple[Finite, Finite]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=80)]
TerminalClass = Literal["consumer", "enterprise", "government", "emergency", "maritime", "aviation"]
Verdict = Literal["allow", "deny", "limit"]


class PolicyError(InputError):
    """A policy is malformed, contradicts itself or names something that does not exist."""


class Circle(ClosedTable):
    """A circle on the ground."""

    lat_deg: float = Field(ge=-90.0, le=90.0)
    """Latitude of its centre."""
    lon_deg: float = Field(ge=-180.0, le=180.0)
    """Longitude of its centre."""
    radius_km: Margin
    """Radius along the ground."""


class Area(ClosedTable):
    """An area: everything in any of what is listed. Margins are measured to the border of each territory, file, or list of its own."""

    territories: tuple[str, ...] = ()
    """Territories by ISO 3166-1 code or by name; codes of the operator's own (XA, XC, …) are taken, but no border of them is known."""
    provinces: tuple[str, ...] = ()
    """First-level divisions by the operator's boundary identifiers; no border of them is known."""
    geojson: tuple[str, ...] = ()
    """GeoJSON files of polygons, relative to the policy's file."""
    polygons: tuple[tuple[tuple[Position, ...], ...], ...] = ()
    """Polygons written here: each an exterior ring and then its holes, each ring positions [longitude, latitude] in degrees."""
    cells: tuple[str, ...] = ()
    """H3 cells of resolution 5."""
    circles: tuple[Circle, ...] = ()
    """Circles: centre and radius."""
    sea_km: float = Field(default=0.0, ge=0.0, le=MAX_SEA_KM)
    """With ``territories``: also the sea within so many km of their coasts where no other territory is nearer (12 nautical miles are
    22.224 km)."""
    grow_km: Margin | None = None
    """The area and so many km around it."""
    shrink_km: Margin | None = None
    """The area without so many km inside its border."""
    strip_inside_km: Margin | None = None
    """Only the strip of so many km inside the border; with ``strip_outside_km`` the strip on both sides."""
    strip_outside_km: Margin | None = None
    """Only the strip of so many km outside the border."""

    @field_validator("territories")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(known_code(name) for name in value))

    @field_validator("cells")
    @classmethod
    def _are_cells(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(_checked_cell(cell) for cell in value))

    @model_validator(mode="after")
    def _fits_together(self) -> "Area":
        if not (self.territories or self.provinces or self.geojson or self.polygons or self.cells or self.circles):
            msg = "an area names nothing; give territories, geojson, polygons, cells or circles"
            raise ValueError(msg)
        kinds = [
            self.grow_km is not None,
            self.shrink_km is not None,
            self.strip_inside_km is not None or self.strip_outside_km is not None,
        ]
        if sum(kinds) > 1:
            msg = "grow_km, shrink_km and a strip exclude one another; give one of them"
            raise ValueError(msg)
        if self.circles and (kinds[1] or kinds[2]):
            msg = "a circle takes no shrink_km and no strip; choose its radius"
            raise ValueError(msg)
        if self.sea_km and (not self.territories or any(kinds)):
            msg = "sea_km goes with territories, and with no margin"
            raise ValueError(msg)
        return self

    @property
    def margin_km(self) -> tuple[float, float]:
        """Least and greatest signed distance from the border, km, negative inside: infinite where nothing bounds it."""
        if self.grow_km is not None:
            return -np.inf, self.grow_km
        if self.shrink_km is not None:
            return -np.inf, -self.shrink_km
        if self.strip_inside_km is None and self.strip_outside_km is None:
            return -np.inf, 0.0
        return -(self.strip_inside_km or 0.0), self.strip_outside_km or 0.0


class Limit(ClosedTable):
    """What is served under ``limit``: at most so much, only such traffic."""

    down_mbps: float | None = Field(default=None, gt=0.0, allow_inf_nan=False)
    """Most that a terminal may receive."""
    up_mbps: float | None = Field(default=None, gt=0.0, allow_inf_nan=False)
    """Most that a terminal may send."""
    traffic: tuple[Name, ...] = ()
    """Classes of traffic that are carried; all where none is named."""

    @model_validator(mode="after")
    def _limits_something(self) -> "Limit":
        if self.down_mbps is None and self.up_mbps is None and not self.traffic:
            msg = "limits nothing; give down_mbps, up_mbps or traffic"
            raise ValueError(msg)
        return self


class Published(ClosedTable):
    """What an operator published of this rule's area, word for word, for the way back into its files."""

    status: str
    """Status as published."""
    expected: str = ""
    """Expected date as published."""
    feature: int | None = Field(default=None, ge=1)
    """Which area of the file, counted from 1; none for a territory or province."""
    properties: dict[str, str | int | float | bool] = Field(default_factory=dict)
    """Further properties of that area."""

    @classmethod
    def _may_be_empty(cls) -> tuple[str, ...]:
        return ("properties",)


class _Outcome(ClosedTable):
    verdict: Verdict
    """``allow``, ``deny`` or ``limit``."""
    reason: str = Field(min_length=1)
    """Why, in words."""
    source: str = ""
    """Reference: who says so, where."""
    limit: Limit | None = None
    """What is still served; with ``verdict = "limit"`` only."""

    @model_validator(mode="after")
    def _limit_belongs(self) -> "_Outcome":
        if (self.verdict == "limit") != (self.limit is not None):
            msg = 'verdict = "limit" and the table limit belong together; give both or neither'
            raise ValueError(msg)
        return self


class Rule(_Outcome):
    """One rule: it matches where every condition that it has holds."""

    name: Name
    """Name, unique in the policy; every verdict gives it."""
    within: Area | None = None
    """The terminal is in this area."""
    also_within: Area | None = None
    """The terminal is in this area as well."""
    not_within: Area | None = None
    """The terminal is not in this area."""
    operators: tuple[str, ...] = ()
    """Operator that serves the terminal."""
    classes: tuple[TerminalClass, ...] = ()
    """Class of the terminal."""
    terminals: tuple[str, ...] = ()
    """Identifiers of terminals; of a rule with owners too, one of either suffices."""
    terminals_file: str | None = None
    """File of identifiers, one a line; ``#`` begins a comment; relative to the policy's file."""
    owners: tuple[str, ...] = ()
    """Owners of terminals."""
    owners_file: str | None = None
    """File of owners, one a line."""
    homes: tuple[str, ...] = ()
    """Home territories of terminals, by code or name."""
    days_abroad_over: NotNegative | None = None
    """The terminal has been outside its home territory for more than so many days without a break."""
    speed_over_kmh: NotNegative | None = None
    """The terminal moves faster than this."""
    speed_up_to_kmh: NotNegative | None = None
    """The terminal moves at most this fast."""
    altitude_over_m: Finite | None = None
    """The terminal is higher than this above the ellipsoid."""
    altitude_up_to_m: Finite | None = None
    """The terminal is at most this high."""
    starts: str | None = None
    """First instant at which the rule holds, ISO 8601 UTC."""
    ends: str | None = None
    """Instant from which the rule holds no more."""
    local_hours: tuple[str, str] | None = None
    """From and until, ``["22:00", "06:00"]``, in mean solar time at the terminal; may run over midnight."""
    published: Published | None = None
    """What was published, where the rule was imported."""

    @field_validator("name")
    @classmethod
    def _not_default(cls, value: str) -> str:
        if value == DEFAULT:
            msg = "'default' is the name of what decides in the end; give the rule another"
            raise ValueError(msg)
        return value

    @field_validator("homes")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(known_code(name) for name in value))

    @field_validator("starts", "ends")
    @classmethod
    def _readable(cls, value: str | None) -> str | None:
        return None if value is None else format_time(parse_time(value))

    @field_validator("local_hours")
    @classmethod
    def _clock(cls, value: tuple[str, str] | None) -> tuple[str, str] | None:
        if value is not None and minutes_of(value[0]) == minutes_of(value[1]):
            msg = "begin and end at the same minute; leave the key out for the whole day"
            raise ValueError(msg)
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> "Rule":
        if self.starts is not None and self.ends is not None and parse_time(self.starts) >= parse_time(self.ends):
            msg = f"rule '{self.name}': its window ends ({self.ends}) before it begins ({self.starts}); swap them"
            raise ValueError(msg)
        for low, high, what in (
            (self.speed_over_kmh, self.speed_up_to_kmh, "speed"),
            (self.altitude_over_m, self.altitude_up_to_m, "altitude"),
        ):
            if low is not None and high is not None and low >= high:
                msg = f"rule '{self.name}': no {what} is over {low:g} and up to {high:g}; swap them"
                raise ValueError(msg)
        return self

    @property
    def areas(self) -> tuple[tuple[str, Area], ...]:
        """Its conditions on place, by keyword."""
        pairs = (("within", self.within), ("also_within", self.also_within), ("not_within", self.not_within))
        return tuple((key, area) for key, area in pairs if area is not None)


class Default(_Outcome):
    """What decides when no rule matches."""


class Policy(ClosedTable):
    """Who may be served: rules in order, and a default."""

    name: Name = "policy"
    """Short name."""
    description: str = ""
    """What the policy is for, in words."""
    source: str = ""
    """Who laid it down."""
    date: str = ""
    """Day for which it was laid down, ISO 8601."""
    operator: str = "starlink"
    """Whose service it governs."""
    rules: tuple[Rule, ...] = ()
    """Rules; the first that matches decides."""
    default: Default
    """What decides in the end."""

    @classmethod
    def _may_be_empty(cls) -> tuple[str, ...]:
        return ("rules",)

    @model_validator(mode="after")
    def _named_apart(self) -> "Policy":
        seen: set[str] = set()
        for rule in self.rules:
            if rule.name in seen:
                msg = f"two rules are named '{rule.name}'; give each a name of its own"
                raise ValueError(msg)
            seen.add(rule.name)
        return self

    def to_toml(self) -> str:
        """Write the policy as TOML that reads back to an equal one; keys left at their default are left out."""
        tables = without_none(self.model_dump(mode="json", exclude_defaults=True))
        head = {key: tables[key] for key in type(self).model_fields if key in tables and key not in {"rules", "default"}}
        return tomli_w.dumps(head | {"default": tables["default"], "rules": tables.get("rules", [])})

    def digest(self) -> str:
        """SHA-256 of the policy: equal policies have equal digests. What stands in files is not in it: see `embed_files`."""
        return hashlib.sha256(self.to_toml().encode()).hexdigest()

    def __repr__(self) -> str:
        return f"<Policy {self.name}: {len(self.rules):,} rules, then {self.default.verdict}>"

    __str__ = __repr__


def load_policy(source: str | Path) -> Policy:
    """Read a policy from a TOML file, or take the built-in one by its name, ``public``.

    A file may say ``extends = "public"`` or the path of another: its own rules come first, then those of the other; keys that it
    leaves out, the default among them, are the other's.

    Raises
    ------
    PolicyError
        With every problem found, each with what to change.
    """
    if str(source) in BUILT_IN:
        from overflight.service.importing import builtin_policy

        return builtin_policy(split=BUILT_IN[str(source)])
    return parse_policy(_read_toml(Path(source), seen=()), source=str(source))


def parse_policy(raw: dict[str, Any], *, source: str = "policy") -> Policy:
    """Check a policy given as nested tables.

    Raises
    ------
    PolicyError
        With all problems at once.
    """
    try:
        return Policy.model_validate(raw)
    except ValidationError as error:
        msg = f"{source}: {problems_of(error, Policy)}"
        raise PolicyError(msg) from None


def policy_schema() -> dict[str, Any]:
    """JSON Schema of a policy, with the description of every keyword."""
    return Policy.model_json_schema()


def embed_files(policy: Policy) -> Policy:
    """The same policy with what its files hold written into it, so that it and its digest stand alone.

    Raises
    ------
    PolicyError, TerritoryError
        If a file cannot be read.
    """
    rules = []
    for rule in policy.rules:
        changes: dict[str, Any] = {key: _embed_area(area) for key, area in rule.areas if area.geojson}
        for key in ("terminals", "owners"):
            path = getattr(rule, f"{key}_file")
            if path is not None:
                changes |= {key: tuple(dict.fromkeys([*getattr(rule, key), *read_ids(path)])), f"{key}_file": None}
        rules.append(rule.model_copy(update=changes) if changes else rule)
    return parse_policy(policy.model_copy(update={"rules": tuple(rules)}).model_dump(exclude_defaults=True), source=policy.name)


def read_ids(path: str | Path) -> list[str]:
    """Identifiers in a file, one a line, in its order; ``#`` begins a comment.

    Raises
    ------
    PolicyError
        If the file cannot be read or names nobody.
    """
    raw = read_bytes(path, wanted="a file of identifiers, one a line", refused=PolicyError)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        msg = f"{path}: not text in UTF-8 (byte {error.start}); give identifiers, one a line"
        raise PolicyError(msg) from None
    ids = [name for name in (line.partition("#")[0].strip() for line in text.splitlines()) if name]
    if not ids:
        msg = f"{path}: names nobody; a rule with an empty list could never match"
        raise PolicyError(msg)
    return ids


def minutes_of(text: str) -> int:
    """Minutes since midnight of ``HH:MM``; 24:00 is midnight.

    Raises
    ------
    ValueError
        If the text is no time of day.
    """
    hours, _, minutes = text.partition(":")
    if not (len(hours) == 2 and len(minutes) == 2 and (hours + minutes).isdigit()) or int(minutes) > 59 or int(hours + minutes) > 2400:
        msg = f"'{text}' is no time of day; write it as 22:00"
        raise ValueError(msg)
    return (60 * int(hours) + int(minutes)) % _DAY_MINUTES


def _embed_area(area: Area) -> Area:
    from overflight.service.areas import rings_of_file

    rings = [polygon for path in area.geojson for polygon in rings_of_file(path)]
    return area.model_copy(update={"geojson": (), "polygons": (*area.polygons, *rings)})


def known_code(name: str) -> str:
    """Alpha-2 code of a territory; a code of the operator's own stands for itself.

    Raises
    ------
    ValueError
        If there is no such territory; the nearest are named.
    """
    own = name.strip().upper()
    if own in _operator_codes():
        return own
    try:
        return find_code(name)
    except TerritoryError as error:
        raise ValueError(str(error).replace(", an English or French name, or a GeoJSON file", " or a name")) from None


def _operator_codes() -> Iterable[str]:
    return set(read_table("service_status")["code"]) - set(read_table("territories")["code"])


def _checked_cell(cell: str) -> str:
    import h3.api.basic_str as h3

    text = cell.strip().lower()
    if not (len(text) == 15 and h3.is_valid_cell(text)):
        msg = f"'{cell}' is no H3 cell; write fifteen hexadecimal digits, as 8526a977fffffff"
        raise ValueError(msg)
    if h3.get_resolution(text) != CELL_RESOLUTION:
        msg = f"cell '{cell}' is of resolution {h3.get_resolution(text)}; give cells of resolution {CELL_RESOLUTION}"
        raise ValueError(msg)
    return text


def _read_toml(path: Path, seen: tuple[Path, ...]) -> dict[str, Any]:
    if path.resolve() in seen:
        msg = f"{path}: extends itself; break the circle"
        raise PolicyError(msg)
    known = f"a policy in TOML, or the name of a built-in one: {', '.join(BUILT_IN)}"
    raw: dict[str, Any] = _localise(read_toml(path, what="a policy in TOML", wanted=known, refused=PolicyError), path.parent.resolve())
    base = raw.pop("extends", None)
    if base is None:
        return raw
    if not isinstance(base, str):
        msg = f"{path}: 'extends' = {base!r}: must be the path of another policy, or {' or '.join(BUILT_IN)}"
        raise PolicyError(msg)
    below = (
        load_policy(base).model_dump(exclude_defaults=True) if base in BUILT_IN else _read_toml(path.parent / base, (*seen, path.resolve()))
    )
    rules = [*_as_list(raw.get("rules", [])), *_as_list(below.get("rules", []))]
    own: dict[str, Any] = {key: value for key, value in below.items() if key not in {"name", "description", "source", "date"}}
    return own | raw | {"rules": rules}


def _localise(raw: Any, folder: Path) -> Any:
    """Make paths absolute: they are relative to the policy's file."""
    if isinstance(raw, list):
        return [_localise(item, folder) for item in raw]
    if not isinstance(raw, dict):
        return raw
    local = {key: _localise(value, folder) for key, value in raw.items()}
    for key in ("terminals_file", "owners_file"):
        if isinstance(local.get(key), str):
            local[key] = str(folder / local[key])
    if isinstance(local.get("geojson"), list):
        local["geojson"] = [str(folder / item) if isinstance(item, str) else item for item in local["geojson"]]
    return local


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
