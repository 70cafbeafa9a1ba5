"""What works on this machine: for ``overflight doctor``."""

import importlib.metadata
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from overflight import __version__


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was tried."""

    name: str
    ok: bool
    detail: str


def check_health() -> tuple[Check, ...]:
    """Try the parts that a machine may lack, one after the other; a failure does not stop the others."""
    return tuple(_try(name, attempt) for name, attempt in _ATTEMPTS)


def _try(name: str, attempt: Callable[[], str]) -> Check:
    try:
        return Check(name, ok=True, detail=attempt())
    except Exception as error:  # noqa: BLE001 - whatever is wrong with the machine is what the user wants to read
        return Check(name, ok=False, detail=f"{type(error).__name__}: {' '.join(str(error).split())}")


def _describe_machine() -> str:
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}"


def _describe_versions() -> str:
    names = ("numpy", "numba", "sgp4", "h3", "shapely", "pyarrow", "zarr", "pydantic", "matplotlib")
    return f"overflight {__version__}; " + ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)


def _check_tables() -> str:
    from overflight.catalog.constellations import list_constellations
    from overflight.catalog.tables import list_tables
    from overflight.earth.territory import list_territories

    names = ", ".join(list_constellations())
    return f"{len(list_tables())} built-in tables, {len(list_territories())} territories, constellations: {names}"


def _check_kernels() -> str:
    from overflight.catalog.constellations import find_constellation
    from overflight.orbit.propagation import Propagator
    from overflight.orbit.shells import shell_elements

    known = find_constellation("hypatia-kuiper-630")
    propagator = Propagator(shell_elements(known.shells, known.epoch))
    times = known.epoch + np.arange(64) * np.timedelta64(15_000_000, "us")
    begin = time.perf_counter()
    propagator.positions_km(times)
    first_s = time.perf_counter() - begin
    begin = time.perf_counter()
    positions_km = propagator.positions_km(times)
    rate = positions_km.shape[0] * positions_km.shape[2] / (time.perf_counter() - begin)
    return f"{rate / 1e6:.0f} million satellite positions per second and thread (first call {first_s:.1f} s)"


def _check_scratch() -> str:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "written").write_bytes(b"overflight")
        return f"{tempfile.gettempdir()} can be written"


def _check_encoding() -> str:
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    "° – é".encode(encoding)
    return f"the terminal takes {encoding}"


_ATTEMPTS: tuple[tuple[str, Callable[[], str]], ...] = (
    ("machine", _describe_machine),
    ("versions", _describe_versions),
    ("tables", _check_tables),
    ("kernels", _check_kernels),
    ("scratch", _check_scratch),
    ("terminal", _check_encoding),
)
