"""A folder on a real disk as a target: whose it is, who may read it, and who is at it."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from identity.note import Signer, format_vkey
from ledger.errors import Corrupt, Unavailable, Unverifiable
from ledger.log.checkpoint import Checkpoint, sign_checkpoint
from ledger.publish import publish, publish_folder
from ledger.publish.folder import FolderTarget
from ledger.replica import Replica
from ledger.store.files import Folder
from ledger.store.sql import SqlStore
from scripts.prove import prover_of
from tests.cast import LOG, ORIGIN, Play, seed
from tests.ledger.publish import outside
from tests.ledger.publish.logs import SIGNER, SyntheticLog

NEXT = Signer(ORIGIN, seed("next log"))


def put(log: SyntheticLog, path: Path) -> int:
    return publish(log, log.notes[len(log.data)], [SIGNER.verifier], FolderTarget(path)).files


def get_of(path: Path) -> outside.Get:
    return lambda name: (path / name).read_bytes() if (path / name).is_file() else None


def test_a_log_grows_on_a_real_disk(tmp_path: Path) -> None:
    log, public = SyntheticLog(), tmp_path / "deep" / "public"
    written = 0
    for size in (1, 255, 256, 257, 600, 1_000):
        log.grow(size)
        written += put(log, public)
        assert outside.audit(get_of(public), proofs=True)[0] == size
    files = [path for path in public.rglob("*") if path.is_file() and path.name not in ("checkpoint", ".lock")]
    assert len(files) == written
    assert not [path for path in files if path.name == ".tmp"]


def test_others_may_read_what_is_published_and_not_write_it(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        put(SyntheticLog(size=300), tmp_path / "public")
    finally:
        os.umask(before)
    for path in (tmp_path / "public").rglob("*"):
        if path.name != ".lock":
            assert path.stat().st_mode & 0o777 == (0o755 if path.is_dir() else 0o644), path


def test_a_key_that_was_replaced_signs_nothing_that_is_published(tmp_path: Path) -> None:
    """Of a size from before it was replaced it does; an audit of what is published would say the same."""
    play = Play()
    body = {"logKey": format_vkey(NEXT.verifier)}
    play.act("ledger.amended", by="governance", sub=play.world.ledger, body=body)
    play.join("factory")
    folder = Folder.create(tmp_path / "ledger")
    with closing(SqlStore.create(folder.store)) as store:
        replica = Replica.open(store)
        replica.extend([played.entry for played in play.entries])
        notes = {
            (size, signer): sign_checkpoint(Checkpoint(ORIGIN, size, replica.root_at(size)), signer)
            for size in (1, 2, 3)
            for signer in (LOG, NEXT)
        }
    public = FolderTarget(tmp_path / "public")
    for size, signer in ((1, NEXT), (2, LOG), (3, LOG)):
        with pytest.raises(Unverifiable) as raised:
            publish_folder(folder.path, public, notes[size, signer])
        assert raised.value.code == "note_unsigned"
    for size, signer in ((1, LOG), (2, NEXT), (3, NEXT)):
        assert publish_folder(folder.path, public, notes[size, signer]).size == size
        folder.write_checkpoint(notes[size, signer])
        with prover_of(folder.path) as (_, verifiers):
            assert verifiers == [signer.verifier]


def test_a_second_process_is_told_and_writes_nothing(tmp_path: Path) -> None:
    target = FolderTarget(tmp_path)
    target.begin()
    with pytest.raises(Unavailable) as stopped:
        put(SyntheticLog(size=1), tmp_path)
    assert stopped.value.code == "publish_raced"
    target.end()
    assert put(SyntheticLog(size=1), tmp_path) == 2


def test_a_pass_that_was_killed_holds_nothing(tmp_path: Path) -> None:
    script = """
import os, sys
from pathlib import Path
from ledger.publish.folder import FolderTarget
target = FolderTarget(Path(sys.argv[1]))
target.begin()
(Path(sys.argv[1]) / ".tmp").write_bytes(b"half a fi")
os._exit(1)
"""
    assert subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False).returncode == 1
    assert put(SyntheticLog(size=1), tmp_path) == 2
    outside.audit(get_of(tmp_path))


def test_a_file_with_other_bytes_stops_the_pass(tmp_path: Path) -> None:
    put(SyntheticLog(size=300), tmp_path)
    log = SyntheticLog(size=301)
    (tmp_path / "tile/0/001.p/45").write_bytes(b"other bytes")
    with pytest.raises(Corrupt, match=r"001\.p/45"):
        put(log, tmp_path)
    assert outside.audit(get_of(tmp_path))[0] == 300
