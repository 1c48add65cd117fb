"""What is erased leaves no byte in the files of a store: not in freed pages, not in the write-ahead log."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path

import pytest

from identity.disclosure import digest
from ledger.errors import Unavailable
from ledger.store import sqlite
from ledger.store.sql import SqlStore
from tests.ledger.store.scribe import Scribe


def bytes_of(folder: Path) -> bytes:
    """All that the files of a store hold, those beside it included."""
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()))


def filled(store: SqlStore, scribe: Scribe) -> dict[int, str]:
    """Disclosures of many lengths beside many entries, in small batches, so that rows move from page to page."""
    chance = random.Random(7)
    party = scribe.join("Blade Works")
    texts: dict[int, str] = {}
    for number in range(120):
        index = scribe.size
        scribe.disclose(party, text := f"secret-{number:03}-" + "x" * chance.choice([30, 200, 900, 3_000, 20_000]))
        texts[index] = text
        scribe.mention(party)
        if number % 7 == 0:
            store.commit(scribe.take())
    store.commit(scribe.take())
    return texts


def test_no_byte_is_left_of_what_is_erased(path: Path, sql: SqlStore) -> None:
    texts = filled(sql, Scribe())
    assert bytes_of(path.parent).count(b"secret-063-") >= 1
    for index in random.Random(3).sample(sorted(texts), 40):
        sql.erase({(index, digest(texts[index]))})
        gone = texts.pop(index)[:11].encode()
        assert gone not in bytes_of(path.parent), gone
    assert [row[2] for row in sql.scan("disclosure")] == [texts[index] for index in sorted(texts)]
    assert list(sql.astray()) == []


def test_whoever_reads_the_store_as_it_was_delays_the_end_of_an_erasure(path: Path, sql: SqlStore) -> None:
    texts = filled(sql, Scribe())
    index, text = next(iter(texts.items()))
    with SqlStore.snapshot(path) as before:
        assert before.disclosures(index) == [text]
        with pytest.raises(Unavailable) as delayed:
            sql.erase({(index, digest(text))})
        assert delayed.value.code == "erasing_delayed"
        assert before.disclosures(index) == [text]
        assert sql.disclosures(index) == []
    sql.erase({(index, digest(text))})
    assert text[:11].encode() not in bytes_of(path.parent)


def test_an_erasure_that_was_cut_off_is_ended_by_the_next(path: Path, sql: SqlStore) -> None:
    """The rows are gone, the process dies, and the files have the old pages yet."""
    texts = filled(sql, Scribe())
    index, text = next(iter(texts.items()))
    sql.close()
    if not (child := os.fork()):
        sqlite.forget_log = lambda _: os.kill(os.getpid(), signal.SIGKILL)
        SqlStore.open(path).erase({(index, digest(text))})
        os._exit(1)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    assert text[:11].encode() in bytes_of(path.parent)
    again = SqlStore.open(path)
    assert again.disclosures(index) == []
    again.erase({(index, digest(text))})
    assert text[:11].encode() not in bytes_of(path.parent)
    again.close()
