"""Filling a store again: what is compared, what is kept, and that no crash leaves half a store."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from identity.note import Signer, format_vkey
from ledger import restore
from ledger.audit import StoreSource, Workers, audit, open_folder
from ledger.errors import Corrupt, Malformed, Unavailable
from ledger.log.checkpoint import Checkpoint, sign_checkpoint
from ledger.replica import Replica
from ledger.restore import (
    Known,
    begin,
    check,
    check_keys,
    check_ours,
    disclosures_in,
    fill,
    is_checkpoint,
    private_values,
    put_in_place,
    size_of,
)
from ledger.store import Store
from ledger.store.files import Folder
from ledger.store.memory import MemoryStore
from ledger.store.sql import SqlStore
from tests.cast import LOG, ORIGIN, life, seed
from tests.ledger.written import resume, write, write_folder

OTHER = Signer(ORIGIN, seed("other log"))


def entries_in(path: Path) -> list[bytes]:
    with SqlStore.snapshot(path) as store:
        return list(store.entries(0, 1_000))


def filled(folder: Folder, source: Store) -> Path:
    """A whole store beside the folder's, from a source."""
    part = begin(folder)
    with closing(SqlStore.create(part)) as store:
        fill(store, StoreSource(source, None), Workers(0), {})
    return part


@pytest.fixture
def longer() -> Store:
    """The play, and some acts after it."""
    store = MemoryStore()
    write(life(), store)
    resume(store)
    return store


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A ledger's folder with the play alone."""
    return write_folder(life(), tmp_path / "ledger")


# -- filling and comparing ---------------------------------------------------------------------------------------------


@pytest.fixture
def replica(longer: Store) -> Replica:
    replica = Replica.open(MemoryStore())
    replica.extend(list(longer.entries(0, 1_000)))
    return replica


def note_of(replica: Replica, size: int, root: bytes | None = None, *, signer: Signer = LOG, name: str = "it") -> Known:
    root = replica.root_at(size) if root is None else root
    return Known(name, sign_checkpoint(Checkpoint(signer.verifier.name, size, root), signer))


def code(do: Callable[[], Any]) -> str:
    with pytest.raises(Unavailable) as raised:
        do()
    return raised.value.code


def test_the_greatest_head_that_is_known_is_told(replica: Replica) -> None:
    some = [note_of(replica, size, name=str(size)) for size in (3, replica.size, 7)]
    assert check(replica, some).name == str(replica.size)
    assert check(replica, some[:1], before=replica.size).name == "3"


def test_what_extends_no_head_known_to_be_signed_is_refused_by_name(replica: Replica) -> None:
    size = replica.size
    fits = note_of(replica, 3)
    beyond = note_of(replica, size + 1, bytes(32), name="the record")
    assert code(lambda: check(replica, [fits, beyond])) == "restore_shorter"
    assert code(lambda: check(replica, [note_of(replica, size, bytes(32)), fits])) == "restore_other"
    assert code(lambda: check(replica, [fits, note_of(replica, 4, signer=OTHER)])) == "restore_other"
    foreign = Signer("elsewhere.example/l", seed("log"))
    assert (
        code(lambda: check(replica, [fits, note_of(replica, size + 9, bytes(32), signer=foreign)])) == "restore_other"
    )
    assert code(lambda: check(replica, [])) == "restore_unsigned"
    assert code(lambda: check(replica, [fits], before=size + 1)) == "restore_shorter"
    with pytest.raises(Malformed):
        check(replica, [Known("FILE", b"no note")])


NEXT = Signer(ORIGIN, seed("next log"))


@pytest.fixture
def rotated() -> Replica:
    """The play, and an act by which governance replaced the log key, and one more."""
    play = life()
    play.act("ledger.amended", by="governance", sub=play.world.ledger, body={"logKey": format_vkey(NEXT.verifier)})
    play.register("lender", title="A loan book")
    replica = Replica.open(MemoryStore())
    replica.extend([played.entry for played in play.entries])
    return replica


def test_a_log_key_counts_for_the_sizes_at_which_it_was_in_force(rotated: Replica) -> None:
    size = rotated.size
    assert [rotated.log_key_at(one) for one in (0, 1, size - 2, size - 1, size, size + 1)] == [
        *[LOG.verifier] * 3,
        *[NEXT.verifier] * 3,
    ]
    fits = [note_of(rotated, 3), note_of(rotated, size - 2), note_of(rotated, size - 1, signer=NEXT)]
    assert check(rotated, fits) is fits[-1]
    for one in (note_of(rotated, size), note_of(rotated, size - 1), note_of(rotated, size - 2, signer=NEXT)):
        assert code(lambda: check(rotated, [*fits, one])) == "restore_other"  # noqa: B023


def test_a_history_is_ours_if_a_log_key_that_is_held_signed_some_of_it(rotated: Replica) -> None:
    """Whoever makes one up names his own log key first, and ours as the one that replaced it."""
    before, after = note_of(rotated, 5), note_of(rotated, rotated.size, signer=NEXT)
    check_ours(rotated, [before, after], [NEXT.verifier])
    check_ours(rotated, [before, after], [LOG.verifier])
    empty = note_of(rotated, 0, signer=NEXT)
    for some in ([before], [before, empty], [empty], []):
        assert code(lambda: check_ours(rotated, some, [NEXT.verifier])) == "restore_unsigned"  # noqa: B023
    with pytest.raises(Unavailable) as raised:
        check_ours(rotated, [before], [NEXT.verifier])
    assert format_vkey(LOG.verifier) in raised.value.detail


def test_keys_that_are_here_are_those_the_charter_names(rotated: Replica) -> None:
    charter = rotated.charter
    assert charter is not None
    check_keys(charter, {})
    check_keys(charter, {"governance": {charter.governance}, "service": {"did:key:other", charter.service}})
    for use in ("governance", "service", "refusal"):
        with pytest.raises(Unavailable) as raised:
            check_keys(charter, {use: {"one of another ledger"}})
        assert raised.value.code == "restore_key_other"
        assert raised.value.detail.startswith(f"{use}: the charter names ")


def test_a_source_that_lacks_an_entry_or_holds_a_wrong_one_fills_nothing(longer: Store, tmp_path: Path) -> None:
    source = StoreSource(longer, None)
    longer._entries[4] = longer._entries[4][:-9] + b"AAAAAAAA\n"  # type: ignore[attr-defined]
    with closing(SqlStore.create(tmp_path / "copy.db")) as store:
        with pytest.raises(Corrupt) as raised:
            fill(store, source, Workers(0), {})
        assert (raised.value.code, raised.value.index, store.head()) == ("entry_disproven", 4, None)


def test_only_a_checkpoint_is_taken_for_one(replica: Replica) -> None:
    assert is_checkpoint(note_of(replica, 3).note)
    assert not is_checkpoint(b"")
    assert not is_checkpoint(b"three\nlines\nof text\n\n\xe2\x80\x94 a AAAAAAAA\n")


def test_disclosures_are_found_in_the_old_store_as_far_as_it_can_be_read(folder: Folder, tmp_path: Path) -> None:
    found, whole = disclosures_in(folder.store)
    assert whole
    assert set(found.values()) == {text for played in life().entries for text in played.statement.disclosures}
    assert size_of(folder.store) == len(life().entries)
    garbage = tmp_path / "garbage.db"
    garbage.write_bytes(b"garbage" * 1_000)
    assert (disclosures_in(garbage), size_of(garbage)) == (({}, False), None)
    empty = tmp_path / "empty.db"
    SqlStore.create(empty).close()
    assert (disclosures_in(empty), size_of(empty)) == (({}, True), 0)
    empty.write_bytes(b"")
    assert code(lambda: disclosures_in(empty)) == "store_schema_other"


def test_private_values_that_were_erased_do_not_come_back_from_a_copy(folder: Folder, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folder.path, tmp_path / "copy")) / "ledger.db"
    everything, _ = disclosures_in(folder.store)
    with sqlite3.connect(folder.store) as connection:
        connection.execute('DELETE FROM disclosure WHERE "index" < 8')
    connection.close()
    kept, left = private_values(folder.store, copy)
    assert 0 < len(kept) < len(everything)
    assert kept.keys() | left == everything.keys()
    assert not kept.keys() & left
    assert private_values(folder.store, folder.store) == (kept, set())
    assert private_values(tmp_path / "gone.db", copy) == (everything, set())
    SqlStore.create(tmp_path / "young.db").close()
    assert private_values(tmp_path / "young.db", copy) == (everything, set()), "of entries that it had not yet"
    folder.store.write_bytes(b"garbage" * 1_000)
    assert private_values(folder.store, copy) == (everything, set())
    assert private_values(folder.store, tmp_path / "gone.db") == ({}, set())


# -- the step ----------------------------------------------------------------------------------------------------------


def test_the_old_store_is_kept_and_the_new_one_takes_its_name(folder: Folder, longer: Store) -> None:
    before, after = entries_in(folder.store), list(longer.entries(0, 1_000))
    for number in (1, 2):
        aside = put_in_place(folder, filled(folder, longer))
        assert aside == folder.path / f"ledger.db.{number}"
        assert entries_in(folder.store) == after
    assert entries_in(folder.path / "ledger.db.1") == before
    assert entries_in(folder.path / "ledger.db.2") == after
    with open_folder(folder.path) as source:
        assert audit(source, Workers(0)).word == "consistent"
    assert not list(folder.path.glob("*.part*"))


def test_where_no_store_is_left_there_is_nothing_to_keep(folder: Folder, longer: Store) -> None:
    folder.store.unlink()
    assert put_in_place(folder, filled(folder, longer)) is None
    assert entries_in(folder.store) == list(longer.entries(0, 1_000))


def test_what_the_old_store_had_only_in_its_log_is_kept_with_it(folder: Folder, longer: Store) -> None:
    """As a service leaves it that was killed."""
    child = os.fork()
    if child == 0:
        resume(SqlStore.open(folder.store))  # never closed
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert folder.store.with_name("ledger.db-wal").stat().st_size > 0
    after = list(longer.entries(0, 1_000))
    part = filled(folder, longer)
    aside = put_in_place(folder, part)
    assert aside is not None
    assert len(entries_in(aside)) == len(after)
    assert entries_in(folder.store) == after


@pytest.mark.parametrize("harm", [b"garbage" * 3_000, b""])
def test_a_damaged_store_is_kept_as_it_is_with_its_log(folder: Folder, longer: Store, harm: bytes) -> None:
    folder.store.write_bytes(harm)
    folder.store.with_name("ledger.db-wal").write_bytes(b"half a log")
    aside = put_in_place(folder, filled(folder, longer))
    assert aside is not None
    assert aside.read_bytes() == harm
    if harm:
        assert aside.with_name("ledger.db.1-wal").read_bytes() == b"half a log"
    assert entries_in(folder.store) == list(longer.entries(0, 1_000))


def test_a_store_that_somebody_reads_stays(folder: Folder, longer: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.store.sqlite.BUSY_MS", 50)
    with closing(SqlStore.open(folder.store)) as store:
        resume(store)
        with SqlStore.snapshot(folder.store) as reader:
            assert reader.head() is not None
            part = filled(folder, longer)
            assert code(lambda: put_in_place(folder, part)) == "restore_busy"
    put_in_place(folder, part)


def test_where_files_have_one_name_the_old_store_is_copied(
    folder: Folder, longer: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = entries_in(folder.store)

    def unable(*_: Any) -> None:
        raise OSError(95, "not supported")

    monkeypatch.setattr(os, "link", unable)
    aside = put_in_place(folder, filled(folder, longer))
    assert aside is not None
    assert entries_in(aside) == before


class Cut(BaseException):
    """The power fails."""


def test_wherever_it_is_cut_off_the_folder_has_the_old_store_or_the_new_one(
    folder: Folder, longer: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = entries_in(folder.store), list(longer.entries(0, 1_000))
    part = filled(folder, longer)
    seen: list[str] = []
    cut = 0
    while True:
        room = Folder(tmp_path / f"cut {cut}")
        shutil.copytree(folder.path, room.path)
        left = [cut]
        with monkeypatch.context() as patched:
            _cut_before_each(patched, left)
            try:
                put_in_place(room, room.path / part.name)
            except Cut:
                done = False
            else:
                done = True
        found = entries_in(room.store)
        assert found in (old, new)
        seen.append("new" if found == new else "old")
        assert put_in_place(room, filled(room, longer)) is not None
        assert entries_in(room.store) == new
        kept = [entries_in(path) for path in sorted(room.path.glob("ledger.db.[0-9]"))]
        assert old in kept
        if done:
            break
        cut += 1
    assert cut >= 6
    assert seen == sorted(seen, reverse=True), "first the old one, then the new one"
    assert (seen[0], seen[-1]) == ("old", "new")


def _cut_before_each(patched: pytest.MonkeyPatch, left: list[int]) -> None:
    """Let so many steps happen that change the folder, and none after them."""

    def stepping(step: Callable[..., Any]) -> Callable[..., Any]:
        def cut_off(*given: Any, **more: Any) -> Any:
            if left[0] == 0:
                raise Cut
            left[0] -= 1
            return step(*given, **more)

        return cut_off

    patched.setattr(os, "link", stepping(os.link))
    patched.setattr(os, "fsync", stepping(os.fsync))
    patched.setattr(Path, "unlink", stepping(Path.unlink))
    patched.setattr(Path, "replace", stepping(Path.replace))
    patched.setattr(restore.sqlite, "settle", stepping(restore.sqlite.settle))


def test_a_half_filled_store_of_an_earlier_attempt_is_taken_away(folder: Folder, longer: Store) -> None:
    for name in ("ledger.db.part", "ledger.db.part-wal", "ledger.db.part-shm"):
        (folder.path / name).write_bytes(b"half")
    put_in_place(folder, filled(folder, longer))
    assert not list(folder.path.glob("*.part*"))
    with closing(sqlite3.connect(folder.store)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
