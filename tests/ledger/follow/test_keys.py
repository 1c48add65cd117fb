"""Log keys come and go by acts of governance, and a follower goes by those acts."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import pytest

from identity.note import Signer, format_vkey
from ledger.log.checkpoint import Checkpoint, sign_checkpoint
from ledger.log.merkle import leaf_hash, node_hash
from ledger.log.tile import format_bundle
from ledger.world import World
from tests.cast import LOG, ORIGIN, Play, life, seed
from tests.ledger.follow.town import NOW, Town, show

NEXT = Signer(ORIGIN, seed("next log"))
THIRD = Signer(ORIGIN, seed("third log"))


def rotate(play: Play, signer: Signer, by: str = "governance") -> None:
    play.tick(minutes=1)
    play.act("ledger.amended", by=by, sub=play.world.ledger, body={"logKey": format_vkey(signer.verifier)})


def test_a_follower_that_was_away_finds_the_keys_that_governance_put_in_force(tmp_path: Path) -> None:
    play = life()
    town = Town(tmp_path / "mirror", show(play, tmp_path / "young"))
    town.turn()
    for signer in (NEXT, THIRD):
        rotate(play, signer)
        play.register("lender", title="A loan book")
    town.shown = show(play, tmp_path / "grown", THIRD)
    turn = town.turn()
    assert (turn.alerts, turn.size) == ([], len(play.entries))
    play.register("lender", title="Another loan book")
    town.shown = show(play, tmp_path / "later", THIRD)
    assert town.words() == []


def test_a_key_that_was_replaced_long_ago_signs_no_more(tmp_path: Path) -> None:
    play = life()
    rotate(play, NEXT)
    town = Town(tmp_path / "mirror", show(play, tmp_path / "young", NEXT))
    town.trusted = lambda origin: [NEXT.verifier]  # type: ignore[method-assign]
    assert town.words() == []
    play.register("lender", title="A loan book")
    town.shown = show(play, tmp_path / "grown", LOG)
    town.now = play.seconds + 30 * 86_400 + 1
    assert [alert.code for alert in town.turn().alerts] == ["note_unsigned"]


@pytest.mark.parametrize("grown", [True, False])
def test_a_key_that_was_replaced_accuses_nobody_though_it_overlaps(tmp_path: Path, grown: bool) -> None:
    """It may have been stolen, and what it signs without the next key is not the log's."""
    play = life()
    rotate(play, NEXT)
    size = len(play.entries)
    twin = deepcopy(play)
    play.register("lender", title="A loan book")
    town = Town(tmp_path / "mirror", show(play, tmp_path / "young", NEXT))
    town.trusted = lambda origin: [NEXT.verifier]  # type: ignore[method-assign]
    town.now = play.seconds
    assert town.words() == []
    twin.register("lender", title="Another loan book")
    for _ in range(grown):
        twin.register("lender", title="A third loan book")
    town.shown = show(twin, tmp_path / "twin", LOG)
    assert [(alert.alert, alert.code) for alert in town.turn().alerts] == [("inconsistent", "note_unsigned")]
    town.shown = show(play, tmp_path / "before", LOG, size=size)
    assert [alert.code for alert in town.turn().alerts] == ["note_unsigned"], "the entry that replaced it counts"
    town.shown = show(play, tmp_path / "smaller", LOG, size=size - 1)
    assert [alert.code for alert in town.turn().alerts] == ["checkpoint_shrunk"], "signed when it was in force"


def test_a_log_signs_with_the_key_in_force_after_all_it_signs_for(tmp_path: Path) -> None:
    """A follower that does not know of the change yet believes the old key, until it has seen the entries."""
    play = life()
    town = Town(tmp_path / "mirror", show(play, tmp_path / "young"))
    size = town.turn().size
    rotate(play, NEXT)
    town.now = NOW + 100 * 86_400
    town.shown = show(play, tmp_path / "grown", LOG)
    assert [alert.code for alert in town.turn().alerts] == ["note_unsigned"]
    note = (town.path / "public/checkpoint").read_bytes()
    assert b"\n%d\n" % size in note
    town.shown = show(play, tmp_path / "right", NEXT)
    assert town.words() == []


def test_nobody_but_governance_puts_a_key_in_force(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    play = life()
    town = Town(tmp_path / "mirror", show(play, tmp_path / "young"))
    size = town.turn().size
    with monkeypatch.context() as patched:
        patched.setattr(World, "_check_signer", lambda self, statement, party: None)
        rotate(play, NEXT, by="lender")
        town.shown = show(play, tmp_path / "grown", NEXT)
    assert [alert.code for alert in town.turn().alerts] == ["note_unsigned"]
    assert town.turn().size == size


def test_an_amendment_of_another_ledger_does_not_count(tmp_path: Path) -> None:
    """Of one that has the same name and the same governance."""
    play = life()
    town = Town(tmp_path / "mirror", show(play, tmp_path / "young"))
    town.turn()
    namesake = Play()
    rotate(namesake, NEXT)
    namesake.join("factory")
    for number in range(len(play.entries)):
        namesake.register("factory", title=f"Blades {number}")
    town.shown = show(namesake, tmp_path / "namesake", NEXT)
    assert [alert.code for alert in town.turn().alerts] == ["note_unsigned"]


class Endless(Town):
    """A log of 2^40 equal leaves, as anybody can make one up, under a checkpoint that a stranger signed."""

    SIZE = 2**40
    ENTRY = b"no entry at all"

    def read(self, name: str, most: int) -> bytes | None:
        self.fetched[name] += 1
        assert self.fetched.total() < 100, "it has an end"
        hashes = [leaf_hash(self.ENTRY)]
        for _ in range(5):
            hashes.append(root_of_equal(hashes[-1]))
        if name == "checkpoint":
            return sign_checkpoint(Checkpoint(ORIGIN, self.SIZE, hashes[5]), NEXT)
        if name.startswith("tile/entries/"):
            return format_bundle([self.ENTRY] * 256)
        return hashes[int(name.split("/")[1])] * 256


def root_of_equal(leaf: bytes) -> bytes:
    for _ in range(8):
        leaf = node_hash(leaf, leaf)
    return leaf


def test_a_tree_that_nobody_signed_is_read_as_far_as_it_goes_on_from_what_is_here(tmp_path: Path) -> None:
    town = Town(tmp_path / "mirror", show(life(), tmp_path / "young"))
    town.turn()
    town = Endless(town.path, town.shown)
    assert [alert.code for alert in town.turn().alerts] == ["note_unsigned"]
    assert sum(name.startswith("tile/entries") for name in town.fetched) == 1
