"""A play written to a store by the real writer: what an audit is given to read."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count, groupby
from pathlib import Path

from ledger.append import Writer
from ledger.circulation.asset import Asset
from ledger.errors import Problem
from ledger.statement import accept
from ledger.store import Store
from ledger.store.files import Folder
from ledger.store.sql import SqlStore
from tests.cast import LOG, ORIGIN, Play, Played, description, life, money

BATCH = 500


class SetClock:
    """Shows what it is set to."""

    def __init__(self, time: int = 0) -> None:
        self.time = time

    def wall(self) -> int:
        return self.time

    def steady(self) -> int:
        return self.time


def opened(store: Store, clock: SetClock) -> Writer:
    return Writer.open(store, ORIGIN, clock, lambda verifier: LOG if verifier == LOG.verifier else None)


def append(writer: Writer, clock: SetClock, played: Iterable[Played]) -> None:
    """Append what was played, each act in its second."""
    for second, acts in groupby(played, lambda one: one.time // 1_000_000):
        clock.time = second * 1_000_000
        sent = [accept(one.sent) for one in acts]
        for start in range(0, len(sent), BATCH):
            for outcome in writer.append(sent[start : start + BATCH]):
                assert not isinstance(outcome, Problem), outcome


def write(play: Play, store: Store) -> bytes:
    """Append a whole play to an empty store; returns the last checkpoint."""
    clock = SetClock()
    writer = opened(store, clock)
    append(writer, clock, play.entries)
    assert writer.head is not None
    return writer.head.checkpoint


def resume(store: Store, folder: Folder | None = None) -> int:
    """Go on where :func:`life` was written: a subject changes, others are opened. Returns the size."""
    clock = SetClock()
    writer = opened(store, clock)
    play = life()
    size = len(play.entries)
    spindle = next(subject for subject in play.subjects.values() if isinstance(subject.state, Asset))
    play.tick(minutes=1)
    play.act("asset.revised", by="second", sub=spindle.id, body=description(title="Spindle vibration, line 6"))
    play.register("lender", title="Loan book")
    play.register("second", title="Casting temperatures, line 2")
    append(writer, clock, play.entries[size:])
    assert writer.head is not None
    if folder is not None:
        folder.write_checkpoint(writer.head.checkpoint)
    return writer.head.size


def write_folder(play: Play, path: Path) -> Folder:
    """A ledger's folder with the play in it and its checkpoint published."""
    folder = Folder.create(path)
    store = SqlStore.create(folder.store)
    folder.write_checkpoint(write(play, store))
    store.close()
    return folder


def busy(size: int) -> Play:
    """A ledger on which much goes on: after a whole life, round after round until it has this many entries."""
    play = life()
    rounds = (_round(play, number) for number in count())
    while len(play.entries) + 14 <= size:
        next(rounds)
    while len(play.entries) < size:
        play.register("lender", title=f"Loan book, page {len(play.entries)}")
    return play


def _round(play: Play, number: int) -> None:
    """Fourteen acts by which a data set is registered, licensed, revised, passed on and retired."""
    play.tick(minutes=1)
    title = f"Spindle vibration {number}, 主轴振动数据"
    asset = play.register("factory", title=title, description=f"machine {number % 7} in hall B", keywords=["vibration"])
    play.register("second", title=f"Castings {number}", derivedFrom=[asset])
    play.license("partner", play.offer("factory", asset, price=money(1_000 + number)), price=money(1_000 + number))
    hidden = play.offer("factory", asset, price=money(9_000 + number), private=["price"])
    play.request("lender", hidden, price=money(8_000 + number), private=["terms.price"])
    play.act("asset.revised", by="factory", sub=asset, body=description(f"{title}, revised"))
    play.transfer("factory", asset, "second")
    play.act("offer.withdrawn", by="factory", sub=hidden, body={})
    play.act("asset.retired", by="second", sub=asset, body={"reason": "the plant was closed"})
