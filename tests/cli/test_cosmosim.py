"""``overflight cosmosim``: figures on stdout, the rest on stderr."""

import json

import pytest

from overflight.cli.cosmosim import cosmosim
from overflight.errors import ScenarioError

CELLS = "h3_index,population\n859a2e8ffffffff,1082\n859b01a7fffffff,4647\n859b0cd7fffffff,62819\n859b19b7fffffff,10332\nxyz,1\n"
GATEWAYS = "0,Nadi,-17.8,177.4,0\n1,Suva,-18.1,178.4,0\n"


@pytest.fixture
def files(tmp_path):
    cells, gateways = tmp_path / "tonga.txt", tmp_path / "gateways.txt"
    cells.write_text(CELLS, encoding="utf-8")
    gateways.write_text(GATEWAYS, encoding="utf-8")
    return str(cells), gateways


def test_json(files, capsys):
    cells, gateways = files
    cosmosim(cells, terminals=2000, gateways=gateways, as_json=True)
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert found["country"] == {"name": "tonga", "cells": 4, "population": 78880, "source": "file"}
    assert found["gateways"] == 2
    assert 0.0 < found["total_gbps"] <= 40.96
    assert found["cells_with_capacity"] <= 4
    assert set(found["stage_seconds"]) == {"positions", "links", "terminals", "beams", "feeders", "flow"}
    assert len(found["warnings"]) == 1
    assert "line 6: xyz,1: 'xyz' is not an H3 cell" in found["warnings"][0]
    assert found["warnings"][0] in said.err


def test_text_and_what_is_not_the_studys(files, capsys):
    cosmosim("Tonga", terminals=2000, policy="uncoordinated", distribution="waterfill_variant_1000", mask="true")
    said = capsys.readouterr()
    assert "Gbit/s" in said.out
    assert "own table" in said.err
    assert "built-in list" in said.err


@pytest.mark.parametrize("as_json", [False, True])
def test_corrections(files, capsys, as_json):
    cells, gateways = files
    cosmosim(cells, terminals=2000, gateways=gateways, corrections=True, as_json=as_json)
    out = capsys.readouterr().out
    if as_json:
        steps = json.loads(out)["corrections"]
        assert [step["step"] for step in steps] == ["published", "shell-range", "elevation", "arc", "link", "weather", "gateway-masks"]
        assert steps[0]["change"] is None
    else:
        assert len(out.splitlines()) == 8


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ({"terminals": 0}, "0 terminals"),
        ({"distribution": "uniform"}, "'uniform': unknown"),
        ({"policy": "greedy"}, "'greedy': unknown"),
        ({"mask": "25"}, "mask '25': unknown"),
        ({"mask": "true", "corrections": True}, "leave --mask out"),
    ],
)
def test_bad_cases_are_one_line(files, capsys, case, message):
    with pytest.raises(ScenarioError, match=message) as caught:
        cosmosim(files[0], **({"terminals": 10} | case))
    assert "\n" not in str(caught.value)
    assert capsys.readouterr().out == ""
