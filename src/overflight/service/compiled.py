"""Compiled verdicts: a raster of boxes says what holds for a whole box; exact geometry is asked only where an edge runs through one.

The plane of longitude and latitude is cut into boxes of 1/16°. For every box it is worked out which shapes hold it whole, which not at
all, and which have their edge in it: that leaves a short list of rules, ended by the first that holds in any case. Where the list begins
with such a rule, the box decides. Elsewhere the conditions are asked in order; a shape with its edge in the box is decided by the edges in
it, a margin by the pieces of border that may be nearest. What rounding could decide goes to `overflight.service.verdicts.decide_exactly`,
so that the verdicts are those of exact geometry, all of them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from overflight.service import _policy_kernels as kernels
from overflight.service._rasters import (
    EDGE,
    FALSE,
    OFFSET_X,
    OFFSET_Y,
    PER_DEG,
    TRUE,
    WIDE,
    BoxTest,
    Coasts,
    Layer,
    Raster,
    lay_coasts,
    lay_margin,
    lay_shape,
    territory_layer,
)  # fmt: skip
from overflight.service.areas import NO_MARGIN, Atom, territory_row, territory_shape
from overflight.service.policy import minutes_of
from overflight.service.verdicts import ReadyPolicy, Reports, Rows, decide_exactly, list_everyone, window_us

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_UNSURE_DEG = 4e-4
"""Nearer than this (45 m) to the edge of a cell H3 itself is asked: between two corners its edges stray a few metres."""

_HIGH = 180 * PER_DEG
_FLAGS = ("speed_over_kmh", "speed_up_to_kmh", "altitude_over_m", "altitude_up_to_m")


class _Grid(NamedTuple):
    coarse: npt.NDArray[np.int32]
    fine: npt.NDArray[np.int32]
    n_programs: int
    per_deg: int
    offset_x: float
    offset_y: float


class _Programs(NamedTuple):
    decided: npt.NDArray[np.int32]
    first: Integers
    rule: npt.NDArray[np.int32]
    atom_first: Integers
    atom: npt.NDArray[np.int32]
    group: npt.NDArray[np.int8]
    default: int


class _Rules(NamedTuple):
    flags: npt.NDArray[np.int32]
    speed_over_kmh: Floats
    speed_up_to_kmh: Floats
    altitude_over_m: Floats
    altitude_up_to_m: Floats
    days_abroad_over: Floats
    starts_us: Integers
    ends_us: Integers
    hours_from: Floats
    hours_until: Floats
    static_column: npt.NDArray[np.int32]


class _Atoms(NamedTuple):
    kind: npt.NDArray[np.int8]
    low_km2: Floats
    high_km2: Floats
    sea_owner: npt.NDArray[np.int32]


class _Tests(NamedTuple):
    """Tests of boxes: those of box ``b`` are ``first[b] … first[b + 1]``, each with its edges and pieces of border."""

    first: Integers
    program: npt.NDArray[np.int32]
    sea_box: npt.NDArray[np.int32]
    atom: npt.NDArray[np.int32]
    ref_inside: npt.NDArray[np.int8]
    is_cells: npt.NDArray[np.bool_]
    is_alone: npt.NDArray[np.bool_]
    edge_first: Integers
    edges: Floats
    piece_first: Integers
    piece: npt.NDArray[np.int32]
    pieces: Floats
    unsure_deg: float


class _Columns(NamedTuple):
    lat_deg: Floats
    lon_deg: Floats
    speed_kmh: Floats
    altitude_m: Floats
    days_abroad: Floats
    time_us: Integers
    terminal: npt.NDArray[np.int32]
    static_ok: npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class CompiledPolicy:
    """A policy ready for millions of reports.

    Attributes
    ----------
    ready
        The policy with its shapes.
    programs
        Lists of rules that are left in boxes, by number; each a tuple of the rule and what is still to be asked of place.
    cut_off
        Of rules that could match in some box, those that end its list before them.
    """

    ready: ReadyPolicy
    programs: tuple[tuple["Entry", ...], ...]
    cut_off: dict[int, frozenset[int]]
    _grid: _Grid = field(repr=False)
    _programs: _Programs = field(repr=False)
    _rules: _Rules = field(repr=False)
    _atoms: _Atoms = field(repr=False)
    _tests: _Tests = field(repr=False)
    _sea: _Tests = field(repr=False)

    def decide(self, reports: Reports, *, as_listed: bool = False) -> Rows:
        """Number of the rule that decides each report, shape (n,); of the default one more than the last.

        The same as `overflight.service.verdicts.decide_exactly`, faster. With ``as_listed`` every terminal counts as listed where a
        rule serves those that are.
        """
        numbers, unsure = self.decide_or_ask(reports, as_listed=as_listed)
        if len(unsure):
            ready = list_everyone(self.ready) if as_listed else self.ready
            numbers[unsure] = decide_exactly(ready, reports.take(unsure))
        return numbers

    def decide_or_ask(self, reports: Reports, *, as_listed: bool = False) -> tuple[Rows, npt.NDArray[np.intp]]:
        """As `decide`, with −1 where exact geometry must be asked, and the rows of those."""
        numbers = np.empty(len(reports), dtype=np.int32)
        columns = _Columns(
            _contiguous(reports.lat_deg),
            _contiguous(reports.lon_deg),
            _contiguous(reports.speed_kmh),
            _contiguous(reports.altitude_m),
            _contiguous(reports.days_abroad),
            reports.time_us,
            np.ascontiguousarray(reports.terminal, dtype=np.int32),
            self._static(reports, as_listed=as_listed),
        )
        values = np.empty(len(reports), dtype=np.int32)
        kernels.look_up(self._grid, self._programs.decided, columns.lat_deg, columns.lon_deg, numbers, values)
        # Box by box: what a box needs is then fetched from memory once.
        left = np.flatnonzero(numbers < 0)
        order = left[np.argsort(values[left], kind="stable")]
        kernels.settle(order, self._grid, self._programs, self._rules, self._atoms, self._tests, self._sea, columns, values, numbers)
        return numbers, np.flatnonzero(numbers < 0)

    def program_of(self, lat_deg: Floats, lon_deg: Floats) -> npt.NDArray[np.int32]:
        """Number of the list of rules that is left in the box of each point, shape (n,)."""
        grid = self._grid
        column = np.clip(((np.asarray(lon_deg) + 180.0) * PER_DEG).astype(np.int64), 0, WIDE - 1)
        row = np.clip(((np.asarray(lat_deg) + 90.0) * PER_DEG).astype(np.int64), 0, _HIGH - 1)
        value = grid.coarse[row // PER_DEG, column // PER_DEG]
        fine = value <= -2
        value = value.copy()
        value[fine] = grid.fine[-2 - value[fine], row[fine] % PER_DEG, column[fine] % PER_DEG]
        tested = value >= grid.n_programs
        value[tested] = self._tests.program[value[tested] - grid.n_programs]
        return np.asarray(value, dtype=np.int32)

    @property
    def reachable(self) -> frozenset[int]:
        """Rules that some box leaves in its list: others can never decide."""
        return frozenset(entry.rule for program in self.programs for entry in program)

    @property
    def nbytes(self) -> int:
        """Bytes that the raster and its tests take."""
        parts = (self._grid, self._programs, self._tests, self._sea)
        return sum(array.nbytes for part in parts for array in part if isinstance(array, np.ndarray))

    def _static(self, reports: Reports, *, as_listed: bool) -> npt.NDArray[np.bool_]:
        columns = [number for number, ready in enumerate(self.ready.rules) if ready.asks_of_terminal()]
        rules = [(list_everyone(self.ready) if as_listed else self.ready).rules[number] for number in columns]
        table = np.zeros((len(reports.terminals), max(len(rules), 1)), dtype=np.bool_)
        for column, ready in enumerate(rules):
            table[:, column] = [ready.takes(terminal) for terminal in reports.terminals]
        return table


def _contiguous(column: Floats) -> Floats:
    return np.ascontiguousarray(column, dtype=np.float64)


class Entry(NamedTuple):
    """A rule left in a box: what is still to be asked of place, group by group, and whether anything else is asked."""

    rule: int
    asked: tuple[tuple[int, int], ...]
    """Pairs (group, atom); groups 0 and 1 need one atom that holds, group 2 none."""
    is_free: bool
    """Whether the rule has no condition but place."""


def compile_policy(ready: ReadyPolicy) -> CompiledPolicy:
    """Compile a policy: half a second to a few seconds for the borders of the world."""
    atoms, groups = _number_atoms(ready)
    layers = _lay_atoms(atoms)
    breadths = [atom.sea_km for atom in atoms if atom.sea_km]
    coasts = lay_coasts(max(breadths, default=0.0), min(breadths, default=0.0))
    seas = [_lay_sea(atom, coasts) if atom.sea_km else None for atom in atoms]
    raster = Raster()
    for number, (layer, sea) in enumerate(zip(layers, seas, strict=True)):
        laid = layer or sea
        assert laid is not None
        raster.add(number, laid.boxes, laid.states)
    programs, program_of_signature, cut_off = _make_programs(ready, groups, raster.signatures)
    program = program_of_signature[raster.signature]
    needs = np.array([any(entry.asked for entry in entries) for entries in programs], dtype=np.bool_)
    tested = np.flatnonzero(needs[program].ravel())
    tests, sea_tests = _gather_tests(atoms, layers, coasts, tested, program.ravel()[tested])
    values = program.ravel().astype(np.int32)
    values[tested] = len(programs) + np.arange(len(tested), dtype=np.int32)
    return CompiledPolicy(
        ready,
        tuple(programs),
        cut_off,
        _fold(values.reshape(_HIGH, WIDE), len(programs)),
        _pack_programs(programs, len(ready.rules)),
        _pack_rules(ready),
        _pack_atoms(atoms),
        tests,
        sea_tests,
    )


def _number_atoms(ready: ReadyPolicy) -> tuple[list[Atom], list[tuple[tuple[int, ...] | None, ...]]]:
    """Distinct atoms, and of each rule the numbers of those in its three conditions on place."""
    atoms: list[Atom] = []
    number_of: dict[tuple[Any, ...], int] = {}

    def number(atom: Atom) -> int:
        if atom.key not in number_of:
            number_of[atom.key] = len(atoms)
            atoms.append(atom)
        return number_of[atom.key]

    def numbers(group: tuple[Atom, ...] | None) -> tuple[int, ...] | None:
        return None if group is None else tuple(number(atom) for atom in group)

    groups = [tuple(numbers(group) for group in (rule.within, rule.also_within, rule.not_within)) for rule in ready.rules]
    return atoms, groups


def _lay_atoms(atoms: Sequence[Atom]) -> list[Layer | None]:
    """Layers of the atoms that are not seas; a shape that several atoms share is laid once."""
    shapes: dict[tuple[Any, ...], Layer] = {}
    layers: list[Layer | None] = []
    for atom in atoms:
        if atom.sea_km:
            layers.append(None)
            continue
        key = atom.shape.key
        if key not in shapes:
            known = key[0] == "territory" and atom.shape is territory_shape(key[1])
            shapes[key] = territory_layer(territory_row(key[1]))[0] if known else _lay(atom)
        layers.append(shapes[key] if atom.margin_kind == NO_MARGIN else lay_margin(shapes[key], atom))
    return layers


def _lay(atom: Atom) -> Layer:
    return lay_shape(atom.shape.edges(), stray_deg=_UNSURE_DEG if len(atom.shape.cells) else 0.0)


def _lay_sea(atom: Atom, coasts: Coasts) -> Layer:
    return coasts.layer_of(territory_row(atom.shape.key[1]), atom.sea_km)


def _make_programs(
    ready: ReadyPolicy, groups: Sequence[tuple[tuple[int, ...] | None, ...]], signatures: Sequence[dict[int, int]]
) -> tuple[list[tuple[Entry, ...]], npt.NDArray[np.int32], dict[int, frozenset[int]]]:
    """Lists of rules for every combination of shapes that some box has, and which rules end lists before which."""
    asks_more = [_flags(rule) != 0 for rule in ready.rules]
    rules_of_atom: dict[int, list[int]] = {}
    anywhere = []
    for number, (within, *_rest) in enumerate(groups):
        if within is None:
            anywhere.append(number)
        for atom in within or ():
            rules_of_atom.setdefault(atom, []).append(number)
    programs: dict[tuple[Entry, ...], int] = {}
    cut_off: dict[int, set[int]] = {}
    program_of_signature = np.empty(len(signatures), dtype=np.int32)
    for signature, states in enumerate(signatures):
        candidates = sorted({*anywhere, *(rule for atom in states for rule in rules_of_atom.get(atom, ()))})
        entries: list[Entry] = []
        last: int | None = None
        for rule in candidates:
            asked = _still_asked(groups[rule], states)
            if asked is None:
                continue
            if last is not None:
                cut_off.setdefault(rule, set()).add(last)
                continue
            entries.append(Entry(rule, asked, not asks_more[rule]))
            if not asked and not asks_more[rule]:
                last = rule
        program_of_signature[signature] = programs.setdefault(tuple(entries), len(programs))
    return list(programs), program_of_signature, {rule: frozenset(others) for rule, others in cut_off.items()}


def _still_asked(groups: tuple[tuple[int, ...] | None, ...], states: dict[int, int]) -> tuple[tuple[int, int], ...] | None:
    """What is left to ask of place in a box; None where the rule cannot match."""
    asked: list[tuple[int, int]] = []
    for group, atoms in enumerate(groups):
        if atoms is None:
            continue
        found = [states.get(atom, FALSE) for atom in atoms]
        open_atoms = [(group, atom) for atom, state in zip(atoms, found, strict=True) if state == EDGE]
        if group == 2:
            if TRUE in found:
                return None
            asked += open_atoms
        elif TRUE not in found:
            if not open_atoms:
                return None
            asked += open_atoms
    return tuple(asked)


def _flags(ready: Any) -> int:
    """Which conditions a rule has but place, as bits that the kernel knows."""
    rule = ready.rule
    bits = [getattr(rule, name) is not None for name in _FLAGS]
    bits += [rule.starts is not None or rule.ends is not None, rule.local_hours is not None, rule.days_abroad_over is not None]
    return sum(1 << bit for bit, given in enumerate([*bits, ready.asks_of_terminal()]) if given)


def _pack_rules(ready: ReadyPolicy) -> _Rules:
    rules = [one.rule for one in ready.rules]
    windows = [window_us(rule) for rule in rules]
    hours = [[float(minutes_of(text)) for text in rule.local_hours] if rule.local_hours else [0.0, 0.0] for rule in rules]
    static = [one.asks_of_terminal() for one in ready.rules]

    def column(name: str) -> Floats:
        return np.array([_or_nan(getattr(rule, name)) for rule in rules], dtype=np.float64)

    starts_us, ends_us = np.ascontiguousarray(np.array(windows, dtype=np.int64).reshape(-1, 2).T)
    hours_from, hours_until = np.ascontiguousarray(np.array(hours, dtype=np.float64).reshape(-1, 2).T)
    return _Rules(
        np.array([_flags(one) for one in ready.rules], dtype=np.int32),
        column("speed_over_kmh"),
        column("speed_up_to_kmh"),
        column("altitude_over_m"),
        column("altitude_up_to_m"),
        column("days_abroad_over"),
        starts_us,
        ends_us,
        hours_from,
        hours_until,
        np.where(static, np.cumsum(static) - 1, -1).astype(np.int32),
    )


def _or_nan(value: float | None) -> float:
    return np.nan if value is None else value


def _pack_atoms(atoms: Sequence[Atom]) -> _Atoms:
    chords = np.array([atom.chords_km2 for atom in atoms], dtype=np.float64).reshape(-1, 2)
    return _Atoms(
        np.array([atom.margin_kind for atom in atoms], dtype=np.int8),
        np.ascontiguousarray(chords[:, 0]),
        np.ascontiguousarray(chords[:, 1]),
        np.array([territory_row(atom.shape.key[1]) if atom.sea_km else -1 for atom in atoms], dtype=np.int32),
    )


def _pack_programs(programs: Sequence[tuple[Entry, ...]], default: int) -> _Programs:
    entries = [entry for program in programs for entry in program]
    decided = [default if not program else program[0].rule if program[0].is_free and not program[0].asked else -1 for program in programs]
    asked = [pair for entry in entries for pair in entry.asked]
    return _Programs(
        np.array(decided, dtype=np.int32),
        _firsts(len(program) for program in programs),
        np.array([entry.rule for entry in entries], dtype=np.int32),
        _firsts(len(entry.asked) for entry in entries),
        np.array([atom for _, atom in asked], dtype=np.int32),
        np.array([group for group, _ in asked], dtype=np.int8),
        default,
    )


def _firsts(counts: Iterable[int]) -> Integers:
    return np.concatenate([[0], np.cumsum(np.fromiter(counts, dtype=np.int64))]).astype(np.int64)


def _fold(values: npt.NDArray[np.int32], n_programs: int) -> _Grid:
    """Boxes in blocks of a degree: a block of one value is one number, others point to their boxes."""
    blocks = values.reshape(180, PER_DEG, 360, PER_DEG).transpose(0, 2, 1, 3).reshape(180 * 360, PER_DEG, PER_DEG)
    first = blocks[:, 0, 0]
    mixed = np.flatnonzero((blocks != first[:, None, None]).any(axis=(1, 2)))
    coarse = first.copy()
    coarse[mixed] = -2 - np.arange(len(mixed), dtype=np.int32)
    return _Grid(coarse.reshape(180, 360), np.ascontiguousarray(blocks[mixed]), n_programs, PER_DEG, OFFSET_X, OFFSET_Y)


def _gather_tests(
    atoms: Sequence[Atom], layers: Sequence[Layer | None], coasts: Coasts, tested: Integers, program: npt.NDArray[np.int32]
) -> tuple[_Tests, _Tests]:
    """Tests of the boxes that have any, and of the sea in them."""
    laid = [(number, layer) for number, layer in enumerate(layers) if layer is not None]
    own = [(number, layer.tests_in(tested), bool(len(atoms[number].shape.cells))) for number, layer in laid]
    sea_boxes, sea_tests = coasts.tests_in(tested)
    sea_box = np.full(len(tested), -1, dtype=np.int32)
    sea_box[np.searchsorted(tested, sea_boxes)] = np.arange(len(sea_boxes), dtype=np.int32)
    return (
        _pack_tests(own, tested, program, sea_box),
        _pack_tests([(row, test, False) for row, test in sea_tests], sea_boxes, np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int32)),
    )


def _pack_tests(
    tests: Sequence[tuple[int, BoxTest, bool]], boxes: Integers, program: npt.NDArray[np.int32], sea_box: npt.NDArray[np.int32]
) -> _Tests:
    """Bring tests into the order of boxes, each with its edges and pieces."""
    place = np.concatenate([np.searchsorted(boxes, test.boxes) for _, test, _ in tests]) if tests else np.empty(0, dtype=np.int64)
    order = np.argsort(place, kind="stable")
    number = np.repeat(np.arange(len(tests)), [len(test.boxes) for _, test, _ in tests])

    def column(name: str, kind: Any) -> Any:
        values = np.concatenate([np.asarray(getattr(test, name)) for _, test, _ in tests]) if tests else np.empty(0)
        return np.ascontiguousarray(values[order].astype(kind))

    edge_first, edge_rows = _in_order([test.edge_first for _, test, _ in tests], order)
    piece_first, piece_rows = _in_order([test.piece_first for _, test, _ in tests], order)
    edges = np.concatenate([np.empty((0, 4)), *(test.edges for _, test, _ in tests)])[edge_rows]
    piece, pieces = _join_borders([test for _, test, _ in tests])
    return _Tests(
        np.searchsorted(place[order], np.arange(len(boxes) + 1)).astype(np.int64),
        program,
        sea_box,
        np.array([atom for atom, _, _ in tests], dtype=np.int32)[number][order],
        column("ref_inside", np.int8),
        np.array([is_cells for _, _, is_cells in tests], dtype=np.bool_)[number][order],
        column("is_alone", np.bool_),
        edge_first,
        np.ascontiguousarray(edges),
        piece_first,
        np.ascontiguousarray(piece[piece_rows]),
        pieces,
        _UNSURE_DEG,
    )


def _in_order(firsts: list[Integers], order: npt.NDArray[np.intp]) -> tuple[Integers, Integers]:
    """Bring lists into another order: where each begins, and the rows of all of them in the order of old."""
    counts = np.concatenate([np.empty(0, dtype=np.int64), *(np.diff(first) for first in firsts)])
    begins = np.cumsum(counts) - counts
    first = np.concatenate([[0], np.cumsum(counts[order])]).astype(np.int64)
    return first, np.arange(first[-1]) + np.repeat(begins[order] - first[:-1], counts[order])


def _join_borders(tests: Sequence[BoxTest]) -> tuple[npt.NDArray[np.int32], Floats]:
    """Rows of the pieces of every test in one table of the borders, each border in it once."""
    place: dict[int, int] = {}
    borders: list[Floats] = [np.empty((0, 6))]
    rows = [np.empty(0, dtype=np.int32)]
    for test in tests:
        if id(test.pieces) not in place:
            place[id(test.pieces)] = sum(len(border) for border in borders)
            borders.append(test.pieces)
        rows.append((test.piece + place[id(test.pieces)]).astype(np.int32))
    return np.concatenate(rows), np.concatenate(borders)
