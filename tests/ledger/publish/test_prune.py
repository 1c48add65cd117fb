"""Pruning: what may go goes, and never what a published checkpoint stands for."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from ledger.errors import Malformed, Unavailable
from ledger.publish import publish
from ledger.publish.folder import FolderTarget
from ledger.publish.prune import GRACE_SECONDS, prune
from tests.ledger.publish import outside
from tests.ledger.publish.logs import SIGNER, SyntheticLog

SIZES = (1, 100, 255, 256, 300, 511, 512, 513, 600)


def published(path: Path, sizes: tuple[int, ...] = SIZES) -> SyntheticLog:
    log = SyntheticLog()
    for size in sizes:
        log.grow(size)
        publish(log, log.notes[size], [SIGNER.verifier], FolderTarget(path))
    return log


def names_in(path: Path) -> set[str]:
    found = (file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file())
    return {name for name in found if not name.startswith(".")}


def later() -> float:
    return time.time() + GRACE_SECONDS + 1


def test_partial_files_of_full_tiles_go_after_a_while(tmp_path: Path) -> None:
    log = published(tmp_path)
    before = names_in(tmp_path)
    assert prune(FolderTarget(tmp_path), time.time()) == 0
    assert prune(FolderTarget(tmp_path), later()) == 2 * 5  # widths 1, 100 and 255 of the first, 44 and 255 of the next
    gone = before - names_in(tmp_path)
    assert gone == {
        f"tile/{sort}/{width}"
        for sort in ("0", "entries")
        for width in ("000.p/1", "000.p/100", "000.p/255", "001.p/44", "001.p/255")
    }
    assert not (tmp_path / "tile/0/000.p").exists()
    assert outside.audit(lambda name: (tmp_path / name).read_bytes(), proofs=True)[0] == 600
    assert publish(log, log.notes[600], [SIGNER.verifier], FolderTarget(tmp_path)).files == 0
    assert prune(FolderTarget(tmp_path), later()) == 0


def test_what_a_pass_that_died_wrote_ahead_takes_nothing_from_the_published_size(tmp_path: Path) -> None:
    log = published(tmp_path, (300,))
    log.grow(600)
    for name in ("tile/0/001", "tile/entries/001"):
        (tmp_path / name).write_bytes(b"written, and its checkpoint is not there yet")
        os.utime(tmp_path / name, (0, 0))
    assert prune(FolderTarget(tmp_path), later()) == 0
    assert outside.audit(lambda name: (tmp_path / name).read_bytes())[0] == 300


def test_where_the_full_tile_is_not_there_its_beginning_stays(tmp_path: Path) -> None:
    published(tmp_path)
    (tmp_path / "tile/0/000").unlink()
    prune(FolderTarget(tmp_path), later())
    assert (tmp_path / "tile/0/000.p/255").exists()
    assert not (tmp_path / "tile/entries/000.p").exists()


def test_what_is_not_ours_stays(tmp_path: Path) -> None:
    published(tmp_path)
    others = [tmp_path / "tile/0/notes.p/1", tmp_path / "tile/x.p/1", tmp_path / "tile/0/000.p/readme"]
    for path in others:
        path.parent.mkdir(exist_ok=True)
        path.touch()
    prune(FolderTarget(tmp_path), later())
    assert all(path.exists() for path in others)


def test_nothing_is_pruned_while_somebody_publishes_or_before_anybody_has(tmp_path: Path) -> None:
    assert prune(FolderTarget(tmp_path / "empty"), later()) == 0
    published(tmp_path)
    busy = FolderTarget(tmp_path)
    busy.begin()
    with pytest.raises(Unavailable, match="publish_raced"):
        prune(FolderTarget(tmp_path), later())
    busy.end()
    (tmp_path / "checkpoint").write_bytes(b"none")
    with pytest.raises(Malformed):
        prune(FolderTarget(tmp_path), later())
