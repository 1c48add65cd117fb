"""The end of a ledger: taken up from a store, grown by batches. What goes wrong there: tests of writer and replica."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.circulation.delegation import Delegation
from ledger.errors import Corrupt, Refused
from ledger.log.chain import LINK_OF_FIRST, link_of
from ledger.log.merkle import EMPTY_ROOT, leaf_hash, root_of
from ledger.statement import receive
from ledger.store.memory import MemoryStore
from ledger.store.sql import SqlStore
from ledger.tip import Tip
from tests.cast import ORIGIN, Play, charter, description, life, whole_life
from tests.logs import HOST, Log


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


# -- parties, delegations, recoveries: what a batch must fetch ---------------------------------------------------


def sqlite(path: Path) -> SqlStore:
    return SqlStore.create(path / "ledger.sqlite")


@pytest.mark.parametrize("step", [1, 3, 7, 1_000])
def test_a_whole_life_grows_the_same_with_a_cold_cache_before_each_batch(step: int, tmp_path: Path) -> None:
    """Every look-up and every link of every chain comes from SQLite, or was made earlier in the same batch."""
    play = whole_life()
    store = sqlite(tmp_path)
    for start in range(0, len(play.entries), step):
        some = play.entries[start : start + step]
        tip = Tip.at(store, ORIGIN)
        tip.fetch([played.statement for played in some])
        batch = tip.begin()
        for played in some:
            tip.add(batch, played.statement, played.time)
        assert batch.changes == [played.change for played in some]
        tip.commit(batch)
    assert list(store.entries(0, len(play.entries))) == [played.entry for played in play.entries]
    for name, value, subject in unique(play):
        assert store.lookup([(name, value)]) == {(name, value): subject}
    store.close()


def unique(play: Play) -> list[tuple[str, str, str]]:
    subjects = [one for one in play.world.subjects() if one.state.UNIQUE]
    return [(*key, one.id) for one in subjects for key in one.state.lookups() if key[0] in one.state.UNIQUE]


def chained() -> tuple[Play, int]:
    """A chain of three delegations, and then one batch in which each act needs the one before it."""
    play = Play(charter(didHost=HOST))
    play.join("factory", "partner")
    one = play.delegate("factory", "employee", depth=3)
    two = play.delegate("employee", "machine", via=one, depth=2)
    start = len(play.entries)
    three = play.delegate("machine", "agent", via=two, depth=1)
    asset = play.act("asset.registered", by="agent", via=three, body=description("Press forces")).subject
    play.act("asset.revised", by="machine", via=two, sub=asset, body=description("Press forces, line 2"))
    play.join_hosted("works", portable=True)
    play.rotate("works", keys=["works-2"])
    play.rotate("works", host="data.example")
    four = play.delegate("agent", "works", via=three)
    play.act("asset.revised", by="works", via=four, sub=asset, body=description("Press forces, line 3"))
    play.act("delegation.revoked", by="machine", via=two, sub=three)
    return play, start


@pytest.mark.parametrize("kept", [True, False])
def test_what_one_act_of_a_batch_opens_the_next_can_stand_on(kept: bool, tmp_path: Path) -> None:
    play, start = chained()
    store = sqlite(tmp_path)
    tip = Tip.at(store, ORIGIN)
    for some in (play.entries[:start], play.entries[start:]):
        if not kept:
            tip = Tip.at(store, ORIGIN)
        tip.fetch([played.statement for played in some])
        batch = tip.begin()
        for played in some:
            tip.add(batch, played.statement, played.time)
        assert batch.changes == [played.change for played in some]
        tip.commit(batch)
    play.refused("delegation_revoked", "asset.registered", by="works", via=mandates(play)[-1], body=description("x"))
    late = receive(play.sign("asset.registered", by="works", via=mandates(play)[-1], body=description("x")))
    cold = Tip.at(store, ORIGIN)
    cold.fetch([late])
    with pytest.raises(Refused, match="delegation_revoked"):
        cold.add(cold.begin(), late, play.seconds * 1_000_000 + 99)
    store.close()


def mandates(play: Play) -> list[str]:
    return [one.id for one in play.subjects.values() if isinstance(one.state, Delegation)]


@pytest.mark.parametrize("order", ["the rotation first", "the thief first"])
def test_within_one_batch_order_decides_whether_a_replaced_key_still_spoke(order: str, tmp_path: Path) -> None:
    play = Play()
    party = play.join_hosted("works")
    draft = play.logs["works"].next(play.seconds, keys=["works-2"])
    rotated = receive(play.sign("party.rotated", by="works", sub=party, body=play.stated(draft)))
    stolen = receive(play.sign("asset.registered", by="works", body=description("Spindle")))
    later = receive(play.sign("asset.registered", by="works", body=description("Gears"), key="works-2"))
    store = sqlite(tmp_path)
    tip = Tip.at(store, ORIGIN)
    tip.fetch([played.statement for played in play.entries])
    batch = tip.begin()
    for played in play.entries:
        tip.add(batch, played.statement, played.time)
    tip.commit(batch)
    tip = Tip.at(store, ORIGIN)
    acts = [rotated, stolen, later] if order == "the rotation first" else [stolen, rotated, later]
    tip.fetch(acts)
    batch, ended = tip.begin(), []
    for place, statement in enumerate(acts):
        try:
            tip.add(batch, statement, play.seconds * 1_000_000 + 100 + place)
            ended.append("recorded")
        except Refused as no:
            ended.append(no.code)
    tip.commit(batch)
    assert ended == (["recorded", "key_retired", "recorded"] if order == "the rotation first" else ["recorded"] * 3)
    store.close()


def test_a_place_that_was_left_is_not_free_for_the_next_act_of_the_batch(tmp_path: Path) -> None:
    play = Play(charter(didHost=HOST))
    play.join_hosted("works", path=["org", "acme"], portable=True)
    rotated = play.rotate("works", host="data.example")
    squatting = Log.begin("thief", play.seconds, path=["org", "acme"])
    body = {"name": "Acme", **play.stated(squatting)}
    taking = receive(play.sign("party.joined", by="thief", body=body, log=squatting))
    store = sqlite(tmp_path)
    tip = Tip.at(store, ORIGIN)
    for some in (play.entries[:2], play.entries[2:]):
        tip = Tip.at(store, ORIGIN)
        tip.fetch([*(played.statement for played in some), taking])
        batch = tip.begin()
        for played in some:
            tip.add(batch, played.statement, played.time)
        with pytest.raises(Refused, match="place_taken"):
            tip.add(batch, taking, rotated.time + 1)
        tip.commit(batch)
    store.close()
