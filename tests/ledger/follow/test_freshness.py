"""Who vouches for a fresh checkpoint: a quorum of witnesses, at the time by which it was complete."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest

from identity.note import Note, format_note, format_vkey, parse_note
from identity.signature import COSIGNATURE_ED25519
from ledger.errors import Unavailable
from ledger.follow import arriving
from ledger.follow.folder import Told
from ledger.follow.freshness import RECEIPT, Freshness
from ledger.follow.telling import Watched
from ledger.log.cosignature import Cosigner
from ledger.log.policy import Policy, parse_policy
from ledger.log.receipt import Receipt, format_receipt
from tests.cast import life, seed
from tests.ledger.follow.town import NOW, Town, show
from tests.ledger.written import busy

WITNESSES = {name: Cosigner(f"{name}.example/w", COSIGNATURE_ED25519, seed(name)) for name in ("one", "two", "three")}


def policy(least: str = "2") -> Policy:
    lines = [f"witness {name} {format_vkey(one.verifier)}" for name, one in WITNESSES.items()]
    return parse_policy(
        "\n".join([*lines, f"group all-of-them {least} one two three", "quorum all-of-them\n"]).encode()
    )


def seen(**times: int) -> Callable[[bytes], bytes]:
    """Adds cosignatures of these witnesses, made at these times."""

    def cosign(data: bytes) -> bytes:
        note = parse_note(data)
        lines = [WITNESSES[name].cosign(note.text, time) for name, time in times.items()]
        return format_note(Note(note.text, (*note.signatures, *lines)))

    return cosign


@pytest.mark.parametrize(
    ("least", "times", "fresh"),
    [
        ("2", {"one": 10, "two": 20, "three": 30}, 20),
        ("any", {"one": 10, "two": 20}, 20),
        ("all", {"one": 10, "two": 20, "three": 30}, 10),
        ("2", {"two": 20}, None),
        ("2", {}, None),
    ],
)
def test_a_checkpoint_is_as_fresh_as_when_the_quorum_was_complete(
    tmp_path: Path, least: str, times: dict[str, int], fresh: int | None
) -> None:
    note = (show(life(), tmp_path / "log", cosign=seen(**times)) / "checkpoint").read_bytes()
    assert Freshness(60, policy(least)).seen(note, NOW) == (fresh, [])


def test_it_is_stale_after_so_many_seconds_and_not_before() -> None:
    told = Told(begun=100, heard=200, witnessed=150)
    for freshness, now, since in (
        (Freshness(), 10_000, None),
        (Freshness(60), 260, None),
        (Freshness(60), 261, 200),
        (Freshness(60, policy()), 210, None),
        (Freshness(60, policy()), 211, 150),
    ):
        stale = freshness.stale(told, now)
        assert (stale[0] if stale else None) == since
    assert Freshness(60, policy()).stale(Told(begun=100), 161) is not None, "as long as none was ever seen"


def test_a_log_whose_witnesses_are_silent_is_stale_though_it_answers(tmp_path: Path) -> None:
    shown = show(life(), tmp_path / "log", cosign=seen(one=NOW, two=NOW))
    town = Town(tmp_path / "mirror", shown, Watched(freshness=Freshness(60, policy())))
    assert town.words() == []
    town.now = NOW + 61
    assert [(alert.alert, alert.code) for alert in town.turn().alerts] == [("stale", "checkpoint_stale")]
    again = seen(one=NOW + 50, two=NOW + 60)
    town.forged["checkpoint"] = again(parse_and_strip((shown / "checkpoint").read_bytes()))
    assert town.words() == [], "they cosigned it again"
    assert (town.path / "public/checkpoint").read_bytes() == town.forged["checkpoint"], "and the mirror shows it"


def parse_and_strip(data: bytes) -> bytes:
    note = parse_note(data)
    return format_note(Note(note.text, note.signatures[:1]))


def test_a_busy_service_tells_what_its_witnesses_saw_last(tmp_path: Path) -> None:
    play = life()
    before = show(play, tmp_path / "young", cosign=seen(one=NOW, two=NOW)) / "checkpoint"
    play.register("lender", title="A loan book")
    town = Town(tmp_path / "mirror", show(play, tmp_path / "log"), Watched(freshness=Freshness(60, policy())), NOW + 50)
    town.forged[RECEIPT] = format_receipt(Receipt(play.entries[0].entry, 0, [], before.read_bytes()))
    town.turn()
    town.now = NOW + 60
    assert town.words() == []
    town.now = NOW + 61
    assert town.words() == ["stale"]
    town.forged[RECEIPT] = b"no receipt"
    assert town.words() == ["stale"]


def test_a_cosignature_that_does_not_hold_is_told(tmp_path: Path) -> None:
    other = parse_note((show(life(), tmp_path / "log") / "checkpoint").read_bytes())
    line = WITNESSES["one"].cosign(b"elsewhere.example\n1\n" + other.text.split(b"\n")[2] + b"\n", NOW)
    forged = format_note(Note(other.text, (*other.signatures, line)))
    town = Town(tmp_path / "mirror", tmp_path / "log", Watched(freshness=Freshness(60, policy())))
    town.forged["checkpoint"] = forged
    assert [(alert.alert, alert.code) for alert in town.turn().alerts] == [("inconsistent", "note_signature_invalid")]


@dataclass
class Slow(Town):
    """Each file takes its time. ``before``: what was told before the last one was asked for."""

    takes: int = 0
    before: list[str] = field(default_factory=list)

    def read(self, name: str, most: int) -> bytes | None:
        self.now += self.takes
        self.before = [alert.alert for alert in self.told]
        return super().read(name, most)


def test_a_turn_that_does_not_end_holds_back_no_alert(tmp_path: Path) -> None:
    watched = Watched(freshness=Freshness(60))
    town = Slow(tmp_path / "mirror", show(life(), tmp_path / "log"), watched, takes=100)
    town.turn()
    assert town.before == ["stale"]
    assert len(town.told) == 1


def test_a_log_that_is_long_to_catch_up_with_is_not_stale_for_that(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(arriving, "BUNDLES", 1)
    town = Slow(tmp_path / "mirror", show(busy(1500), tmp_path / "log"), Watched(freshness=Freshness(75)), takes=10)
    assert town.words() == []
    assert town.now - NOW > 75


def test_a_time_that_has_not_come_keeps_no_log_fresh(tmp_path: Path) -> None:
    shown = show(life(), tmp_path / "log", cosign=seen(one=NOW + 10_000, two=NOW + 10_000))
    town = Town(tmp_path / "mirror", shown, Watched(freshness=Freshness(60, policy())))
    assert [alert.code for alert in town.turn().alerts] == ["cosignature_ahead"] * 2
    town.now += 61
    assert [alert.code for alert in town.turn().alerts] == ["cosignature_ahead"] * 2 + ["checkpoint_stale"]
    assert len(town.told) == 3, "a clock that is ahead is told once a day"
    town.now = NOW + 10_000 - 60
    assert town.words() == []


def test_what_other_witnesses_saw_keeps_no_log_fresh(tmp_path: Path) -> None:
    shown = show(life(), tmp_path / "log", cosign=seen(one=NOW + 50))
    town = Town(tmp_path / "mirror", shown, Watched(freshness=Freshness(60, policy("any"))))
    town.turn()
    town.now = NOW + 61
    assert town.words() == []
    town.watched = Watched(freshness=Freshness(60, policy("2")))
    assert town.words() == ["stale"]


def test_a_time_to_come_that_was_written_down_counts_for_nothing(tmp_path: Path) -> None:
    town = Town(tmp_path / "mirror", show(life(), tmp_path / "log"), Watched(freshness=Freshness(60, policy())))
    town.turn()
    file = town.path / "follow.json"
    file.write_bytes(orjson.dumps(orjson.loads(file.read_bytes()) | {"witnessed": NOW + 10_000}))
    town.now += 61
    assert town.words() == ["stale"]


@pytest.mark.parametrize("what", ["heard", "begun"])
def test_a_clock_that_was_set_back_keeps_no_log_fresh(tmp_path: Path, what: str) -> None:
    town = Town(tmp_path / "mirror", show(life(), tmp_path / "log"), Watched(freshness=Freshness(60)))
    town.turn()
    file = town.path / "follow.json"
    file.write_bytes(orjson.dumps(orjson.loads(file.read_bytes()) | {"heard": None, what: NOW + 10_000}))
    town.up = False
    for later, words in ((0, []), (61, ["stale"])):
        town.now = NOW + later
        town.told.clear()
        with pytest.raises(Unavailable):
            town.turn()
        assert [alert.alert for alert in town.told] == words
