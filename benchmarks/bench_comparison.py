"""What a change of policy does: two policies over one territory, from the policies' files to the document."""

from pathlib import Path

from benchmarks.harness import Case
from overflight.report.assessment import read_side
from overflight.study.comparison.compare import Case as Side
from overflight.study.comparison.compare import study_change
from overflight.study.territory import report_scenario

POLICIES = Path(__file__).resolve().parent.parent / "docs" / "policies"


def compare(territory: str, before: str, after: str) -> str:
    """The document of a comparison over a day."""
    scenario = report_scenario(territory)
    sides = [Side(scenario, policy, named) for named, policy in (read_side(before), read_side(after))]
    return study_change(sides[0], sides[1]).to_json()


def cases() -> list[Case]:
    """An island opened, a strip closed, and a continent without service."""
    floor = "two rasters of 0.2 s; 48 slots of the chain"
    return [
        Case(
            "two policies over Taiwan: public, and Taiwan opened; 12 slots", 15.0, 1.0, floor,
            lambda: compare("Taiwan", "public", str(POLICIES / "opening-a-territory.toml")), repeats=3,
        ),
        Case(
            "two policies over Estonia: public, and a strip closed; 12 slots", 20.0, 2.0, floor,
            lambda: compare("Estonia", "public", str(POLICIES / "strip-along-a-border.toml")), repeats=3,
        ),
        Case(
            "the United States: public, and no policy; 12 slots", 40.0, 8.0, "2.3 M points twice; 24 slots of the chain",
            lambda: compare("US", "public", "none"), repeats=2, limit_mib=2000.0,
        ),
    ]  # fmt: skip
