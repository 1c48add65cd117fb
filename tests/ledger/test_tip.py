"""The end of a ledger: taken up from a store, grown by batches. What goes wrong there: tests of writer and replica."""

from __future__ import annotations

import pytest

from ledger.errors import Corrupt, Refused
from ledger.log.chain import LINK_OF_FIRST, link_of
from ledger.log.merkle import EMPTY_ROOT, leaf_hash, root_of
from ledger.store.memory import MemoryStore
from ledger.tip import Tip
from tests.cast import ORIGIN, life


def test_an_empty_store_has_an_end_too() -> None:
    tip = Tip.at(MemoryStore(), ORIGIN)
    assert (tip.size, tip.time, tip.link, tip.charter) == (0, 0, LINK_OF_FIRST, None)
    assert tip.root() == tip.root_at(0) == EMPTY_ROOT


@pytest.mark.parametrize("step", [1, 2, 5, 100])
def test_grown_or_taken_up_anew_it_is_the_same_end(step: int) -> None:
    play = life()
    store = MemoryStore()
    tip = Tip.at(store, ORIGIN)
    for start in range(0, len(play.entries), step):
        some = play.entries[start : start + step]
        tip.fetch([played.statement for played in some])
        batch = tip.begin()
        assert [tip.add(batch, played.statement, played.time) for played in some] == [one.index for one in some]
        assert batch.entries == [played.entry for played in some]
        growth = tip.commit(batch)
        again = Tip.at(store, ORIGIN)
        assert growth.root() == tip.root() == again.root()
        assert (tip.size, tip.time, tip.link) == (again.size, again.time, again.link)
        assert tip.link == link_of(some[-1].entry)
        assert tip.charter == again.charter
        assert tip.root_at(start + 1) == root_of([leaf_hash(one.entry) for one in play.entries[: start + 1]])


def test_what_a_rule_refuses_leaves_no_trace() -> None:
    play = life()
    tip = Tip.at(MemoryStore(), ORIGIN)
    first, second, third = play.entries[:3]
    tip.fetch([first.statement, second.statement])
    batch = tip.begin()
    tip.add(batch, first.statement, first.time)
    before = tip.size, tip.time, tip.link, tip.world.count
    with pytest.raises(Refused):
        tip.add(batch, first.statement, first.time + 1)
    assert (tip.size, tip.time, tip.link, tip.world.count) == before
    tip.add(batch, second.statement, second.time)
    tip.commit(batch)
    assert list(tip.store.entries(0, 9)) == [first.entry, second.entry]
    with pytest.raises(LookupError, match="was not loaded"):
        tip.add(tip.begin(), third.statement, third.time)


def test_an_entry_or_tile_that_is_not_there_is_damage() -> None:
    tip = Tip.at(MemoryStore(), ORIGIN)
    with pytest.raises(Corrupt, match="entry 0 is missing"):
        tip.read_entry(0)
