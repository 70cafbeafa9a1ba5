"""``overflight doctor``: what works on this machine."""

import typer

from overflight.cli._shared import JsonOption, write_json


def doctor(as_json: JsonOption = False) -> None:  # noqa: FBT002
    """Say what works on this machine: versions, compiled kernels, built-in tables."""
    from overflight.study.health import check_health

    checks = check_health()
    if as_json:
        write_json([{"name": check.name, "ok": check.ok, "detail": check.detail} for check in checks])
    else:
        width = max(len(check.name) for check in checks)
        for check in checks:
            print(f"{'ok  ' if check.ok else 'FAIL'}  {check.name:<{width}}  {check.detail}")
    if not all(check.ok for check in checks):
        raise typer.Exit(1)
