"""One flipped byte, anywhere in what is stored: found every time, and the entry or subject named.

Each try is a whole audit of a whole ledger, but for what depends on nothing that was flipped: entries are examined
again where they, or the one before them, are other bytes; and they are replayed again where their table was hit.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random

import pytest

from ledger.audit import Source, Verdict, Workers, audit, open_folder, workers
from ledger.audit.examine import Examined, examine
from ledger.audit.replay import Replay
from ledger.audit.source import Chunk
from ledger.log.tile import WIDTH_MAX
from ledger.store.files import Folder
from tests.cast import Play
from tests.ledger.audit.rot import KEYS, Cell, cells, flip

TRIES = 200


@pytest.fixture(scope="module")
def targets(folder: Path) -> dict[str, list[Cell]]:
    return {table: list(cells(Folder(folder).store, table, 3)) for table in KEYS}


class Replayed(Replay):
    """The replay of a sound ledger, done once: an audit of the same entries takes it as it is."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self._chunks = list(source.chunks())
        for chunk in self._chunks:
            super().add(chunk)

    def add(self, chunk: Chunk) -> None:
        assert chunk == self._chunks[chunk.start // WIDTH_MAX], "these are other entries"


@cache
def examined(start: int, entries: tuple[bytes, ...], before: bytes | None) -> Examined:
    return examine(Chunk(start, entries), before)


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Workers]:
    """No process helps; what was examined once is known."""

    def known(chunk: Chunk, before: bytes | None) -> Examined:
        return examined(chunk.start, tuple(chunk.entries), before)

    monkeypatch.setattr(workers, "examine", known)
    with Workers(0) as nobody:
        yield nobody
    examined.cache_clear()


def audited(path: Path, workers: Workers, replay: Replay | None = None) -> Verdict:
    with open_folder(path) as source:
        return audit(source, workers, replay=replay)


def is_named(verdict: Verdict, cell: Cell, ids: dict[int, str]) -> bool:
    """Whether the verdict names what the damaged row is about."""
    if cell.table in ("entry", "disclosure"):
        return verdict.index == cell.row[0]
    if cell.table == "tile":
        level, number, hashes = cell.row
        assert isinstance(level, int)
        assert isinstance(number, int)
        assert isinstance(hashes, bytes)
        under = 256**level
        return verdict.index in range(256 * number * under, (256 * number + len(hashes) // 32) * under)
    if cell.table in ("lookup", "word"):  # a row lists many
        chapter, _, _, numbers = cell.row
        assert isinstance(numbers, bytes)
        return verdict.subject in {ids[256 * int(str(chapter)) + low] for low in numbers}
    place = {"naming": 2, "mention": 1}.get(cell.table, 0)
    return verdict.subject == ids[int(str(cell.row[place]))]


def test_200_of_200_flipped_bytes_are_found_and_named(
    folder: Path, play: Play, targets: dict[str, list[Cell]], alone: Workers, tmp_path: Path
) -> None:
    assert audited(folder, alone).line().startswith("audit: consistent  size=2000 root=")
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    store, random = Folder(copy).store, Random(7)
    with open_folder(copy) as source:
        replayed = Replayed(source)
    ids = {subject.no: subject.id for subject in play.subjects.values()}
    hit: Counter[str] = Counter()
    missed = []
    for attempt in range(TRIES):
        table = [*KEYS][attempt % len(KEYS)]
        cell = random.choice(targets[table])
        place, mask = cell.start + random.randrange(cell.length), random.randrange(1, 256)
        flip(store, place, mask)
        verdict = audited(copy, alone, None if table == "entry" else replayed)
        flip(store, place, mask)
        hit[table] += 1
        if verdict.word != "corrupt" or not is_named(verdict, cell, ids):
            missed.append((table, cell.row, place - cell.start, mask, verdict.line(), verdict.detail))
    assert not missed
    assert hit.total() == TRIES
    assert min(hit.values()) >= TRIES // len(KEYS)
    assert audited(copy, alone, replayed).proven  # what was put back is whole again
    assert audited(copy, alone).proven
