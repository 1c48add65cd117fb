"""The reading side: everything as of a signed checkpoint, and never more."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from ledger.append import Admitted, Writer
from ledger.errors import Absent, Corrupt, Problem
from ledger.log.chain import parse_entry
from ledger.log.checkpoint import SignedHead, open_checkpoint
from ledger.log.merkle import check_consistency
from ledger.log.receipt import open_receipt
from ledger.read import Reader
from ledger.store import Store
from ledger.store.memory import MemoryStore
from ledger.store.sql import SqlStore
from ledger.world import World
from tests.cast import LOG, ORIGIN, Play, life
from tests.ledger.test_append import MICRO, Keys, PlayClock

SIZES = [1, 2, 3, 7, 8, 9, 20]
ABOVE = 2**53


class Story:
    """A life in a store, and the head after each entry."""

    def __init__(self, store: Store) -> None:
        self.play: Play = life()
        self.store = store
        self.heads: list[SignedHead] = []
        clock = PlayClock()
        writer = Writer.open(store, ORIGIN, clock, Keys())
        for played in self.play.entries:
            clock.seconds = played.time / MICRO
            assert isinstance(writer.append([played.statement])[0], Admitted)
            assert writer.head is not None
            self.heads.append(writer.head)

    def reader(self, size: int | None = None) -> Reader:
        """A reader of what was signed at a size, though the store holds more."""
        head = self.heads[-1 if size is None else size - 1]
        return Reader(self.store, lambda: head)


@pytest.fixture(scope="module", params=["memory", "sqlite"])
def story(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Story:
    if request.param == "memory":
        return Story(MemoryStore())
    return Story(SqlStore.create(tmp_path_factory.mktemp("read") / Path("ledger.db")))


def absent(call: Any, *arguments: Any) -> str:
    with pytest.raises(Absent) as caught:
        call(*arguments)
    return caught.value.code


# -- entries and proofs ----------------------------------------------------------------------------------------------


def test_the_receipt_of_every_entry_at_every_size_opens(story: Story) -> None:
    for size in range(1, len(story.heads) + 1):
        reader = story.reader(size)
        for index in range(size):
            entry, checkpoint = open_receipt(reader.receipt(index), [LOG.verifier])
            assert (entry.index, checkpoint.size) == (index, size)
            assert entry.statement == story.play.entries[index].statement.signed.compact


def test_every_size_is_consistent_with_every_later_one(story: Story) -> None:
    roots = [bytes(32), *(head.root for head in story.heads)]
    reader = story.reader()
    for new in range(1, len(roots)):
        for old in range(1, new + 1):
            proof = reader.consistency(old, new)
            assert (proof.old, proof.new) == (old, new)
            check_consistency(old, new, roots[old], roots[new], proof.hashes)
    assert reader.consistency(0, 5).hashes == []


def test_beyond_what_was_signed_nothing_is_shown_though_it_is_stored(story: Story) -> None:
    for size in SIZES:
        reader = story.reader(size)
        assert [parse_entry(data).index for data in reader.entries(0, 10_000)] == list(range(size))
        assert parse_entry(reader.entry(size - 1)).index == size - 1
        assert absent(reader.entry, size) == absent(reader.receipt, size) == "entry_absent"
        assert absent(reader.consistency, 1, size + 1) == "size_absent"
        assert absent(reader.index_of, story.play.entries[size].statement.digest) == "statement_absent"
        assert absent(reader.subject, story.play.world.ledger, size + 1) == "size_absent"


@pytest.mark.parametrize("index", [-1, 10**6])
def test_an_index_outside_is_absent(story: Story, index: int) -> None:
    assert absent(story.reader().entry, index) == "entry_absent"
    assert absent(story.reader().receipt, index) == "entry_absent"


@pytest.mark.parametrize(("old", "new"), [(-1, 1), (2, 1), (0, 10**6)])
def test_sizes_outside_are_absent(story: Story, old: int, new: int) -> None:
    assert absent(story.reader().consistency, old, new) == "size_absent"


def test_a_range_outside_is_empty(story: Story) -> None:
    assert list(story.reader().entries(10**6, 10**6 + 5)) == []
    assert list(story.reader().entries(3, 3)) == []


def test_an_entry_is_found_by_its_statement(story: Story) -> None:
    reader = story.reader()
    for played in story.play.entries:
        assert reader.index_of(played.statement.digest) == played.index
    assert absent(reader.index_of, bytes(32)) == absent(reader.index_of, b"") == "statement_absent"


# -- subjects ----------------------------------------------------------------------------------------------------------


def worlds() -> dict[int, World]:
    """The world at each size, by replay."""
    found = {}
    play = life()
    for size in range(1, len(play.entries) + 1):
        world = World(ORIGIN, complete=True)
        for played in play.entries[:size]:
            world.admit(played.statement, played.time)
            if played.index == 0:
                world.opened(play.world.audience.encode())
                world.audience = play.world.audience
        found[size] = world
    return found


def test_every_subject_at_every_size_is_what_replay_gives(story: Story) -> None:
    names = list(story.play.subjects)
    reader = story.reader()
    for size, world in worlds().items():
        states = {one.id: one for one in world.subjects()}
        for name in names:
            if name in states:
                assert reader.subject(name, size) == story.reader(size).subject(name) == states[name]
            else:
                assert absent(reader.subject, name, size) == "subject_absent"


def test_listing_history_and_search_show_no_more_than_was_signed(story: Story) -> None:
    for size, world in worlds().items():
        reader = story.reader(size)
        states = sorted(world.subjects(), key=lambda one: one.no)
        assert reader.subjects(-1, 1_000) == states
        assets = [one for one in reversed(states) if one.type == "asset"]
        assert reader.search(["asset"], "", [], ABOVE, 100).subjects == assets
        for one in states:
            expected = [
                played.index
                for played in reversed(story.play.entries[:size])
                if story.play.subjects[one.id].no in played.change.mentioned
            ]
            assert reader.history(one.id, None, 1_000) == expected


def test_history_pages_backwards_and_knows_only_subjects_there_are(story: Story) -> None:
    reader, partner = story.reader(), story.play.party("partner")
    everything = reader.history(partner, None, 1_000)
    assert len(everything) > 5
    assert reader.history(partner, None, 3) == everything[:3]
    assert reader.history(partner, everything[2], 2) == everything[3:5]
    assert reader.history(partner, everything[-1], 2) == []
    assert absent(reader.history, "party_" + "0" * 26, None, 10) == "subject_absent"


def test_listing_pages_by_number(story: Story) -> None:
    reader = story.reader()
    everything = reader.subjects(-1, 1_000)
    assert [one.no for one in everything] == list(range(len(story.play.subjects)))
    assert reader.subjects(3, 2) == everything[4:6]
    assert reader.subjects(len(everything) - 1, 10) == []


def test_search_pages_end_exactly(story: Story) -> None:
    reader = story.reader()
    everything = reader.search(["asset", "offer"], "", [], ABOVE, 100)
    assert everything.before is None
    for limit in (1, 2, 3, len(everything.subjects)):
        found, before = [], ABOVE
        while True:
            page = reader.search(["asset", "offer"], "", [], before, limit)
            found += page.subjects
            if page.before is None:
                break
            before = page.before
        assert found == everything.subjects


def test_words_are_cut_for_the_question_as_for_the_title(story: Story) -> None:
    reader = story.reader()
    (spindle,) = reader.search(["asset"], "SPINDLE", [], ABOVE, 10).subjects
    assert reader.search(["asset"], "vibration, lines", [], ABOVE, 10).subjects == [spindle]
    assert reader.search(["asset"], "vibration gearbox", [], ABOVE, 10).subjects == []


def test_a_unique_key_leads_to_its_subject(story: Story) -> None:
    reader = story.reader()
    did = story.play.cast["factory"].did
    assert reader.find("did", did) == story.play.party("factory")
    assert absent(reader.find, "did", story.play.cast["stranger"].did) == "subject_absent"


# -- a store that contradicts itself -----------------------------------------------------------------------------------


def test_what_was_signed_and_is_not_there_is_corrupt_not_absent(story: Story) -> None:
    class Lossy:
        def __getattr__(self, name: str) -> Any:
            return (lambda *_: None) if name in {"entry", "tile"} else getattr(story.store, name)

    reader = Reader(cast(Store, Lossy()), lambda: story.heads[-1])
    for call in (reader.entry, reader.receipt):
        with pytest.raises(Corrupt) as caught:
            call(3)
        assert (caught.value.code, caught.value.index) == ("store_corrupt", 3)
    with pytest.raises(Problem, match="store_corrupt"):
        reader.consistency(3, 7)


def test_tiles_are_read_once_and_full_ones_serve_every_later_size() -> None:
    """Of a log of 600 entries: two full tiles, and what is at the edge."""
    asked: list[tuple[int, int]] = []
    size = 600

    class Tiled:
        def entry(self, index: int) -> bytes:
            return b"entry %d" % index

        def tile(self, level: int, index: int) -> bytes:
            asked.append((level, index))
            return bytes(32 * (2 if level else min(256, size - 256 * index)))

    reader = Reader(cast(Store, Tiled()), lambda: SignedHead(size, b"", b"checkpoint"))
    reader.receipt(5)
    assert sorted(asked) == [(0, 0), (0, 2), (1, 0)]
    asked.clear()
    reader.receipt(6)
    assert asked == []
    size = 601
    reader.receipt(7)
    assert asked == [(0, 2)]


def test_checkpoints_are_handed_out_as_they_were_signed(story: Story) -> None:
    assert open_checkpoint(story.reader(3).head().checkpoint, [LOG.verifier]).size == 3
