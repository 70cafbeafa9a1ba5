"""Synthetic fleets of terminals with known truth: honest ones, and some that are resold, copied, too fast or too long abroad.

Everything follows from a seed. Terminals live where people live; what a terminal does is written down beside its reports, so that
precision and recall of an audit are measured.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from overflight.clock import format_time
from overflight.earth.cells import cell_centres
from overflight.earth.population import read_world_cells
from overflight.errors import InputError
from overflight.service.audit import KINDS, Audited
from overflight.service.compiled import CompiledPolicy
from overflight.service.policy import CLASSES
from overflight.service.verdicts import Reports, Terminal

__all__ = ["BEHAVIOURS", "Fleet", "Scores", "generate_fleet", "read_truth", "score_audit", "write_fleet"]

Floats = npt.NDArray[np.float64]

BEHAVIOURS: dict[str, tuple[tuple[str, ...], str, float]] = {
    "home": ((), "stays where it was sold", 0.62),
    "border": ((), "stays just inside a border of where it is served; its fixes stray over it", 0.08),
    "traveller": ((), "goes abroad for some weeks, where it is served, and comes back", 0.10),
    "glitch": ((), "stays at home; now and then a fix is a continent away", 0.04),
    "resold": (("not-allowed", "not-listed", "too-long-abroad"), "was sold where it is served and works where it is not", 0.06),
    "overstayer": (("too-long-abroad",), "works abroad, where it is served, all the time", 0.04),
    "speeder": (("too-fast",), "is carried faster than the rules allow", 0.03),
    "copied": (("impossible-travel",), "two devices under one name, far apart", 0.03),
}
"""What a terminal may do: the kinds of findings that it may give, the first of which it must (none for the honest), in words, and its
share of the fleet."""

_CLASS_SHARES = (0.80, 0.10, 0.04, 0.03, 0.02, 0.01)
_FAR_KM = 25.0
_FIX_KM = 0.05
_STRAY_KM = 0.35
_POOL = 4000


@dataclass(frozen=True, eq=False)
class Fleet:
    """A fleet and its reports: t terminals, n reports in the order of time.

    Attributes
    ----------
    terminals
        The register.
    behaviour
        Key of `BEHAVIOURS` for each terminal.
    terminal
        Row of each report's terminal.
    time_us, lat_deg, lon_deg, speed_kmh
        The reports.
    """

    terminals: tuple[Terminal, ...]
    behaviour: tuple[str, ...]
    terminal: npt.NDArray[np.int64]
    time_us: npt.NDArray[np.int64]
    lat_deg: Floats
    lon_deg: Floats
    speed_kmh: Floats

    @property
    def truth(self) -> dict[str, tuple[str, ...]]:
        """Kinds of findings that each guilty terminal may give, the first of which it must."""
        return {
            terminal.identifier: BEHAVIOURS[behaviour][0]
            for terminal, behaviour in zip(self.terminals, self.behaviour, strict=True)
            if BEHAVIOURS[behaviour][0]
        }


@dataclass(frozen=True, slots=True)
class Scores:
    """How well an audit finds the guilty: of one kind, or of all."""

    true_positives: int
    false_positives: int
    false_negatives: int

    @property
    def precision(self) -> float:
        """Share of those found that are guilty; NaN where none is found."""
        found = self.true_positives + self.false_positives
        return self.true_positives / found if found else np.nan

    @property
    def recall(self) -> float:
        """Share of the guilty that are found; NaN where none is."""
        guilty = self.true_positives + self.false_negatives
        return self.true_positives / guilty if guilty else np.nan

    def to_dict(self) -> dict[str, Any]:
        """The scores as JSON."""
        rates = {"precision": self.precision, "recall": self.recall}
        counts = {"true_positives": self.true_positives, "false_positives": self.false_positives, "false_negatives": self.false_negatives}
        return counts | {key: None if np.isnan(value) else round(value, 4) for key, value in rates.items()}


def generate_fleet(
    compiled: CompiledPolicy,
    *,
    terminals: int = 1000,
    days: float = 90.0,
    reports_per_day: float = 4.0,
    start: str = "2026-02-01T00:00:00Z",
    seed: int = 0,
) -> Fleet:
    """Make a fleet of terminals and their reports under a policy.

    Guilt follows from what the policy says: where it has no rule on speed or on days abroad, nobody is a speeder or an overstayer.

    Parameters
    ----------
    compiled
        The policy; it says where terminals are served.
    terminals, days, reports_per_day
        Size of the fleet, length of the story, reports of one terminal.
    start
        First instant, ISO 8601 UTC.
    seed
        The same seed gives the same fleet.

    Raises
    ------
    InputError
        If the policy leaves nowhere to be served, or nowhere to be denied.
    """
    from overflight.clock import parse_time

    rng = np.random.default_rng(seed)
    ground = _Ground(compiled, rng)
    shares = _shares(compiled)
    kinds = rng.choice(list(shares), size=terminals, p=list(shares.values())).tolist()
    begin = int(parse_time(start).astype(np.int64))
    people, parts = [], []
    for row, behaviour in enumerate(kinds):
        times = _times(rng, begin, days, reports_per_day)
        home, track = _TRACKS[behaviour](ground, rng, times)
        people.append(
            Terminal(f"T{row:06d}", str(rng.choice(CLASSES, p=_CLASS_SHARES)), f"owner-{rng.integers(terminals // 3 + 1):05d}", home)
        )
        parts.append((np.full(len(times), row), times, *track))
    terminal, time_us, lat, lon, speed = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(time_us, kind="stable")
    order = order[np.isfinite(lat[order])]
    return Fleet(
        tuple(people), tuple(kinds), terminal[order], time_us[order], np.clip(lat[order], -90.0, 90.0),
        np.mod(lon[order] + 180.0, 360.0) - 180.0, np.maximum(speed[order], 0.0),
    )  # fmt: skip


def write_fleet(fleet: Fleet, folder: Path, *, dirt: float = 0.002, seed: int = 0) -> dict[str, int]:
    """Write ``reports.csv``, ``registry.csv`` and ``truth.csv`` into a folder.

    Parameters
    ----------
    fleet
        The fleet.
    folder
        Made if it is not there.
    dirt
        Share of rows that are made worse: written twice, out of order, or broken.
    seed
        Of the dirt.

    Returns
    -------
    dict
        How many rows of each sort of dirt were written: ``duplicates``, ``out_of_order``, ``broken``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = [terminal.identifier for terminal in fleet.terminals]
    columns = (fleet.terminal, fleet.time_us, fleet.lat_deg, fleet.lon_deg, fleet.speed_kmh)
    lines = [
        f"{names[row]},{format_time(np.datetime64(int(time), 'us'))},{lat:.5f},{lon:.5f},{speed:.1f}"
        for row, time, lat, lon, speed in zip(*(column.tolist() for column in columns), strict=True)
    ]
    lines, counts = _soil(lines, fleet, dirt, np.random.default_rng(seed))
    _write(folder / "reports.csv", "terminal,time,lat_deg,lon_deg,speed_kmh", lines)
    _write(
        folder / "registry.csv",
        "terminal,class,owner,home",
        [f"{one.identifier},{one.terminal_class},{one.owner},{one.home}" for one in fleet.terminals],
    )
    pairs = zip(fleet.terminals, fleet.behaviour, strict=True)
    truth = [f"{one.identifier},{behaviour},{'|'.join(BEHAVIOURS[behaviour][0])}" for one, behaviour in pairs]
    _write(folder / "truth.csv", "terminal,behaviour,findings", truth)
    return counts


def read_truth(path: Path) -> dict[str, tuple[str, ...]]:
    """Kinds of findings that each guilty terminal of a ``truth.csv`` may give, the first of which it must.

    Raises
    ------
    InputError
        If the file is not one.
    """
    from overflight.catalog.tables import parse_table
    from overflight.intake import read_bytes

    table = parse_table(read_bytes(path, wanted="the truth of a synthetic fleet in CSV", refused=InputError), source=str(path))
    if "terminal" not in table or "findings" not in table:
        msg = f"{path}: no columns terminal and findings; give the truth.csv of a synthetic fleet"
        raise InputError(msg)
    truth = {name: tuple(cell.split("|")) for name, cell in zip(table["terminal"], table["findings"], strict=True) if cell}
    unknown = sorted({kind for kinds in truth.values() for kind in kinds} - set(KINDS))
    if unknown:
        msg = f"{path}: no finding is called {unknown[0]!r}; there are {', '.join(KINDS)}"
        raise InputError(msg)
    return truth


def score_audit(audited: Audited, truth: dict[str, tuple[str, ...]]) -> dict[str, Scores]:
    """Scores of an audit by kind, and of all.

    Of a kind, those are guilty that must be found for it; who may be found for it too counts neither for nor against. Whoever is
    found because no list has it is where it may not be, so ``not-listed`` counts with ``not-allowed``.
    """
    found = {kind: {one.terminal.identifier for one in audited.suspicions if one.kind == kind} for kind in KINDS}
    found["not-allowed"] |= found.pop("not-listed")
    scores = {}
    for kind, names in found.items():
        guilty = {name for name, kinds in truth.items() if kinds[0] == kind}
        also = {name for name, kinds in truth.items() if kind in kinds[1:]}
        if guilty or names - also:
            scores[kind] = _score(names - also, guilty)
    return scores | {"all": _score(set().union(*found.values()), set(truth))}


def _score(found: set[str], guilty: set[str]) -> Scores:
    return Scores(len(found & guilty), len(found - guilty), len(guilty - found))


class _Ground:
    """Places where people live, by what the policy says there: points well inside, points near a border, and the territory of each."""

    def __init__(self, compiled: CompiledPolicy, rng: np.random.Generator) -> None:
        world = read_world_cells()
        chosen = rng.choice(len(world.cells), size=_POOL, p=world.population / world.population.sum())
        lat, lon = cell_centres(world.cells[chosen])
        code = np.array(world.codes)[world.territory[chosen]]
        here = _serves(compiled, lat, lon)
        around = [_serves(compiled, *_moved(lat, lon, _FAR_KM, turn)) for turn in np.arange(8) * (np.pi / 4.0)]
        deep = np.all([ring == here for ring in around], axis=0)
        self._compiled = compiled
        self._slow: tuple[Any, ...] | None = None
        self._served, self._denied = (self._pick(lat, lon, code, deep & (here == want)) for want in (True, False))
        self._edge = self._near_border(self._pick(lat, lon, code, here & ~deep), rng)
        if not len(self._served[0]) or not len(self._denied[0]):
            missing = "served" if not len(self._served[0]) else "denied"
            msg = f"the policy leaves nowhere that a consumer is {missing}, where people live; a synthetic fleet needs both"
            raise InputError(msg)

    @staticmethod
    def _pick(lat: Floats, lon: Floats, code: npt.NDArray[np.str_], rows: npt.NDArray[np.bool_]) -> tuple[Any, ...]:
        return lat[rows], lon[rows], code[rows]

    def _near_border(self, places: tuple[Any, ...], rng: np.random.Generator) -> tuple[Any, ...]:
        """Move places towards where service ends, to half a kilometre inside: by halving the way."""
        lat, lon, code = places
        turn = rng.uniform(0.0, 2.0 * np.pi, len(lat))
        out = np.full(len(lat), _FAR_KM)
        ends = ~_serves(self._compiled, *_moved(lat, lon, out, turn))
        near = np.zeros(len(lat))
        for _ in range(12):
            middle = 0.5 * (near + out)
            inside = _serves(self._compiled, *_moved(lat, lon, middle, turn))
            near, out = np.where(inside, middle, near), np.where(inside, out, middle)
        at = _moved(lat, lon, np.maximum(near - _STRAY_KM, 0.0), turn)
        return self._pick(*at, code, ends & _serves(self._compiled, *at))

    def served(self, rng: np.random.Generator, *, other_than: str = "") -> tuple[float, float, str]:
        """A place well inside where people are served, outside a territory if one is given."""
        return self._draw(self._served, rng, other_than)

    def denied(self, rng: np.random.Generator) -> tuple[float, float, str]:
        """A place well inside where nobody is served."""
        return self._draw(self._denied, rng, "")

    def edge(self, rng: np.random.Generator) -> tuple[float, float, str]:
        """A served place so near to a border that fixes stray over it."""
        return self._draw(self._edge if len(self._edge[0]) else self._served, rng, "")

    def fast(self, rng: np.random.Generator) -> tuple[float, float, str]:
        """A served place where whoever goes at 85 km/h is denied."""
        if self._slow is None:
            lat, lon, code = self._served
            self._slow = self._pick(lat, lon, code, ~_serves(self._compiled, lat, lon, speed_kmh=85.0))
        return self._draw(self._slow if len(self._slow[0]) else self._served, rng, "")

    @staticmethod
    def _draw(places: tuple[Any, ...], rng: np.random.Generator, other_than: str) -> tuple[float, float, str]:
        rows = np.flatnonzero(places[2] != other_than)
        row = int(rng.choice(rows if len(rows) else np.arange(len(places[2]))))
        return float(places[0][row]), float(places[1][row]), str(places[2][row])


def _serves(compiled: CompiledPolicy, lat: Floats, lon: Floats, *, speed_kmh: float = 0.0) -> npt.NDArray[np.bool_]:
    """Where a consumer's terminal that no list has, and that does not move, is served."""
    count = len(lat)
    nan, still = np.full(count, np.nan), np.zeros(count)
    time = np.full(count, np.datetime64("NaT", "us"))
    nobody = (Terminal("", "consumer", "", "", compiled.ready.policy.operator),)
    lon = np.mod(np.asarray(lon) + 180.0, 360.0) - 180.0
    speed = still + speed_kmh
    rules = compiled.decide(Reports(np.clip(lat, -90.0, 90.0), lon, time, speed, nan, still, np.zeros(count, dtype=np.int32), nobody))
    allows = np.array([compiled.ready.outcome(number).verdict != "deny" for number in range(len(compiled.ready.rules) + 1)])
    return np.asarray(allows[rules])


def _shares(compiled: CompiledPolicy) -> dict[str, float]:
    """Shares of what terminals do; what the policy has no rule on, nobody does."""
    rules = [one.rule for one in compiled.ready.rules if one.rule.verdict == "deny"]
    lacking = {
        "speeder": not any(rule.speed_over_kmh is not None for rule in rules),
        "overstayer": not any(rule.days_abroad_over is not None for rule in rules),
    }
    shares = {key: share for key, (_, _, share) in BEHAVIOURS.items() if not lacking.get(key)}
    return {key: share / sum(shares.values()) for key, share in shares.items()}


def _times(rng: np.random.Generator, begin: int, days: float, per_day: float) -> npt.NDArray[np.int64]:
    """Instants of one terminal's reports: evenly, each a little early or late, distinct."""
    count = max(6, round(days * per_day))
    step = days * 86_400.0 / count
    seconds = (np.arange(count) + rng.uniform(0.05, 0.45, count)) * step
    return np.unique(begin + (seconds * 1e6).astype(np.int64))


def _moved(lat: Any, lon: Any, km: Any, turn: Any) -> tuple[Floats, Floats]:
    north = np.asarray(lat) + km / 111.195 * np.sin(turn)
    return north, np.asarray(lon) + km / 111.195 * np.cos(turn) / np.maximum(np.cos(np.radians(north)), 0.02)


def _fixes(rng: np.random.Generator, lat: Floats, lon: Floats, error_km: float = _FIX_KM) -> tuple[Floats, Floats]:
    return _moved(lat, lon, np.abs(rng.normal(0.0, error_km, len(lat))), rng.uniform(0.0, 2.0 * np.pi, len(lat)))


Track = tuple[Floats, Floats, Floats]
Times = npt.NDArray[np.int64]


def _stay(rng: np.random.Generator, times: Times, at: tuple[float, float, str], error_km: float = _FIX_KM) -> Track:
    lat, lon = _fixes(rng, np.full(len(times), at[0]), np.full(len(times), at[1]), error_km)
    return lat, lon, np.abs(rng.normal(0.0, 0.3, len(times)))


def _home(ground: _Ground, rng: np.random.Generator, times: Times) -> tuple[str, Track]:
    at = ground.served(rng)
    return at[2], _stay(rng, times, at)


def _border(ground: _Ground, rng: np.random.Generator, times: Times) -> tuple[str, Track]:
    at = ground.edge(rng)
    return at[2], _stay(rng, times, at, _STRAY_KM)


def _traveller(ground: _Ground, rng: np.random.Generator, times: Times) -> tuple[str, Track]:
    at = ground.served(rng)
    there = ground.served(rng, other_than=at[2])
    return at[2], _away(rng, times, at, there, rng.uniform(5.0, 30.0))


def _away(rng: np.random.Generator, times: Times, at: tuple[float, float, str], there: tuple[float, float, str], stay_days: float) -> Track:
    """At home, then elsewhere for some days, then at home again; a day of silence on the way."""
    day = (times - times[0]) / 8.64e10
    leaves = rng.uniform(0.1, 0.5) * max(day[-1] - stay_days, 1.0)
    lat, lon, speed = _stay(rng, times, at)
    away = (day >= leaves + 1.0) & (day < leaves + 1.0 + stay_days)
    lat[away], lon[away], speed[away] = _stay(rng, times[away], there)
    travelling = ((day >= leaves) & (day < leaves + 1.0)) | ((day >= leaves + 1.0 + stay_days) & (day < leaves + 2.0 + stay_days))
    lat[travelling], lon[travelling] = np.nan, np.nan
    return lat, lon, speed


def _glitch(ground: _Ground, rng: np.random.Generator, times: Times) -> tuple[str, Track]:
    at = ground.served(rng)
    lat, lon, speed = _stay(rng, times, at)
    rows = rng.choice(len(times) - 1, size=min(2, len(times) - 1), replace=False)
    lat[rows], lon[rows] = -lat[rows], lon[rows] + 120.0
    return at[2], (lat, lon, speed)


def _resold(ground: _Ground, rng: np.random.Generator, times: Times) -> tuple[str, Track]:
    sold, there = ground.served(rng), ground.denied(rng)
    lat, lon, speed = _stay(rng, times, there)
    return sold[2], (lat, lon, speed)


def _overstayer(ground: _Ground, rng: np.random.Generator, times: Times) -> tuple[str, Track]:
    sold = ground.served(rng)
    return sold[2], _stay(rng, times, ground.served(rng, other_than=sold[2]))


def _speeder(ground: _Ground, rng: np.random.Generator, times: Times) -> tuple[str, Track]:
    at = ground.fast(rng)
    lat, lon, speed = _stay(rng, times, at)
    day = (times - times[0]) / 8.64e10
    runs = (day % 7.0) < rng.uniform(1.5, 3.0)
    speed[runs] = rng.uniform(85.0, 140.0, int(runs.sum()))
    return at[2], (lat, lon, speed)


def _copied(ground: _Ground, rng: np.random.Generator, times: Times) -> tuple[str, Track]:
    at = ground.served(rng)
    lat, lon, speed = _stay(rng, times, at)
    other = max((ground.served(rng) for _ in range(60)), key=lambda place: _apart_km(at, place))
    second = rng.random(len(times)) < 0.45
    second[0] = False
    # The other device reports a few minutes after the first.
    lat[second], lon[second], speed[second] = _stay(rng, times[second], other)
    times[second] -= (times - np.roll(times, 1))[second] * 49 // 50
    return at[2], (lat, lon, speed)


def _apart_km(a: tuple[float, float, str], b: tuple[float, float, str]) -> float:
    from overflight.earth.geodesy import great_circle_km

    return float(great_circle_km(a[0], a[1], b[0], b[1]))


_TRACKS = {
    "home": _home, "border": _border, "traveller": _traveller, "glitch": _glitch, "resold": _resold, "overstayer": _overstayer,
    "speeder": _speeder, "copied": _copied,
}  # fmt: skip


def _soil(lines: Sequence[str], fleet: Fleet, share: float, rng: np.random.Generator) -> tuple[list[str], dict[str, int]]:
    """Write some rows twice, some late, some broken; rows are taken away from nobody."""
    n = len(lines)
    twice, late, broken = (np.sort(rng.choice(n, size=round(share * n), replace=False)) for _ in range(3))
    follows: dict[int, int] = {}
    last: dict[int, int] = {}
    for row, terminal in enumerate(fleet.terminal.tolist()):
        if terminal in last:
            follows[last[terminal]] = row
        last[terminal] = row
    after: dict[int, list[str]] = {}
    for row in twice.tolist():
        after.setdefault(row, []).append(lines[row])
    counted = 0
    for row in sorted(set(late.tolist()) - set(twice.tolist())):
        if row in follows and not set(twice.tolist()) & {follows[row]}:
            # The row itself comes once more after the terminal's next one: late.
            after.setdefault(follows[row], []).append(lines[row])
            counted += 1
    for row in broken.tolist():
        name = lines[row].split(",", 1)[0]
        faulty = (f"{name},yesterday,0,0,0", f"{name},2026-02-01T00:00:00Z,91.5,0,0", f"{name},2026-02-01T00:00:00Z,x,0,0", f"{name},1,2")
        after.setdefault(row, []).append(faulty[row % len(faulty)])
    soiled = [line for row, own in enumerate(lines) for line in (own, *after.get(row, ()))]
    return soiled, {"duplicates": len(twice), "out_of_order": counted, "broken": len(broken)}


def _write(path: Path, head: str, lines: Sequence[str]) -> None:
    path.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
