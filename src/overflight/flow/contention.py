"""What a terminal gets among others that come and go: a fluid of mean demand would give it all that it asks for until the cell is full.

Terminals are active independently of one another, so that an active one meets a Poisson number M of others whose mean is that of all
(Palm's theorem for independent users). Where all ask alike it gets ``min(demand, capacity / (1 + M))``; what all get together is the
mean number times the expectation of that, which never exceeds the capacity nor the mean demand.

References
----------
T. Bonald, J. W. Roberts, "Internet and the Erlang formula", ACM SIGCOMM Computer Communication Review 42 (2012).
"""

import numpy as np
import numpy.typing as npt

from overflight.errors import InputError

Floats = npt.NDArray[np.float64]


def expected_shares(active: npt.ArrayLike, room: npt.ArrayLike) -> Floats:
    """Expected share of what it asks for that an active terminal gets from a capacity shared evenly.

    Parameters
    ----------
    active
        Mean number of active terminals, shape (n,). Above 500 the number is taken as certain.
    room
        How many of them the capacity would serve in full: capacity over demand, shape (n,).

    Returns
    -------
    float64, shape (n,)
        0 to 1.

    Raises
    ------
    InputError
        If shapes differ or a number is negative.
    """
    from overflight.flow._kernels import share_among_random

    others, rooms = np.ascontiguousarray(active, np.float64), np.ascontiguousarray(room, np.float64)
    if others.shape != rooms.shape or others.ndim != 1 or not (others >= 0.0).all() or not (rooms >= 0.0).all():
        msg = f"contention: shapes {others.shape} and {rooms.shape}, or a negative number; give one mean and one room of at least 0 per row"
        raise InputError(msg)
    shares = np.empty(len(others))
    share_among_random(others, rooms, shares)
    return shares
