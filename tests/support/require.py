"""What a test needs of the machine: without it the test is skipped, or fails with SIAGA_TEST_REQUIRE_ALL=1."""

from __future__ import annotations

import os

import pytest


def require(missing: str | None) -> None:
    """Go on where nothing is ``missing``; skip, or fail where nothing may be skipped, with what is."""
    if missing is None:
        return
    if os.environ.get("SIAGA_TEST_REQUIRE_ALL") == "1":
        pytest.fail(f"{missing} (SIAGA_TEST_REQUIRE_ALL=1 lets nothing be skipped)")
    pytest.skip(missing)
