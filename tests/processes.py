"""Other processes, seen through /proc: which there are below one, and which of them still run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.waiting import eventually

seen_through_proc = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks at processes through /proc")

GONE = (FileNotFoundError, ProcessLookupError)
"""What reading of a process or thread that ends meanwhile comes to."""


def children(pid: int) -> list[int]:
    """Those of all its threads; none where it ended."""
    found: list[int] = []
    with suppress(*GONE):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with suppress(*GONE):
                found.extend(int(child) for child in (thread / "children").read_text().split())
    return found


def family(pid: int) -> Iterator[int]:
    """All processes below one."""
    for child in children(pid):
        yield child
        yield from family(child)


def lives(pid: int) -> bool:
    """Whether a process runs; one that ended and waits to be buried does not."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    except GONE:
        return False


def end_soon(pids: Iterable[int]) -> None:
    """Wait until none of these runs; fail, naming them, where some go on."""
    left = set(pids)

    def ended() -> bool:
        left.intersection_update([pid for pid in left if lives(pid)])
        return not left

    eventually(ended, lambda: f"still running: {sorted(left)}")
