"""SGP4 against its published verification set, and the kernel against the ``sgp4`` package on every real satellite."""

from pathlib import Path

import numpy as np
import pytest
import sgp4

from overflight.orbit.elements import ElementSets, parse_elements, read_elements
from overflight.orbit.propagation import Propagator

VERIFICATION_TOLERANCE_KM = 1e-6
VERIFICATION_TOLERANCE_KM_S = 1e-9
KERNEL_TOLERANCE_KM = 5e-8
"""Kernel against package, −3 to +30 days from the newest epoch of the file; 2.9e-8 km was the most seen."""

PACKAGE = Path(sgp4.__file__).parent
FILES = (
    "kuiper_2026-08-22.tle",
    "oneweb_2026-08-22.tle",
    "qianfan_2026-08-22.tle",
    "starlink_2024-05-20.omm.json",
    "starlink_2024-07-16.tle",
    "starlink_2024-08-23.tle",
    "starlink_2026-08-22.tle",
)


def with_checksum(line: str) -> str:
    """The made-up satellites of the set have none that holds."""
    return line[:68] + str(sum(int(c) if c.isdigit() else c == "-" for c in line[:68]) % 10)


def verification_cases() -> list[tuple[str, ElementSets, np.ndarray]]:
    """Satellite, element set, and rows of (minutes, position, velocity) of the published output (Vallado et al. 2006)."""
    lines = [line for line in (PACKAGE / "SGP4-VER.TLE").read_text().splitlines() if line[:2] in {"1 ", "2 "}]
    tables: list[list[list[float]]] = []
    for line in (PACKAGE / "tcppver.out").read_text().splitlines():
        if line.endswith("xx"):
            tables.append([])
        elif line.strip():
            tables[-1].append([float(word) for word in line.split()[:7]])
    cases = []
    for first, second, table in zip(lines[::2], lines[1::2], tables, strict=True):
        elements, _ = parse_elements(f"{with_checksum(first)}\n{with_checksum(second)}\n".encode(), source="SGP4-VER.TLE")
        cases.append((first[2:7], elements, np.array(table)))
    return cases


CASES = verification_cases()


@pytest.mark.parametrize(("satellite", "elements", "expected"), CASES, ids=[f"{k}-{case[0]}" for k, case in enumerate(CASES)])
def test_verification_vectors(satellite: str, elements: ElementSets, expected: np.ndarray) -> None:
    propagator = Propagator(elements)
    times = elements.epoch[0] + np.round(expected[:, 0] * 60e6).astype("timedelta64[us]")
    position_km, velocity_km_s, error = propagator.states_teme(times)
    fast_km = propagator.positions_teme_km(times)
    valid = error[:, 0] == 0
    assert np.abs(position_km[valid, :, 0] - expected[valid, 1:4]).max(initial=0.0) <= VERIFICATION_TOLERANCE_KM
    assert np.abs(velocity_km_s[valid, :, 0] - expected[valid, 4:7]).max(initial=0.0) <= VERIFICATION_TOLERANCE_KM_S
    assert np.abs(fast_km[valid, :, 0] - expected[valid, 1:4]).max(initial=0.0) <= VERIFICATION_TOLERANCE_KM
    assert np.array_equal(np.isnan(fast_km).any(axis=(1, 2)), ~valid)


def test_verification_set_reaches_the_kernel() -> None:
    served = [satellite for satellite, elements, _ in CASES if Propagator(elements).fast[0]]
    assert {"06251", "28057", "88888"} <= set(served)
    assert sum(len(expected) for *_, expected in CASES) > 600


@pytest.mark.shared
@pytest.mark.parametrize("name", FILES)
def test_kernel_equals_package_on_every_real_satellite(shared: Path, name: str) -> None:
    elements, _ = read_elements(shared / "data" / "elements" / name)
    propagator = Propagator(elements)
    days = np.array([-3.0, 0.3, 2.7, 30.0])
    times = elements.epoch.max() + np.round(days * 86_400e6).astype("timedelta64[us]")
    reference_km, _, error = propagator.states_teme(times)
    position_km = propagator.positions_teme_km(times)
    assert np.array_equal(np.isnan(position_km).any(axis=1), error > 0)
    assert np.nanmax(np.linalg.norm(position_km - reference_km, axis=1)) <= KERNEL_TOLERANCE_KM
    assert propagator.fast.mean() > 0.99
