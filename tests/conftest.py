"""Fixtures that every suite shares: where the real inputs and the authorities are."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parent.parent.parent / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real inputs and authorities that stands beside the repository."""
    if not SHARED.is_dir():
        pytest.skip("the folder of real inputs, ../shared, is not here")
    return SHARED
