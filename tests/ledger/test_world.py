"""The world: what an act may see and change, and what becomes of order, look-ups and time. Verdicts are in stories."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from ledger.circulation.asset import Asset
from ledger.circulation.party import Party
from ledger.errors import Refused
from ledger.statement import receive
from ledger.world import STATES, State, Subject, World, decode_state
from tests.cast import CAST, NOBODY, ORIGIN, START, Play, description, life, whole_life
from tests.stories.stage import play_story
from tests.stories.world import STORIES


@pytest.mark.parametrize("name", STORIES)
def test_story(name: str) -> None:
    play_story(STORIES[name])


def played() -> tuple[Play, str, str]:
    play = Play()
    play.join("factory", "partner")
    asset = play.register("factory")
    return play, asset, play.offer("factory", asset)


# -- what an act may see ---------------------------------------------------------------------------------------


def test_reading_what_was_not_touched_is_our_mistake() -> None:
    play, asset, offer = played()
    play.act("asset.revised", by="factory", sub=asset, body=description("Spindle, line 5"))
    assert play.world.get(Asset, asset).versions == 2
    with pytest.raises(LookupError, match="read but not touched"):
        play.world.find(offer)
    with pytest.raises(LookupError, match="read but not touched"):
        play.world.put(offer, play.subjects[offer].state)


def test_reading_what_was_not_loaded_is_our_mistake() -> None:
    play, asset, _ = played()
    sent = play.sign("asset.retired", by="factory", sub=asset, body={"reason": "x"})
    world = World(ORIGIN)
    world.size, world.ledger, world.audience = play.world.size, play.world.ledger, play.world.audience
    statement = receive(sent)
    with pytest.raises(LookupError, match=r"did did:key:.* was not loaded"):
        world.admit(statement, play.seconds * 1_000_000)
    factory, charter = play.party("factory"), play.world.ledger or ""
    world.load_found("did", CAST["factory"].did, factory)
    for name in (factory, charter):
        world.load(name, play.subjects[name])
    with pytest.raises(LookupError, match=f"{asset} was not loaded"):
        world.admit(statement, play.seconds * 1_000_000)
    world.load(asset, None)  # known to be absent
    with pytest.raises(Refused, match="subject_unknown"):
        world.admit(statement, play.seconds * 1_000_000)


def test_what_is_loaded_later_is_older_and_does_not_replace_what_is_known() -> None:
    play, asset, _ = played()
    before = play.subjects[asset]
    play.act("asset.revised", by="factory", sub=asset, body=description("Spindle, line 5"))
    play.world.load(asset, before)
    play.world.load_found("did", CAST["factory"].did, None)
    assert play.world.party(CAST["factory"].did) == play.party("factory")
    assert play.world.get(Asset, asset).versions == 2
    assert play.world.knows(asset)
    assert not World(ORIGIN).knows(asset)
    assert not World(ORIGIN).knows_found("did", CAST["factory"].did)


def test_a_subject_of_another_type_is_not_there() -> None:
    play, asset, _ = played()
    play.act("asset.revised", by="factory", sub=asset, body=description("Spindle, line 5"))
    with pytest.raises(Refused, match=f"subject_unknown: there is no party {asset}"):
        play.world.get(Party, asset)


# -- what an act changes ---------------------------------------------------------------------------------------


def test_a_change_says_what_was_before_what_is_after_and_what_it_mentions() -> None:
    play, asset, offer = played()
    before = play.subjects[asset]
    revised = play.act("asset.revised", by="factory", sub=asset, body=description("Spindle, line 5"))
    changes = {after.id: (first, after) for first, after in revised.change.changed}
    assert changes.keys() == {asset, revised.opened("version")}
    assert changes[asset][0] == before
    first, version = changes[revised.opened("version")]
    assert first is None
    assert (version.no, version.index, version.last) == (play.world.count - 1, revised.index, revised.id)
    numbers = {play.subjects[name].no for name in (asset, version.id, play.party("factory"))}  # not the charter
    assert revised.change.mentioned == sorted(numbers)
    assert play.subjects[offer].no not in numbers


def test_subjects_are_numbered_in_the_order_they_were_opened() -> None:
    play = life()
    assert sorted(one.no for one in play.world.subjects()) == list(range(play.world.count))
    opened = [subject for one in play.entries for subject in one.statement.opened.values()]
    assert [one.id for one in sorted(play.world.subjects(), key=lambda one: one.no)] == opened


def test_an_act_advances_what_it_is_about_and_not_what_it_only_writes() -> None:
    play, asset, offer = played()
    agreement = play.license("partner", offer)
    assert play.last(agreement) == play.entries[-1].id
    assert play.subjects[asset].index == play.entries[-1].index
    assert play.last(asset) != play.entries[-1].id


def test_acts_can_be_chained_without_waiting() -> None:
    play, asset, _ = played()
    first = play.sign("asset.revised", by="factory", sub=asset, body=description("Spindle, line 5"))
    pin = {asset: receive(first).id}
    second = play.sign("asset.revised", by="factory", sub=asset, body=description("Spindle, line 6"), prev=pin)
    with pytest.raises(Refused, match="pin_stale"):
        play.admit(second)
    play.admit(first)
    play.admit(second)
    assert play.state(Asset, asset).title == "Spindle, line 6"


def test_a_stale_pin_names_the_act_that_came_first() -> None:
    play, asset, _ = played()
    no = play.refused("pin_stale", "asset.retired", by="factory", sub=asset, body={"reason": "x"}, prev={asset: NOBODY})
    assert no.detail == f"{asset} was last advanced by {play.last(asset)}"
    assert (no.subject, no.pointer) == (asset, f"/payload/prev/{asset}")


# -- order, audience, time -------------------------------------------------------------------------------------


def test_the_audience_names_this_ledger_and_no_namesake() -> None:
    play, later = Play(), Play(founding=None)
    assert play.world.audience == Play().world.audience  # the same bytes make the same ledger
    later.tick(1)
    later.act("ledger.opened", by="governance", body=play.founding)
    assert later.world.audience != play.world.audience
    sent = play.sign("party.joined", by="factory", body={"name": "Shenyang Blade Works"})
    with pytest.raises(Refused, match="audience_wrong"):
        later.admit(sent)
    play.admit(sent)


def test_the_charter_is_addressed_to_the_bare_origin() -> None:
    play = Play()
    assert play.entries[0].statement.claims.aud == ORIGIN
    assert play.world.audience.startswith(f"{ORIGIN}#")


def test_only_whole_seconds_of_the_entry_count() -> None:
    play = Play()
    sent = play.sign("party.joined", by="factory", body={"name": "Shenyang"}, iat=START - 10, exp=START)
    play.world.admit(receive(sent), (START + 1) * 1_000_000 - 1)


def test_a_joined_did_is_known_and_another_is_not() -> None:
    play = Play()
    (factory,) = play.join("factory")
    assert play.world.party(CAST["factory"].did) == factory
    assert play.world.party(CAST["partner"].did) is None


# -- states ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("type_", sorted(STATES))
def test_every_state_occurs_in_the_life_and_reads_back_from_its_bytes(type_: str) -> None:
    found = [one for one in whole_life().world.subjects() if one.type == type_]
    assert found
    for subject in found:
        again = decode_state(type_, subject.state.encode())
        assert again == subject.state
        assert again.encode() == subject.state.encode()


def test_fields_absent_in_an_old_state_take_their_defaults() -> None:
    state: Any = decode_state("party", b'{"contact":null,"dids":[],"name":"x","roles":[]}')
    assert state.status == "active"


def test_a_state_is_declared_once() -> None:
    with pytest.raises(ValueError, match="state declared twice: party"):

        class Again(State, of="party"):
            pass


def test_unique_look_ups_lead_to_one_subject_each() -> None:
    play = whole_life()
    found: dict[tuple[str, str], Subject] = {}
    for subject in play.world.subjects():
        for key in subject.state.lookups():
            if key[0] in subject.state.UNIQUE:
                assert key not in found
                found[key] = subject
    assert {name for name, _ in found} == {name for state in STATES.values() for name in state.UNIQUE}


def test_a_field_added_later_is_left_out_at_its_default_so_that_old_states_replay_to_the_byte() -> None:
    @dataclass(frozen=True)
    class Before(State, of="grown"):
        holder: str

    del STATES["grown"]

    @dataclass(frozen=True)
    class After(State, of="grown"):
        holder: str
        notes: int = field(default=0, metadata={"since": 2})

    try:
        old = Before("party").encode()
        assert After("party").encode() == old
        assert decode_state("grown", old) == After("party")
        assert After("party", 1).encode() == b'{"holder":"party","notes":1}'
        assert decode_state("grown", After("party", 1).encode()) == After("party", 1)
    finally:
        del STATES["grown"]
