"""Data on stdout, everything else on stderr, whatever is at the other end of either."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.sample import Call

from overflight.cli import main

OVERFLIGHT = (sys.executable, "-c", "from overflight.cli import main; main()")
AT = ("--at", "2026-08-22T00:00:00Z")


def run(*words: object, **settings: object) -> subprocess.CompletedProcess[bytes]:
    settings.setdefault("stderr", subprocess.PIPE)
    return subprocess.run((*OVERFLIGHT, *map(str, words)), check=False, **settings)


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_reader_who_leaves_is_no_error(fleet: Path, options: tuple[str, ...]):
    words = ("passes", "36,14", "--elements", str(fleet), *AT, *options)
    process = subprocess.Popen((*OVERFLIGHT, *words), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline()
    process.stdout.close()
    assert process.stderr is not None
    err = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait(timeout=60) == 0
    assert "Traceback" not in err
    assert "BrokenPipe" not in err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_an_output_that_takes_nothing_is_an_error(fleet: Path):
    with Path("/dev/full").open("wb") as full:
        done = run("visible", "36,14", "--elements", fleet, *AT, stdout=full)
    assert done.returncode == 2
    assert (
        done.stderr.decode().splitlines()[-1]
        == "overflight: error: the output: No space left on device; choose another place, or make room"
    )


def test_a_closed_stderr_leaves_stdout_clean(fleet: Path):
    words = (*OVERFLIGHT, "visible", "36,14", "--elements", str(fleet), *AT, "--json")
    loud = subprocess.run(words, capture_output=True, check=True)
    mute = subprocess.run(words, stdout=subprocess.PIPE, preexec_fn=lambda: os.close(2), check=True)
    assert mute.stdout == loud.stdout


class Narrow(io.TextIOWrapper):
    """An output in ASCII."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="ascii", write_through=True)

    def text(self) -> str:
        return self.buffer.getvalue().decode("ascii")


@pytest.mark.parametrize(("options", "said"), [((), "S?o Paulo"), (("--json",), r"S\u00e3o Paulo")])
def test_letters_that_the_output_lacks_do_no_harm(fleet: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], said: str):
    out, err = Narrow(), Narrow()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    with pytest.raises(SystemExit) as done:
        main(["path", "São Paulo", "Lima", "--elements", str(fleet), *AT, *options])
    assert done.value.code == 0
    assert said in out.text()
    assert err.text() == ""


@pytest.mark.parametrize(
    "verb",
    [
        "report Malta --hours 0.02 --out out",
        "passes 36,14 --hours 0.1",
        "visible 36,14",
        "path Taipei Manila",
    ],
)
def test_json_stands_alone_on_stdout_and_warnings_on_stderr(call: Call, fleet: Path, verb: str):
    made = call(*verb.split(), "--elements", fleet, "--at", "2027-08-22", "--json")
    assert made.code == 0
    made.json()
    assert made.warnings
    assert all(line.startswith("overflight: ") for line in made.err.splitlines())


@pytest.mark.parametrize("verb", ["doctor", "scenario schema"])
def test_other_verbs_write_json_too(call: Call, verb: str):
    made = call(*verb.split(), *(["--json"] if verb == "doctor" else []))
    assert made.code == 0
    assert made.err == ""
    made.json()


def test_nan_is_never_written(monkeypatch: pytest.MonkeyPatch, call: Call):
    from overflight.study import health

    monkeypatch.setattr(health, "check_health", lambda: (health.Check("x", ok=True, detail=float("nan")),))
    refused = call("doctor", "--json")
    assert refused.code == 70
    assert "NaN" not in refused.out


def test_no_bar_is_drawn_where_nobody_watches(report: Call):
    made = report()
    assert made.err.splitlines()[-1] == "overflight: wrote out/report.html"
    assert all(line.startswith("overflight: ") for line in made.err.splitlines())
    assert "\x1b" not in made.out


def test_a_bar_is_drawn_on_a_terminal(fleet: Path, tmp_path: Path):
    import pty

    leader, follower = pty.openpty()
    words = ("report", "Malta", "--elements", str(fleet), "--hours", "0.02", "--out", "out", "--json")
    process = subprocess.Popen((*OVERFLIGHT, *words), cwd=tmp_path, stdout=subprocess.PIPE, stderr=follower)
    os.close(follower)
    drawn = b""
    while True:
        try:
            part = os.read(leader, 4096)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        drawn += part
    os.close(leader)
    assert process.stdout is not None
    out = process.stdout.read()
    process.stdout.close()
    assert process.wait(timeout=60) == 0
    assert b"100 %" in drawn
    assert out.startswith(b"{")
    assert b"\x1b" not in out
