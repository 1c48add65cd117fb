"""Derived rows that do not follow from the entries: each kind of row, each kind of lie, and whose row it is."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from ledger.audit import StoreSource, Verdict, Workers, audit, open_folder
from ledger.circulation.asset import Asset
from ledger.log.chain import format_entry, parse_entry
from ledger.store.files import Folder
from ledger.store.memory import MemoryStore
from tests.cast import Play, life
from tests.ledger.audit.rot import flip, format_cell
from tests.ledger.written import write, write_folder


@pytest.fixture(scope="module")
def story() -> Play:
    return life()


@pytest.fixture(scope="module")
def written(story: Play, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(story, tmp_path_factory.mktemp("life") / "ledger").path


@pytest.fixture
def copy(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "copy"))


def judged(path: Path, workers: Workers) -> Verdict:
    with open_folder(path) as source:
        return audit(source, workers)


def harm(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(Folder(path).store)) as connection, connection:
        for statement in statements:
            assert connection.execute(statement).rowcount > 0, f"nothing happened: {statement}"


def an_asset(story: Play) -> str:
    return next(one.id for one in story.subjects.values() if isinstance(one.state, Asset))


ASSET = "(SELECT no FROM subject WHERE type = 'asset' LIMIT 1)"

LIES = {
    "another holder": "UPDATE subject SET state = replace(state, 'party_', 'party_0') WHERE no = {}",
    "another index": 'UPDATE subject SET "index" = "index" + 1 WHERE no = {}',
    "another last act": "UPDATE subject SET advanced = advanced - 1 WHERE no = {}",
    "another type": "UPDATE subject SET type = 'offer' WHERE no = {}",
    "another id": "UPDATE subject SET opened = 999 WHERE no = {}",
    "a state that is no bytes": "UPDATE subject SET state = 7 WHERE no = {}",
    "a subject left out": "DELETE FROM subject WHERE no = {}",
    "another past": "UPDATE past SET state = replace(state, 'vibration', 'temperature') WHERE no = {}",
    "a past act": "UPDATE past SET advanced = advanced + 1 WHERE no = {}",
    "a past left out": "DELETE FROM past WHERE no = {}",
    "a past of no time": "UPDATE OR REPLACE past SET \"index\" = 'then' WHERE no = {}",
    "a mention left out": "DELETE FROM mention WHERE no = {}",
    "a mention too many": "UPDATE mention SET numbers = x'00' || numbers WHERE no = {}",
    "a mention of a chapter that is none": "INSERT INTO mention VALUES (7, {}, x'00')",
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_about_an_asset_is_found_and_the_asset_named(lie: str, story: Play, copy: Path, workers: Workers) -> None:
    harm(copy, LIES[lie].format(ASSET))
    verdict = judged(copy, workers)
    assert (verdict.word, verdict.reason, verdict.subject) == ("corrupt", "state_other", an_asset(story))
    assert verdict.size == len(story.entries)  # the entries hold


@pytest.mark.parametrize("lie", ["left out", "too many", "no text", "no numbers"])
@pytest.mark.parametrize(("table", "first", "second"), [("lookup", "name", "value"), ("word", "type", "word")])
def test_a_lie_about_where_an_asset_is_listed(
    lie: str, table: str, first: str, second: str, story: Play, copy: Path, workers: Workers
) -> None:
    no = story.subjects[an_asset(story)].no
    key = {"lookup": ("status", "registered"), "word": ("asset", "spindle")}[table]
    if lie == "too many":
        harm(copy, f"INSERT INTO {table} VALUES (0, '{key[0]}', 'gold', x'{no:02x}')")
    else:
        given = {
            "left out": f"numbers = replace(numbers, x'{no:02x}', x'')",
            "no text": f"{second} = x'ff'",
            "no numbers": "numbers = 7",
        }[lie]
        harm(copy, f"UPDATE {table} SET {given} WHERE {first} = '{key[0]}' AND {second} = '{key[1]}'")
    verdict = judged(copy, workers)
    listed = {
        one.id for one in story.subjects.values() if key[1] in (*one.state.words(), *dict(one.state.lookups()).values())
    }
    assert (verdict.word, verdict.reason) == ("corrupt", "state_other")
    assert verdict.subject == an_asset(story) or (verdict.subject in listed and lie.startswith("no "))


def test_a_state_altered_with_all_that_is_found_by_it(story: Play, copy: Path, workers: Workers) -> None:
    asset = story.subjects[an_asset(story)]
    assert isinstance(asset.state, Asset)
    thief = story.party("partner")
    harm(
        copy,
        f"UPDATE subject SET state = replace(state, '{asset.state.holder}', '{thief}') WHERE no = {asset.no}",
        f"UPDATE lookup SET numbers = replace(numbers, x'{asset.no:02x}', x'') WHERE value = '{asset.state.holder}'",
        f"UPDATE OR IGNORE lookup SET value = '{thief}' WHERE value = '{asset.state.holder}' AND name = 'holder'",
    )
    verdict = judged(copy, workers)
    assert (verdict.word, verdict.subject, verdict.index) == ("corrupt", asset.id, asset.index)


def test_a_subject_nobody_opened(copy: Path, workers: Workers) -> None:
    harm(copy, 'INSERT INTO subject SELECT 999, type, 30, "index", advanced, state FROM subject WHERE no = 1')
    verdict = judged(copy, workers)
    assert (verdict.word, verdict.reason, verdict.subject) == ("corrupt", "state_other", None)


def test_a_past_state_is_named_with_its_index(story: Play, copy: Path, workers: Workers) -> None:
    harm(copy, f"UPDATE past SET advanced = 7 WHERE no = {ASSET}")
    superseded = next(p.index for p in story.entries if p.statement.opened.get("asset") == an_asset(story))
    assert judged(copy, workers).index == superseded


# ---- Entries' own rows -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lie", "reason"),
    [
        ('UPDATE entry SET key = zeroblob(16) WHERE "index" = 9', "row_other"),
        ('UPDATE entry SET rest = zeroblob(16) WHERE "index" = 9', "row_other"),
        ('UPDATE entry SET link = zeroblob(31) WHERE "index" = 9', "row_other"),
        ("UPDATE entry SET data = 'text' WHERE \"index\" = 9", "entry_missing"),
        ('DELETE FROM entry WHERE "index" = 9', "entry_missing"),
        ("UPDATE entry SET data = CAST(data || x'0a' AS BLOB) WHERE \"index\" = 9", "entry_malformed"),
    ],
)
def test_a_lie_in_the_row_of_an_entry(lie: str, reason: str, copy: Path, workers: Workers) -> None:
    harm(copy, lie)
    verdict = judged(copy, workers)
    assert (verdict.word, verdict.index, verdict.reason, verdict.size) == ("corrupt", 9, reason, 9)


def test_the_last_entries_left_out_of_the_rows_that_others_follow_from(
    story: Play, copy: Path, workers: Workers
) -> None:
    harm(copy, f'DELETE FROM entry WHERE "index" = {len(story.entries) - 1}')
    assert judged(copy, workers).word == "corrupt"


@pytest.mark.parametrize("index", [0, 12, 30])
def test_an_altered_time_is_named_though_the_follower_notices(index: int, copy: Path, workers: Workers) -> None:
    with closing(sqlite3.connect(Folder(copy).store)) as connection, connection:
        ((data,),) = connection.execute('SELECT data FROM entry WHERE "index" = ?', [index])
        entry = parse_entry(data)
        altered = format_entry(replace(entry, time=entry.time + 1))
        connection.execute('UPDATE entry SET data = ? WHERE "index" = ?', [altered, index])
    verdict = judged(copy, workers)
    reason = "leaf_other" if index == 30 else "entry_altered"  # the last entry has no follower but its leaf
    assert (verdict.word, verdict.index, verdict.reason) == ("corrupt", index, reason)


# ---- Tiles -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("index", [0, 7, 30])
def test_an_altered_hash_of_the_tree_names_its_entry(index: int, copy: Path, workers: Workers) -> None:
    before, after = f"substr(hashes, 1, {32 * index + 5})", f"substr(hashes, {32 * index + 7})"
    harm(copy, f"UPDATE tile SET hashes = CAST({before} || x'00' || {after} AS BLOB)")
    verdict = judged(copy, workers)
    assert (verdict.word, verdict.index, verdict.reason) == ("corrupt", index, "leaf_other")


@pytest.mark.parametrize(
    "lie",
    [
        "DELETE FROM tile",
        "UPDATE tile SET hashes = 7",
        "UPDATE tile SET number = 1",
        "INSERT INTO tile VALUES (1, 0, x'00')",
    ],
)
def test_a_lie_about_tiles(lie: str, copy: Path, workers: Workers) -> None:
    harm(copy, lie)
    verdict = judged(copy, workers)
    assert (verdict.word, verdict.reason) == ("corrupt", "leaf_other")


# ---- Disclosures -------------------------------------------------------------------------------------------

PRIVATE = '(SELECT min("index") FROM disclosure)'


def test_erased_disclosures_leave_a_consistent_ledger(copy: Path, workers: Workers) -> None:
    harm(copy, f'DELETE FROM disclosure WHERE "index" = {PRIVATE} AND place = 0')
    assert judged(copy, workers).word == "consistent"
    harm(copy, "DELETE FROM disclosure")
    assert judged(copy, workers).word == "consistent"


@pytest.mark.parametrize(
    "lie",
    [
        f"UPDATE disclosure SET disclosure = 'A' || substr(disclosure, 2) WHERE \"index\" = {PRIVATE} AND place = 0",
        f"UPDATE disclosure SET disclosure = x'00' WHERE \"index\" = {PRIVATE} AND place = 0",
        f"UPDATE disclosure SET disclosure = 'é' WHERE \"index\" = {PRIVATE} AND place = 0",
        f'UPDATE disclosure SET place = 9 WHERE "index" = {PRIVATE} AND place = 0',
        f'UPDATE disclosure SET "index" = 0 WHERE "index" = {PRIVATE} AND place = 0',
    ],
)
def test_a_lie_about_a_disclosure_names_the_entry_it_belongs_to(
    lie: str, story: Play, copy: Path, workers: Workers
) -> None:
    harm(copy, lie)
    verdict = judged(copy, workers)
    first = next(played.index for played in story.entries if played.statement.disclosures)
    assert (verdict.word, verdict.index, verdict.reason) == ("corrupt", first, "disclosure_other")


# ---- Indexes -----------------------------------------------------------------------------------------------


def elsewhere(path: Path, value: bytes, row: bytes) -> int:
    """Where a value stands beside its row: in the index that leads to it."""
    data = path.read_bytes()
    assert (data.count(value), data.count(value + row)) == (2, 1)
    first = data.index(value)
    return data.index(value, first + 1) if data.startswith(value + row, first) else first


def test_an_index_that_does_not_lead_to_an_entry(story: Play, copy: Path, workers: Workers) -> None:
    digest, store = story.entries[12].statement.digest, Folder(copy).store
    flip(store, elsewhere(store, digest[:16], digest[16:]), 1)
    verdict = judged(copy, workers)
    assert (verdict.word, verdict.index, verdict.reason) == ("corrupt", 12, "index_other")


def test_an_index_that_does_not_lead_to_a_subject(story: Play, copy: Path, workers: Workers) -> None:
    store = Folder(copy).store
    with closing(sqlite3.connect(store)) as connection:
        (no, opened, type_) = connection.execute("SELECT no, opened, type FROM subject WHERE type = 'offer'").fetchone()
    data = store.read_bytes()
    cell = format_cell(None, [opened, type_, no])
    assert data.count(cell) == 1
    flip(store, data.index(cell) + len(cell) - 2, 1)
    verdict = judged(copy, workers)
    assert (verdict.word, verdict.reason) == ("corrupt", "index_other")
    assert verdict.subject == next(one.id for one in story.subjects.values() if one.no == no)


# ---- What cannot be read -----------------------------------------------------------------------------------


def destroy(path: Path, table: str) -> None:
    """Overwrite the first page of a table."""
    with closing(sqlite3.connect(path)) as connection:
        (page,) = connection.execute(f"SELECT rootpage FROM sqlite_master WHERE name = '{table}'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)


@pytest.mark.parametrize("table", ["subject", "past", "lookup", "word", "mention", "naming"])
def test_an_unreadable_table_names_the_first_subject_that_should_be_there(
    table: str, copy: Path, workers: Workers
) -> None:
    destroy(Folder(copy).store, table)
    verdict = judged(copy, workers)
    assert (verdict.word, verdict.reason) == ("corrupt", "state_other")
    assert verdict.subject is not None
    assert "malformed" in verdict.detail


def test_unreadable_entries_name_the_first(copy: Path, workers: Workers) -> None:
    destroy(Folder(copy).store, "entry")
    verdict = judged(copy, workers)
    assert (verdict.word, verdict.index, verdict.reason, verdict.size) == ("corrupt", 0, "store_corrupt", 0)


@pytest.mark.parametrize("table", ["tile", "disclosure"])
def test_other_unreadable_tables(table: str, copy: Path, workers: Workers) -> None:
    destroy(Folder(copy).store, table)
    assert judged(copy, workers).word == "corrupt"


def test_a_page_of_entries_in_the_middle(folder: Path, tmp_path: Path, workers: Workers) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    store = Folder(copy).store
    data = store.read_bytes()
    at = data.index(b"\ncast.example/ledger\n1000\n") // 4096 * 4096
    with store.open("r+b") as file:
        file.seek(at)
        file.write(bytes(4096))
    verdict = judged(copy, workers)
    assert verdict.word == "corrupt"
    assert verdict.index == verdict.size
    assert 990 < verdict.size <= 1000


def test_a_store_in_memory_is_a_source_too(story: Play, workers: Workers) -> None:
    store = MemoryStore()
    verdict = audit(StoreSource(store, write(story, store)), workers)
    assert (verdict.word, verdict.size) == ("consistent", len(story.entries))
