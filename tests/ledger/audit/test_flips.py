"""One flipped byte, anywhere in what is stored: found every time, and the entry or subject named."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from ledger.audit import Verdict, Workers, audit, open_folder
from ledger.store.files import Folder
from tests.cast import Play
from tests.ledger.audit.rot import KEYS, Cell, cells, flip

TRIES = 200


@pytest.fixture(scope="module")
def targets(folder: Path) -> dict[str, list[Cell]]:
    return {table: list(cells(Folder(folder).store, table, 3)) for table in KEYS}


def audited(path: Path, workers: Workers) -> Verdict:
    with open_folder(path) as source:
        return audit(source, workers)


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
    folder: Path, play: Play, targets: dict[str, list[Cell]], workers: Workers, tmp_path: Path
) -> None:
    assert audited(folder, workers).line().startswith("audit: consistent  size=2000 root=")
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    store, random = Folder(copy).store, Random(7)
    ids = {subject.no: subject.id for subject in play.subjects.values()}
    hit: Counter[str] = Counter()
    missed = []
    for attempt in range(TRIES):
        table = [*KEYS][attempt % len(KEYS)]
        cell = random.choice(targets[table])
        place, mask = cell.start + random.randrange(cell.length), random.randrange(1, 256)
        flip(store, place, mask)
        verdict = audited(copy, workers)
        flip(store, place, mask)
        hit[table] += 1
        if verdict.word != "corrupt" or not is_named(verdict, cell, ids):
            missed.append((table, cell.row, place - cell.start, mask, verdict.line(), verdict.detail))
    assert not missed
    assert hit.total() == TRIES
    assert min(hit.values()) >= TRIES // len(KEYS)
    assert audited(copy, workers).proven  # what was put back is whole again
