"""Runs on disk: the same bytes whatever happens on the way, and plain words when they cannot be written."""

import errno
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from overflight import run as run_module
from overflight.errors import RunError
from overflight.inputs import gather_inputs
from overflight.lock import LOCK_NAME, FolderLock
from overflight.run import FRAMES, open_run
from overflight.scenario import parse_scenario
from overflight.twin import run_inputs

SCENARIO = """
territory = "Tonga"
[time]
hours = 0.5
[sampling]
sensitivity = false
[[constellations]]
name = "starlink"
[[constellations]]
name = "kuiper"
"""


@pytest.fixture(scope="module")
def inputs():
    import tomllib

    return gather_inputs(parse_scenario(tomllib.loads(SCENARIO), source="test"))


def digest(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.rglob("*")) if path.is_file()
    }


@pytest.fixture(scope="module")
def done(inputs, tmp_path_factory):
    # Small blocks, so that a run of half an hour has several.
    folder = tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("overflight.twin.MAX_BLOCK_SLOTS", 24)
        return run_inputs(inputs, folder / "one", threads=1)


def test_threads_do_not_change_a_byte(inputs, done, tmp_path, monkeypatch):
    monkeypatch.setattr("overflight.twin.MAX_BLOCK_SLOTS", 24)
    run_inputs(inputs, tmp_path / "two", threads=3)
    assert digest(tmp_path / "two") == digest(done.folder)


def test_a_block_boundary_does_not_change_a_value(inputs, done, tmp_path):
    whole = run_inputs(inputs, tmp_path / "whole", threads=2)
    for parts, entire in zip(done.fleets, whole.fleets, strict=True):
        assert parts.frames() == entire.frames()
        for name in parts.frames():
            if name == "accesses_started":
                continue
            np.testing.assert_array_equal(parts.read(name), entire.read(name), err_msg=name)
        np.testing.assert_array_equal(parts.read("accesses_started"), entire.read("accesses_started"))


def test_an_interrupted_run_goes_on_and_ends_with_the_same_bytes(inputs, done, tmp_path, monkeypatch):
    monkeypatch.setattr("overflight.twin.MAX_BLOCK_SLOTS", 24)
    calls = []

    def stop_at(share):
        calls.append(share)
        if len(calls) in {2, 4, 6}:
            raise KeyboardInterrupt

    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            run_inputs(inputs, tmp_path / "cut", threads=2, progress=stop_at)
        with pytest.raises(RunError, match="is not complete"):
            open_run(tmp_path / "cut")
    run_inputs(inputs, tmp_path / "cut", threads=2)
    assert digest(tmp_path / "cut") == digest(done.folder)


SLOW_CHILD = """
import sys, time
import overflight.run as run, overflight.twin as twin
twin.MAX_BLOCK_SLOTS = 24
note = run.RunWriter.note_block
run.RunWriter.note_block = lambda *block: (time.sleep(0.15), note(*block))
from overflight.cli import main
main(sys.argv[1:])
"""
"""The command, with time to be killed in between a block's bytes and its being noted as done."""

BLOCKS = 10
"""Two constellations, 120 slots, 24 to a block."""


def start_child(folder: Path, program: str = SLOW_CHILD) -> subprocess.Popen:
    scenario = folder / "s.toml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    command = [sys.executable, "-c", program, "run", str(scenario), "--out", str(folder / "out"), "--threads", "2"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def count_blocks(out: Path) -> int:
    """Blocks noted as done; -1 before there is a note."""
    try:
        return sum(json.loads((out / "progress.json").read_text(encoding="utf-8"))["blocks_done"].values())
    except FileNotFoundError:
        return -1


def wait_until(true: Callable[[], bool], child: subprocess.Popen) -> None:
    deadline = time.monotonic() + 30.0
    while not true():
        assert child.poll() is None, child.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.002)


def kill(child: subprocess.Popen) -> None:
    os.kill(child.pid, signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    child.stderr.close()


def test_kill_9_at_any_moment_loses_nothing(inputs, done, tmp_path, monkeypatch):
    out = tmp_path / "out"
    child = start_child(tmp_path)
    wait_until(out.exists, child)
    kill(child)
    assert count_blocks(out) <= 0
    for blocks, later_s in ((0, 0.0), (2, 0.05), (7, 0.1)):
        child = start_child(tmp_path)
        wait_until(lambda blocks=blocks: count_blocks(out) >= blocks, child)
        time.sleep(later_s)
        kill(child)
        blocks_done = count_blocks(out)
        assert blocks <= blocks_done < BLOCKS
        assert not (out / "run.json").exists()
        assert (out / LOCK_NAME).exists()
    monkeypatch.setattr("overflight.twin.MAX_BLOCK_SLOTS", 24)
    told = []
    run_inputs(inputs, out, progress=told.append)
    assert len(told) == BLOCKS - blocks_done
    assert digest(out) == digest(done.folder)


def test_two_processes_do_not_write_the_same_run(inputs, tmp_path):
    out = tmp_path / "out"
    child = start_child(tmp_path)
    wait_until(lambda: count_blocks(out) >= 0, child)
    said = f"^{re.escape(str(out))}: another process is writing this run \\(pid {child.pid}\\); wait for it or choose another --out$"
    for overwrite in (False, True):
        with pytest.raises(RunError, match=said):
            run_inputs(inputs, out, overwrite=overwrite)
    kill(child)
    assert (out / LOCK_NAME).read_text(encoding="ascii") == f"{child.pid}\n"
    with FolderLock(out), pytest.raises(RunError, match="this process is writing"):
        FolderLock(out)
    assert not (out / LOCK_NAME).exists()


def test_without_locks_of_the_system_the_file_is_the_lock(tmp_path, monkeypatch):
    monkeypatch.setattr("overflight.lock.HAS_FLOCK", False)
    first = FolderLock(tmp_path)
    with pytest.raises(RunError, match=r"wait for it or choose another --out; if it was killed, remove .*\.overflight\.lock$"):
        FolderLock(tmp_path)
    first.release()
    first.release()
    with FolderLock(tmp_path):
        assert [path.name for path in tmp_path.iterdir()] == [LOCK_NAME]
    assert not any(tmp_path.iterdir())


def test_a_lock_of_a_file_that_was_removed_counts_for_nothing(tmp_path):
    """Whoever opened the file before its holder removed it must not share the folder with the next one."""
    first = FolderLock(tmp_path)
    (tmp_path / LOCK_NAME).unlink()
    with FolderLock(tmp_path), pytest.raises(RunError, match="is writing this run"):
        FolderLock(tmp_path)
    first.release()


def test_a_complete_run_is_opened_where_nobody_may_write(inputs, done, monkeypatch):
    def refuse(_folder):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(run_module, "FolderLock", refuse)
    assert run_inputs(inputs, done.folder).folder == done.folder
    with pytest.raises(RunError, match="choose another --out"):
        run_inputs(inputs, done.folder.parent / "new")


def test_a_finished_run_is_not_made_again(inputs, done):
    before = digest(done.folder)
    told = []
    run_inputs(inputs, done.folder, progress=told.append)
    assert not told
    assert digest(done.folder) == before


def test_another_scenario_is_refused_unless_told(inputs, tmp_path):
    short = inputs.scenario.model_copy(update={"time": inputs.scenario.time.model_copy(update={"hours": 0.1})})
    first = gather_inputs(short)
    run_inputs(first, tmp_path / "out")
    other = gather_inputs(short.model_copy(update={"territory": "Nauru"}))
    with pytest.raises(RunError, match="--overwrite"):
        run_inputs(other, tmp_path / "out")
    kept = tmp_path / "out" / "notes.txt"
    kept.write_text("mine", encoding="utf-8")
    assert run_inputs(other, tmp_path / "out", overwrite=True).scenario.territory == "Nauru"
    assert kept.read_text(encoding="utf-8") == "mine"


def test_a_folder_with_other_things_is_left_alone(inputs, tmp_path):
    (tmp_path / "thesis.txt").write_text("do not lose", encoding="utf-8")
    for overwrite in (False, True):
        with pytest.raises(RunError, match="not empty and holds no run"):
            run_inputs(inputs, tmp_path, overwrite=overwrite)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_file_in_the_way_is_named(inputs, tmp_path):
    (tmp_path / "out").write_text("x", encoding="utf-8")
    with pytest.raises(RunError, match="a file stands where"):
        run_inputs(inputs, tmp_path / "out")
    with pytest.raises(RunError, match="choose another --out"):
        run_inputs(inputs, tmp_path / "out" / "below")


def test_a_full_disk_says_how_to_go_on_and_going_on_works(inputs, done, tmp_path, monkeypatch):
    monkeypatch.setattr("overflight.twin.MAX_BLOCK_SLOTS", 24)
    write, calls = run_module.FleetWriter.write_block, []

    def write_or_fail(self, values):
        calls.append(1)
        if len(calls) == 3:
            with run_module._explained(self._run.folder):
                raise OSError(errno.ENOSPC, "No space left on device")
        write(self, values)

    monkeypatch.setattr(run_module.FleetWriter, "write_block", write_or_fail)
    with pytest.raises(RunError, match="the disk is full; free some space and repeat"):
        run_inputs(inputs, tmp_path / "out")
    run_inputs(inputs, tmp_path / "out")
    assert digest(tmp_path / "out") == digest(done.folder)


def test_frames_hold_what_they_say(done):
    fleet = done.fleets[0]
    view, usable, serving = (fleet.read(name) for name in ("satellites_in_view", "satellites_usable", "serving"))
    assert (usable <= view).all()
    assert ((serving >= 0) == (usable > 0)).all()
    elevation = fleet.read("elevation_deg")
    assert np.nanmin(elevation) >= 25.0
    assert np.isnan(elevation[serving < 0]).all()
    assert len(fleet.table("satellites")) > serving.max()
    assert "serving" not in done.fleets[1].frames()


def test_frames_open_as_xarray(done):
    xarray = pytest.importorskip("xarray")
    data = xarray.open_zarr(done.fleets[0].folder / "frames.zarr", consolidated=False)
    np.testing.assert_allclose(data["user_link_ms"].values, done.fleets[0].read("user_link_ms"), atol=1e-4)
    assert str(data["slot_start"].values[0])[:19] == "2026-08-22T00:00:12"


@pytest.mark.parametrize("frame", FRAMES.values(), ids=lambda frame: frame.name)
def test_a_frame_keeps_values_to_half_its_step(frame):
    values = np.array([[0.0, 1.0, 12.344, 89.99]]) if frame.scale != 1.0 else np.array([[0, 1, 12, 89]])
    back = frame.decode(frame.encode(values))
    assert np.abs(back - values).max() <= 0.5 * frame.scale * (frame.scale != 1.0) + 1e-9
    if frame.scale != 1.0:
        assert np.isnan(frame.decode(frame.encode(np.array([np.nan, -1.0, 1e9])))).all()
