"""Dying anywhere while following, and going on: nothing is lost, told twice as another, or fetched again."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from ledger.audit import Workers, audit, open_folder
from ledger.follow import arriving
from ledger.follow.telling import Watched
from ledger.log.tile import WIDTH_MAX
from ledger.mirror import open_published
from tests.cast import CAST
from tests.ledger.follow.town import Town, show
from tests.ledger.written import busy

SIZE = 4 * WIDTH_MAX + 100


class Died(BaseException):
    """The process ends here."""


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log that is taken in by several commits."""
    return show(busy(SIZE), tmp_path_factory.mktemp("log") / "shown")


@pytest.fixture(autouse=True)
def _bundle_by_bundle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arriving, "BUNDLES", 1)


def dying_at(town: Town, count: int) -> Town:
    """Its process dies when it has read so many files."""
    honest = town.read

    def read(name: str, most: int) -> bytes | None:
        if sum(town.fetched.values()) == count:
            raise Died
        return honest(name, most)

    dying = Town(town.path, town.shown, town.watched, fetched=town.fetched)
    dying.read = read  # type: ignore[method-assign]
    return dying


def test_what_was_stored_is_not_fetched_again_after_a_death(tmp_path: Path, log: Path) -> None:
    town = Town(tmp_path / "mirror", log)
    with pytest.raises(Died):
        dying_at(town, 10).turn()
    assert (town.path / "pending").exists()
    with open_folder(town.path) as own:
        stored = own.size // WIDTH_MAX
    assert stored == 2
    before = {name for name in town.fetched if "entries" in name}
    town.fetched.clear()
    assert town.turn().alerts == []
    assert len(before & town.fetched.keys()) == len(before) - stored <= 2, "but for what was on its way"
    with Workers(0) as workers, open_folder(town.path) as own:
        verdicts = [audit(source, workers) for source in (open_published(town.path / "public"), own)]
    assert [(verdict.word, verdict.size) for verdict in verdicts] == [("consistent", SIZE)] * 2


@pytest.mark.parametrize("count", [0, 1, 2, 3, 5, 9])
def test_after_a_death_at_any_read_the_next_turn_goes_on(tmp_path: Path, log: Path, count: int) -> None:
    town = Town(tmp_path / "mirror", log)
    with pytest.raises(Died):
        dying_at(town, count).turn()
    turn = town.turn()
    assert (turn.size, turn.alerts) == (SIZE, [])
    with Workers(0) as workers:
        assert audit(open_published(town.path / "public"), workers).word == "consistent"


def test_a_fork_shown_while_the_entries_are_on_their_way_is_proven(tmp_path: Path, log: Path) -> None:
    """The checkpoint was written down before the first of its entries came."""
    fork = busy(SIZE - 1)
    fork.register("lender", title="Another end")
    town = Town(tmp_path / "mirror", log)
    with pytest.raises(Died):
        dying_at(town, 8).turn()
    town.shown = show(fork, tmp_path / "fork")
    assert town.words() == ["forked"]
    town.shown = log
    assert town.words() == []


def test_an_alert_is_not_lost_between_storing_and_telling(tmp_path: Path) -> None:
    play = busy(40)
    watched = Watched([CAST["second"].did])
    town = Town(tmp_path / "mirror", show(play, tmp_path / "log"), watched)
    told: list[str] = []

    def tell(alert: object) -> None:
        if len(told) == 3:
            raise Died
        told.append("alert")

    with town.follower() as follower:
        follower._teller._tell = tell
        with pytest.raises(Died):
            follower.turn()
    alerts = town.turn().alerts
    assert len(alerts) > 4
    lines = [orjson.loads(line)["id"] for line in (town.path / "alerts.ndjson").read_bytes().splitlines()]
    assert sorted(lines) == sorted(alert.id for alert in alerts), "each once, before and after"
    assert len(town.told) == len(alerts) - 4, "and nobody is told twice"
