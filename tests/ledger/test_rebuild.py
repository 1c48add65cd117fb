"""The map made again from the entries: the same as the one that was kept, at any size that was committed to."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger import rebuild as module
from ledger.audit import open_folder
from ledger.errors import Corrupt
from ledger.prove import Commitment
from ledger.rebuild import rebuild
from ledger.store.map import MapHead, map_at, turn
from tests.cast import life
from tests.ledger.committed import Kept


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Kept, list[MapHead]]:
    kept, heads = Kept.build(tmp_path_factory.mktemp("kept") / "ledger"), []
    for number, played in enumerate(life().entries[1:], 1):
        kept.play.seconds = played.time // 1_000_000
        kept.play.admit(played.sent)
        if number % 10 == 0:
            heads.append(kept.commit())
    return kept, heads


@pytest.mark.parametrize("slice_", [2, 50_000])
def test_each_size_committed_to_is_made_again(
    kept: tuple[Kept, list[MapHead]], slice_: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger, heads = kept
    monkeypatch.setattr(module, "SLICE", slice_)
    for head in heads:
        path = map_at(ledger.folder.path, head.size)
        with open_folder(ledger.folder.path) as source:
            assert rebuild(source, ledger.prover().commitment(head.size), path) == head
        with turn(path) as at:
            assert at.head == head
        assert not path.with_name(f"{path.name}.part").exists()


def test_a_root_that_the_entries_do_not_make_leaves_the_file_as_it_was(
    kept: tuple[Kept, list[MapHead]], tmp_path: Path
) -> None:
    ledger, heads = kept
    path = tmp_path / "map.db"
    path.write_bytes(b"as it was")
    for wrong, code in (
        (Commitment(heads[0].size, heads[0].size, bytes(32)), "commitment_other"),
        (Commitment(0, 2**40, heads[0].root), "entry_missing"),
    ):
        with open_folder(ledger.folder.path) as source, pytest.raises(Corrupt, match=code):
            rebuild(source, wrong, path)
    assert path.read_bytes() == b"as it was"
    assert not (tmp_path / "map.db.part").exists()
