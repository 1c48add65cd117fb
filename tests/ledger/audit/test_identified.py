"""Audits of a ledger on which keys change, powers are given on and parties are recovered: honest ones, and lies."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from ledger.audit import Verdict, Workers, audit
from ledger.audit.source import StoreSource, open_folder
from ledger.bundle import export, open_bundle
from ledger.errors import Problem
from ledger.log.chain import parse_entry
from ledger.store.memory import MemoryStore
from tests.cast import DAY, Play, Played, description, whole_life
from tests.ledger.audit.forged import Shown, acts, linked
from tests.ledger.written import write, write_folder


def judged(sent: Iterable[tuple[int, bytes]], workers: Workers) -> Verdict:
    return audit(Shown(linked(sent)), workers)


def played(play: Play) -> list[tuple[int, bytes]]:
    return acts(one.entry for one in play.entries)


def named(verdict: Verdict) -> tuple[str, int | None, str | None]:
    return verdict.word, verdict.index, verdict.reason


@pytest.mark.parametrize("count", [0, 2])
def test_a_whole_life_is_consistent_in_its_folder_and_as_a_bundle(count: int, tmp_path: Path) -> None:
    """The derived tables too: states, look-ups, unique ones, words and mentions of every state there is."""
    play = whole_life()
    folder = write_folder(play, tmp_path / "home")
    with Workers(count) as workers, open_folder(folder.path) as source:
        assert (audit(source, workers).word, source.size) == ("consistent", len(play.entries))
        export(source, tmp_path / "life.bundle")
        with open_bundle(tmp_path / "life.bundle") as bundle:
            assert audit(bundle, workers).word == "consistent"


def test_a_look_up_of_a_did_that_leads_elsewhere_is_found(workers: Workers) -> None:
    play = whole_life()
    store = MemoryStore()
    checkpoint = write(play, store)
    key = ("did", play.did("works"))
    store._named[key] = 3
    verdict = audit(StoreSource(store, checkpoint), workers)
    assert verdict.word == "corrupt"


# -- operators who admit what is refused -------------------------------------------------------------------------


def stolen() -> tuple[Play, Played]:
    """A key is stolen at entry 3, used at 4, and replaced at 5."""
    play = Play()
    play.join("partner")
    play.join_hosted("works", keys=["works", "desk"])
    play.delegate("works", "machine")
    play.act("party.delegated", by="works", key="desk", body=given_to(play, "thief"))
    return play, play.rotate("works", keys=["works"], compromised=[("desk", 4)])


def given_to(play: Play, to: str) -> dict[str, object]:
    return {"to": play.did(to), "nature": "agent", "powers": {"kinds": ["*"]}, "until": play.seconds + DAY}


def test_a_later_use_of_a_stolen_key_convicts_whoever_admitted_it(workers: Workers) -> None:
    play, _ = stolen()
    mandate, theirs = play.entries[3].subject, play.entries[4].subject
    time = parse_entry(play.entries[-1].entry).time + 1
    lies = {
        "key_compromised": {"by": "works", "key": "desk"},
        "key_not_of_issuer": {"by": "works", "key": "partner"},
        "key_not_of_delegate": {"by": "thief", "via": mandate},
        "delegation_doubtful": {"by": "thief", "via": theirs},
    }
    for code, given in lies.items():
        sent = play.sign("asset.registered", body=description("Fake"), **given)  # type: ignore[arg-type]
        assert named(judged([*played(play), (time, sent)], workers)) == ("corrupt", 6, code)
    honest = play.sign("asset.registered", by="machine", via=mandate, body=description("Spindle"))
    assert judged([*played(play), (time, honest)], workers).word == "consistent"


def test_a_rotation_left_out_shows_by_the_first_act_of_the_next_key(workers: Workers) -> None:
    play, rotated = stolen()
    play.rotate("works", keys=["works-2"])
    play.register("works", title="Spindle")
    without = [one for index, one in enumerate(played(play)) if index != rotated.index]
    assert named(judged(without, workers)) == ("corrupt", rotated.index, "did_log_refused")  # the hashes do not follow


def test_a_takeover_before_the_wait_is_over_convicts_whoever_admitted_it(workers: Workers) -> None:
    play = Play()
    play.join("factory", "partner", "second")
    play.arrange("factory", "partner", "second")
    play.tick(days=7)
    rescue = play.recover("factory", "spare", "partner", "second")
    play.register("spare", title="Spindle")
    assert judged(played(play), workers).word == "consistent"
    *before, (time, completed), _ = played(play)
    early = [*before, (time - DAY * 1_000_000, completed)]
    assert named(judged(early, workers)) == ("corrupt", len(before), "act_not_yet_valid")
    body = play.completion(rescue)
    play.seconds -= DAY
    signed_early = play.sign("recovery.completed", by="spare", sub=rescue, body=body)
    lie = [*before, (play.seconds * 1_000_000, signed_early)]
    assert named(judged(lie, workers)) == ("corrupt", len(before), "recovery_waits")


def test_every_order_of_the_same_acts_is_judged_as_the_writer_would(workers: Workers) -> None:
    """Rules are pure: whatever stands first, audit and writer agree on the first entry that may not stand there."""
    play, _ = stolen()
    play.register("works", title="Spindle")
    whole = played(play)
    for first in range(1, len(whole) - 1):
        swapped = list(whole)
        (early, one), (late, other) = whole[first], whole[first + 1]
        swapped[first], swapped[first + 1] = (early, other), (late, one)
        assert named(judged(swapped, workers)) == first_refused(swapped)


def first_refused(sent: Iterable[tuple[int, bytes]]) -> tuple[str, int | None, str | None]:
    """What a writer's world makes of these acts, as a verdict."""
    play = Play(founding=None)
    for index, (time, one) in enumerate(sent):
        play.seconds = time // 1_000_000
        try:
            play.admit(one)
        except Problem as no:
            return "corrupt", index, no.code
    return "consistent", None, None
