"""What the tests of the command line share: the call itself, in this process."""

from pathlib import Path

import pytest
from tests.cli.sample import Answer, Call, walker

from overflight.cli import main


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Call the command line in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> Answer:
        capsys.readouterr()
        with pytest.raises(SystemExit) as done:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        assert isinstance(done.value.code, int)
        return Answer(done.value.code, out, err)

    return run


@pytest.fixture(scope="session")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of 720 satellites on one shell."""
    path = tmp_path_factory.mktemp("fleet") / "fleet.tle"
    path.write_text(walker(), encoding="ascii")
    return path


@pytest.fixture
def report(call: Call, fleet: Path) -> Call:
    """Call ``overflight report`` for a minute of the small fleet; a keyword replaces an option, None takes it away, a tuple repeats it."""

    def run(territory: object = "Malta", *more: object, **options: object) -> Answer:
        chosen = {"elements": fleet, "hours": 0.02, "out": "out", **options}
        words: list[object] = []
        for name, value in chosen.items():
            for one in value if isinstance(value, tuple) else (value,):
                words += [] if one is None else [f"--{name}", one]
        return call("report", territory, *words, *more)

    return run
