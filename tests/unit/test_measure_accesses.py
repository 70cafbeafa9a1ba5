"""Accesses that begin, against sets."""

import numpy as np

from overflight.measure.accesses import count_accesses_started


def test_an_access_begins_when_a_satellite_was_not_in_view_before():
    rng = np.random.default_rng(5)
    seen = rng.random((12, 3, 20)) < 0.4
    indptr = np.zeros((12, 4), dtype=np.int64)
    lists = []
    total = 0
    for k in range(12):
        for c in range(3):
            indptr[k, c] = total
            lists.append(np.flatnonzero(seen[k, c]).astype(np.int32))
            total += len(lists[-1])
        indptr[k, 3] = total
    before = np.concatenate([np.zeros((1, 3, 20), dtype=bool), seen[:-1]])
    started = count_accesses_started(indptr, np.concatenate(lists))
    assert np.array_equal(started, (seen & ~before).sum(axis=2))
