"""Every commitment to the state is computed again; the first whose root is wrong is named."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from ledger.audit import Verdict, Workers, audit, open_folder
from ledger.audit.replay import Replay
from ledger.audit.source import StoreSource
from ledger.bundle import export, open_bundle
from ledger.mirror import open_published
from ledger.publish import publish_folder
from ledger.publish.folder import FolderTarget
from ledger.store.memory import MemoryStore
from tests.cast import Play, life
from tests.ledger.committed import Kept, commit_to, root_of
from tests.ledger.written import busy, write

WRONG = bytes(32)


def judged(play: Play) -> Verdict:
    store = MemoryStore()
    checkpoint = write(play, store)
    with Workers(0) as workers:
        return audit(StoreSource(store, checkpoint), workers)


def random_play(seed: int, *, wrong: int = -1) -> Play:
    """A busy life with commitments in between, some to sizes that are past; the root of number ``wrong`` is another."""
    chosen, whole = random.Random(seed), busy(140) if seed % 2 else life()
    play, roots, number, last = Play(), {}, 0, 0
    for played in whole.entries[1:]:
        play.seconds = played.time // 1_000_000
        play.admit(played.sent)
        roots[len(play.entries)] = root_of(play.world.subjects())
        if chosen.random() < 0.25:
            size = chosen.choice([one for one in roots if one > last])
            commit_to(play, WRONG if number == wrong else roots[size], size)
            roots[len(play.entries)] = root_of(play.world.subjects())
            number, last = number + 1, size
    return play


@pytest.mark.parametrize("seed", range(4))
def test_commitments_after_random_plays_are_consistent(seed: int) -> None:
    play = random_play(seed)
    replay, store = Replay(), MemoryStore()
    checkpoint = write(play, store)
    with Workers(0) as workers:
        verdict = audit(StoreSource(store, checkpoint), workers, replay=replay)
    assert verdict.word == "consistent", verdict
    assert replay.commitments.count == sum(one.statement.claims.kind == "state.committed" for one in play.entries)
    assert replay.commitments.count >= 2


@pytest.mark.parametrize("wrong", [0, 1, 3])
def test_the_first_wrong_root_is_named(wrong: int) -> None:
    play = random_play(2, wrong=wrong)
    commitments = [one.index for one in play.entries if one.statement.claims.kind == "state.committed"]
    verdict = judged(play)
    assert (verdict.word, verdict.reason, verdict.index) == ("corrupt", "commitment_other", commitments[wrong])
    assert verdict.size == commitments[wrong]


def test_the_empty_map_is_the_root_of_no_ledger() -> None:
    play = Play()
    commit_to(play, root_of([]))
    assert judged(play).reason == "commitment_other"


def test_bundles_and_published_files_are_audited_the_same(tmp_path: Path) -> None:
    kept = Kept.build(tmp_path / "ledger")
    kept.play.join("factory")
    kept.commit()
    kept.play.register("factory")
    made = kept.pass_()
    commit_to(kept.play, WRONG, made.head.size)
    kept.tell()
    index = len(kept.play.entries) - 1
    public, bundle = tmp_path / "public", tmp_path / "bundle"
    publish_folder(kept.folder.path, FolderTarget(public))
    with open_folder(kept.folder.path) as source:
        export(source, bundle)
    with Workers(0) as workers, open_folder(kept.folder.path) as folder, open_bundle(bundle) as bundled:
        for source in (folder, bundled, open_published(public)):
            verdict = audit(source, workers)
            assert (verdict.reason, verdict.index) == ("commitment_other", index), source
