"""Fit the sine and cosine polynomials of the SGP4 kernel and print them as Python tuples.

Usage: ``python tools/fit_trig_polynomials.py``. On |r| <= π/2 the kernel takes sin r = r + r z P(z) and cos r = 1 + z Q(z), z = r².
P and Q interpolate at Chebyshev's points of z, in exact fractions; printed with them is the largest absolute error of the sine or
cosine when all else is exact.
"""

import math
from fractions import Fraction

TERMS = 24
DIGITS = 60
HALF_PI = Fraction("1.570796326794896619231321691639751442098584699687552910487472")
PRECISIONS = {"FULL": (8, 8), "MIDDLE": (6, 6), "LOW": (5, 5)}


def series(first: int, z: Fraction) -> Fraction:
    """Exact remainder of the Taylor series: (sin r / r − 1) / z for ``first`` 3, (cos r − 1) / z for ``first`` 2."""
    total, power = Fraction(0), Fraction(1)
    for term in range(TERMS):
        total += (-1) ** (term + 1) * power / math.factorial(first + 2 * term)
        power *= z
    return total


def interpolate(first: int, count: int) -> list[Fraction]:
    """Coefficients, lowest first, of the polynomial through Chebyshev's points of [0, (π/2)²]."""
    width = HALF_PI**2
    nodes = [Fraction(width * Fraction((1 - math.cos(math.pi * (2 * k + 1) / (2 * count))) / 2)) for k in range(count)]
    nodes = [node.limit_denominator(10**15) for node in nodes]
    divided = [series(first, node) for node in nodes]
    for order in range(1, count):
        for k in range(count - 1, order - 1, -1):
            divided[k] = (divided[k] - divided[k - 1]) / (nodes[k] - nodes[k - order])
    coefficients = [Fraction(0)] * count
    for k in range(count - 1, -1, -1):
        shifted = [Fraction(0), *coefficients[:-1]]
        coefficients = [up - nodes[k] * low for up, low in zip(shifted, coefficients, strict=True)]
        coefficients[0] += divided[k]
    return coefficients


def largest_error(first: int, coefficients: list[float]) -> float:
    """Largest absolute error of sine (``first`` 3) or cosine (``first`` 2) over the range, with the rounded coefficients."""
    worst = 0.0
    for step in range(201):
        r = HALF_PI * Fraction(step, 200)
        z = (r * r).limit_denominator(10**30)
        value = sum((Fraction(c) * z**k for k, c in enumerate(coefficients)), Fraction(0))
        scale = float(z) * (float(r) if first == 3 else 1.0)
        worst = max(worst, abs(float(value - series(first, z))) * scale)
    return worst


def main() -> None:
    """Print the polynomials."""
    for name, (sine_terms, cosine_terms) in PRECISIONS.items():
        for function, first, count in (("SIN", 3, sine_terms), ("COS", 2, cosine_terms)):
            rounded = [float(c) for c in interpolate(first, count)]
            print(f"{function}_{name} = ({', '.join(map(repr, rounded))})  # {largest_error(first, rounded):.1e}")


if __name__ == "__main__":
    main()
