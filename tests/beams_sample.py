"""Beam requests for tests: a patch of hexagons under satellites drawn by lot, and every rule checked the slow way."""

from itertools import pairwise

import numpy as np

from overflight.schedule.beams import BeamPlan, BeamRequest


def make_request(
    seed=0,
    *,
    rows=4,
    columns=5,
    satellites=6,
    channels=4,
    beams=3,
    per_channel=2,
    most=3,
    per_cell=1,
    per_beam=1,
    held=None,
) -> BeamRequest:
    """A patch of hexagons; satellites are in view with probability 0.6, some channels are not licensed, some pairs are worth nothing."""
    generator = np.random.default_rng(seed)
    cells = rows * columns
    visible = generator.random((cells, satellites)) < 0.6
    value = np.where(generator.random((cells, satellites)) < 0.05, 0.0, generator.uniform(100.0, 500.0, (cells, satellites)))
    licensed = np.where(generator.random(cells) < 0.3, generator.integers(0, 1 << channels, cells), (1 << channels) - 1)
    return BeamRequest(
        indptr=np.concatenate([[0], np.cumsum(visible.sum(axis=1))]).astype(np.int64),
        satellite=np.nonzero(visible)[1].astype(np.int32),
        value_mbps=value[visible],
        need=generator.integers(0, most + 1, cells).astype(np.int32),
        priority=generator.uniform(0.1, 10.0, cells),
        licensed=licensed.astype(np.uint32),
        beams=generator.integers(0, beams + 1, satellites).astype(np.int32),
        beams_per_channel=generator.integers(1, per_channel + 1, satellites).astype(np.int32),
        neighbours=make_patch(rows, columns),
        channels=channels,
        satellites_per_channel=per_cell,
        cells_per_beam=per_beam,
        held=held,
    )


def make_patch(rows, columns) -> np.ndarray:
    """Neighbours in a patch of hexagons in offset rows, shape (rows × columns, 6)."""
    table = np.full((rows * columns, 6), -1, np.int32)
    for row in range(rows):
        for column in range(columns):
            shift = row % 2
            around = [(0, -1), (0, 1), (-1, shift - 1), (-1, shift), (1, shift - 1), (1, shift)]
            for side, (down, right) in enumerate(around):
                y, x = row + down, column + right
                if 0 <= y < rows and 0 <= x < columns:
                    table[row * columns + column, side] = y * columns + x
    return table


def find_broken_rule(request: BeamRequest, plan: BeamPlan) -> str:
    """The first rule that a plan breaks, by plain loops; empty if it keeps them all."""
    lit = [tuple(row) for row in zip(plan.cell.tolist(), plan.satellite.tolist(), plan.channel.tolist(), plan.beam.tolist(), strict=True)]
    if any((a[0], a[2], a[1]) >= (b[0], b[2], b[1]) for a, b in pairwise(lit)):
        return "order"
    for number, (c, s, k, _) in enumerate(lit):
        pair = int(plan.pair[number])
        if not (request.indptr[c] <= pair < request.indptr[c + 1] and request.satellite[pair] == s):
            return "pair"
        if not request.value_mbps[pair] > 0.0:
            return "value"
        if not int(request.licensed[c]) >> k & 1:
            return "licence"
    for c in range(request.n_cells):
        mine = [row for row in lit if row[0] == c]
        if len(mine) > request.need[c]:
            return "need"
        for k in range(request.channels):
            if sum(row[2] == k for row in mine) > request.satellites_per_channel:
                return "satellites per channel"
    for s in range(request.n_satellites):
        mine = [row for row in lit if row[1] == s]
        if len({row[3] for row in mine}) > request.beams[s]:
            return "beams"
        for k in range(request.channels):
            if len({row[3] for row in mine if row[2] == k}) > request.beams_per_channel[s]:
                return "reuse"
    for beam in {row[3] for row in lit}:
        rows = [number for number, row in enumerate(lit) if row[3] == beam]
        if len(rows) > request.cells_per_beam or plan.share[rows].sum() > 1.0 + 1e-9 or len({lit[number][1:3] for number in rows}) > 1:
            return "sharing"
    for a in lit:
        for b in lit:
            if a[1:3] == b[1:3] and a[3] != b[3] and b[0] in request.neighbours[a[0]]:
                return "separation"
    return ""
