"""Who has seen a checkpoint, as commands tell it: for programs and in words."""

from __future__ import annotations

from collections.abc import Iterable

from ledger.log.cosignature import Seen
from scripts.times import show_seconds


def members_of(seen: Iterable[Seen]) -> list[dict[str, object]]:
    """For programs: the name of each witness, and when it saw it, in POSIX seconds."""
    return [{"name": one.verifier.name, "time": one.time} for one in seen]


def pairs_of(seen: Iterable[Seen]) -> list[tuple[str, object]]:
    """The same in words, a line each."""
    return [("witnessed", f"by {one.verifier.name}, {show_seconds(one.time)}") for one in seen]
