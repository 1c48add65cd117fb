"""A play written to a store by the real writer: what an audit is given to read."""

from __future__ import annotations

from itertools import groupby

from ledger.append import Writer
from ledger.errors import Problem
from ledger.statement import accept
from ledger.store import Store
from tests.cast import LOG, ORIGIN, Play

BATCH = 500


class SetClock:
    """Shows what it is set to."""

    def __init__(self) -> None:
        self.time = 0

    def wall(self) -> int:
        return self.time

    def steady(self) -> int:
        return self.time


def write(play: Play, store: Store, origin: str = ORIGIN) -> bytes:
    """Append the play's statements, each at its second; returns the last checkpoint."""
    clock = SetClock()
    writer = Writer.open(store, origin, clock, lambda verifier: LOG if verifier == LOG.verifier else None)
    for second, played in groupby(play.entries, lambda one: one.time // 1_000_000):
        clock.time = second * 1_000_000
        sent = [accept(one.sent) for one in played]
        for start in range(0, len(sent), BATCH):
            for outcome in writer.append(sent[start : start + BATCH]):
                assert not isinstance(outcome, Problem), outcome
    assert writer.head is not None
    return writer.head.checkpoint
