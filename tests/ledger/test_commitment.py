"""The map is brought up to what is recorded, to the same root as a plain dict's; an idle ledger stays idle."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from ledger import commitment
from ledger.errors import Corrupt
from ledger.log.page import Read, parse_page
from ledger.store.map import KEPT, map_at, turn
from tests.cast import Play, description, life
from tests.ledger.committed import Kept, commit_to, root_of


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    kept = Kept.build(tmp_path / "ledger")
    kept.play.join("factory", "partner")
    return kept


def test_each_root_is_that_of_all_subjects_as_they_stand(tmp_path: Path) -> None:
    """Brought up at random sizes of a whole life, by way of slices or at once, the roots are those of a plain dict."""
    whole = life()
    for seed, slice_ in ((1, 50_000), (2, 3), (3, 1)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(commitment, "SLICE", slice_)
            kept = Kept.build(tmp_path / f"{seed}", Play())
            chosen = random.Random(seed)
            for played in whole.entries[1:]:
                kept.play.seconds = played.time // 1_000_000
                kept.play.admit(played.sent)
                if chosen.random() < 0.4:
                    made = kept.pass_()
                    assert made.head.size == len(kept.play.entries)
                    assert made.head.root == root_of(kept.play.world.subjects())
            again = kept.pass_().head
            map_at(kept.folder.path).unlink()
            assert kept.pass_().head == again


def test_an_idle_ledger_stays_idle(kept: Kept) -> None:
    made = kept.pass_()
    assert made.due
    commit_to(kept.play, made.head.root, made.head.size)
    for _ in range(3):
        again = kept.pass_()
        assert (again.head, again.due) == (made.head, False)
    kept.play.register("factory")
    later = kept.pass_()
    assert later.due
    assert later.head.size == len(kept.play.entries)
    assert later.head.root == root_of(kept.play.world.subjects())  # the commitment's own subject is in it


def test_who_dies_before_signing_signs_the_same_root_later(kept: Kept) -> None:
    made = kept.pass_()
    assert kept.pass_() == made  # nobody signed: it is due still
    kept.play.register("factory")
    assert kept.pass_().head.size == made.head.size + 1


def test_entries_between_the_pass_and_its_commitment_are_news(kept: Kept) -> None:
    made = kept.pass_()
    kept.play.register("factory")
    commit_to(kept.play, made.head.root, made.head.size)
    assert kept.pass_().due


def test_a_map_that_was_lost_is_made_again_and_committed_to_once(kept: Kept) -> None:
    kept.commit()
    map_at(kept.folder.path).unlink()
    made = kept.pass_()
    assert made.due  # the pages of what was committed to are gone: nobody could prove anything
    commit_to(kept.play, made.head.root, made.head.size)
    assert not kept.pass_().due


def test_a_map_of_other_entries_is_made_anew(kept: Kept, tmp_path: Path) -> None:
    other = Kept.build(tmp_path / "other")
    other.play.join("lender", "second")
    other.pass_()
    shutil.copy(map_at(other.folder.path), map_at(kept.folder.path))
    assert kept.pass_().head.root == root_of(kept.play.world.subjects())
    kept.play.register("factory")
    kept.pass_()
    shutil.copy(map_at(kept.folder.path), map_at(other.folder.path))  # of more entries than there are
    assert other.pass_().head.root == root_of(other.play.world.subjects())


@pytest.mark.parametrize("damage", ["file", "page"])
def test_a_damaged_map_is_thrown_away_and_made_again(kept: Kept, damage: str) -> None:
    kept.pass_()
    path = map_at(kept.folder.path)
    if damage == "file":
        path.write_bytes(b"no database at all, but long enough to be looked at as one" * 100)
    else:
        with turn(path) as at:
            at._connection.exec_driver_sql("UPDATE page SET data = zeroblob(100)")
        kept.play.act("asset.registered", by="factory", body=description())
        with pytest.raises(Corrupt, match="map_page_corrupt"):
            kept.pass_()
    assert kept.pass_().head.root == root_of(kept.play.world.subjects())


def test_a_root_that_differs_from_what_was_signed_is_said_and_made_anew(kept: Kept) -> None:
    made = kept.pass_()
    commit_to(kept.play, bytes(32), made.head.size)
    with pytest.raises(Corrupt, match="commitment_other"):
        kept.pass_()
    assert kept.pass_().due


def test_pages_of_the_last_sizes_are_kept_and_no_others(kept: Kept) -> None:
    heads = []
    for number in range(KEPT + 4):
        kept.play.register("factory", title=f"number {number}")
        heads.append(kept.commit())
    with turn(map_at(kept.folder.path)) as at:
        assert [at.keeps(one.size, one.root) for one in heads] == [False] * 4 + [True] * KEPT
        stored = {bytes(row[0]) for row in at._connection.exec_driver_sql("SELECT hash FROM page")}
        assert stored == {address for one in heads[4:] for address in _pages(at.read, one.root)}


def _pages(read: Read, root: bytes) -> set[bytes]:
    """The pages a root is made of, and those of the lists under it: a leaf of a list has the address of its first."""
    found, todo = set(), [root]
    while todo:
        address = todo.pop()
        found.add(address)
        nodes = parse_page(read([address])[address], address).nodes.values()
        todo += [node for node in nodes if len(node) == 32]
        todo += [node[32:] for node in nodes if len(node) == 64 and read([node[32:]])]
    return found


def test_a_pass_that_is_killed_leaves_the_map_as_it_was(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    made = kept.commit()
    kept.play.register("factory")
    monkeypatch.setattr("ledger.store.map.Turn.finish", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        kept.pass_()
    with turn(map_at(kept.folder.path)) as at:
        assert at.head == made
    monkeypatch.undo()
    assert kept.pass_().head.root == root_of(kept.play.world.subjects())
