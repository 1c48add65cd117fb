"""Logs that a ledger carries: put together again, kept, and read on from where they were."""

from __future__ import annotations

from typing import Any

import pytest

import ledger.dids
from identity.webvh import advance, format_log, parse_witness_file
from ledger.dids import CarriedLogs
from ledger.errors import Absent
from ledger.read import Reader
from ledger.store.memory import MemoryStore
from tests.cast import Play
from tests.ledger.written import SetClock, append, opened
from tests.logs import Log


class Counting(Reader):
    """Counts the entries that are read."""

    reads = 0

    def entry(self, index: int) -> bytes:
        self.reads += 1
        return super().entry(index)


class Kept:
    """A play, its entries in a store, and the logs that are asked for there."""

    def __init__(self) -> None:
        self.play, self.clock, self.store = Play(), SetClock(), MemoryStore()
        self.writer = opened(self.store, self.clock)
        self.reader = Counting(self.store, lambda: self.writer.head)  # type: ignore[arg-type, return-value]
        self.logs = CarriedLogs(self.reader)

    def ask(self, party: str) -> Any:
        head = self.writer.head
        append(self.writer, self.clock, self.play.entries[0 if head is None else head.size :])
        self.reader.reads = 0
        return self.logs.of(self.reader.subject(party))


def test_a_log_is_put_together_and_read_on_from_where_it_was() -> None:
    kept = Kept()
    play, party = kept.play, kept.play.join_hosted("works")
    for turn in range(2, 6):
        play.rotate("works", keys=[f"works-{turn}"])
    log = kept.ask(party)
    assert (log.log, kept.reader.reads) == (format_log(play.logs["works"].since(None)), 5)
    standing = None
    for place, line in enumerate(play.logs["works"].since(None)):
        standing = advance(standing, line, play.seconds)
        assert log.standings[place] == standing
    assert kept.ask(party) is log
    assert kept.reader.reads == 0
    play.rotate("works", keys=["works-6"])
    play.join("partner")
    further = kept.ask(party)
    assert (further.log, kept.reader.reads) == (format_log(play.logs["works"].since(None)), 1)
    assert (further.standing, further.entry) == (play.logs["works"].standing, len(play.entries) - 2)
    assert log.log == format_log(play.logs["works"].since(None)[:-1]), "what was handed out stays as it was"


def test_a_party_that_was_recovered_has_another_log() -> None:
    kept = Kept()
    play, party = kept.play, kept.play.join_hosted("works")
    play.rotate("works")
    trustees = ("partner", "second")
    play.join(*trustees)
    play.arrange("works", *trustees)
    old = kept.ask(party)
    play.tick(days=8)
    begun = Log.begin("anew", play.seconds, host="data.example")
    play.recover("works", "spare", *trustees, draft=begun)
    log = kept.ask(party)
    assert (log.log, len(log.standings)) == (format_log(begun.since(None)), 1)
    assert log.did != old.did


def test_a_key_has_no_log() -> None:
    kept = Kept()
    with pytest.raises(Absent) as absent:
        kept.ask(*kept.play.join("works"))
    assert absent.value.code == "did_log_absent"


def test_only_what_was_asked_for_last_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Kept()
    parties = [kept.play.join_hosted(name) for name in ("works", "mill")]
    monkeypatch.setattr(ledger.dids, "BYTES_MAX", 1)
    first = kept.ask(parties[0])
    assert kept.ask(parties[0]) is first
    kept.ask(parties[1])
    assert kept.ask(parties[0]) is not first
    assert kept.reader.reads == 1


def test_no_proofs_are_no_file() -> None:
    kept = Kept()
    log = kept.ask(kept.play.join_hosted("works"))
    assert log.witness_file() is None
    proof = {"verificationMethod": "did:key:z6Mk#z6Mk"}
    made = log.witness_file(proof)
    assert parse_witness_file(made) == [{"versionId": log.standing.version_id, "proof": [proof]}]
