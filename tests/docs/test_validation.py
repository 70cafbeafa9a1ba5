"""The validation table is in step with the tests: every reference test stands in it, with the tolerance that the test has."""

import ast
import re
from pathlib import Path

import pytest

from overflight.measure.latency import access_fit

ROOT = Path(__file__).resolve().parent.parent.parent
REFERENCE = ROOT / "tests" / "reference"
ROWS = [
    [cell.strip() for cell in line.strip("|\n").split(" | ")]
    for line in (ROOT / "docs" / "validation.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and "`test_" in line
]


def constants_of(path: Path) -> dict[str, object]:
    """Numbers that a module names at its top."""
    found = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and isinstance(node.value, ast.Constant):
            found[node.targets[0].id] = node.value.value
    return found


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_a_row_names_a_test_and_its_tolerance(row):
    what, authority, at_most, measured, test = row
    assert all((what, authority, at_most, measured))
    name, *constant = re.findall(r"`([^`]+)`", test)
    assert (REFERENCE / name).is_file()
    if constant:
        value = test.rpartition(" = ")[2]
        assert constants_of(REFERENCE / name)[constant[0]] == float(value)


def test_every_suite_against_an_authority_has_a_row():
    named = {re.findall(r"`([^`]+)`", row[4])[0] for row in ROWS}
    assert {path.name for path in REFERENCE.glob("test_*.py")} == named


def test_the_fit_of_the_latencies_is_the_built_in_one():
    fit = access_fit()
    for page in ("README.md", "docs/validation.md"):
        text = (ROOT / page).read_text(encoding="utf-8")
        assert f"{fit.spearman:.2f} |" in text
        assert f" {fit.median_abs_error_ms:.1f} ms" in text
    assert f"access term of {fit.term.median_ms:.1f} ms" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
