"""The floors of the house: what imports what."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parent.parent.parent / "src" / "overflight"
STAGES = ("orbit", "sky", "network", "service", "radio", "schedule", "flow", "measure")
GROUND = ("catalog", "earth", "clock", "intake", "notices", "errors", "vectors", "_version")
MAY_IMPORT = {
    "errors": (),
    "__main__": ("cli",),
    "_version": (),
    "vectors": (),
    "clock": ("errors",),
    "notices": ("clock",),
    "intake": ("errors", "notices"),
    # The two halves of the ground floor lean on one another: tables are read by earth, places name countries for gateways.
    "catalog": GROUND,
    "earth": GROUND,
    **dict.fromkeys(STAGES, GROUND),
    "scenario": GROUND,
    "lock": ("errors",),
    "run": (*GROUND, "scenario", "lock"),
    "account": GROUND,
    "segment": (*GROUND, "scenario", "account"),
    "inputs": (*GROUND, *STAGES, "scenario", "account", "segment"),
    "backbone": (*GROUND, *STAGES, "scenario", "inputs"),
    "pairs": (*GROUND, *STAGES),
    "capacity": (*GROUND, *STAGES, "scenario", "run", "account", "segment", "inputs", "backbone", "pairs"),
    "compilation": (*GROUND, *STAGES, "scenario", "inputs", "capacity"),
    "decisions": (*GROUND, "service", "scenario", "lock"),
    "twin": (*GROUND, *STAGES, "scenario", "run", "inputs", "backbone", "pairs", "capacity"),
    "fetch": (*GROUND, "orbit"),
    "study": (*GROUND, *STAGES, "scenario", "run", "account", "inputs", "backbone", "pairs", "capacity", "twin"),
    "report": (*GROUND, "service", "study", "scenario", "run", "twin"),
    "cli": (*GROUND, *STAGES, "scenario", "run", "inputs", "capacity", "twin", "study", "report", "fetch", "decisions", "compilation"),
}


def imported_rooms(path: Path) -> set[str]:
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            if node.module == "overflight":
                names = [f"overflight.{alias.name}" for alias in node.names]
            else:
                names = [node.module or ""]
        rooms |= {name.split(".")[1] for name in names if name.startswith("overflight.") and len(name.split(".")) > 1}
    return rooms


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_module_imports_only_what_lies_below_it(path: Path):
    room = path.relative_to(SOURCE).parts[0].removesuffix(".py")
    if room == "__init__":
        pytest.skip("the public surface may name everything")
    allowed = {room, "__version__", *MAY_IMPORT[room]}
    assert imported_rooms(path) <= allowed


def test_every_room_has_its_floor():
    rooms = {path.name.removesuffix(".py") for path in SOURCE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert rooms - {"__init__"} <= set(MAY_IMPORT)
