"""A run on disk: the resolved scenario, tables in Parquet, frames in Zarr; written block by block, resumable, the same bytes every time.

OUT/scenario.toml                     every setting spelled out
OUT/run.json                          versions, hashes of the inputs, fleets; written when the run is complete
OUT/progress.json                     blocks done so far; there only while the run is not complete
OUT/.overflight.lock                  number of the process that writes; there only while it does
OUT/FLEET/frames.zarr                 arrays of (slot, cell), see `FRAMES`
OUT/FLEET/capacity.zarr               the same of capacity, with slots and cells of its own, see `CAPACITY_FRAMES`
OUT/FLEET/{satellites,cells,gateways,pops,capacity_cells}.parquet
"""

import contextlib
import errno
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
import numpy.typing as npt

from overflight import __version__
from overflight.clock import Instants
from overflight.errors import RunError, ScenarioError
from overflight.lock import LOCK_NAME, FolderLock
from overflight.scenario import Scenario, load_scenario

if TYPE_CHECKING:
    import pyarrow as pa
    import zarr

RUN_FORMAT = 1

DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What the operating system says when there is no room: on the disk, in the user's quota, or for so large a file."""

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Frame:
    """One array and how its values are stored: ``value = stored × scale``; ``missing`` marks no value."""

    name: str
    dtype: str
    unit: str
    scale: float
    missing: int | None
    about: str
    axis: str | None = "cell"
    """What its second axis counts; None for one value a slot."""

    def encode(self, values: Array) -> Array:
        """Turn values into what is stored; NaN and what does not fit become missing."""
        if self.scale == 1.0:
            return np.asarray(values, dtype=self.dtype)
        assert self.missing is not None
        stored = np.full(np.shape(values), self.missing, dtype=self.dtype)
        scaled = np.rint(np.asarray(values) / self.scale)
        fits = np.isfinite(scaled) & (scaled >= 0) & (scaled < self.missing)
        stored[fits] = scaled[fits].astype(self.dtype)
        return stored

    def decode(self, stored: Array) -> Array:
        """Turn what is stored back into values; missing becomes NaN where values are scaled."""
        if self.scale == 1.0:
            return stored
        return np.where(stored == self.missing, np.nan, stored.astype(np.float64) * self.scale)


_COVERAGE_FRAMES = (
    Frame("satellites_in_view", "uint16", "1", 1.0, None, "satellites above the elevation mask"),
    Frame("accesses_started", "uint16", "1", 1.0, None, "satellites that rose above the mask since the slot before"),
    Frame("satellites_usable", "uint16", "1", 1.0, None, "satellites that may serve: mask, obstruction, geostationary arc, way to a PoP"),
)
_SERVICE_FRAMES = (
    Frame("serving", "int32", "1", 1.0, -1, "row of the serving satellite in satellites.parquet; -1: none"),
    Frame("elevation_deg", "uint16", "degree", 0.01, 65535, "elevation of the serving satellite"),
    Frame("gateway", "int16", "1", 1.0, -1, "row of the gateway in gateways.parquet; -1: none"),
    Frame("pop", "int16", "1", 1.0, -1, "row of the PoP in pops.parquet; -1: none"),
    Frame("isl_hops", "uint8", "1", 1.0, None, "laser links on the way"),
    Frame("user_link_ms", "uint16", "ms", 0.01, 65535, "round trip on the user link"),
    Frame("isl_ms", "uint16", "ms", 0.01, 65535, "round trip on laser links"),
    Frame("feeder_ms", "uint16", "ms", 0.01, 65535, "round trip on the feeder link"),
    Frame("backhaul_ms", "uint16", "ms", 0.01, 65535, "round trip on fibre from gateway to PoP"),
)
FRAMES = {frame.name: frame for frame in (*_COVERAGE_FRAMES, *_SERVICE_FRAMES)}
COVERAGE_FRAMES = tuple(frame.name for frame in _COVERAGE_FRAMES)

_NO_RATE = 2**32 - 1
_CAPACITY_FRAMES = (
    Frame("active_terminals", "uint32", "1", 0.01, _NO_RATE, "terminals that ask for a rate in this slot"),
    Frame("beams", "uint8", "1", 1.0, None, "channels that light the cell"),
    Frame("channel_mbps", "uint16", "Mbit/s", 0.1, 65535, "what one of these channels carries, downlink, mean"),
    Frame("down_mbps", "uint32", "Mbit/s", 0.001, _NO_RATE, "rate of an active terminal, downlink, mean of the cell"),
    Frame("up_mbps", "uint32", "Mbit/s", 0.001, _NO_RATE, "rate of an active terminal, uplink, mean of the cell"),
    Frame("delivered_down_mbps", "uint32", "Mbit/s", 0.01, _NO_RATE, "what the cell's terminals get together, downlink"),
    Frame("delivered_up_mbps", "uint32", "Mbit/s", 0.01, _NO_RATE, "what they get together, uplink"),
    Frame("bottleneck", "uint8", "1", 1.0, None, "what holds most of the cell's downlink back, a number of `CellBound`"),
    Frame("gateway_mbps", "uint32", "Mbit/s", 0.01, _NO_RATE, "traffic of the territory that a gateway lands, downlink", "gateway"),
    Frame("others_active_terminals", "uint32", "1", 1.0, None, "active terminals elsewhere that see the same satellites", None),
    Frame("others_down_mbps", "uint32", "Mbit/s", 0.1, _NO_RATE, "what they get together, downlink", None),
)
CAPACITY_FRAMES = {frame.name: frame for frame in _CAPACITY_FRAMES}
_GROUPS = {"frames": FRAMES, "capacity": CAPACITY_FRAMES}


@dataclass(frozen=True, slots=True)
class FleetHeader:
    """What is known of a fleet's run before its first slot."""

    name: str
    slot_start: Instants
    cell_ids: npt.NDArray[np.uint64]
    block_slots: int
    frames: tuple[str, ...]
    tables: Mapping[str, Mapping[str, Any]]
    """Table name → column name → values."""
    about: Mapping[str, Any]
    """Facts for run.json that only the inputs determine."""
    group: str = "frames"
    """``frames``, or ``capacity`` for those of capacity, which come after."""
    axes: Mapping[str, int] = field(default_factory=dict)
    """Length of the axes that frames have besides slots and cells."""

    @property
    def key(self) -> str:
        """Name of this part of the run in ``progress.json``."""
        return self.name if self.group == "frames" else f"{self.name}:{self.group}"


class FleetRun:
    """The frames and tables of one fleet in a run's folder."""

    def __init__(self, folder: Path, group: str = "frames") -> None:
        self.folder = folder
        self._group_name = group

    @property
    def capacity(self) -> "FleetRun | None":
        """The frames of capacity, with slots and cells of their own; None where it was not worked out."""
        return FleetRun(self.folder, "capacity") if (self.folder / "capacity.zarr").exists() else None

    @property
    def name(self) -> str:
        """The fleet's name in the scenario."""
        return self.folder.name

    def read(self, frame: str, start: int = 0, stop: int | None = None) -> Array:
        """Read a frame's values for slots ``start`` to ``stop``, shape (slots, cells).

        Raises
        ------
        RunError
            If the run is damaged.
        """
        array = self._array(frame)
        try:
            return self._known[frame].decode(np.asarray(array[start:stop]))
        except (OSError, ValueError, RuntimeError) as error:
            raise _damaged(self._path / frame, error) from error

    def blocks(self) -> Iterator[tuple[int, int]]:
        """Ranges of slots as they are chunked on disk, for reading with bounded memory."""
        array = self._array(next(iter(self._known)))
        slots, step = array.shape[0], array.chunks[0]
        for start in range(0, slots, step):
            yield start, min(start + step, slots)

    def slot_start(self) -> Instants:
        """First instant of every slot, shape (slots,)."""
        return np.asarray(self._array("slot_start")[:]).astype("datetime64[us]")

    def cell_ids(self) -> npt.NDArray[np.uint64]:
        """H3 cells of the frames' second axis."""
        return np.asarray(self._array("cell")[:], dtype=np.uint64)

    def frames(self) -> tuple[str, ...]:
        """Names of the frames that this run has."""
        group, known = self._group(), self._known
        there = tuple(name for name in known if name in group)
        if there not in {COVERAGE_FRAMES, tuple(known)}:
            lost = next(name for name in known if name not in there)
            raise _damaged(self._path / lost, FileNotFoundError())
        return there

    def table(self, name: str) -> "pa.Table":
        """Read one of the tables: satellites, cells, gateways, pops, capacity_cells."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = self.folder / f"{name}.parquet"
        try:
            return pq.read_table(path)
        except (OSError, pa.ArrowException) as error:
            raise _damaged(path, error) from error

    @property
    def _known(self) -> Mapping[str, Frame]:
        return _GROUPS[self._group_name]

    @property
    def _path(self) -> Path:
        return self.folder / f"{self._group_name}.zarr"

    def _array(self, name: str) -> "zarr.Array[Any]":
        try:
            return cast("zarr.Array[Any]", self._group()[name])
        except (OSError, KeyError, ValueError) as error:
            raise _damaged(self._path / name, error) from error

    def _group(self) -> "zarr.Group":
        import zarr

        path = self._path
        try:
            return zarr.open_group(str(path), mode="r")
        except (OSError, KeyError, ValueError) as error:
            raise _damaged(path, error) from error


class Run:
    """A complete run, open for reading.

    Attributes
    ----------
    folder
        Where it lies.
    scenario
        The scenario that made it, every setting spelled out.
    manifest
        Contents of ``run.json``.
    """

    def __init__(self, folder: Path, scenario: Scenario, manifest: dict[str, Any]) -> None:
        self.folder = folder
        self.scenario = scenario
        self.manifest = manifest

    @property
    def fleets(self) -> tuple[FleetRun, ...]:
        """One entry per constellation, in the scenario's order."""
        return tuple(FleetRun(self.folder / fleet["name"]) for fleet in self.manifest["fleets"])

    def __repr__(self) -> str:
        lines = [f"<Run of {self.scenario.territory!r} in {self.folder}>"]
        for fleet in self.manifest["fleets"]:
            slots, cells, satellites = (
                f"{count:,} {noun}" + "s" * (count != 1)
                for count, noun in ((fleet["slots"], "slot"), (fleet["cells"], "cell"), (fleet["satellites_used"], "satellite"))
            )
            lines.append(f"  {fleet['name']}: {slots} × {cells}, {satellites}")
        return "\n".join(lines)


def open_run(folder: str | Path) -> Run:
    """Open a complete run.

    Raises
    ------
    RunError
        If there is no run, it is not complete, or another version of the format wrote it.
    """
    folder = Path(folder)
    manifest = _read_json(folder / "run.json")
    if manifest is None:
        state = "is not complete; repeat the command that started it" if (folder / "progress.json").exists() else "is not a run's folder"
        msg = f"{folder} {state}"
        raise RunError(msg)
    if manifest.get("format") != RUN_FORMAT:
        msg = f"{folder}: written in format {manifest.get('format')}, this version reads {RUN_FORMAT}; run it again"
        raise RunError(msg)
    try:
        scenario = load_scenario(folder / "scenario.toml")
    except ScenarioError as error:
        raise _damaged(folder / "scenario.toml", error) from error
    return Run(folder, scenario, manifest)


class RunWriter:
    """Writes a run block by block; what is on disk after a kill is enough to go on from.

    To be used as a context manager: until its end, no other process writes into the folder. A complete run is only looked at.

    Parameters
    ----------
    folder
        Output folder: new, empty, or holding a run of the same scenario and inputs (which is then gone on with).
    scenario
        Resolved scenario.
    inputs
        Name and SHA-256 of every input.
    overwrite
        Whether a run of another scenario in the folder may be replaced. Anything else in the folder is never touched.

    Raises
    ------
    RunError
        If the folder cannot be written, holds something else, or is being written by another process.
    """

    def __init__(self, folder: str | Path, scenario: Scenario, inputs: tuple[tuple[str, str], ...], *, overwrite: bool = False) -> None:
        self.folder = Path(folder)
        self.scenario = scenario
        self._identity = {
            "format": RUN_FORMAT,
            "overflight": __version__,
            "scenario_sha256": scenario.digest(),
            "inputs": [list(i) for i in inputs],
        }
        self._fleets: list[dict[str, Any]] = []
        self._blocks_done: dict[str, int] = {}
        self._lock: FolderLock | None = None
        with _explained(self.folder):
            if self.folder.exists() and not self.folder.is_dir():
                msg = f"{self.folder}: a file stands where the output folder should be; choose another --out"
                raise RunError(msg)
            # A complete run needs no lock: it may lie where nobody may write.
            self.complete = self.folder.is_dir() and self._is_of(_read_json(self.folder / "run.json"))
            if not self.complete:
                self.folder.mkdir(parents=True, exist_ok=True)
                self._lock = FolderLock(self.folder)
                try:
                    self._settle(overwrite=overwrite)
                except BaseException:
                    self._lock.release()
                    raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._lock is not None:
            self._lock.release()

    def _is_of(self, held: dict[str, Any] | None) -> bool:
        """Whether a manifest is of this scenario, these inputs and this version."""
        return held is not None and _is_manifest(held) and {key: held.get(key) for key in self._identity} == self._identity

    def _settle(self, *, overwrite: bool) -> None:
        held = _read_json(self.folder / "run.json") or _read_json(self.folder / "progress.json")
        if held is not None and not _is_manifest(held):
            msg = f"{self.folder}: its run.json or progress.json is not of Overflight; choose another --out"
            raise RunError(msg)
        # A run killed at its very beginning may have left half a file of ours, which is nobody's work.
        if held is None and any(path.name not in {"progress.json.part", LOCK_NAME} for path in self.folder.iterdir()):
            msg = f"{self.folder}: the folder is not empty and holds no run; choose another --out"
            raise RunError(msg)
        if held is not None and not self._is_of(held):
            if not overwrite:
                msg = f"{self.folder}: holds a run of another scenario, input or version; choose another --out, or add --overwrite"
                raise RunError(msg)
            self._remove(held)
            held = None
        self.complete = held is not None and "blocks_done" not in held
        self._blocks_done = dict(held.get("blocks_done", {})) if held else {}
        if not self.complete:
            self._note_progress()
            _write_atomically(self.folder / "scenario.toml", self.scenario.to_toml())

    def _remove(self, held: dict[str, Any]) -> None:
        """Remove a former run: the files that a run writes, nothing else."""
        for fleet in (*held.get("fleets", ()), *({"name": name} for name in held.get("blocks_done", {}))):
            shutil.rmtree(self.folder / fleet["name"], ignore_errors=True)
        for name in ("run.json", "progress.json", "scenario.toml", "report.html"):
            (self.folder / name).unlink(missing_ok=True)

    def _note_progress(self) -> None:
        _write_atomically(self.folder / "progress.json", json.dumps({**self._identity, "blocks_done": self._blocks_done}, indent=1))

    def begin_fleet(self, header: FleetHeader) -> "FleetWriter":
        """Lay out a fleet's tables and frames, or take up where a killed run left them."""
        with _explained(self.folder):
            done = self._blocks_done.get(header.key)
            writer = FleetWriter(self, header, done or 0)
            if done is None:
                writer.lay_out()
                self._blocks_done[header.key] = 0
                self._note_progress()
            else:
                writer.discard_after(done)
        about = {"slots": len(header.slot_start), "cells": len(header.cell_ids), **header.about}
        if header.group == "frames":
            self._fleets.append({"name": header.name, **about})
        else:
            next(fleet for fleet in self._fleets if fleet["name"] == header.name)[header.group] = about
        return writer

    def note_block(self, fleet: str, blocks_done: int) -> None:
        """Record that a block is on disk."""
        self._blocks_done[fleet] = blocks_done
        self._note_progress()

    def finish(self) -> Run:
        """Declare the run complete and open it."""
        with _explained(self.folder):
            if not self.complete:
                _write_atomically(
                    self.folder / "run.json", json.dumps({**self._identity, "fleets": self._fleets}, indent=1, ensure_ascii=False)
                )
                (self.folder / "progress.json").unlink(missing_ok=True)
                self.complete = True
        return open_run(self.folder)


class FleetWriter:
    """Writes the blocks of one fleet."""

    def __init__(self, run: RunWriter, header: FleetHeader, blocks_done: int) -> None:
        self._run = run
        self.header = header
        self.blocks_done = blocks_done
        self.folder = run.folder / header.name
        self._path = self.folder / f"{header.group}.zarr"
        self._known = _GROUPS[header.group]

    def lay_out(self) -> None:
        """Create tables and empty frames."""
        import zarr
        from zarr.codecs import ZstdCodec

        # The frames of capacity come into the folder of those of the sky; those begin anew in a folder of their own.
        shutil.rmtree(self.folder if self.header.group == "frames" else self._path, ignore_errors=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        for name, columns in self.header.tables.items():
            _write_table(self.folder / f"{name}.parquet", columns)
        group = zarr.open_group(str(self._path), mode="w", zarr_format=3)
        slots, cells = len(self.header.slot_start), len(self.header.cell_ids)
        times = group.create_array("slot_start", shape=(slots,), chunks=(max(slots, 1),), dtype="int64", dimension_names=("slot",))
        times.attrs["units"] = "microseconds since 1970-01-01"
        times.attrs["calendar"] = "proleptic_gregorian"
        times[:] = self.header.slot_start.astype("datetime64[us]").astype(np.int64)
        group.create_array("cell", shape=(cells,), chunks=(max(cells, 1),), dtype="uint64", dimension_names=("cell",))[:] = (
            self.header.cell_ids
        )
        for name in self.header.frames:
            frame = self._known[name]
            lengths = () if frame.axis is None else (cells if frame.axis == "cell" else self.header.axes[frame.axis],)
            array = group.create_array(
                name,
                shape=(slots, *lengths),
                chunks=(self.header.block_slots, *(max(length, 1) for length in lengths)),
                dtype=frame.dtype,
                dimension_names=("slot",) if frame.axis is None else ("slot", frame.axis),
                compressors=ZstdCodec(level=3),
                fill_value=0 if frame.missing is None else frame.missing,
            )
            array.attrs.update({"long_name": frame.about, "units": frame.unit, "coordinates": "slot_start"})
            if frame.scale != 1.0:
                array.attrs.update({"scale_factor": frame.scale, "missing_value": frame.missing})

    def discard_after(self, blocks: int) -> None:
        """Remove what a killed run may have left of blocks that were not noted as done."""
        for name in self.header.frames:
            chunks = self._path / name / "c"
            for path in chunks.iterdir() if chunks.is_dir() else ():
                if not path.name.isdigit() or int(path.name) >= blocks:
                    shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink()

    def write_block(self, values: Mapping[str, Array]) -> None:
        """Write the next block: frame name → values, shape (slots of the block, length of the frame's axis)."""
        import zarr

        with _explained(self._run.folder):
            group = zarr.open_group(str(self._path), mode="r+")
            start = self.blocks_done * self.header.block_slots
            for name in self.header.frames:
                stored = self._known[name].encode(values[name])
                cast("zarr.Array[Any]", group[name])[start : start + stored.shape[0]] = stored
            self.blocks_done += 1
            self._run.note_block(self.header.key, self.blocks_done)

    def last_row(self, frame: str) -> Array | None:
        """Return the values of the last slot written, or None before the first block: where a resumed run takes up."""
        if self.blocks_done == 0:
            return None
        stop = min(self.blocks_done * self.header.block_slots, len(self.header.slot_start))
        row: Array = FleetRun(self.folder, self.header.group).read(frame, stop - 1, stop)[0]
        return row


def _write_table(path: Path, columns: Mapping[str, Any]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table(dict(columns)), path, compression="zstd")


def _write_atomically(path: Path, text: str) -> None:
    temporary = path.with_name(path.name + ".part")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text + ("" if text.endswith("\n") else "\n"))
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _damaged(path: Path, error: Exception) -> RunError:
    reason = "it is missing" if isinstance(error, FileNotFoundError) or not path.exists() else " ".join(str(error).split())
    return RunError(f"{path}: the run is damaged ({reason}); remove its folder and repeat the command that made it")


def _is_manifest(held: dict[str, Any]) -> bool:
    """Whether what a file says was written here: only then may the folders that it names be replaced."""
    fleets, blocks = held.get("fleets", []), held.get("blocks_done", {})
    if not ("scenario_sha256" in held and isinstance(fleets, list) and isinstance(blocks, dict)):
        return False
    names = [fleet.get("name") if isinstance(fleet, dict) else None for fleet in fleets]
    return all(isinstance(name, str) and Path(name).name == name for name in (*names, *blocks))


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        msg = f"{path}: cannot be read ({error}); remove the folder or choose another --out"
        raise RunError(msg) from None
    return held if isinstance(held, dict) else None


@contextlib.contextmanager
def _explained(folder: Path) -> Iterator[None]:
    """Turn what the operating system says about the output folder into one line with the way out."""
    try:
        yield
    except OSError as error:
        raise unwritable(folder, error) from error


def unwritable(path: Path, error: OSError) -> RunError:
    """Say why a file or folder cannot be written, and the way out."""
    if error.errno in DISK_FULL:
        return RunError(f"{path}: the disk is full; free some space and repeat the command, it goes on where it stopped")
    return RunError(f"{path}: cannot be written ({error.strerror or error}); choose another --out")
