"""What the log says is erased: found however much there is, carried out by the writer, and not shown meanwhile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import ledger.erasure
from identity.disclosure import digest
from ledger.audit import StoreSource
from ledger.audit.workers import Workers
from ledger.erasure import all_erased, erasures_of, kept
from ledger.errors import Unavailable
from ledger.pack.evidence import StoreEvidence
from ledger.restore import fill
from ledger.store import Store
from ledger.store.memory import MemoryStore
from ledger.store.sql import SqlStore
from tests.cast import Play, money
from tests.ledger.written import SetClock, append, opened, write

BECAUSE = {"code": "gdpr-17", "ground": "on request"}


class Deaf(MemoryStore):
    """A store that erases nothing, as one whose service died before it came to that."""

    def erase(self, gone: Any) -> None:
        raise Unavailable("erasing_delayed")


def erased(offers: int) -> Play:
    """As many offers with a private price, and of all but the last the price is erased at once."""
    play = Play()
    play.join("factory")
    asset = play.register("factory")
    for number in range(offers):
        play.offer("factory", asset, price=money(number), private=["price"])
        if number + 1 < offers:
            erase(play, len(play.entries) - 1)
    return play


def erase(play: Play, index: int) -> None:
    statement = play.entries[index].statement
    body = {"entry": index, "party": play.party("factory"), "subject": statement.about}
    play.act("disclosure.erased", by="factory", body=body | BECAUSE | {"digests": list(statement.private())})


def of(play: Play) -> dict[int, str]:
    """The disclosure of each entry that has one."""
    return {one.index: one.statement.disclosures[0] for one in play.entries if one.statement.disclosures}


def test_all_of_them_are_found_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger.erasure, "_PAGE", 3)
    play, store = erased(8), Deaf()
    write(play, store)
    *gone, last = ((index, digest(text)) for index, text in of(play).items())
    assert sorted(all_erased(store)) == gone
    assert erasures_of(store, [*gone, last]).keys() == set(gone)
    assert erasures_of(store, []) == {}


def test_statements_and_their_erasures_may_come_in_one_batch() -> None:
    play, store = erased(4), MemoryStore()
    write(play, store)
    *gone, (last, text) = of(play).items()
    assert [store.disclosures(index) for index, _ in gone] == [[]] * 3
    assert store.disclosures(last) == [text]


def test_what_a_writer_left_undone_is_done_with_the_next_batch() -> None:
    play, deaf = erased(3), Deaf()
    clock = SetClock()
    writer = opened(deaf, clock)
    append(writer, clock, play.entries)
    assert writer.delayed is not None
    assert writer.delayed.code == "erasing_delayed"
    (first, *_) = of(play).items()
    assert deaf.disclosures(first[0]) == [first[1]]
    assert kept(deaf, first[0]) == []
    assert StoreEvidence(deaf, writer.head.checkpoint if writer.head else b"").disclosures(first[0]) == []
    deaf.__class__ = MemoryStore  # what kept it from that has passed
    assert writer.append([]) == []
    assert writer.delayed is None
    assert deaf.disclosures(first[0]) == []


def test_a_writer_that_opens_a_store_erases_what_there_is_to_erase() -> None:
    play, deaf = erased(3), Deaf()
    write(play, deaf)
    assert sum(len(deaf.disclosures(index)) for index in of(play)) == 3
    deaf.__class__ = MemoryStore
    opened(deaf, SetClock(play.entries[-1].time))
    assert [len(deaf.disclosures(index)) for index in of(play)] == [0, 0, 1]


def test_a_store_that_is_filled_again_has_none_of_it_whoever_had_kept_it(tmp_path: Path) -> None:
    play, source = erased(3), Deaf()
    checkpoint = write(play, source)
    held = {digest(text): text for text in of(play).values()}
    store: Store = SqlStore.create(tmp_path / "ledger.db")
    assert isinstance(store, SqlStore)
    with Workers(0) as workers:
        fill(store, StoreSource(source, checkpoint), workers, held)
    *gone, (last, text) = of(play).items()
    assert [row[2] for row in store.scan("disclosure")] == [text]
    assert store.disclosures(last) == [text]
    data = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert not any(one.encode() in data for _, one in gone)
    assert text.encode() in data
    store.close()
