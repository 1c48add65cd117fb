"""Any play at all: what was admitted replays to the same states, and nobody loses title without signing for it.

Hypothesis draws a play: acts by right and wrong signers on whatever exists, most of them lawful, many not. After each
act the invariants are looked at; a refused act changes nothing (``Play.attempt`` sees to that).
"""

import random
from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.circulation.agreement import MOVES, Agreement
from ledger.circulation.asset import Asset
from ledger.circulation.offer import Offer
from ledger.circulation.transfer import Transfer
from ledger.statement import receive, stated_in
from ledger.world import Subject, World, decode_state
from tests.cast import ORIGIN, Play, Played, again, description, money, whole_life

ACTORS = ("factory", "partner", "second")

Draw = tuple[int, ...]


class Walk:
    """A play that goes on by numbers: each draw chooses what happens next among what is there."""

    def __init__(self) -> None:
        self.play = Play()
        self.play.join(*ACTORS)
        self.play.register("factory", title="Spindle")
        self.refused: Counter[str] = Counter()

    def ids(self, type_: str) -> list[str]:
        return [one.id for one in self.play.subjects.values() if one.type == type_]

    def step(self, draw: Draw) -> Played | None:
        what, which, who, how = draw
        moves = [self.registers, self.revises, self.offers, self.withdraws, self.requests, self.offers_to]
        moves += [self.goes_on] * 6 + [self.proposes] * 2 + [self.answers] * 3
        move = moves[what % len(moves)](which, ACTORS[who % 3], how)
        if move is None:
            return None
        kind, given = move
        ended = self.play.attempt(kind, **given)
        if isinstance(ended, Played):
            return ended
        self.refused[ended.code] += 1
        return None

    def someone(self, right: str, other: str, how: int) -> str:
        """The right signer, mostly."""
        return other if how % 5 == 0 else self.play.named(right)

    def registers(self, which: int, who: str, how: int) -> tuple[str, dict[str, Any]]:
        return "asset.registered", {"by": who, "body": description(f"Data set {which}", personal=how % 7 == 0)}

    def revises(self, which: int, who: str, how: int) -> tuple[str, dict[str, Any]]:
        asset = self.one("asset", which)
        by = self.someone(self.play.state(Asset, asset).holder, who, how)
        if how % 6 == 1:
            return "asset.retired", {"by": by, "sub": asset, "body": {"reason": "no longer kept"}}
        return "asset.revised", {"by": by, "sub": asset, "body": description(f"Data set {which}, line {how}")}

    def offers(self, which: int, who: str, how: int) -> tuple[str, dict[str, Any]]:
        asset = self.one("asset", which)
        by = self.someone(self.play.state(Asset, asset).holder, who, how)
        to: Any = "all" if how % 2 else [self.play.party(who)]
        private = ["price"] if how % 3 == 0 else []
        return "offer.opened", {
            "by": by,
            "body": self.play.offer_of(asset, to=to, price=money(how)),
            "private": private,
        }

    def withdraws(self, which: int, who: str, how: int) -> tuple[str, dict[str, Any]] | None:
        if not (offers := self.ids("offer")) or how % 3:
            return None
        offer = offers[which % len(offers)]
        return "offer.withdrawn", {"by": self.someone(self.play.state(Offer, offer).holder, who, how), "sub": offer}

    def requests(self, which: int, who: str, how: int) -> tuple[str, dict[str, Any]] | None:
        if not (offers := self.ids("offer")):
            return None
        return "agreement.requested", {"by": who, "body": self.play.proposal_of(offers[which % len(offers)])}

    def offers_to(self, which: int, who: str, how: int) -> tuple[str, dict[str, Any]] | None:
        if not (offers := self.ids("offer")):
            return None
        offer = offers[which % len(offers)]
        body = self.play.proposal_of(offer, price=money(how)) | {"consumer": self.play.party(who)}
        return "agreement.offered", {"by": self.someone(self.play.state(Offer, offer).holder, who, how), "body": body}

    def goes_on(self, which: int, who: str, how: int) -> tuple[str, dict[str, Any]] | None:
        if not (agreements := self.ids("agreement")):
            return None
        agreement = agreements[which % len(agreements)]
        state = self.play.state(Agreement, agreement)
        possible = [(role, word) for role, words in MOVES[state.state].items() for word in words]
        if how % 8:  # most negotiations are not broken off
            possible = [(role, word) for role, word in possible if word != "terminated"]
        role, word = possible[how % len(possible)] if possible else ("provider", "terminated")
        by = self.someone(state.provider if role == "provider" else state.consumer, who, how)
        given = self.play.next_act(agreement, word)
        if word in ("requested", "offered"):
            given = {"sub": agreement, "body": self.play.proposal_of(state.offer, price=money(how))}
        if word == "offered":
            given["body"]["consumer"] = state.consumer
        return f"agreement.{word}", {"by": by, **given}

    def proposes(self, which: int, who: str, how: int) -> tuple[str, dict[str, Any]]:
        asset = self.one("asset", which)
        by = self.someone(self.play.state(Asset, asset).holder, who, how)
        body = {"asset": asset, "to": self.play.party(who), "validUntil": self.play.seconds + 60}
        return "transfer.proposed", {"by": by, "body": body}

    def answers(self, which: int, who: str, how: int) -> tuple[str, dict[str, Any]] | None:
        if not (transfers := self.ids("transfer")):
            return None
        transfer = transfers[which % len(transfers)]
        state = self.play.state(Transfer, transfer)
        by = self.someone(state.holder if how % 8 == 7 else state.to, who, how)
        word = {6: "declined", 7: "withdrawn"}.get(how % 8, "accepted")
        body: dict[str, Any] = {}
        if word == "accepted":
            body = {"asset": state.asset, "licences": self.play.state(Asset, state.asset).licences}
        return f"transfer.{word}", {"by": by, "sub": transfer, "body": body}

    def one(self, type_: str, which: int) -> str:
        found = self.ids(type_)
        return found[which % len(found)]


def check_title_needs_two(play: Play, before: dict[str, Subject], played: Played) -> None:
    """Where an asset has another holder than before, both have signed for it."""
    for first, after in played.change.changed:
        if first is None or not isinstance(after.state, Asset) or not isinstance(first.state, Asset):
            continue
        if after.state.holder == first.state.holder:
            assert after.state.heldSince == first.state.heldSince
            continue
        accepted = played.statement.claims
        assert accepted.kind == "transfer.accepted"
        assert play.world.party(accepted.iss) == after.state.holder
        assert accepted.sub is not None
        opening = next(one for one in play.entries if one.statement.opened.get("transfer") == accepted.sub)
        assert opening.statement.claims.kind == "transfer.proposed"
        assert play.world.party(opening.statement.claims.iss) == first.state.holder
        assert before[accepted.sub].state.status == "proposed"  # type: ignore[attr-defined]


def check_licences_are_agreements(play: Play) -> None:
    """Every asset carries as many licences as finalized agreements name it."""
    agreements = [one.state for one in play.subjects.values() if isinstance(one.state, Agreement)]
    final = Counter(one["asset"] for state in agreements if state.state == "FINALIZED" for one in state.assets)
    for subject in play.subjects.values():
        if isinstance(subject.state, Asset):
            assert subject.state.licences == final[subject.id]


def check_both_signed(play: Play) -> None:
    """A finalized agreement's digest stands in a statement of each side."""
    for subject in play.subjects.values():
        if isinstance(subject.state, Agreement) and subject.state.state == "FINALIZED":
            about = [one.statement.claims for one in play.entries if one.statement.claims.sub == subject.id]
            signed = {play.world.party(one.iss) for one in about if one.body.get("digest") == subject.state.digest}
            assert signed == {subject.state.provider, subject.state.consumer}


def check_touches_suffice(play: Play) -> None:
    """A world that holds only what an act declares to touch judges it as the whole world did."""
    subjects: dict[str, Subject] = {}
    found: dict[tuple[str, str], str] = {}
    count = 0
    for played in play.entries:
        statement = receive(played.sent)
        world = World(ORIGIN)
        for index in statement.body.regards():
            stated = stated_in(play.entries[index].statement)
            world.load_stated(index, stated)
            if stated is not None:
                world.load_found("did", stated.iss, found.get(("did", stated.iss)))
        world.size, world.count = played.index, count
        if played.index:
            world.ledger, world.audience = play.world.ledger, play.world.audience
        for key in statement.found():
            world.load_found(*key, found.get(key))
        named = {*statement.touched(), *statement.opened.values(), *map(found.get, statement.found()), world.ledger}
        if (delegation := statement.delegation()) is not None:
            world.load(delegation, subjects.get(delegation))
            named.update(world.chain(delegation))
        for name in named:
            if name is not None:
                world.load(name, subjects.get(name))
        change = world.admit(statement, played.time)
        assert change == played.change
        for before, after in change.changed:
            subjects[after.id] = after
            for key in before.state.lookups() if before is not None else ():
                found.pop(key, None)
            found.update((key, after.id) for key in after.state.lookups() if key[0] in after.state.UNIQUE)
        count = world.count


def check_states_are_their_bytes(play: Play) -> None:
    for subject in play.subjects.values():
        assert decode_state(subject.type, subject.state.encode()) == subject.state


draws = st.lists(st.tuples(*[st.integers(0, 63)] * 4), min_size=20, max_size=60)


@settings(max_examples=60)
@given(draws)
def test_any_play_keeps_title_licences_and_replay(steps: list[Draw]) -> None:
    walk = Walk()
    for draw in steps:
        before = dict(walk.play.subjects)
        played = walk.step(draw)
        if played is not None:
            check_title_needs_two(walk.play, before, played)
            check_licences_are_agreements(walk.play)
        walk.play.tick(1)
    check_both_signed(walk.play)
    check_touches_suffice(walk.play)
    check_states_are_their_bytes(walk.play)
    assert again(walk.play).snapshot() == walk.play.snapshot()


def test_a_long_walk_reaches_finalized_agreements_and_moved_titles() -> None:
    """The walk is worth something: it gets far, and it is refused often."""
    walk, chance = Walk(), random.Random(1)
    for _ in range(600):
        walk.step(tuple(chance.randrange(64) for _ in range(4)))
    states = [one.state for one in walk.play.subjects.values()]
    assert sum(isinstance(state, Agreement) and state.state == "FINALIZED" for state in states) >= 3
    assert sum(isinstance(state, Transfer) and state.status == "accepted" for state in states) >= 3
    assert len(walk.refused) >= 10
    check_both_signed(walk.play)
    check_touches_suffice(walk.play)


def test_a_whole_life_replays_from_its_bytes_and_from_what_each_act_touches() -> None:
    play = whole_life()
    assert again(play).snapshot() == play.snapshot()
    check_touches_suffice(play)
    check_both_signed(play)
    check_licences_are_agreements(play)
    check_states_are_their_bytes(play)
