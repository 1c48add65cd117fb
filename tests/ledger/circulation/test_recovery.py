"""Recoveries: their stories; who is trusted afterwards; that support is counted the same in any order."""

from itertools import permutations

import pytest

from ledger.circulation.party import Party
from ledger.circulation.recovery import LAPSE_S, WAIT_FIRST_S, Recovery
from ledger.statement import receive
from tests.cast import DAY, Play
from tests.logs import Log
from tests.stories.recovery import STORIES
from tests.stories.stage import play_story

WEEK = 7 * DAY


@pytest.mark.parametrize("name", STORIES)
def test_story(name: str) -> None:
    play_story(STORIES[name])


def arranged(wait: int = WEEK) -> Play:
    """A party with three trustees in force, of whom it takes two."""
    play = Play()
    play.join("factory", "partner", "second", "lender")
    play.arrange("factory", "partner", "second", "lender", wait=wait)
    play.tick(max(wait, WAIT_FIRST_S))
    return play


def opened(play: Play, by: str, to: str = "spare") -> str:
    party = play.party("factory")
    body = {"party": party, "reason": "lost", **play.turned_to(party, to)}
    return play.act("recovery.opened", by=by, body=body).subject


def test_the_wait_begins_with_the_word_that_is_enough_whoever_speaks_it() -> None:
    for names in permutations(("partner", "second", "lender")):
        play = arranged()
        recovery = opened(play, names[0])
        assert play.state(Recovery, recovery).due is None
        play.tick(DAY)
        play.act("recovery.supported", by=names[1], sub=recovery, body={})
        due = play.seconds + WEEK
        assert play.state(Recovery, recovery).due == due
        play.tick(DAY)
        play.act("recovery.supported", by=names[2], sub=recovery, body={})
        play.act("recovery.contested", by=names[0], sub=recovery, body={"reason": "enough without me"})
        assert play.state(Recovery, recovery).due == due
        play.act("recovery.contested", by=names[1], sub=recovery, body={"reason": "a mistake"})
        assert play.state(Recovery, recovery).due is None
        play.act("recovery.supported", by=names[1], sub=recovery, body={})
        assert play.state(Recovery, recovery).due == play.seconds + WEEK


def test_a_recovery_lapses_at_a_time_that_trustees_cannot_put_off() -> None:
    play = arranged()
    recovery = opened(play, "partner")
    until = play.seconds + WEEK + LAPSE_S
    for _ in range(3):
        play.tick(DAY)
        play.act("recovery.supported", by="second", sub=recovery, body={})
        play.act("recovery.contested", by="second", sub=recovery, body={"reason": "not sure"})
        assert play.state(Recovery, recovery).until == until
    play.act("recovery.supported", by="second", sub=recovery, body={})
    play.seconds = until
    body = play.completion(recovery)
    play.world.check(receive(play.sign("recovery.completed", by="spare", sub=recovery, body=body)), until * 1_000_000)
    play.tick(1)
    play.refused("recovery_over", "recovery.completed", by="spare", sub=recovery, body=body)


def test_the_partys_objection_gives_the_trustees_their_time_again_once() -> None:
    play = arranged()
    recovery = opened(play, "partner")
    play.tick(days=30)
    play.act("recovery.contested", by="factory", sub=recovery, body={"reason": "we are here"})
    assert play.state(Recovery, recovery).until == play.seconds + WEEK + LAPSE_S
    assert play.state(Recovery, recovery).objection == "we are here"


def test_who_recovered_a_party_stays_its_trustee_whatever_was_named_meanwhile() -> None:
    play = arranged()
    recovery = opened(play, "partner")
    play.act("recovery.supported", by="second", sub=recovery, body={})
    play.join("stranger", "thief")
    play.arrange("factory", "stranger", "thief")
    play.tick(WEEK)
    party = play.party("factory")
    in_force = play.state(Party, party).trust_at(play.seconds)
    assert in_force is not None
    assert in_force["trustees"] == [play.party("stranger"), play.party("thief")]
    theirs = opened(play, "stranger", "agent")
    done = play.act("recovery.completed", by="spare", sub=recovery, body=play.completion(recovery))
    state = play.state(Party, party)
    assert [one["trustees"] for one in state.trust] == [[play.party(one) for one in ("partner", "second", "lender")]]
    assert (state.did, state.recovered) == (play.did("spare"), done.index)
    play.act("recovery.supported", by="thief", sub=theirs, body={})
    play.tick(WEEK)
    play.refused("recovery_outrun", "recovery.completed", by="agent", sub=theirs, body=play.completion(theirs))


def test_a_naming_that_waits_is_replaced_by_the_next_one() -> None:
    play = arranged()
    play.arrange("factory", "partner", wait=60)
    play.tick(DAY)
    play.arrange("factory", "second")
    trust = play.state(Party, play.party("factory")).trust
    assert [len(one["trustees"]) for one in trust] == [3, 1]
    assert trust[1]["since"] == play.seconds + WEEK  # the wait of those in force, not the one that was never
    play.tick(WEEK - 1)
    assert play.state(Party, play.party("factory")).trust_at(play.seconds) == trust[0]
    assert play.state(Party, play.party("factory")).trust_at(play.seconds + 1) == trust[1]


@pytest.mark.parametrize(("wait", "since"), [(60, WAIT_FIRST_S), (WEEK, WEEK), (30 * DAY, 30 * DAY)])
def test_the_first_trustees_are_in_force_after_a_week_or_their_own_wait(wait: int, since: int) -> None:
    play = Play()
    play.join("factory", "partner")
    play.arrange("factory", "partner", wait=wait)
    (trust,) = play.state(Party, play.party("factory")).trust
    assert trust["since"] == play.seconds + since


def test_a_did_with_a_log_takes_over_with_the_log_as_it_stands_by_then() -> None:
    """What somebody prepares against the keys that were shown when it was opened, comes to nothing."""
    play = arranged()
    first = Log.begin("spare", play.seconds, keys=["spare"])
    party = play.party("factory")
    body = {"party": party, "reason": "lost", **play.turned_to(party, "spare", first)}
    recovery = play.act("recovery.opened", by="partner", body=body).subject
    play.act("recovery.supported", by="lender", sub=recovery, body={})
    play.tick(WEEK)
    later = first.next(play.seconds, keys=["spare-2"])
    done = play.completion(recovery, later)
    play.refused("key_not_of_issuer", "recovery.completed", by="spare", sub=recovery, body=done, log=first)
    play.act("recovery.completed", by="spare", sub=recovery, body=done, log=later)
    play.register("spare", title="Press forces")
    assert play.state(Party, party).did == later.did
    assert set(play.state(Recovery, recovery).lookups()) >= {("party", party), ("recovering", first.did)}
