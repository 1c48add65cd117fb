"""The charter: its stories, and what an amendment leaves in force."""

import pytest

from ledger.circulation.charter import Ledger
from ledger.errors import Malformed
from tests.cast import CAST, DAY, Play, charter
from tests.stories.charter import STORIES
from tests.stories.stage import Stage, play_story


@pytest.mark.parametrize("name", STORIES)
def test_story(name: str) -> None:
    play_story(STORIES[name])


def test_an_amendment_replaces_what_it_names_and_leaves_the_rest() -> None:
    play = Play(charter(joiners="listed", listed=[CAST["factory"].did], readers="members", names="plain"))
    before = play.state(Ledger, play.world.ledger or "")
    limits = {"validity": 2 * DAY, "clock": 30}
    play.act("ledger.amended", by="governance", sub=play.world.ledger, body={"limits": limits, "readers": "public"})
    after = play.state(Ledger, play.world.ledger or "")
    changed = {name for name, value in vars(before).items() if vars(after)[name] != value}
    assert changed == {"readers", "validity", "clock"}
    assert (after.readers, after.validity, after.clock) == ("public", 2 * DAY, 30)


def test_an_amended_limit_holds_for_the_next_act() -> None:
    play = Play()
    play.join("factory")
    limits = {"validity": 60, "clock": 60}
    play.act("ledger.amended", by="governance", sub=play.world.ledger, body={"limits": limits})
    play.refused("act_valid_too_long", "party.joined", by="partner", body={"name": "Nordwind"})
    play.act("party.joined", by="partner", body={"name": "Nordwind"}, exp=play.seconds + 60)


def test_replaced_log_keys_are_remembered_in_order() -> None:
    stage = Stage(Play())
    first = stage.play.state(Ledger, stage.play.world.ledger or "").logKey
    stage.run("governance  ledger.amended  - logKey=log-key-2  recorded")
    stage.run("governance  ledger.amended  - logKey=log-key-3  recorded")
    state = stage.play.state(Ledger, stage.play.world.ledger or "")
    assert state.formerLogKeys == [first, stage.value("log-key-2")]
    assert state.logKey == stage.value("log-key-3")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (charter(rules=0), "/payload/body/rules"),
        (charter(joiners="some"), "/payload/body/joiners"),
        (charter(governance="nobody"), "/payload/body/governance"),
        (charter(authorities=[{"did": CAST["lender"].did, "roles": []}]), "/payload/body/authorities/0/roles"),
        (charter(limits={"validity": 59, "clock": 60}), "/payload/body/limits/validity"),
        (charter(motto="in data we trust"), "/payload/body/motto"),
    ],
)
def test_a_malformed_charter_is_refused_at_its_place(body: dict[str, object], pointer: str) -> None:
    with pytest.raises(Malformed) as caught:
        Play(body)
    assert (caught.value.code, caught.value.pointer) == ("body_malformed", pointer)
