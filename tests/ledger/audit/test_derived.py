"""What the entries make, against what the writer stored of the same acts."""

from __future__ import annotations

import pytest

from ledger.audit import StoreSource
from ledger.audit.derived import Derived
from ledger.audit.replay import Replay, digest_of
from ledger.store.memory import MemoryStore
from tests.cast import life
from tests.ledger.written import busy, write


@pytest.fixture(scope="module", params=["life", "busy"])
def both(request: pytest.FixtureRequest) -> tuple[MemoryStore, Derived]:
    store = MemoryStore()
    write(life() if request.param == "life" else busy(300), store)
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


def test_words(both: tuple[MemoryStore, Derived]) -> None:
    store, derived = both
    assert list(derived.word()) == list(store.kept("word"))


def test_mentions(both: tuple[MemoryStore, Derived]) -> None:
    store, derived = both
    assert list(derived.mention()) == list(store.kept("mention"))
