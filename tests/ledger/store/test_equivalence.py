"""Random histories, told to both stores: what one answers, the other answers."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.store import Store, search
from ledger.store.memory import MemoryStore
from ledger.store.sql import SqlStore
from tests.ledger.store.conftest import Copy
from tests.ledger.store.scribe import Scribe
from tests.ledger.store.test_contract import FAR, TABLES, everything

WORDS = ("振动", "主轴", "数据", "spindle", "Δοκιμή", "тест", "ตรวจ", "בדיקה", "a", "\U00020000", "é", "Z")
text = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join)
act = st.tuples(
    st.sampled_from(["join", "register", "retitle", "advance", "mention", "disclose"]), st.integers(0), text
)
history = st.lists(st.lists(act, min_size=1, max_size=8), min_size=1, max_size=5)
query = st.tuples(
    st.lists(st.sampled_from(["asset", "party", "version"]), max_size=3),
    st.lists(st.sampled_from(["振动", "动", "spindle", "δοκιμή", "тест", "a", "z", "absent"]), max_size=3),
    st.lists(st.sampled_from(["spindle", "振动", "a"]).map(lambda value: ("keyword", value)), max_size=2),
    st.integers(0, 20) | st.just(FAR),
    st.integers(0, 5),
)


def tell(scribe: Scribe, kind: str, choice: int, words: str) -> None:
    if kind == "join" or not scribe.subjects:
        scribe.join(words)
        return
    subject = scribe.subjects[choice % len(scribe.subjects)]
    if kind == "register":
        scribe.register(subject, words, *dict.fromkeys(words.casefold().split()))
    elif kind == "retitle":
        scribe.retitle(subject, words)
    elif kind == "advance":
        scribe.advance(subject)
    elif kind == "mention":
        scribe.mention(*{subject.no: subject, 0: scribe.subjects[0]}.values())
    else:
        scribe.disclose(subject, *words.split())


def answers(store: Store, scribe: Scribe) -> dict[str, object]:
    """What a store says on everything that can be asked by subject, key or size."""
    ids = [subject.id for subject in scribe.subjects]
    sizes = range(scribe.size + 2)
    return everything(store) | {
        "head": store.head(),
        "subjects": store.subjects(ids),
        "stood": [[store.subject_at(id_, size) for size in sizes] for id_ in ids],
        "history": [store.history(id_, before, 3) for id_ in ids for before in (FAR, scribe.size // 2)],
        "lookup": store.lookup([("did", f"did:key:{no}") for no in range(len(ids))]),
        "listing": [list(store.listing(after, 2)) for after in range(-1, len(ids))],
        "disclosures": [store.disclosures(index) for index in sizes],
        "kept": {table: [tuple(row) for row in store.kept(table)] for table in TABLES},
    }


@settings(max_examples=30)
@given(batches=history, queries=st.lists(query, max_size=8))
def test_memory_and_sqlite_answer_alike(
    copy_empty: Copy, batches: list[list[tuple[str, int, str]]], queries: list[tuple]
) -> None:
    scribe, memory = Scribe(), MemoryStore()
    with tempfile.TemporaryDirectory() as folder:
        sqlite = SqlStore.open(copy_empty(Path(folder)))
        for acts in batches:
            for kind, choice, words in acts:
                tell(scribe, kind, choice, words)
            batch = scribe.take(tiles=[(0, 0, b"h" * 32 * scribe.size)])
            memory.commit(batch)
            sqlite.commit(batch)
        assert answers(sqlite, scribe) == answers(memory, scribe)
        for asked in queries:
            assert sqlite.search(*asked) == memory.search(*asked)
        sqlite.close()


def test_search_finds_the_same_however_much_it_reads_at_a_time(sql: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "CHAPTERS_FIRST", 1)
    scribe, memory = Scribe(), MemoryStore()
    party = scribe.join("振动 works")
    for number in range(1_500):  # six chapters
        words = [word for divisor, word in enumerate(WORDS, 2) if number % divisor == 0]
        if 400 <= number < 900:
            words.append("middle")
        scribe.register(party, " ".join(words) or "none", *(["even"] if number % 2 == 0 else []))
    scribe.register(party, "last 振动")
    batch = scribe.take()
    memory.commit(batch)
    sql.commit(batch)
    asked = [*WORDS, "none", "middle", "last", "absent", "振", "动"]
    for place, first in enumerate(asked):
        for second in asked[place:]:
            for keys in ([], [("keyword", "even")], [("keyword", "even"), ("holder", party.id)]):
                words = [first.casefold(), second.casefold()]
                every = memory.search(["asset", "party"], words, keys, FAR, 9_999)
                for before in (FAR, 85, 1_025):
                    expected = [s for s in every if s.no < before][:5]
                    for chapters in (1, 256):
                        monkeypatch.setattr(search, "CHAPTERS_MAX", chapters)
                        assert sql.search(["asset", "party"], words, keys, before, 5) == expected
