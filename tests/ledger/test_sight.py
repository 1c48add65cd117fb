"""Who may see private values: every rule of sight, and everybody else."""

from __future__ import annotations

from typing import Any

import pytest

import ledger.sight
from identity.did import multibase_of
from identity.disclosure import show
from ledger.append import Writer
from ledger.circulation.disclosure import Inspection
from ledger.errors import Problem, Refused, Unverifiable
from ledger.log.checkpoint import SignedHead
from ledger.read import Reader
from ledger.sight import LOOK_S, Asker, askers, disclosed, looked_at
from ledger.statement import receive, stated_in
from ledger.store.memory import MemoryStore
from tests.cast import CAST, DAY, HOUR, Play, Played, description, money
from tests.ledger.written import SetClock, append, opened
from tests.logs import multikey
from tests.stories.stage import Stage

NAMES = ("factory", "partner", "second", "lender", "stranger")


def check_tells_nothing(denied: Problem) -> None:
    members = (denied.code, denied.detail, denied.pointer, denied.index, denied.subject)
    assert members == ("disclosure_denied", "", None, None, None)


class Scene:
    """A play on a ledger with a charter that has inspectors; ``seen`` looks with everybody's eyes."""

    def __init__(self, *joined: str) -> None:
        self.play = Play()
        self.store = MemoryStore()
        self.writer: Writer | None = None
        authority = {"did": CAST["lender"].did, "roles": ["regulator"]}
        amended = {"authorities": [authority], "inspectors": ["regulator"]}
        self.play.act("ledger.amended", by="governance", sub=self.play.world.ledger, body=amended)
        self.play.join(*joined)

    def reader(self) -> Reader:
        """Reads what was played so far."""
        clock = SetClock()
        self.writer = self.writer or opened(self.store, clock)
        self.writer._clock = clock
        head = self.writer.head
        append(self.writer, clock, self.play.entries[0 if head is None else head.size :])

        def now() -> SignedHead:
            assert self.writer is not None
            assert self.writer.head is not None
            return self.writer.head

        return Reader(self.store, now)

    def asking(self, name: str) -> list[Asker]:
        return self.asking_for(CAST[name].did, multibase_of(CAST[name].key.public), None)

    def asking_for(self, did: str, key: str, principal: str | None) -> list[Asker]:
        return list(askers(self.reader(), did, key, self.play.seconds, principal))

    def values(self, name: str, index: int) -> list[Any] | None:
        """What somebody is shown of an entry; None where it is denied."""
        try:
            return [show(one) for one in disclosed(self.reader(), index, self.asking(name), self.play.seconds)]
        except Unverifiable as denied:
            check_tells_nothing(denied)
            return None

    def seen(self, index: int) -> set[str]:
        """Who is shown all that is private in an entry; everybody else is denied it."""
        found = {name: self.values(name, index) for name in NAMES}
        stated = stated_in(self.play.entries[index].statement)
        every = len(stated.fields) if stated else -1
        assert all(values is None or len(values) == every for values in found.values()), found
        return {name for name, values in found.items() if values is not None}

    def joined_in_private(self, name: str) -> int:
        body = {"name": CAST[name].legal, "contact": {"email": "a@b.example"}}
        return self.play.act("party.joined", by=name, body=body, private=["name", "contact"]).index

    def named(self, index: int) -> dict[str, Any]:
        statement = self.play.entries[index].statement
        return {"entry": index, "party": self.play.world.party(statement.claims.iss), "subject": statement.about}


def test_a_name_is_its_partys_own() -> None:
    scene = Scene("partner", "second", "lender")
    assert scene.seen(scene.joined_in_private("factory")) == {"factory"}


def test_both_sides_see_what_either_states_in_a_negotiation_and_nobody_else() -> None:
    scene = Scene(*NAMES)
    play = scene.play
    offer = play.offer("factory", play.register("factory"), price=money(9), private=["price"])
    offered = play.entries[-1].index
    agreement = play.request("partner", offer, price=money(7), private=["terms.price"])
    asked = play.entries[-1].index
    play.act("agreement.agreed", by="factory", **play.next_act(agreement, "agreed"))
    agreed = play.entries[-1].index
    assert scene.seen(offered) == {"factory"}
    assert scene.seen(asked) == scene.seen(agreed) == {"factory", "partner"}
    assert scene.values("partner", agreed) == [money(7)]


def test_offers_to_some_and_transfers_are_seen_by_those_they_name() -> None:
    scene = Scene(*NAMES)
    play = scene.play
    asset = play.register("factory")
    play.offer("factory", asset, price=money(9), private=["price"], to=[play.party("partner"), play.party("second")])
    assert scene.seen(play.entries[-1].index) == {"factory", "partner", "second"}
    body = {"asset": asset, "to": play.party("second"), "price": money(80), "validUntil": play.seconds + DAY}
    play.act("transfer.proposed", by="factory", body=body, private=["price"])
    assert scene.seen(play.entries[-1].index) == {"factory", "second"}


def test_a_grant_shows_what_it_names_to_whom_it_names_as_long_as_it_holds() -> None:
    scene = Scene("partner", "second")
    play = scene.play
    index = scene.joined_in_private("factory")
    body = {"subject": play.party("factory"), "entry": index, "fields": ["/name"], "to": [play.party("partner")]}
    play.act("disclosure.granted", by="factory", body=body | {"until": play.seconds + HOUR})
    assert scene.values("partner", index) == [CAST["factory"].legal]
    assert scene.values("second", index) is None
    play.tick(HOUR)
    assert scene.values("partner", index) == [CAST["factory"].legal]
    play.tick(1)
    assert scene.values("partner", index) is None
    grant = play.act("disclosure.granted", by="factory", body={"subject": body["subject"], "to": body["to"]}).subject
    assert len(scene.values("partner", index) or []) == 2
    play.act("disclosure.withdrawn", by="factory", sub=grant, body={})
    assert scene.values("partner", index) is None


def test_a_grant_shows_nothing_that_others_stated_about_the_same_subject() -> None:
    scene = Scene(*NAMES)
    play = scene.play
    offer = play.offer("factory", play.register("factory"))
    agreement = play.request("partner", offer, price=money(7), private=["terms.price"])
    asked = play.entries[-1].index
    play.act("disclosure.granted", by="factory", body={"subject": agreement, "to": [play.party("second")]})
    assert scene.seen(asked) == {"factory", "partner"}
    play.act("agreement.agreed", by="factory", **play.next_act(agreement, "agreed"))
    assert scene.seen(play.entries[-1].index) == {"factory", "partner", "second"}
    assert scene.seen(asked) == {"factory", "partner"}


def test_a_grant_that_somebody_else_may_have_given_shows_nothing() -> None:
    scene = Scene("partner", "second")
    play = scene.play
    index = scene.joined_in_private("factory")
    given = {"to": CAST["stranger"].did, "nature": "person", "powers": {"kinds": ["*"]}, "until": play.seconds + DAY}
    via = play.act("party.delegated", by="factory", body=given)
    body = {"subject": play.party("factory"), "to": [play.party("second")]}
    play.act("disclosure.granted", by="factory", key="stranger", via=via.id, body=body)
    assert len(scene.values("second", index) or []) == 2
    stolen = {"reason": "compromised", "since": via.index}
    play.act("delegation.revoked", by="factory", sub=via.subject, body=stolen)
    assert scene.values("second", index) is None
    grant = play.act("disclosure.granted", by="factory", body=body).index
    assert len(scene.values("second", index) or []) == 2
    Stage(play).run(f"factory  party.succeeded  factory to spare compromised=[factory/{grant}]  recorded")
    assert scene.values("second", index) is None


@pytest.mark.parametrize(
    ("powers", "sees"),
    [
        ({"kinds": ["agreement.*"]}, True),
        ({"kinds": ["*"]}, True),
        ({"kinds": ["asset.*", "agreement.requested"]}, True),
        ({"kinds": ["agreement.accepted"]}, False),
        ({"kinds": ["asset.*"]}, False),
        ({"kinds": ["agreement.*"], "amounts": [money(1)]}, True),
        ({"kinds": ["agreement.*"], "subjects": ["agreement"]}, True),
        ({"kinds": ["agreement.*"], "subjects": ["offer"]}, False),
    ],
)
def test_a_delegate_sees_what_is_stated_in_acts_that_it_could_do(powers: dict[str, Any], sees: bool) -> None:
    scene = Scene("factory", "partner")
    play = scene.play
    offer = play.offer("factory", play.register("factory"))
    agreement = play.request("partner", offer, price=money(7), private=["terms.price"])
    asked = play.entries[-1].index
    if "subjects" in powers:
        powers = powers | {"subjects": [{"agreement": agreement, "offer": offer}[one] for one in powers["subjects"]]}
    body = {"to": CAST["stranger"].did, "nature": "person", "powers": powers, "until": play.seconds + DAY}
    given = play.act("party.delegated", by="factory", body=body).subject
    assert scene.seen(asked) == {"factory", "partner"} | ({"stranger"} if sees else set())
    play.act("delegation.revoked", by="factory", sub=given, body={})
    assert scene.seen(asked) == {"factory", "partner"}


def test_what_a_delegation_goes_back_to_bounds_what_it_shows() -> None:
    scene = Scene("factory", "partner")
    play = scene.play
    offer = play.offer("factory", play.register("factory"))
    play.request("partner", offer, price=money(7), private=["terms.price"])
    asked = play.entries[-1].index
    given = {"nature": "person", "until": play.seconds + DAY}
    narrow = given | {"to": CAST["second"].did, "powers": {"kinds": ["asset.*"]}, "depth": 1}
    above = play.act("party.delegated", by="factory", body=narrow)
    wide = given | {"to": CAST["stranger"].did, "powers": {"kinds": ["*"]}}
    play.act("party.delegated", by="factory", key="second", via=above.id, body=wide)
    assert len(scene.asking("stranger")) == 1
    assert scene.seen(asked) == {"factory", "partner"}
    play.tick(days=2)
    assert scene.asking("stranger") == []


def given(scene: Scene, by: str, to: str, via: str | None = None, **more: Any) -> Played:
    body = {"to": CAST[to].did, "nature": "person", "powers": {"kinds": ["*"]}, "until": scene.play.seconds + DAY}
    return scene.play.act("party.delegated", by=by, via=via, body=body | more)


def test_what_was_given_on_with_a_stolen_key_shows_nothing_and_admits_nothing() -> None:
    scene = Scene("factory", "partner", "second")
    play = scene.play
    play.request("second", play.offer("factory", play.register("factory")), price=money(7), private=["terms.price"])
    asked = play.entries[-1].index
    above = given(scene, "factory", "partner", depth=1)
    stolen = given(scene, "partner", "stranger", via=above.subject)
    assert scene.seen(asked) == {"factory", "partner", "second", "stranger"}
    Stage(play).run(f"partner  party.succeeded  partner to spare compromised=[partner/{stolen.index}]  recorded")
    assert scene.seen(asked) == {"factory", "second"}
    assert scene.asking("stranger") == []
    act = {"by": "stranger", "via": stolen.subject, "body": description("by the thief")}
    assert isinstance(refused := play.attempt("asset.registered", **act), Refused)
    assert refused.code == "delegation_doubtful"
    clock = SetClock((play.seconds + 1) * 1_000_000)
    (outcome,) = opened(scene.store, clock).append([receive(play.sign("asset.registered", **act))])
    assert isinstance(outcome, Refused)
    assert outcome.code == "delegation_doubtful", "a writer that knows of it what it fetched, too"


def test_a_grant_by_a_delegate_whose_key_was_stolen_shows_nothing() -> None:
    scene = Scene("partner", "second")
    play = scene.play
    index = scene.joined_in_private("factory")
    above = given(scene, "factory", "partner")
    body = {"subject": play.party("factory"), "to": [play.party("second")]}
    grant = play.act("disclosure.granted", by="partner", via=above.subject, body=body)
    assert len(scene.values("second", index) or []) == 2
    Stage(play).run(f"partner  party.succeeded  partner to spare compromised=[partner/{grant.index}]  recorded")
    assert scene.values("second", index) is None


def test_what_is_erased_is_gone_for_everybody_and_the_rest_is_not() -> None:
    scene = Scene("partner")
    play = scene.play
    index = scene.joined_in_private("factory")
    assert len(scene.values("factory", index) or []) == 2
    digests = {pointer: digest for digest, pointer in play.entries[index].statement.private().items()}
    body = scene.named(index) | {"digests": [digests["/name"]], "code": "gdpr-17", "ground": "on request"}
    play.act("disclosure.erased", by="factory", body=body)
    assert scene.values("factory", index) == [{"email": "a@b.example"}]
    assert len(scene.store.disclosures(index)) == 1


def test_an_authority_sees_by_its_look_alone_and_not_for_long() -> None:
    scene = Scene("partner", "lender")
    play = scene.play
    index = scene.joined_in_private("factory")
    body = scene.named(index) | {"fields": ["/name"], "code": "audit", "ground": "Art. 58 GDPR"}
    look = play.act("disclosure.inspected", by="lender", body=body).subject
    assert scene.values("lender", index) is None

    def by(name: str, at: int = index, what: str = look) -> list[Any] | None:
        reader = scene.reader()
        charter: Any = scene.writer and scene.writer.charter
        try:
            found, texts = looked_at(reader, charter, at, scene.asking(name), what, play.seconds)
        except Unverifiable as denied:
            check_tells_nothing(denied)
            return None
        assert found == play.state(Inspection, look)
        return [show(one) for one in texts]

    assert by("lender") == [CAST["factory"].legal]
    assert by("partner") is by("factory") is None
    assert by("lender", what=play.party("lender")) is None
    assert by("lender", what="inspection_0") is None
    assert by("lender", at=0) is by("lender", at=999) is None
    given = {"to": CAST["stranger"].did, "nature": "person", "until": play.seconds + DAY}
    play.act("party.delegated", by="lender", body=given | {"powers": {"kinds": ["party.*"]}})
    assert by("stranger") is None
    play.act("party.delegated", by="lender", body=given | {"powers": {"kinds": ["disclosure.inspected"]}})
    assert by("stranger") == [CAST["factory"].legal]
    play.tick(LOOK_S)
    assert by("lender") == [CAST["factory"].legal]
    play.tick(1)
    assert by("lender") is None
    look = play.act("disclosure.inspected", by="lender", body=body).subject
    play.act("ledger.amended", by="governance", sub=play.world.ledger, body={"inspectors": []})
    assert by("lender", what=look) is None


def test_nothing_is_learnt_by_asking_for_what_there_is_not() -> None:
    scene = Scene("factory", "partner")
    assert [scene.values("factory", index) for index in (0, 1, 2, 999)] == [None] * 4


def test_who_has_left_or_signs_with_another_key_is_nobody() -> None:
    scene = Scene("partner")
    index = scene.joined_in_private("factory")
    scene.play.act("party.left", by="factory", sub=scene.play.party("factory"), body={})
    assert scene.values("factory", index) is None
    key = multibase_of(CAST["stranger"].key.public)
    assert scene.asking_for(CAST["partner"].did, key, None) == []


def test_what_others_give_to_a_did_hides_nothing_from_whoever_says_for_whom_it_asks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ledger.sight, "PARTIES_MAX", 2)
    monkeypatch.setattr(ledger.sight, "GIVEN_MAX", 2)
    scene = Scene("factory", "partner", "second")
    play = scene.play
    given = play.delegate("factory", "stranger")
    revoked = play.delegate("factory", "stranger", kinds=["asset.*"])
    play.act("delegation.revoked", by="factory", sub=revoked, body={})
    for _ in range(3):
        play.delegate("second", "stranger")
    me = CAST["stranger"].did, multibase_of(CAST["stranger"].key.public)
    factory, second = play.party("factory"), play.party("second")
    assert [one.party for one in scene.asking_for(*me, None)] == [second] * 2
    for principal in (factory, CAST["factory"].did, given):
        assert [one.party for one in scene.asking_for(*me, principal)] == [factory]
    others = (play.party("partner"), CAST["lender"].did, "party_" + "0" * 26, "delegation_" + "0" * 26, revoked, "x")
    assert [scene.asking_for(*me, principal) for principal in others] == [[]] * len(others)
    partner = CAST["partner"].did, multibase_of(CAST["partner"].key.public)
    assert [scene.asking_for(*partner, principal) for principal in (factory, given)] == [[], []]


def test_who_lists_a_key_of_another_hides_nothing_from_whoever_says_for_whom_it_asks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ledger.sight, "PARTIES_MAX", 2)
    monkeypatch.setattr(ledger.sight, "GIVEN_MAX", 2)
    scene = Scene("factory")
    play = scene.play
    works = play.join_hosted("works")
    given = play.delegate("factory", "works")
    for name in ("mill", "spare", "agent"):
        play.join_hosted(name, keys=[name, "works"])
    itself = f"did:key:{multikey('works')}", multikey("works")
    hosted = play.did("works"), multikey("works")
    assert works not in [one.party for one in scene.asking_for(*itself, None)]
    assert [one.party for one in scene.asking_for(*itself, works)] == [works]
    assert [one.party for one in scene.asking_for(*hosted, None)] == [works, play.party("factory")]
    for me in (itself, hosted):
        assert [one.party for one in scene.asking_for(*me, given)] == [play.party("factory")]
    play.rotate("works", keys=["works-2"])
    for principal in (works, given, play.did("works")):
        assert scene.asking_for(*itself, principal) == scene.asking_for(*hosted, principal) == []
