"""What the entries make, against what the writer stored of the same acts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.audit import StoreSource
from ledger.audit.derived import Derived
from ledger.audit.lists import CHAPTER, digest_chapter, digests_of
from ledger.audit.replay import Replay, digest_of
from ledger.audit.source import Row
from ledger.store.memory import MemoryStore
from tests.cast import life
from tests.ledger.written import busy, write


@pytest.fixture(scope="module", params=["life", "busy"])
def both(request: pytest.FixtureRequest) -> tuple[MemoryStore, Derived]:
    store = MemoryStore()
    write(life() if request.param == "life" else busy(900), store)
    replay = Replay()
    for chunk in StoreSource(store, None).chunks():
        replay.add(chunk)
    return store, Derived(replay)


def test_subjects(both: tuple[MemoryStore, Derived]) -> None:
    store, derived = both
    assert list(derived.subject()) == list(store.kept("subject"))
    assert list(derived.listing()) == list(store.scan("subject"))


def test_past_states(both: tuple[MemoryStore, Derived]) -> None:
    store, derived = both
    stored = [(no, index, digest_of(by, state)) for no, index, by, state in store.kept("past")]  # type: ignore[arg-type]
    assert list(derived.past()) == stored
    assert stored


def test_look_ups(both: tuple[MemoryStore, Derived]) -> None:
    store, derived = both
    assert list(derived.lookup()) == list(store.kept("lookup"))


def test_unique_look_ups(both: tuple[MemoryStore, Derived]) -> None:
    store, derived = both
    assert list(derived.naming()) == list(store.kept("naming"))


def test_words(both: tuple[MemoryStore, Derived]) -> None:
    store, derived = both
    assert list(derived.word()) == list(store.kept("word"))


def test_mentions(both: tuple[MemoryStore, Derived]) -> None:
    store, derived = both
    assert list(derived.mention()) == list(store.kept("mention"))


def test_look_ups_and_words_in_short(both: tuple[MemoryStore, Derived]) -> None:
    store, derived = both
    states = [(type_, state) for _, type_, _, _, _, state in derived.subject()]
    starts = range(0, len(states), CHAPTER)
    chapters = [digest_chapter(start // CHAPTER, states[start : start + CHAPTER]) for start in starts]  # type: ignore[misc]
    assert [made for chapter in chapters for made in chapter.lookup] == digests_of(store.kept("lookup"))
    assert [made for chapter in chapters for made in chapter.word] == digests_of(store.kept("word"))


ROWS = st.tuples(st.integers(0, 1), st.text("ab", max_size=3), st.text("ab", max_size=3), st.binary(max_size=3))


@given(st.lists(ROWS, max_size=5), st.lists(ROWS, max_size=5))
def test_digests_are_equal_exactly_where_the_rows_are(one: list[Row], other: list[Row]) -> None:
    assert (digests_of(one) == digests_of(other)) == (one == other)


@pytest.mark.parametrize("other", ["1", 1.0, b"1", None])
def test_a_row_of_another_type_has_another_digest(other: object) -> None:
    assert digests_of([(0, "a", "b", other)]) != digests_of([(0, "a", "b", 1)])
