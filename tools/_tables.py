"""Writing the built-in tables: one format, byte for byte the same on every machine."""

import csv
import io
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
DATA_FOLDER = ROOT / "src" / "overflight" / "catalog" / "data"


def format_table(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> bytes:
    """Write rows as CSV (UTF-8, line feeds); a missing key or None becomes an empty cell."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        unknown = set(row) - set(columns)
        if unknown:
            msg = f"row has columns that the table has not: {sorted(unknown)}"
            raise ValueError(msg)
        writer.writerow(["" if row.get(column) is None else row[column] for column in columns])
    return out.getvalue().encode()


def write_tables(tables: Mapping[str, bytes], *, folder: Path = DATA_FOLDER) -> None:
    """Write each table to ``folder`` and say on stderr what changed."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in tables.items():
        path = folder / name
        changed = not path.exists() or path.read_bytes() != data
        path.write_bytes(data)
        print(f"{name}: {len(data):,} bytes, {'changed' if changed else 'same'}", file=sys.stderr)
