"""What the service committed to is computed again as the log grows, in one process or in many."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.follow import states
from ledger.log.receipt import open_receipt
from ledger.store.map import NAME
from tests.cast import LOG
from tests.ledger.audit.test_commitments import random_play
from tests.ledger.follow.town import Town, show


@pytest.fixture(autouse=True, params=["in memory", "from the store"])
def _waiting(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "from the store":
        monkeypatch.setattr(states, "WAITING_MAX", 0)


@pytest.mark.parametrize("seed", range(3))
def test_right_commitments_are_no_alarm_however_the_log_comes(tmp_path: Path, seed: int) -> None:
    play = random_play(seed)
    size = len(play.entries)
    town = Town(tmp_path / "mirror", tmp_path / "log")
    for shown in sorted({size // 5, size // 3, size // 2, size - 3, size}):
        town.shown = show(play, tmp_path / "log", size=shown)
        assert town.words() == []
    with town.follower() as follower:
        follower._states._checked = None
        assert follower.turn().alerts == []
        assert follower._states._checked is not None


@pytest.mark.parametrize("wrong", [0, 1, 3])
def test_the_first_wrong_one_is_told_with_its_receipt(tmp_path: Path, wrong: int) -> None:
    play = random_play(2, wrong=wrong)
    commitments = [one.index for one in play.entries if one.statement.claims.kind == "state.committed"]
    town = Town(tmp_path / "mirror", show(play, tmp_path / "young", size=commitments[wrong]))
    assert town.words() == []
    town.shown = show(play, tmp_path / "log")
    for _ in range(2):
        (alert,) = town.turn().alerts
        assert (alert.alert, alert.code, alert.index) == ("broken", "commitment_other", commitments[wrong])
    (file,) = town.evidence()
    assert open_receipt(file.read_bytes(), [LOG.verifier])[0].index == commitments[wrong]
    published = (town.path / "public/checkpoint").read_bytes()
    assert b"\n%d\n" % commitments[wrong] in published, "what is published is what held"


def test_a_map_that_was_lost_or_is_of_other_entries_is_made_again(tmp_path: Path) -> None:
    play, other = random_play(0), random_play(2)
    town, elsewhere = (Town(tmp_path / name, tmp_path / f"{name}-log") for name in ("mirror", "other"))
    show(play, town.shown, size=len(play.entries) - 2)
    show(other, elsewhere.shown)
    assert town.words() == elsewhere.words() == []
    (town.path / NAME).unlink()
    assert town.words() == []
    (elsewhere.path / NAME).replace(town.path / NAME)
    show(play, town.shown)
    assert town.words() == []
