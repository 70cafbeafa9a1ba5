"""Shapes on the raster of boxes: which hold a box whole, which have their edge in it, and what must be asked there.

Boxes are numbered row by row from the south-west, `PER_DEG` to a degree. Each has a reference point, off the middle by amounts that no
table of coordinates has, of which it is known whether a shape holds it.
"""

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from overflight.earth.geodesy import ecef_to_geodetic, geodetic_to_ecef_km
from overflight.service import _policy_kernels as kernels
from overflight.service.areas import GROWN, SHRUNK, Atom, territory_shape, world

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Rows = TypeVar("Rows", Floats, Integers)

PER_DEG = 16
"""Boxes to a degree: 7 km from south to north."""

WIDE, HIGH = 360 * PER_DEG, 180 * PER_DEG

OFFSET_X, OFFSET_Y = 0.4871236519, 0.5137812447
"""Where the reference point of a box is, as shares of its width and height."""

FALSE, TRUE, EDGE = 0, 1, 2
"""What a shape is to a box: nowhere in it, all over it, or to be asked point by point."""

_PAD_DEG = 1e-9
"""Edges so near to a box count as in it: a point's box is found by rounded arithmetic."""

_SAMPLE_KM = 2.0
"""Distances of whole boxes are measured to points of a border that are at most this far apart."""

_SLACK_KM = 0.2
"""Added to bounds on distances for chords, rounding and the ellipsoid."""

_DEGREE_KM = 111.7
"""No degree of latitude is longer."""

_SQUARE_KM = 0.75 * _DEGREE_KM
"""No point of a block of a degree is farther from its middle."""

_REFINE = 4
"""Blocks near a border are cut in so many rows and columns, again and again, down to boxes."""

_MANY_BLOCKS = 2_000
"""Of a border that runs through more blocks than these, all blocks of the world are looked at."""


@dataclass(frozen=True, eq=False)
class BoxTest:
    """What must be asked in some boxes (sorted): the edges and pieces of border of box ``k`` are ``…_first[k] … …_first[k + 1]``."""

    boxes: Integers
    ref_inside: Bools
    is_alone: Bools
    edge_first: Integers
    edges: Floats
    piece_first: Integers
    piece: Integers
    """Rows of ``pieces``."""
    pieces: Floats
    """The border that they are of, shared."""


@dataclass(frozen=True, eq=False)
class Layer:
    """A shape on the raster: the boxes that it is not `FALSE` in, sorted, with their states; the tests of those where it is `EDGE`."""

    boxes: Integers
    states: npt.NDArray[np.int8]
    inside: Integers
    """Boxes whose reference point the shape holds, sorted."""
    edge_boxes: Integers
    edge_first: Integers
    edges: Floats
    piece_boxes: Integers
    piece_first: Integers
    piece: Integers
    pieces: Floats

    def tests_in(self, boxes: Integers) -> BoxTest:
        """Tests in those of some boxes (sorted) where the shape must be asked."""
        asked = self.boxes[self.states == EDGE]
        asked = asked[_is_in(asked, boxes)]
        edge_first, edges = _lists_of(asked, self.edge_boxes, self.edge_first, self.edges)
        piece_first, members = _lists_of(asked, self.piece_boxes, self.piece_first, self.piece)
        inside = _is_in(asked, self.inside)
        return BoxTest(asked, inside, np.zeros(len(asked), dtype=np.bool_), edge_first, edges, piece_first, members, self.pieces)


class Raster:
    """Which combination of shapes every box has."""

    def __init__(self) -> None:
        self.signature = np.zeros((HIGH, WIDE), dtype=np.int32)
        self.signatures: list[dict[int, int]] = [{}]

    def add(self, number: int, boxes: Integers, states: npt.NDArray[np.int8]) -> None:
        """Lay a shape over what is there."""
        if not len(boxes):
            return
        flat = self.signature.reshape(-1)
        pair = flat[boxes].astype(np.int64) * 3 + states
        used = np.flatnonzero(np.bincount(pair, minlength=1))
        new = np.zeros(int(used[-1]) + 1, dtype=np.int32)
        for combination in used.tolist():
            new[combination] = len(self.signatures)
            self.signatures.append(self.signatures[combination // 3] | {number: combination % 3})
        flat[boxes] = new[pair]


def lay_shape(edges: Floats, *, stray_deg: float = 0.0) -> Layer:
    """Lay a polygon, given by the edges of all its rings, shape (n, 4), on the raster.

    Where edges are known to ``stray_deg`` of latitude only, boxes so near to them count as having them.
    """
    narrowest = max(float(np.cos(np.radians(np.abs(edges[:, [1, 3]]).max(initial=0.0)))), 1e-3)
    boxes, members = _trace(edges, _PAD_DEG + stray_deg / narrowest)
    order = np.argsort(boxes, kind="stable")
    first = np.flatnonzero(_is_first(boxes[order]))
    edge_boxes = boxes[order][first]
    inside = _reference_inside(edges)
    whole = inside[~_is_in(inside, edge_boxes)]
    touched = np.concatenate([whole, edge_boxes])
    states = np.concatenate([np.full(len(whole), TRUE, dtype=np.int8), np.full(len(edge_boxes), EDGE, dtype=np.int8)])
    place = np.argsort(touched)
    firsts = np.append(first, len(boxes)).astype(np.int64)
    nothing = np.empty(0, dtype=np.int64)
    return Layer(
        touched[place], states[place], inside, edge_boxes, firsts, edges[members[order]],
        nothing, np.zeros(1, dtype=np.int64), nothing, np.empty((0, 6)),
    )  # fmt: skip


def lay_margin(layer: Layer, atom: Atom) -> Layer:
    """Lay a shape with a margin on the raster, from the layer of the shape itself."""
    pieces = atom.shape.pieces
    reach_km = max(abs(km) for km in (atom.low_km, atom.high_km) if np.isfinite(km))
    border = Border(pieces)
    boxes, centre_km = border.boxes_within(reach_km)
    half_km = half_diagonal_km(boxes)
    low, high = np.maximum(centre_km - half_km - _SAMPLE_KM / 2.0 - _SLACK_KM, 0.0), centre_km + half_km + _SLACK_KM
    own = np.full(len(boxes), FALSE, dtype=np.int8)
    where = np.searchsorted(layer.boxes, boxes)
    found = (where < len(layer.boxes)) & (layer.boxes[np.minimum(where, len(layer.boxes) - 1)] == boxes) if len(layer.boxes) else own > 0
    own[found] = layer.states[where[found]]
    near = _margin_states(atom, own, low, high)
    far = ~_is_in(layer.boxes, boxes) if atom.margin_kind in (GROWN, SHRUNK) else np.zeros(len(layer.boxes), dtype=np.bool_)
    all_boxes = np.concatenate([boxes, layer.boxes[far]])
    states = np.concatenate([near, layer.states[far]])
    kept = states != FALSE
    order = np.argsort(all_boxes[kept])
    asked = np.flatnonzero(near == EDGE)
    piece_first, members = border.pieces_near(boxes[asked], np.minimum(reach_km + half_km, centre_km + 2.0 * half_km)[asked])
    return Layer(
        all_boxes[kept][order], states[kept][order], layer.inside, layer.edge_boxes, layer.edge_first, layer.edges,
        boxes[asked], piece_first, members, pieces,
    )  # fmt: skip


def _margin_states(atom: Atom, own: npt.NDArray[np.int8], low_km: Floats, high_km: Floats) -> npt.NDArray[np.int8]:
    """What a margin is to boxes, from what its shape is and bounds on the distance of their points from its border."""
    states = np.full(len(own), EDGE, dtype=np.int8)
    if atom.margin_kind == GROWN:
        states[(own == TRUE) | (high_km <= atom.high_km)] = TRUE
        states[(own == FALSE) & (low_km > atom.high_km)] = FALSE
        return states
    if atom.margin_kind == SHRUNK:
        states[(own == TRUE) & (low_km >= -atom.high_km)] = TRUE
        states[(own == FALSE) | (high_km < -atom.high_km)] = FALSE
        return states
    least = np.where(own == TRUE, -atom.low_km, np.where(own == FALSE, atom.high_km, min(-atom.low_km, atom.high_km)))
    most = np.where(own == TRUE, -atom.low_km, np.where(own == FALSE, atom.high_km, max(-atom.low_km, atom.high_km)))
    states[high_km <= least] = TRUE
    states[low_km > most] = FALSE
    return states


class Border:
    """A border's pieces, to be searched by distance in a straight line."""

    def __init__(self, pieces: Floats) -> None:
        from scipy.spatial import cKDTree

        lengths = np.linalg.norm(pieces[:, 3:] - pieces[:, :3], axis=1)
        count = np.maximum(1, np.ceil(lengths / _SAMPLE_KM)).astype(np.int64)
        row = np.repeat(np.arange(len(pieces)), count)
        share = (np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count) + 0.5) / count[row]
        points = pieces[row, :3] + share[:, None] * (pieces[row, 3:] - pieces[row, :3])
        self._samples = cKDTree(points)
        lat_deg, lon_deg, _ = ecef_to_geodetic(points.T)
        self._blocks = np.unique(_block_of(lat_deg, lon_deg))
        self._middles = cKDTree(0.5 * (pieces[:, :3] + pieces[:, 3:]))
        self._longest_km = float(lengths.max(initial=0.0))

    def boxes_within(self, reach_km: float) -> tuple[Integers, Floats]:
        """Boxes with a point within ``reach_km`` of the border (and some more), sorted, and the distance of their middles from it, km."""
        blocks, scale = self._blocks_near(reach_km), PER_DEG
        while scale > 1:
            scale //= _REFINE
            blocks = _divide(blocks, 180 * PER_DEG // scale // _REFINE)
            middles = _block_middles(blocks, scale)
            half_km = half_diagonal_km(blocks, scale)
            most = reach_km + float(half_km.max(initial=0.0)) + _SAMPLE_KM + _SLACK_KM
            away, _ = self._samples.query(middles, distance_upper_bound=most)
            within = away <= reach_km + half_km + _SAMPLE_KM / 2.0 + _SLACK_KM
            blocks, away = blocks[within], away[within]
        order = np.argsort(blocks)
        return blocks[order], away[order]

    def _blocks_near(self, reach_km: float) -> Integers:
        """Blocks of a degree that may be within reach, from those that the border runs through."""
        touched = self._blocks
        radius_km = reach_km + 2.0 * _SQUARE_KM + _SLACK_KM
        if len(touched) > _MANY_BLOCKS:
            return np.arange(180 * 360)
        found = _block_tree().query_ball_point(_block_middles(touched, PER_DEG), radius_km)
        return np.unique(np.concatenate([np.asarray(members, dtype=np.int64) for members in found]))

    def pieces_near(self, boxes: Integers, radius_km: Floats) -> tuple[Integers, Integers]:
        """Pieces that come within a radius of the middle of each box (and some more), as lists of rows."""
        if not len(boxes):
            return np.zeros(1, dtype=np.int64), np.empty(0, dtype=np.int64)
        found = self._middles.query_ball_point(_block_middles(boxes, 1), radius_km + self._longest_km / 2.0 + _SAMPLE_KM / 2.0 + _SLACK_KM)
        counts = np.fromiter((len(members) for members in found), dtype=np.int64, count=len(found))
        members = np.fromiter((member for members in found for member in members), dtype=np.int64, count=int(counts.sum()))
        return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64), members


@dataclass(frozen=True, eq=False)
class Coasts:
    """Which territories' coasts may be the nearest to points of a box: triples sorted by territory, then box.

    Boxes that a territory holds whole are left out.
    """

    first: Integers
    """The triples of territory ``t`` are ``first[t] … first[t + 1]``."""
    box: Integers
    low_km: Floats
    """No point of the box is nearer to the territory than this."""
    high_km: Floats
    is_alone: Bools
    """Whether no other territory can be nearer anywhere in the box."""
    has_edge: Bools
    """Whether some territory's edge is in the box."""
    centre_km: Floats
    reach_km: float
    least_km: float
    """Narrowest sea that anybody asks of."""

    def layer_of(self, territory: int, sea_km: float) -> Layer:
        """The sea within ``sea_km`` of a territory; what is asked in its boxes is in `tests_in`."""
        own = slice(self.first[territory], self.first[territory + 1])
        near = self.low_km[own] <= sea_km
        sure = self.is_alone[own] & ~self.has_edge[own] & (self.high_km[own] <= sea_km)
        states = np.where(sure, TRUE, EDGE).astype(np.int8)
        nothing, first = np.empty(0, dtype=np.int64), np.zeros(1, dtype=np.int64)
        return Layer(
            self.box[own][near], states[near], nothing, nothing, first, np.empty((0, 4)), nothing, first, nothing, np.empty((0, 6))
        )

    def tests_in(self, boxes: Integers) -> tuple[Integers, list[tuple[int, BoxTest]]]:
        """Tests of the sea in some boxes (sorted), by territory, and the boxes that have any."""
        in_boxes = _is_in(self.box, boxes)
        tests = []
        for territory in range(len(self.first) - 1):
            span = slice(self.first[territory], self.first[territory + 1])
            own = in_boxes[span]
            if not own.any():
                continue
            asked, away = self.box[span][own], self.centre_km[span][own]
            # Where only one coast is near and all of the box within the narrowest sea of it, whose sea it is needs no distance.
            alone = self.is_alone[span][own] & (self.high_km[span][own] <= self.least_km)
            layer, border = territory_layer(territory)
            edge_first, edges = _lists_of(asked, layer.edge_boxes, layer.edge_first, layer.edges)
            half_km = half_diagonal_km(asked)
            radius = np.minimum(self.reach_km + half_km, away + 2.0 * half_km)
            some_first, members = border.pieces_near(asked[~alone], radius[~alone])
            counts = np.zeros(len(asked), dtype=np.int64)
            counts[~alone] = np.diff(some_first)
            piece_first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
            pieces = territory_shape(world()[0][territory]).pieces
            tests.append((territory, BoxTest(asked, _is_in(asked, layer.inside), alone, edge_first, edges, piece_first, members, pieces)))
        found = np.sort(self.box[in_boxes])
        return found[_is_first(found)], tests


@cache
def territory_layer(territory: int) -> tuple[Layer, Border]:
    """Layer and border of a territory, kept: policies share them."""
    shape = territory_shape(world()[0][territory])
    return lay_shape(shape.edges()), Border(shape.pieces)


@lru_cache(maxsize=2)
def lay_coasts(reach_km: float, least_km: float) -> Coasts:
    """Lay the sea within ``reach_km`` of every territory on the raster, nothing where it is 0; no sea is narrower than ``least_km``."""
    nothing, none, n_territories = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.bool_), len(world()[0])
    if reach_km <= 0.0:
        return Coasts(np.zeros(n_territories + 1, dtype=np.int64), nothing, np.empty(0), np.empty(0), none, none, np.empty(0), 0.0, 0.0)
    whole, edged = np.zeros(WIDE * HIGH, dtype=np.bool_), np.zeros(WIDE * HIGH, dtype=np.bool_)
    found = []
    for territory in range(n_territories):
        layer, border = territory_layer(territory)
        whole[layer.boxes[layer.states == TRUE]] = True
        edged[layer.edge_boxes] = True
        boxes, away = border.boxes_within(reach_km)
        found.append((boxes, np.full(len(boxes), territory), away))
    box, territory_of, away = (np.concatenate(column) for column in zip(*found, strict=True))
    nearest, others = np.full(WIDE * HIGH, np.inf, dtype=np.float32), np.zeros(WIDE * HIGH, dtype=np.int16)
    np.minimum.at(nearest, box, away.astype(np.float32))
    half_km = half_diagonal_km(box)
    possible = ~whole[box] & (away <= nearest[box] + 2.0 * half_km + _SAMPLE_KM + 2.0 * _SLACK_KM)
    box, territory_of, away, half_km = box[possible], territory_of[possible], away[possible], half_km[possible]
    np.add.at(others, box, 1)
    return Coasts(
        np.searchsorted(territory_of, np.arange(n_territories + 1)).astype(np.int64),
        box,
        np.maximum(away - half_km - _SAMPLE_KM / 2.0 - _SLACK_KM, 0.0),
        away + half_km + _SLACK_KM,
        others[box] == 1,
        edged[box],
        away,
        reach_km,
        least_km,
    )


def _is_in(values: Integers, members: Integers) -> Bools:
    """Which values are among sorted members."""
    if not len(members):
        return np.zeros(len(values), dtype=np.bool_)
    place = np.minimum(np.searchsorted(members, values), len(members) - 1)
    return np.asarray(members[place] == values)


def _is_first(values: Integers) -> Bools:
    """Which of sorted values differ from the one before."""
    first = np.ones(len(values), dtype=np.bool_)
    first[1:] = values[1:] != values[:-1]
    return first


def half_diagonal_km(boxes: Integers, scale: int = 1) -> Floats:
    """Half the diagonal of blocks of ``scale`` by ``scale`` boxes, km, a little more: no point of one is farther from its middle."""
    side_deg = scale / PER_DEG
    south = boxes // (WIDE // scale) * side_deg - 90.0
    nearest_equator = np.where(south >= 0.0, south, np.minimum(np.abs(south + side_deg), np.abs(south)))
    return np.asarray(0.5 * _DEGREE_KM * side_deg * np.hypot(np.cos(np.radians(nearest_equator)), 1.0))


def _block_middles(blocks: Integers, scale: int) -> Floats:
    """Middles of blocks of ``scale`` by ``scale`` boxes in ITRF, km, shape (n, 3)."""
    row, column = np.divmod(blocks, WIDE // scale)
    return _points((row + 0.5) * scale / PER_DEG - 90.0, (column + 0.5) * scale / PER_DEG - 180.0)


def _block_of(lat_deg: Floats, lon_deg: Floats) -> Integers:
    """Block of a degree of each point."""
    row = np.clip(np.floor(lat_deg + 90.0), 0, 179).astype(np.int64)
    return np.asarray(row * 360 + np.clip(np.floor(lon_deg + 180.0), 0, 359).astype(np.int64))


def _divide(blocks: Integers, rows: int) -> Integers:
    """Cut blocks, of which ``rows`` make a meridian, in `_REFINE` rows and columns."""
    row, column = np.divmod(blocks, 2 * rows)
    part = np.arange(_REFINE)
    wide = 2 * rows * _REFINE
    return np.asarray(((row[:, None, None] * _REFINE + part[:, None]) * wide + column[:, None, None] * _REFINE + part).ravel())


@cache
def _block_tree() -> Any:
    from scipy.spatial import cKDTree

    return cKDTree(_block_middles(np.arange(180 * 360), PER_DEG))


def _points(lat_deg: Floats, lon_deg: Floats) -> Floats:
    return np.ascontiguousarray(geodetic_to_ecef_km(lat_deg, lon_deg).T)


def _trace(edges: Floats, pad_deg: float) -> tuple[Integers, Integers]:
    """Pairs of a box and an edge in it."""
    nothing = np.empty(0, dtype=np.int64)
    count = kernels.trace_edges(edges, PER_DEG, pad_deg, nothing, nothing)
    boxes, members = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
    if count:
        kernels.trace_edges(edges, PER_DEG, pad_deg, boxes, members)
    return boxes, members


def _reference_inside(edges: Floats) -> Integers:
    """Boxes whose reference point is inside a polygon, sorted: between the odd and even crossings of its edges along each row."""
    count = kernels.scan_crossings(edges, PER_DEG, OFFSET_Y, np.empty(0, dtype=np.int64), np.empty(0))
    rows, crossing = np.empty(count, dtype=np.int64), np.empty(count)
    if not count:
        return rows
    kernels.scan_crossings(edges, PER_DEG, OFFSET_Y, rows, crossing)
    order = np.lexsort((crossing, rows))
    rows, crossing = rows[order], crossing[order]
    # Reference points from the first at or right of a crossing to the last left of the next are inside.
    column = np.clip(np.ceil((crossing + 180.0) * PER_DEG - OFFSET_X).astype(np.int64), 0, WIDE)
    begins, ends = rows[0::2] * WIDE + column[0::2], rows[1::2] * WIDE + column[1::2]
    length = ends - begins
    return np.asarray(np.repeat(begins - np.cumsum(length) + length, length) + np.arange(length.sum()))


def _lists_of(wanted: Integers, boxes: Integers, first: Integers, rows: Rows) -> tuple[Integers, Rows]:
    """Lists of some boxes out of those of others; boxes without one get an empty list."""
    if not len(boxes) or not len(wanted):
        return np.zeros(len(wanted) + 1, dtype=np.int64), rows[:0]
    place = np.minimum(np.searchsorted(boxes, wanted), len(boxes) - 1)
    has = boxes[place] == wanted
    counts = np.where(has, first[place + 1] - first[place], 0)
    new_first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    index = np.arange(new_first[-1]) - np.repeat(new_first[:-1], counts) + np.repeat(np.where(has, first[place], 0), counts)
    return new_first, rows[index]
