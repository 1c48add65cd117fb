"""Waiting for what another process or thread does in its own time."""

from __future__ import annotations

import time
from collections.abc import Callable

WAIT_S = 60
STEP_S = 0.02


def eventually(holds: Callable[[], bool], what: str | Callable[[], str] = "it did not come to be") -> None:
    """Return as soon as it holds; fail, saying ``what``, where it does not in good time."""
    end = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < end, what if isinstance(what, str) else what()
        time.sleep(STEP_S)
