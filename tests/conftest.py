"""Fixtures that every suite shares: where the real inputs and the authorities are."""

import os
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parent.parent.parent / "shared"

REQUIRE_SHARED = "OVERFLIGHT_REQUIRE_SHARED"
"""Environment variable: where it is set, as before a change lands, tests without their authorities fail instead of being skipped."""


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real inputs and authorities that stands beside the repository."""
    if not SHARED.is_dir():
        lacking = "the folder of real inputs, ../shared, is not here"
        if os.environ.get(REQUIRE_SHARED):
            pytest.fail(f"{lacking}, and {REQUIRE_SHARED} is set")
        pytest.skip(lacking)
    return SHARED
