"""What only a store on a disk can show: opening, durability, failure, damage, and a second writer."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from ledger.errors import Corrupt, Problem, Unavailable
from ledger.store import Store
from ledger.store.memory import MemoryStore
from ledger.store.sql import SqlStore
from tests.ledger.store.committer import next_batch
from tests.ledger.store.scribe import Scribe
from tests.ledger.store.test_contract import FAR, everything, three

ROOT = Path(__file__).resolve().parents[3]


@contextmanager
def outside(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that is none of the store's; what it did is in the file when the context ends."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def damage(path: Path, statement: str, *values: object) -> None:
    with outside(path) as connection:
        connection.execute(statement, values)


def code_of(raised: pytest.ExceptionInfo[Problem]) -> str:
    return raised.value.code


# -- opening ---------------------------------------------------------------------------------------------------


def test_create_refuses_a_file_that_is_there_and_leaves_it(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes(b"mine")
    with pytest.raises(Unavailable) as refused:
        SqlStore.create(path)
    assert code_of(refused) == "store_exists"
    assert path.read_bytes() == b"mine"


def test_only_the_owner_may_read_what_create_makes(tmp_path: Path) -> None:
    SqlStore.create(tmp_path / "ledger.db").close()
    assert (tmp_path / "ledger.db").stat().st_mode & 0o777 == 0o600


def test_open_refuses_where_nothing_is_and_creates_nothing(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as refused:
        SqlStore.open(tmp_path / "ledger.db")
    assert code_of(refused) == "store_missing"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "statement",
    ["DROP TABLE alembic_version", "DELETE FROM alembic_version", "UPDATE alembic_version SET version_num = '9999'"],
)
def test_open_refuses_another_schema_and_leaves_it(path: Path, statement: str) -> None:
    damage(path, statement)
    before = path.read_bytes()
    with pytest.raises(Unavailable) as refused:
        SqlStore.open(path)
    assert code_of(refused) == "store_schema_other"
    assert path.read_bytes() == before


def test_open_refuses_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.touch()
    with pytest.raises(Unavailable) as refused:
        SqlStore.open(path)
    assert code_of(refused) == "store_schema_other"


def test_a_file_that_is_no_database_is_corrupt(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes(b"this is no database " * 400)
    with pytest.raises(Corrupt) as corrupt:
        SqlStore.open(path)
    assert code_of(corrupt) == "store_corrupt"


def test_an_opened_store_has_what_the_closed_one_had(path: Path) -> None:
    store = SqlStore.open(path)
    store.commit(three(Scribe())[2])
    before = everything(store)
    store.close()
    assert sorted(path.parent.iterdir()) == [path]  # no log is left behind by an orderly end
    again = SqlStore.open(path)
    assert everything(again) == before
    again.close()


# -- writers and readers ---------------------------------------------------------------------------------------


def test_a_second_writer_is_refused_by_the_size(path: Path, sql: SqlStore) -> None:
    second = SqlStore.open(path)
    mine, theirs = Scribe(), Scribe()
    sql.commit(three(mine)[2])
    theirs.join("Somebody else")
    with pytest.raises(Unavailable) as refused:
        second.commit(theirs.take())
    assert code_of(refused) == "store_conflict"
    second.commit(next_batch(mine))
    head = sql.head()
    assert head is not None
    assert head.size == mine.size
    second.close()


def test_reads_neither_wait_for_an_open_write_nor_see_it(path: Path, sql: SqlStore) -> None:
    sql.commit(three(Scribe())[2])
    before = everything(sql)
    with outside(path) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE subject SET state = x'00'")
        writer.execute("INSERT INTO entry VALUES (3, x'01', x'02', x'03', x'04')")
        assert everything(sql) == before
        writer.execute("ROLLBACK")


def test_a_read_that_has_begun_does_not_stop_a_commit(sql: SqlStore) -> None:
    scribe = Scribe()
    sql.commit(three(scribe)[2])
    rows = sql.scan("subject")
    first = next(rows)
    scribe.join("Later")
    sql.commit(scribe.take())
    assert len([first, *rows]) == 2  # as it was when the scan began
    assert len(list(sql.scan("subject"))) == 3


def test_readers_cannot_write(sql: SqlStore) -> None:
    with pytest.raises(Exception, match="readonly"), sql._readers.begin() as connection:
        connection.exec_driver_sql("DELETE FROM entry")


# -- failure ---------------------------------------------------------------------------------------------------


def test_after_a_failed_commit_the_store_must_be_opened_again(path: Path, sql: SqlStore) -> None:
    scribe = Scribe()
    batch = three(scribe)[2]
    damage(path, "ALTER TABLE tile RENAME TO elsewhere")  # the engine fails half-way through the batch
    with pytest.raises(Unavailable) as failed:
        sql.commit(batch)
    assert code_of(failed) == "store_failed"
    assert isinstance(failed.value.__cause__, Exception)
    damage(path, "ALTER TABLE elsewhere RENAME TO tile")
    assert not any(everything(sql).values())
    with pytest.raises(Unavailable) as stopped:
        sql.commit(batch)
    assert code_of(stopped) == "store_failed"
    again = SqlStore.open(path)
    again.commit(batch)
    assert len(list(again.entries(0, FAR))) == 3
    again.close()


def test_a_refused_batch_does_not_stop_the_writer(sql: SqlStore) -> None:
    scribe = Scribe()
    batch = three(scribe)[2]
    batch.size = 7
    with pytest.raises(Unavailable):
        sql.commit(batch)
    batch.size = 0
    sql.commit(batch)


def test_a_store_that_cannot_be_read_says_so(path: Path, sql: SqlStore) -> None:
    damage(path, "ALTER TABLE tile RENAME TO elsewhere")
    with pytest.raises(Unavailable) as failed:
        sql.tile(0, 0)
    assert code_of(failed) == "store_unreadable"


@pytest.mark.parametrize("acknowledged", [1, 7, 30])
def test_every_acknowledged_batch_outlives_a_killed_writer(path: Path, acknowledged: int) -> None:
    size = 0
    for _ in range(2):  # the second writer goes on where the first was killed
        arguments = [sys.executable, "-m", "tests.ledger.store.committer", str(path)]
        with subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            for _ in range(acknowledged):
                size = int(writer.stdout.readline())
            writer.kill()
        store, memory, scribe = SqlStore.open(path), MemoryStore(), Scribe()
        head = store.head()
        assert head is not None
        assert head.size >= size
        while scribe.size < head.size:
            memory.commit(next_batch(scribe))
        assert head.size == scribe.size  # no batch is there in part
        assert everything(store) == everything(memory)
        store.close()


# -- damage ----------------------------------------------------------------------------------------------------


@pytest.fixture
def kept(path: Path) -> Path:
    """The file of a store with three entries, closed."""
    store = SqlStore.open(path)
    store.commit(three(Scribe())[2])
    store.close()
    return path


@contextmanager
def opened(path: Path) -> Iterator[Store]:
    store = SqlStore.open(path)
    yield store
    store.close()


def test_a_flipped_bit_of_a_state_is_seen_by_the_scan(kept: Path) -> None:
    with opened(kept) as store:
        before = list(store.scan("subject"))
    data = bytearray(kept.read_bytes())
    data[data.rindex(b"Blade")] ^= 1
    kept.write_bytes(data)
    with opened(kept) as store:
        after = list(store.scan("subject"))
    assert after != before
    assert [row[:5] for row in after] == [row[:5] for row in before]


def test_the_scan_gives_damaged_rows_as_they_are(kept: Path) -> None:
    damage(kept, "UPDATE subject SET state = 7, \"index\" = CAST(x'ff41' AS TEXT), type = x'00' WHERE no = 0")
    damage(kept, "UPDATE subject SET opened = 99, advanced = 'one' WHERE no = 1")
    with opened(kept) as store:
        first, (no, id_, _, _, last, _) = store.scan("subject")
    assert first[:1] + first[2:4] + first[5:] == (0, b"\0", b"\xffA", 7)
    assert (no, id_, last) == (1, None, None)  # they lead to no entry


@pytest.mark.parametrize(
    ("statement", "shown"),
    [
        ("UPDATE lookup SET numbers = x'0100' WHERE name = 'role'", [("role", "factory", 1), ("role", "factory", 0)]),
        ("UPDATE lookup SET numbers = x'0000' WHERE name = 'role'", [("role", "factory", 0), ("role", "factory", 0)]),
        ("UPDATE lookup SET numbers = x'' WHERE name = 'role'", [("role", "factory", None)]),
        ("UPDATE lookup SET numbers = 'a' WHERE name = 'role'", [("role", "factory", None)]),
        ("UPDATE lookup SET numbers = 5 WHERE name = 'role'", [("role", "factory", None)]),
        ("UPDATE lookup SET chapter = 2, numbers = x'03' WHERE name = 'role'", [("role", "factory", 515)]),
        ("UPDATE lookup SET chapter = 'one' WHERE name = 'role'", [("role", "factory", None)]),
        ("UPDATE lookup SET chapter = 0.5 WHERE name = 'role'", [("role", "factory", None)]),
    ],
)
def test_a_damaged_list_of_subjects_shows_rows_that_are_not_due(
    kept: Path, statement: str, shown: list[tuple[object, ...]]
) -> None:
    damage(kept, statement)
    damage(kept, statement.replace("name = 'role'", "type = 'asset' AND word = 'spindle'").replace("lookup", "word"))
    with opened(kept) as store:
        assert [row for row in store.scan("lookup") if row[0] == "role"] == shown
        due = [row for row in store.scan("word") if row[1] == "spindle"]
    assert [no for _, _, no in due] == [no for _, _, no in shown] != [1]


@pytest.mark.parametrize("numbers", ["x'0100'", "x'0000'", "x''", "'a'", "5"])
def test_a_damaged_list_of_subjects_is_corrupt_to_whoever_reads_or_writes_it(kept: Path, numbers: str) -> None:
    scribe = Scribe()
    party, asset, _ = three(scribe)
    scribe.retitle(asset, "another")
    damage(kept, f"UPDATE word SET numbers = {numbers} WHERE word = 'spindle'")
    damage(kept, f"UPDATE lookup SET numbers = {numbers} WHERE name = 'holder'")
    damage(kept, f"UPDATE mention SET numbers = {numbers}")
    with opened(kept) as store:
        for act in (
            lambda: store.search(["asset"], ["spindle"], [], FAR, 9),
            lambda: store.search(["asset"], [], [("holder", party.id)], FAR, 9),
            lambda: store.history(asset.id, FAR, 9),
            lambda: store.commit(scribe.take()),
        ):
            with pytest.raises(Corrupt) as corrupt:
                act()
            assert code_of(corrupt) == "store_corrupt"


@pytest.mark.parametrize("no", ["7", "'one'", "x'00'", "0.5"])
def test_a_look_up_that_leads_to_no_subject_is_corrupt(kept: Path, no: str) -> None:
    damage(kept, f"UPDATE naming SET no = {no} WHERE name = 'did'")
    with opened(kept) as store, pytest.raises(Corrupt) as corrupt:
        store.lookup([("did", "did:key:0")])
    assert code_of(corrupt) == "store_corrupt"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE subject SET state = x'7b' WHERE no = 1",  # no JSON
        "UPDATE subject SET state = 7 WHERE no = 1",
        "UPDATE subject SET state = '{}' WHERE no = 1",  # text
        "UPDATE subject SET \"index\" = 'two' WHERE no = 1",
        "UPDATE subject SET advanced = x'00' WHERE no = 1",
        "UPDATE subject SET advanced = 99 WHERE no = 1",
        "UPDATE subject SET type = 'unheard' WHERE no = 1",
    ],
)
def test_a_subject_that_cannot_be_read_is_corrupt_and_named(kept: Path, statement: str) -> None:
    with opened(kept) as store:
        name = store.listing(0, 1)[0].id
    damage(kept, statement)
    with opened(kept) as store:
        for read in (
            lambda: store.subjects([name]),
            lambda: store.subject_at(name, 3),
            lambda: store.listing(-1, 9),
            lambda: store.search(["asset"], ["spindle"], [], FAR, 9),
        ):
            with pytest.raises(Corrupt) as corrupt:
                read()
            named = name.replace("asset", "unheard") if "unheard" in statement else name
            assert (code_of(corrupt), corrupt.value.subject) == ("store_corrupt", named)


def test_a_missing_entry_is_corrupt_and_named(kept: Path) -> None:
    damage(kept, 'DELETE FROM entry WHERE "index" = 1')
    with opened(kept) as store:
        entries = store.entries(0, 3)
        assert next(entries) == b"entry 0\n"
        with pytest.raises(Corrupt) as corrupt:
            next(entries)
    assert (code_of(corrupt), corrupt.value.index) == ("store_corrupt", 1)


def test_a_missing_first_entry_is_corrupt_and_named(kept: Path) -> None:
    damage(kept, 'DELETE FROM entry WHERE "index" = 0')
    with opened(kept) as store, pytest.raises(Corrupt) as corrupt:
        store.head()
    assert corrupt.value.index == 0


def test_bytes_that_are_no_bytes_are_corrupt(kept: Path) -> None:
    damage(kept, "UPDATE entry SET data = 'text' WHERE \"index\" = 2")
    damage(kept, "UPDATE tile SET hashes = 5")
    damage(kept, "INSERT INTO disclosure VALUES (1, 0, x'00')")
    with opened(kept) as store:
        for read in (
            lambda: store.entry(2),
            lambda: store.head(),
            lambda: list(store.entries(0, 3)),
            lambda: store.tile(0, 0),
            lambda: store.disclosures(1),
        ):
            with pytest.raises(Corrupt) as corrupt:
                read()
            assert code_of(corrupt) == "store_corrupt"


def test_a_destroyed_page_is_corrupt_to_whoever_reads_or_writes_there(kept: Path) -> None:
    with outside(kept) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'entry'").fetchone()
        (length,) = connection.execute("PRAGMA page_size").fetchone()
    data = bytearray(kept.read_bytes())
    data[(page - 1) * length : page * length] = b"\xff" * length
    kept.write_bytes(data)
    scribe = Scribe()
    three(scribe)
    with opened(kept) as store:
        for act in (
            lambda: store.entry(0),
            lambda: list(store.entries(0, 3)),
            lambda: store.commit(next_batch(scribe)),
        ):
            with pytest.raises(Corrupt) as corrupt:
                act()
            assert code_of(corrupt) == "store_corrupt"
        assert list(store.scan("mention")) == [(0, 1), (1, 2)]  # other tables can still be read
