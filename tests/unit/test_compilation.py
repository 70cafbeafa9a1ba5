"""Compilation ahead of need: a process beside the first, that ends with it."""

import signal
import subprocess
import sys
import time

import pytest

from overflight import compilation


def test_what_is_compiled_ahead_is_what_a_capacity_runs():
    from overflight.capacity import _kernels as capacity
    from overflight.flow import _kernels as flow
    from overflight.schedule import _beam_kernels as beams

    compilation.compile_capacity()
    for loop in (beams.walk_steps, flow.fill, capacity.ask_rates, capacity.weigh_groups):
        assert loop.signatures


def test_where_everything_is_compiled_no_process_is_started(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(compilation, "is_cold", lambda: False)
    monkeypatch.setattr(compilation, "_start", lambda: pytest.fail("a process was started"))
    with compilation.compile_ahead():
        pass


def test_the_process_ends_with_the_block(monkeypatch: pytest.MonkeyPatch):
    started: list[subprocess.Popen[bytes]] = []
    begin = compilation._start
    monkeypatch.setattr(compilation, "is_cold", lambda: True)
    monkeypatch.setattr(compilation, "_start", lambda: started.append(begin()) or started[0])
    with pytest.raises(RuntimeError), compilation.compile_ahead():
        raise RuntimeError
    (process,) = started
    assert process.poll() is not None
    assert process.returncode == -signal.SIGKILL, "it ended by itself"


def test_the_process_ends_when_the_first_does():
    # What it would compile is put off, so that only the end of the first process can end it.
    watch = "threading.Thread(target=compilation._end_with_parent, daemon=True).start()"
    code = f"import threading, time; from overflight import compilation; {watch}; time.sleep(600)"
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    assert process.stdin is not None
    time.sleep(1.0)
    assert process.poll() is None
    process.stdin.close()  # what the end of the first process does
    end = time.monotonic() + 60.0
    while process.poll() is None and time.monotonic() < end:
        time.sleep(0.05)
    assert process.poll() is not None


def test_it_goes_without_where_no_process_can_be_started(monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object, **__: object) -> None:
        raise OSError

    monkeypatch.setattr(compilation, "is_cold", lambda: True)
    monkeypatch.setattr(compilation.subprocess, "Popen", refuse)
    with compilation.compile_ahead():
        pass
