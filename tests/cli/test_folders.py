"""Output folders that cannot be written, are not empty, are damaged, or become full; and runs that are interrupted."""

import hashlib
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from tests.cli.sample import Call

OVERFLIGHT = (sys.executable, "-c", "from overflight.cli import main; main()")
SMALL_FILES_BYTES = 20_000
"""What a file may hold where the disk is made full: tables fit, the report does not."""

ROOM_FOR_A_TABLE_BYTES = 6_000
"""Here not even the table of satellites fits."""


def digest(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.rglob("*")) if path.is_file()
    }


@pytest.mark.parametrize(
    ("out", "said"),
    [
        ("file", "file: a file stands where the output folder should be; choose another --out"),
        ("file/below", "file/below: cannot be written (Not a directory); choose another --out"),
        ("/proc/overflight", "/proc/overflight: cannot be written ("),
        ("/dev/null", "a file stands where the output folder should be"),
        ("x" * 300, "cannot be written (File name too long)"),
        ("taken", "taken: the folder is not empty and holds no run; choose another --out"),
        ("theirs", "theirs: its run.json or progress.json is not of Overflight; choose another --out"),
    ],
)
@pytest.mark.parametrize("overwrite", [(), ("--overwrite",)])
def test_a_folder_that_cannot_be_used_is_refused_and_left_alone(
    report: Call, tmp_path: Path, out: str, said: str, overwrite: tuple[str, ...]
):
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    for name, content in (("taken/thesis.txt", "mine"), ("theirs/run.json", '{"fleets": [{"name": "../taken"}]}')):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(content, encoding="utf-8")
    before = digest(tmp_path)
    refused = report("Malta", *overwrite, out=out)
    assert refused.code == 2
    assert said in refused.error
    assert digest(tmp_path) == before


def test_a_run_of_another_scenario_is_replaced_only_when_asked(report: Call, tmp_path: Path):
    assert report().code == 0
    before = digest(tmp_path / "out")
    refused = report(hours=0.03)
    assert refused.code == 2
    assert "out: holds a run of another scenario, input or version; choose another --out, or add --overwrite" in refused.error
    assert digest(tmp_path / "out") == before
    assert report("Malta", "--overwrite", hours=0.03).code == 0
    assert report(out="fresh", hours=0.03).code == 0
    assert digest(tmp_path / "out") == digest(tmp_path / "fresh")


def test_a_complete_run_is_used_again(report: Call, tmp_path: Path):
    first = report("Malta", "--json")
    before = digest(tmp_path / "out")
    again = report("Malta", "--json")
    assert first.out == again.out
    assert digest(tmp_path / "out") == before
    french = report(lang="fr")
    assert french.code == 0
    assert digest(tmp_path / "out").keys() == before.keys()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda run: shutil.rmtree(run / "starlink" / "frames.zarr"), "frames.zarr: the run is damaged (it is missing)"),
        (lambda run: shutil.rmtree(run / "starlink"), "frames.zarr: the run is damaged (it is missing)"),
        (lambda run: (run / "starlink/frames.zarr/elevation_deg/zarr.json").unlink(), "elevation_deg: the run is damaged (it is missing)"),
        (lambda run: (run / "starlink/frames.zarr/satellites_in_view/c/0/0").write_bytes(b"junk"), "satellites_in_view: the run is damaged"),
        (lambda run: (run / "scenario.toml").unlink(), "scenario.toml: the run is damaged (it is missing)"),
        (lambda run: (run / "scenario.toml").write_text("x = 1"), "scenario.toml: the run is damaged"),
        (lambda run: (run / "run.json").write_text("{"), "run.json: cannot be read"),
    ],
)  # fmt: skip
def test_a_damaged_run_is_not_mistaken_for_a_whole_one(report: Call, tmp_path: Path, spoil, said: str):
    assert report().code == 0
    spoil(tmp_path / "out")
    refused = report()
    assert refused.code == 2
    assert said in refused.error


def test_the_report_itself_is_complete_or_not_there(report: Call, tmp_path: Path):
    (tmp_path / "out").mkdir()
    assert report().code == 0
    (tmp_path / "out" / "report.html").unlink()
    (tmp_path / "out" / "report.html").mkdir()
    refused = report()
    assert refused.code == 2
    assert "report.html: cannot be written (Is a directory)" in refused.error
    assert not list((tmp_path / "out").glob("*.part"))


@pytest.mark.parametrize("limit_bytes", [ROOM_FOR_A_TABLE_BYTES, SMALL_FILES_BYTES])
def test_a_full_disk_is_told_and_nothing_is_lost(report: Call, fleet: Path, tmp_path: Path, limit_bytes: int):
    """A limit on the size of files stands for the disk: the system refuses to write as it does on a full one."""
    words = ("report", "Malta", "--elements", str(fleet), "--hours", "0.02", "--out", "out")

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))

    refused = subprocess.run((*OVERFLIGHT, *words), cwd=tmp_path, preexec_fn=limit, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert refused.stderr.splitlines()[-1].endswith("the disk is full; free some space and repeat the command, it goes on where it stopped")
    assert "Traceback" not in refused.stderr
    assert not (tmp_path / "out" / "report.html").exists()
    assert report().code == 0
    assert report(out="fresh").code == 0
    assert digest(tmp_path / "out") == digest(tmp_path / "fresh")


def test_an_interrupt_ends_in_one_line_and_the_run_goes_on_to_the_same_bytes(report: Call, fleet: Path, tmp_path: Path):
    words = ("report", "Malta", "--elements", str(fleet), "--hours", "4", "--out", "out")
    process = subprocess.Popen((*OVERFLIGHT, *words), cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60.0
    while not (tmp_path / "out" / "progress.json").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == ""
    assert err == "overflight: interrupted; repeat the command to go on where it stopped\n"
    assert not (tmp_path / "out" / "run.json").exists()
    assert report(hours=4).code == 0
    assert report(hours=4, out="fresh").code == 0
    assert digest(tmp_path / "out") == digest(tmp_path / "fresh")


@pytest.mark.parametrize("verb", ["passes 36,14", "visible 36,14", "path Taipei Manila"])
def test_an_interrupt_of_a_question_promises_nothing(call: Call, fleet: Path, verb: str, monkeypatch: pytest.MonkeyPatch):
    def interrupt(*_arguments: object, **_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("overflight.orbit.propagation.Propagator.positions_km", interrupt)
    stopped = call(*verb.split(), "--elements", fleet, "--at", "2026-08-22")
    assert stopped == (130, "", "overflight: interrupted\n")


def test_a_pipe_is_read_once_and_serves_twice(report: Call, fleet: Path, tmp_path: Path):
    read_end, write_end = os.pipe()

    def write() -> None:
        with os.fdopen(write_end, "wb") as stream:
            stream.write(fleet.read_bytes())

    writer = threading.Thread(target=write)
    writer.start()
    made = report("Malta", "--json", elements=f"/dev/fd/{read_end}")
    writer.join()
    os.close(read_end)
    assert made.code == 0
    assert made.json()["constellations"][0]["satellites_used"] == 720
