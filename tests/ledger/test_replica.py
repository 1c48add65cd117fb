"""A replica: what it takes, what it does not, and that what it holds is what the writer had."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from identity import jws
from identity.disclosure import digest
from ledger import world as rules
from ledger.audit import StoreSource, Workers, audit
from ledger.circulation.asset import AssetRegistered
from ledger.errors import Corrupt, Newer, Problem, Refused, Unavailable
from ledger.log.chain import Entry, format_entry, link_of, parse_entry
from ledger.log.merkle import EMPTY_ROOT, leaf_hash, root_of
from ledger.replica import Replica
from ledger.store import Batch, Store
from ledger.store.memory import MemoryStore
from ledger.store.sql import SqlStore
from ledger.world import Act, World
from tests.cast import CAST, LOG, ORIGIN, Play, life
from tests.ledger.written import write


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    made: Store = MemoryStore() if request.param == "memory" else SqlStore.create(tmp_path / "copy.db")
    yield made
    made.close()


def entries_of(play: Play) -> list[bytes]:
    return [played.entry for played in play.entries]


def relinked(entries: list[bytes], start: int) -> list[bytes]:
    """The same entries, each from ``start`` on linked to the one before as it is here."""
    made = entries[:start]
    for data in entries[start:]:
        entry = parse_entry(data)
        made.append(format_entry(Entry(entry.origin, len(made), entry.time, link_of(made[-1]), entry.statement)))
    return made


def disproven(replica: Replica, entries: list[bytes]) -> Corrupt:
    """Extending fails, and nothing was taken in."""
    before = replica.size, replica.root()
    with pytest.raises(Corrupt) as raised:
        replica.extend(entries)
    assert raised.value.code == "entry_disproven"
    assert (replica.size, replica.root()) == before
    return raised.value


def test_an_empty_replica_has_nothing_to_tell() -> None:
    replica = Replica.open(MemoryStore())
    assert (replica.size, replica.root(), replica.origin, replica.charter, replica.time) == (
        0,
        EMPTY_ROOT,
        None,
        None,
        0,
    )
    assert (replica.charter_at(1), replica.log_key_at(0)) == (None, None)
    assert replica.extend([]) == []


@pytest.mark.parametrize("step", [1, 7, 1_000])
def test_it_comes_to_the_state_and_root_of_the_ledger_in_batches_of_any_size(store: Store, step: int) -> None:
    original = MemoryStore()
    checkpoint = write(life(), original)
    entries = list(original.entries(0, 1_000))
    replica = Replica.open(store)
    changes = [
        change
        for batch in replica.extend_all(entries[start : start + step] for start in range(0, len(entries), step))
        for change in batch
    ]
    assert [change.mentioned for change in changes] == [played.change.mentioned for played in life().entries]
    assert (replica.size, replica.origin) == (len(entries), ORIGIN)
    assert replica.time == parse_entry(entries[-1]).time
    assert {replica.log_key_at(size) for size in (0, 1, len(entries), len(entries) + 9)} == {LOG.verifier}
    assert replica.root() == root_of([leaf_hash(entry) for entry in entries])
    assert replica.root_at(5) == root_of([leaf_hash(entry) for entry in entries[:5]])
    verdict = audit(StoreSource(store, checkpoint), Workers(0), known=[checkpoint])
    assert verdict.line().startswith(f"audit: consistent  size={len(entries)} ")
    for table in ("entry", "subject", "past", "lookup", "naming", "word", "mention", "tile"):
        assert list(store.scan(table)) == list(original.scan(table)), table


def test_it_goes_on_where_another_left_off(store: Store) -> None:
    entries = entries_of(life())
    Replica.open(store).extend(entries[:9])
    replica = Replica.open(store, ORIGIN)
    assert replica.size == 9
    replica.extend(entries[9:])
    assert replica.root() == root_of([leaf_hash(entry) for entry in entries])


def test_workers_find_the_same() -> None:
    entries = entries_of(life())
    with Workers(1) as workers:
        replica = Replica.open(MemoryStore(), workers=workers)
        assert len(list(replica.extend_all([entries[:4], [], entries[4:10], entries[10:]]))) == 3
        flipped = Replica.open(MemoryStore(), workers=workers)
        with pytest.raises(Corrupt) as raised:
            list(flipped.extend_all([entries[:4], [entries[4][:-9] + b"AAAAAAAA\n"], entries[5:]]))
    assert replica.root() == root_of([leaf_hash(entry) for entry in entries])
    assert (raised.value.index, flipped.size) == (4, 4)


def test_a_root_beyond_the_end_is_not_known() -> None:
    replica = Replica.open(MemoryStore())
    with pytest.raises(ValueError, match="1 entries are asked for, 0 are here"):
        replica.root_at(1)


def test_disclosures_that_are_known_are_kept_and_the_others_counted(store: Store) -> None:
    play = life()
    texts = {digest(text): text for played in play.entries for text in played.statement.disclosures}
    lost = next(iter(texts))
    del texts[lost]
    texts[digest("WyJBQUVDQXdRRkJnY0lDUW9MREEwT0R3IiwidmFsdWUiLDFd")] = "of no entry"
    replica = Replica.open(store, disclosures=texts)
    replica.extend(entries_of(play))
    kept = {text for played in play.entries for text in store.disclosures(played.index)}
    assert kept == set(texts.values()) - {"of no entry"}
    hidden = sum(len(played.statement.disclosures) for played in play.entries)
    stayed = sum(len(store.disclosures(played.index)) for played in play.entries)
    assert replica.withheld == hidden - stayed > 0


# -- what does not hold ------------------------------------------------------------------------------------------------


def _flip(entries: list[bytes], at: int) -> None:
    data = bytearray(entries[at])
    data[-40] ^= 1
    entries[at] = bytes(data)


@pytest.mark.parametrize(
    ("harm", "index"),
    [
        (lambda entries: _flip(entries, 0), 0),
        (lambda entries: _flip(entries, 6), 6),
        (lambda entries: entries.pop(6), 6),
        (lambda entries: entries.pop(0), 0),
        (lambda entries: entries.insert(6, entries[6]), 7),
        (lambda entries: entries.insert(6, entries[2]), 6),
        (lambda entries: entries.insert(0, b""), 0),
        (lambda entries: entries.insert(3, b"\n" * 6), 3),
        (lambda entries: entries.__setitem__(5, entries[5] + b"\n"), 5),
        (lambda entries: entries.__setitem__(5, entries[5].replace(ORIGIN.encode(), b"other.example/l")), 5),
    ],
)
def test_the_first_entry_that_does_not_hold_is_named_and_none_is_taken(
    harm: Callable[[list[bytes]], Any], index: int
) -> None:
    entries = entries_of(life())
    harm(entries)
    assert disproven(Replica.open(MemoryStore()), entries).index == index


def test_after_a_refusal_it_goes_on_with_what_holds(store: Store) -> None:
    entries = entries_of(life())
    replica = Replica.open(store)
    replica.extend(entries[:5])
    bad = entries[5:]
    _flip(bad, 3)
    assert disproven(replica, bad).index == 8
    replica.extend(entries[5:])
    assert replica.size == len(entries)


def test_a_statement_entered_twice_is_disproven() -> None:
    entries = entries_of(life())
    doubled = relinked([*entries[:6], entries[5]], 6)
    raised = disproven(Replica.open(MemoryStore()), [*doubled[:6], _later(doubled[6])])
    assert (raised.index, raised.detail) == (6, "statement_repeated: it stands at 5")
    replica = Replica.open(MemoryStore())
    replica.extend(doubled[:6])
    assert disproven(replica, [_later(doubled[6])]).index == 6


def _later(data: bytes) -> bytes:
    entry = parse_entry(data)
    return format_entry(Entry(entry.origin, entry.index, entry.time + 1, entry.link, entry.statement))


def test_an_act_that_a_rule_forbids_is_disproven_with_the_rules_own_word() -> None:
    play = Play()
    play.join("factory")
    asset = play.register("factory")
    entries = entries_of(play)
    stolen = jws.sign(
        jws.parse(play.sign("asset.retired", by="factory", sub=asset, body={"reason": "mine"})).claims
        | {"iss": CAST["stranger"].did},
        CAST["stranger"].key,
    )
    entries.append(
        format_entry(Entry(ORIGIN, len(entries), play.seconds * 1_000_000 + 9, link_of(entries[-1]), stolen))
    )
    raised = disproven(Replica.open(MemoryStore()), entries)
    assert raised.index == len(entries) - 1
    assert isinstance(raised.__cause__, Refused)
    assert raised.__cause__.code == "party_unknown"


def test_entries_of_another_ledger_are_not_taken() -> None:
    assert disproven(Replica.open(MemoryStore(), "other.example/ledger"), entries_of(life())).index == 0


def test_a_ledger_under_rules_unknown_here_is_no_accusation(monkeypatch: pytest.MonkeyPatch) -> None:
    play = Play()
    monkeypatch.setattr(rules, "RULES", 2)
    monkeypatch.setattr("ledger.circulation.charter.RULES", 2)
    play.act("ledger.amended", by="governance", sub=play.world.ledger, body={"rules": 2})
    monkeypatch.undo()
    replica = Replica.open(MemoryStore())
    with pytest.raises(Newer) as raised:
        replica.extend(entries_of(play))
    assert (raised.value.index, replica.size) == (1, 0)


def test_our_own_mistake_in_a_rule_is_not_told_as_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = entries_of(life())

    def mistaken(self: AssetRegistered, world: World, act: Act[AssetRegistered]) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(AssetRegistered, "check", mistaken)
    replica = Replica.open(MemoryStore())
    with pytest.raises(ZeroDivisionError):
        replica.extend(entries)
    assert replica.size == 0
    monkeypatch.undo()
    replica.extend(entries)
    assert replica.size == len(entries)


def test_a_commit_that_fails_is_told_and_nothing_is_there() -> None:
    store = MemoryStore()
    replica = Replica.open(store)
    entries = entries_of(life())
    commit = store.commit

    def failing(batch: Batch) -> None:
        raise Unavailable("store_failed", "no space left on device")

    store.commit = failing  # type: ignore[method-assign]
    with pytest.raises(Problem, match="no space left"):
        replica.extend(entries)
    store.commit = commit  # type: ignore[method-assign]
    assert replica.size == 0
    replica.extend(entries)
    assert replica.root() == root_of([leaf_hash(entry) for entry in entries])
