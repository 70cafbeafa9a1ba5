"""Steps of the tables that kernels read by the leading bits of a floating-point number: shared with those who fill the tables.

Each octave (from a power of two to the next) has the same number of equal steps.
"""

import numpy as np
import numpy.typing as npt

MANTISSA_BITS = 9
"""C/(N+I), as a ratio: 512 steps to the octave, 0.0085 to 0.0042 dB each."""

FIRST_OCTAVE, OCTAVES = -4, 18
"""Their range: 2⁻⁴ (−12 dB) to 2¹⁴ (42 dB)."""

ANGLE_BITS = 8
"""Angles off an axis, as 2 − 2 cos θ = (2 sin ½θ)²: 256 steps to the octave, 0.2 % of the angle or less."""

FIRST_ANGLE_OCTAVE, ANGLE_OCTAVES = -22, 25
"""Their range: θ from 0.03° to 180°, which is exactly 4 and stands in the last octave's first step."""


def step_edges(first_octave: int, octaves: int, bits: int) -> npt.NDArray[np.float64]:
    """Lower edges of all steps."""
    octave, step = np.divmod(np.arange(octaves << bits), 1 << bits)
    edges: npt.NDArray[np.float64] = np.exp2(first_octave + octave) * (1.0 + step / (1 << bits))
    return edges
