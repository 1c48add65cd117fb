"""Following: the mirror grows with the log and nothing else, and whatever does not fit is told with its evidence."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from identity.note import Signer, parse_note
from ledger.audit import Workers, audit, blame, open_folder
from ledger.circulation import charter
from ledger.circulation.asset import Asset, AssetRetired
from ledger.errors import Corrupt, Problem, Unavailable, Unverifiable
from ledger.follow import folder
from ledger.follow.folder import FollowFolder
from ledger.follow.freshness import Freshness
from ledger.follow.telling import Watched
from ledger.log.checkpoint import Checkpoint, sign_checkpoint
from ledger.log.fork import Checkpoints, check_fork, parse_fork
from ledger.log.receipt import open_receipt
from ledger.mirror import open_published
from tests.cast import CAST, LOG, ORIGIN, again, life, seed
from tests.ledger.follow.town import NOW, Town, show
from tests.ledger.written import busy


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One history at two sizes, and two others that part from it after the first."""
    room = tmp_path_factory.mktemp("logs")
    play = life()
    found = {"young": show(play, room / "young")}
    fork = again(play)
    fork.cast = dict(CAST)
    for number in range(3):
        play.register("second", title=f"Castings {number}")
        fork.register("second", title=f"Castings otherwise {number}")
        if number == 0:
            found["other"] = show(fork, room / "other")
            found["next"] = show(play, room / "next")
    return found | {"grown": show(play, room / "grown"), "fork": show(fork, room / "fork")}


@pytest.fixture
def town(tmp_path: Path, logs: dict[str, Path]) -> Town:
    return Town(tmp_path / "mirror", logs["young"])


def consistent(path: Path) -> int:
    """The mirror and the state of its own are audited in full; returns their size."""
    with Workers(0) as workers, open_folder(path) as own:
        verdicts = [audit(open_published(path / "public"), workers), audit(own, workers)]
    assert [verdict.line().split()[1] for verdict in verdicts] == ["consistent"] * 2
    assert verdicts[0].root == verdicts[1].root
    return verdicts[0].size


def test_the_mirror_grows_with_the_log_and_can_be_audited(town: Town, logs: dict[str, Path]) -> None:
    assert town.words() == []
    assert consistent(town.path) == len(life().entries)
    town.shown = logs["grown"]
    assert town.words() == []
    assert consistent(town.path) == len(life().entries) + 3
    assert (town.path / "public/checkpoint").read_bytes() == (logs["grown"] / "checkpoint").read_bytes()
    assert not (town.path / "pending").exists()


def test_a_log_that_stands_still_is_asked_for_its_checkpoint_alone(town: Town) -> None:
    town.turn()
    town.fetched.clear()
    town.turn()
    assert [*town.fetched] == ["checkpoint"]


def test_nothing_is_fetched_twice_in_a_turn(tmp_path: Path) -> None:
    town = Town(tmp_path / "mirror", show(busy(700), tmp_path / "log"))
    town.turn()
    assert max(town.fetched.values()) == 1
    assert consistent(town.path) == 700


@pytest.mark.parametrize("shown", ["fork", "other"])
@pytest.mark.parametrize("held", ["young", "next", "grown"])
def test_a_fork_is_proven_and_the_mirror_stays(town: Town, logs: dict[str, Path], held: str, shown: str) -> None:
    """Greater, equal and smaller than what is held; only what extends it is no fork."""
    town.shown = logs[held]
    before = town.turn()
    town.shown = logs[shown]
    if held == "young":
        assert town.words() == []
        return
    (alert,) = town.turn().alerts
    assert (alert.alert, alert.alarming, alert.code) == ("forked", True, "checkpoint_other")
    (file,) = town.evidence()
    assert file.name == alert.evidence
    evidence = parse_fork(file.read_bytes())
    assert isinstance(evidence, Checkpoints)
    check_fork(evidence, [LOG.verifier])
    notes = {parse_note(note).text for note in (evidence.first, evidence.second)}
    assert notes == {parse_note((logs[name] / "checkpoint").read_bytes()).text for name in (held, shown)}
    assert town.turn().size == before.size
    assert consistent(town.path) == before.size
    assert len(town.told) == 1, "told once"


def test_a_fork_that_goes_on_is_told_once(town: Town, logs: dict[str, Path]) -> None:
    town.shown = logs["next"]
    town.turn()
    for name in ("other", "fork", "other"):
        town.shown = logs[name]
        assert town.words() == ["forked"]
    assert (len(town.told), len(town.evidence())) == (1, 2), "one alert; each other pair of sizes is kept"


def test_what_is_kept_has_an_end(town: Town, logs: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "KEPT_MAX", 1)
    town.shown = logs["next"]
    town.turn()
    for name in ("other", "fork"):
        town.shown = logs[name]
        town.turn()
    assert len(town.evidence()) == 1


def test_an_episode_that_comes_again_is_told_again(town: Town, logs: dict[str, Path]) -> None:
    for now in (1, 2, 3):
        town.shown, town.now = logs["next"], NOW + 10 * now
        assert town.words() == []
        for later in (1, 2):
            town.shown, town.now = logs["young"], NOW + 10 * now + later
            assert town.words() == ["inconsistent"]
    assert len({alert.id for alert in town.told}) == len(town.told) == 3


def test_rules_that_this_software_does_not_know_are_no_accusation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    play = life()
    size = len(play.entries)
    with monkeypatch.context() as patched:
        for module in (charter, blame):
            patched.setattr(module, "RULES", 2)
        play.register("lender", title="A loan book")
        play.act("ledger.amended", by="governance", sub=play.world.ledger, body={"rules": 2})
        town = Town(tmp_path / "mirror", show(play, tmp_path / "log"))
    with town.follower() as follower:
        for _ in range(2):
            (alert,) = follower.turn().alerts
            assert (alert.alert, alert.code, alert.index) == ("newer", "rules_unknown", size + 1)
    assert (town.turn().size, town.evidence()) == (size + 1, [])


def test_a_log_that_shows_fewer_entries_than_before_has_shrunk(town: Town, logs: dict[str, Path]) -> None:
    town.shown = logs["grown"]
    size = town.turn().size
    town.shown = logs["young"]
    (alert,) = town.turn().alerts
    assert (alert.alert, alert.code) == ("inconsistent", "checkpoint_shrunk")
    town.shown = logs["grown"]
    assert (town.words(), consistent(town.path)) == ([], size)


def test_one_of_several_servers_that_is_behind_is_no_alarm(town: Town, logs: dict[str, Path]) -> None:
    town.shown = logs["grown"]
    town.turn()
    with town.follower() as follower:
        town.shown = logs["young"]
        follower._wait = lambda seconds: setattr(town, "shown", logs["grown"])
        assert follower.turn().alerts == []


def test_a_checkpoint_that_the_log_did_not_sign_is_told_and_not_taken(town: Town, logs: dict[str, Path]) -> None:
    town.turn()
    grown = (logs["grown"] / "checkpoint").read_bytes()
    text = parse_note(grown).text
    forger = Signer(ORIGIN, seed("forger"))
    root = text.split(b"\n")[2]
    for note, code in (
        (grown.replace(root, root[::-1]), "checkpoint_malformed"),
        (grown.replace(b"\n%d\n" % (len(life().entries) + 3), b"\n999\n"), "note_signature_invalid"),
        (sign_checkpoint(Checkpoint(ORIGIN, 40, bytes(32)), forger), "note_unsigned"),
        (sign_checkpoint(Checkpoint(ORIGIN, 40, bytes(32)), LOG), "checkpoint_unexplained"),
        (sign_checkpoint(Checkpoint(ORIGIN, len(life().entries), bytes(32)), forger), "note_unsigned"),
        (b"", "note_malformed"),
    ):
        town.forged["checkpoint"] = note
        (alert,) = town.turn().alerts
        assert (alert.alert, alert.code) == ("inconsistent", code)
    assert consistent(town.path) == len(life().entries)


def test_tiles_and_entries_that_were_not_signed_are_not_taken(town: Town, logs: dict[str, Path]) -> None:
    town.turn()
    town.shown = logs["grown"]
    for name in (path for path in (logs["grown"] / "tile").rglob("*") if path.is_file()):
        data = bytearray(name.read_bytes())
        data[-1] ^= 1
        town.forged = {str(name.relative_to(logs["grown"])): bytes(data)}
        (alert,) = town.turn().alerts
        assert (alert.alert, alert.code) == ("inconsistent", "checkpoint_unexplained")
        assert consistent(town.path) == len(life().entries)
    town.forged = {}
    assert town.words() == []
    assert consistent(town.path) == len(life().entries) + 3


def test_a_damaged_state_of_its_own_is_no_accusation(town: Town, logs: dict[str, Path]) -> None:
    """Somebody put another history under the follower's feet."""
    town.turn()
    Town(town.path.with_name("other"), logs["other"]).turn()
    (town.path.with_name("other") / "ledger.db").replace(town.path / "ledger.db")
    town.shown = logs["grown"]
    with pytest.raises(Corrupt, match="store_corrupt"):
        town.turn()
    assert town.told == []


def test_an_entry_that_breaks_a_rule_is_kept_in_its_receipt(
    tmp_path: Path, logs: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log's own software would not have it: somebody took a rule out."""
    play = life()
    asset = next(one.id for one in play.subjects.values() if isinstance(one.state, Asset))
    size = len(play.entries)
    with monkeypatch.context() as patched:
        patched.setattr(AssetRetired, "check", lambda self, world, act: None)
        play.register("lender", title="A loan book")
        play.act("asset.retired", by="lender", sub=asset, body={"reason": "taken"})
        play.register("lender", title="Another loan book")
        shown = show(play, tmp_path / "ruled")
    town = Town(tmp_path / "mirror", logs["young"])
    town.turn()
    town.shown = shown
    (alert,) = town.turn().alerts
    assert (alert.alert, alert.index, alert.code) == ("broken", size + 1, "asset_not_yours")
    (file,) = town.evidence()
    entry, checkpoint = open_receipt(file.read_bytes(), [LOG.verifier])
    assert (file.name, entry.index, checkpoint.size) == (alert.evidence, size + 1, size + 3)
    assert consistent_public(town.path) == size, "what is published is what held"
    assert town.turn().size == size + 1, "and what stands before it is taken in"
    assert len(town.told) == 1


def consistent_public(path: Path) -> int:
    with Workers(0) as workers:
        verdict = audit(open_published(path / "public"), workers)
    assert verdict.word == "consistent"
    return verdict.size


def test_a_broken_entry_is_not_fetched_again_and_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    play = life()
    asset = next(one.id for one in play.subjects.values() if isinstance(one.state, Asset))
    with monkeypatch.context() as patched:
        patched.setattr(AssetRetired, "check", lambda self, world, act: None)
        play.act("asset.retired", by="lender", sub=asset, body={"reason": "taken"})
        town = Town(tmp_path / "mirror", show(play, tmp_path / "ruled"))
    with town.follower() as follower:
        assert [alert.alert for alert in follower.turn().alerts] == ["broken"]
        town.fetched.clear()
        assert [alert.alert for alert in follower.turn().alerts] == ["broken"]
        assert not any("entries" in name for name in town.fetched)


def test_what_touches_a_subject_or_party_is_told_once(town: Town, logs: dict[str, Path]) -> None:
    play = life()
    second, asset = play.party("second"), next(one.id for one in play.subjects.values() if isinstance(one.state, Asset))
    town.watched = Watched([asset, CAST["second"].did, "asset_0000000000000000000000000"])
    before = town.turn()
    touched = [one.index for one in play.entries if asset in {after.id for _, after in one.change.changed}]
    assert next(alert.index for alert in before.alerts if alert.subject == asset) == touched[0]
    assert {alert.index for alert in before.alerts if alert.subject == asset} >= set(touched)
    acts = {one.index for one in play.entries if one.statement.claims.iss == CAST["second"].did}
    assert {alert.index for alert in before.alerts if alert.subject == CAST["second"].did} >= acts
    town.shown = logs["grown"]
    size = len(play.entries)
    after = town.turn()
    assert [(alert.index, alert.kind) for alert in after.alerts] == [
        (index, "asset.registered") for index in range(size, size + 3)
    ]
    assert not any(alert.alarming for alert in (*before.alerts, *after.alerts))
    assert town.turn().alerts == []
    town.watched = Watched([second])
    assert town.turn().alerts == []
    lines = [orjson.loads(line) for line in (town.path / "alerts.ndjson").read_bytes().splitlines()]
    assert [line["id"] for line in lines] == [alert.id for alert in (*before.alerts, *after.alerts)]


def test_a_log_that_is_not_heard_of_becomes_stale(town: Town) -> None:
    town.watched = Watched(freshness=Freshness(60))
    assert town.words() == []
    town.up = False
    for later, told in ((60, 0), (61, 1), (90, 1)):
        town.now = NOW + later
        with pytest.raises(Unavailable, match="publish_failed"):
            town.turn()
        assert [alert.code for alert in town.told] == ["checkpoint_stale"] * told
    town.up = True
    assert town.words() == []
    town.up, town.now = False, NOW + 200
    with pytest.raises(Unavailable):
        town.turn()
    assert len(town.told) == 2, "another time is another alert"


def test_a_checkpoint_that_does_not_fit_does_not_keep_the_log_fresh(town: Town, logs: dict[str, Path]) -> None:
    town.watched = Watched(freshness=Freshness(60))
    town.shown = logs["grown"]
    town.turn()
    town.shown, town.now = logs["fork"], NOW + 100
    assert town.words() == ["forked", "stale"]


def test_a_follower_meets_no_log_that_its_reader_does_not_trust(tmp_path: Path, logs: dict[str, Path]) -> None:
    town = Town(tmp_path / "mirror", logs["young"])
    other = Signer("elsewhere.example/l", seed("elsewhere"))
    town.forged["checkpoint"] = sign_checkpoint(Checkpoint(other.name, 3, bytes(32)), other)
    with pytest.raises(Problem) as raised:
        town.turn()
    assert isinstance(raised.value, Unverifiable)
    assert town.told == []


def test_a_folder_that_holds_other_things_is_not_taken(tmp_path: Path) -> None:
    for name in ("keys", "photographs"):
        (tmp_path / name / name).mkdir(parents=True)
        with pytest.raises(Unavailable, match="folder_not_empty"):
            FollowFolder(tmp_path / name).prepare()


def test_what_somebody_else_wrote_is_not_taken_for_what_was_told(town: Town) -> None:
    town.turn()
    (town.path / "follow.json").write_text('{"size": "many"}')
    with pytest.raises(Corrupt, match="follower_corrupt"):
        town.turn()


@pytest.mark.parametrize(
    "told", ["[]", "7", "{}", '{"begun": "x"}', '{"begun": 1, "heard": 1.5}', '{"begun": -1}', "{"]
)
def test_a_file_of_its_own_of_another_form_is_told_by_its_name(town: Town, told: str) -> None:
    town.turn()
    (town.path / "follow.json").write_text(told)
    with pytest.raises(Corrupt, match=r"follower_corrupt: .*/follow.json is not"):
        town.turn()


@pytest.mark.parametrize("name", ["checkpoint", "pending"])
def test_a_damaged_checkpoint_of_its_own_is_no_fault_of_the_log(town: Town, name: str) -> None:
    town.turn()
    (town.path / name).write_bytes(b"damaged")
    with pytest.raises(Corrupt, match=rf"follower_corrupt: .*/{name} is no checkpoint"):
        town.turn()
    assert town.told == []
