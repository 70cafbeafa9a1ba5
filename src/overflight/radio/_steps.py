"""Steps of the tables of spectral efficiency: shared by those who fill them and the kernels that read them."""

MANTISSA_BITS = 9
"""Leading bits of a ratio's mantissa that number the steps: 512 to the octave, 0.0085 to 0.0042 dB each."""

FIRST_OCTAVE, OCTAVES = -4, 18
"""Their range: ratios from 2⁻⁴ (−12 dB) to 2¹⁴ (42 dB)."""
