"""The cast: named parties with fixed keys, a ledger in memory, a clock told when to move.

    play = Play()                                  # the charter is entry 0
    play.join("factory", "partner")
    asset = play.register("factory", title="主轴振动数据")
    offer = play.offer("factory", asset, price=money(1_250_000))
    agreement = play.license("partner", offer)     # from request to finalized, five signed acts
    play.tick(days=1)
    play.refused("asset_not_yours", "asset.retired", by="partner", sub=asset, body={"reason": "mine"})

Everything is signed and judged for real: statements by ``identity.jws``, verdicts by ``World.admit``. Everything is
determined: the same play gives the same bytes. ``play.entries`` holds what was admitted, in order, with its time and
its bytes, so that a store, a writer or an audit can be fed the same story.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cache
from hashlib import sha256
from typing import Any, TypeVar

import ledger.circulation
from identity import disclosure, jws
from identity.canonical import b64encode, encode
from identity.did import did_of, multibase_of
from identity.keys import SigningKey
from identity.note import Signer, format_vkey
from ledger.circulation.agreement import Agreement
from ledger.circulation.asset import Asset
from ledger.circulation.delegation import Delegation
from ledger.circulation.offer import Offer
from ledger.circulation.party import Party
from ledger.circulation.recovery import Recovery
from ledger.circulation.speaker import consent_message
from ledger.errors import Problem, Refused
from ledger.log.chain import LINK_OF_FIRST, Entry, format_entry, link_of
from ledger.log.refusal import refusal_key_name
from ledger.statement import KINDS, Statement, receive
from ledger.world import Change, State, Subject, World
from tests.logs import HOST, Log, key_called
from tests.logs import seed as seed  # for whoever makes other keys of the play

assert ledger.circulation  # imported for its kinds

ORIGIN = "cast.example/ledger"
START = 1_760_000_000  # POSIX seconds at which every play begins
MINUTE, HOUR, DAY = 60, 3_600, 86_400
NOBODY = "A" * 43  # a statement id that no statement has

S = TypeVar("S", bound=State)


@dataclass(frozen=True)
class Actor:
    """Somebody who signs."""

    name: str  # in plays and tables
    legal: str
    key: SigningKey
    roles: tuple[str, ...] = ()

    @property
    def did(self) -> str:
        return did_of(self.key.public)


def actor(name: str, legal: str = "", *, alg: Any = "Ed25519", roles: tuple[str, ...] = ()) -> Actor:
    """An actor whose key follows from the name."""
    return Actor(name, legal or name, key_called(name, alg), roles)


CAST = {
    one.name: one
    for one in (
        actor("governance", "Registry Governance"),
        actor("service", "Registry Service"),
        actor("factory", "沈阳叶片制造有限公司 Shenyang Blade Works", roles=("factory",)),
        actor("partner", "Nordwind Turbinen GmbH", alg="ES256", roles=("integrator",)),  # signs with P-256
        actor("second", "Qingdao Precision Castings", roles=("factory",)),
        actor("lender", "Banco Ribeira", roles=("lender",)),
        actor("stranger", "Fundição Porto Lda"),
        actor("works", "Werk Nord GmbH"),
        actor("mill", "Papierfabrik Süd AG"),
        actor("spare", "What somebody turns to"),
        actor("employee", "Li Wei 李伟"),
        actor("machine", "Milling machine 7"),
        actor("agent", "Pricing agent"),
        actor("thief", "Whoever it was"),
    )
}
"""Governance and service, and the parties of the plays. Nobody has joined yet."""

LOG = Signer(ORIGIN, seed("log"))
"""Signs checkpoints of a ledger that is made of a play."""

REFUSING = Signer(refusal_key_name(ORIGIN), seed("refusal"))
"""Signs refusals, where the charter names it."""

POLICY = {
    "@type": "Offer",
    "permission": [
        {
            "action": "use",
            "constraint": [{"leftOperand": "purpose", "operator": "eq", "rightOperand": "predictive maintenance"}],
        }
    ],
}
"""A policy whose one permission is bound to a purpose."""

ANY_USE = {"@type": "Offer", "permission": [{"action": "use"}]}
"""A policy that names no purpose."""


def money(amount: int, currency: str = "EUR") -> dict[str, Any]:
    return {"amount": amount, "currency": currency}


def digest(text: str) -> str:
    """base64url SHA-256 of a text: content for assets."""
    return b64encode(sha256(text.encode()).digest())


def charter(**changes: Any) -> dict[str, Any]:
    """The body of a charter that lets anyone join and read."""
    return {
        "rules": 1,
        "governance": CAST["governance"].did,
        "service": CAST["service"].did,
        "logKey": format_vkey(LOG.verifier),
        **changes,
    }


def description(title: str = "Spindle vibration, line 4", **changes: Any) -> dict[str, Any]:
    """The body of asset.registered and asset.revised."""
    return {
        "title": title,
        "keywords": ["vibration"],
        "content": {"sha256": digest(title), "size": 4096, "mediaType": "text/csv"},
        "source": {"basis": "produced", "statement": "measured on our own machines"},
        "classification": "general",
        "personal": False,
        **changes,
    }


@dataclass(frozen=True)
class Played:
    """An admitted act. ``sent`` is what the client sent, ``time`` the entry's, in microseconds."""

    sent: bytes
    statement: Statement
    index: int
    time: int
    entry: bytes
    change: Change

    @property
    def id(self) -> str:
        return self.statement.id

    @property
    def subject(self) -> str:
        """The subject the act opened, or else the one it is about."""
        return next(iter(self.statement.opened.values()), self.statement.claims.sub or "")

    def opened(self, type_: str) -> str:
        return self.statement.opened[type_]


@dataclass
class Play:
    """A ledger in memory, and the actors who play on it."""

    founding: dict[str, Any] | None = field(default_factory=charter)  # the charter's body; None: not opened yet
    cast: dict[str, Actor] = field(default_factory=lambda: dict(CAST))

    def __post_init__(self) -> None:
        self.world = World(ORIGIN, complete=True)
        self.seconds = START
        self.entries: list[Played] = []
        self.subjects: dict[str, Subject] = {}
        self.logs: dict[str, Log] = {}  # of actors who speak through a did:webvh, as far as the ledger has them
        self._drafts: dict[str, Log] = {}  # those that were stated, by their last version
        self._signed = 0
        self._link = LINK_OF_FIRST
        if self.founding is not None:
            self.act("ledger.opened", by="governance", body=self.founding)

    # -- time and state --------------------------------------------------------------------------------------

    def tick(self, seconds: int = 0, *, minutes: int = 0, hours: int = 0, days: int = 0) -> None:
        """Let time pass. It never does otherwise, but for one microsecond between entries."""
        self.seconds += seconds + minutes * MINUTE + hours * HOUR + days * DAY

    def party(self, name: str) -> str:
        """The party id of an actor who joined."""
        found = self.world.party(self.did(name)) or self.world.party(self.cast[name].did)
        assert found is not None, f"{name} has not joined"
        return found

    def did(self, name: str) -> str:
        """The DID as which an actor signs: the did:webvh whose log the ledger has, else the did:key."""
        return self.logs[name].did if name in self.logs else self.cast[name].did

    def key(self, name: str) -> SigningKey:
        """An actor's own key, or any other that is called so."""
        return self.cast[name].key if name in self.cast else key_called(name)

    @property
    def state_subject(self) -> str:
        """The subject of the state that is committed to; the charter opened it."""
        return self.entries[0].opened("state")

    def state(self, type_: type[S], subject: str) -> S:
        found = self.subjects[subject].state
        assert isinstance(found, type_)
        return found

    def last(self, subject: str) -> str:
        """What ``prev`` must name for this subject."""
        return self.subjects[subject].last if subject in self.subjects else NOBODY

    def snapshot(self) -> tuple[Any, ...]:
        """All that an act could change, to be compared."""
        subjects = {one.id: (one.no, one.index, one.last, one.state.encode()) for one in self.world.subjects()}
        parties = [one.state for one in self.world.subjects() if isinstance(one.state, Party)]
        dids = {one.did for one in self.cast.values()}.union(*(party.dids for party in parties))
        found = {did: self.world.party(did) for did in dids}
        return self.world.size, self.world.count, subjects, found

    # -- signing and admitting -------------------------------------------------------------------------------

    def sign(
        self,
        kind: str,
        *,
        by: str,
        sub: str | None = None,
        body: dict[str, Any] | None = None,
        prev: dict[str, str] | None = None,
        private: Iterable[str] = (),
        key: str | None = None,
        log: Log | None = None,
        via: str | None = None,
        **claims: Any,
    ) -> bytes:
        """What a client sends: a signed statement, and disclosures if fields of the body are ``private``.

        ``private`` names fields by path (``terms.price``); the same value under the same name is hidden under the
        same salt, so that it can be stated again. ``prev`` pins what the kind pins unless given, ``key`` lets
        another key sign, and ``claims`` are put in as they are. ``log`` is that of a DID which comes to speak by this
        act, and signs it; ``via`` a delegation, by whose party's DID the act is done.
        """
        shown, disclosures = _hide(body or {}, private)
        self._signed += 1
        did = self.did(by) if log is None else log.did
        if via is not None:
            claims = {"via": via, **claims}
            if via in self.subjects:
                mandate = self.state(Delegation, via)
                claims |= {"via": mandate.act, "iss": claims.get("iss", self.state(Party, mandate.party).did)}
        if key is None:
            speaking = log or self.logs.get(by)
            key = speaking.keys[0] if speaking is not None and speaking.keys else by
        kid = None if did.startswith("did:key:") else f"{did}#{multibase_of(self.key(key).public)}"
        stated = {
            "iss": did,
            "aud": self.world.audience,
            "iat": self.seconds,
            "exp": self.seconds + HOUR,
            "jti": b64encode(sha256(b"jti %d" % self._signed).digest()[:16]),
            "kind": kind,
            "body": shown,
            "sub": sub,
            "prev": self._pins(kind, sub, shown) if prev is None else prev,
            **claims,
        }
        return disclosure.join(jws.sign(stated, self.key(key), kid=kid), disclosures)

    def admit(self, sent: bytes) -> Played:
        """Receive and judge what was sent, as the next entry. Raises ``Problem`` as the door and the rules do."""
        statement = receive(sent)
        index, time = self.world.size, self.seconds * 1_000_000 + len(self.entries)
        change = self.world.admit(statement, time)
        entry = format_entry(Entry(ORIGIN, index, time, self._link, statement.signed.compact))
        self._link = link_of(entry)
        self.world.load_hash(index, self._link)
        if index == 0:
            self.world.opened(self._link)
        self.subjects.update((after.id, after) for _, after in change.changed)
        played = Played(sent, statement, index, time, entry, change)
        self.entries.append(played)
        if lines := statement.claims.body.get("log"):
            draft = self._drafts.get(lines[-1]["versionId"])
            if draft is not None and statement.claims.kind != "recovery.opened":
                self.logs[draft.name] = draft
        return played

    def act(self, kind: str, **given: Any) -> Played:
        """Sign and admit; takes what :meth:`sign` takes."""
        return self.admit(self.sign(kind, **given))

    def attempt(self, kind: str, **given: Any) -> Played | Problem:
        """Sign and admit, or see why not; a refused act must have changed nothing."""
        sent, before = self.sign(kind, **given), self.snapshot()
        try:
            return self.admit(sent)
        except Problem as wrong:
            problem = wrong
        assert self.snapshot() == before, f"{problem} changed something"
        return problem

    def refused(self, code: str, kind: str, **given: Any) -> Refused:
        """Sign, and see the act refused by this code and nothing changed."""
        ended = self.attempt(kind, **given)
        assert isinstance(ended, Refused), f"expected {code}, got {ended}"
        assert ended.code == code, f"expected {code}, got {ended}"
        return ended

    def _pins(self, kind: str, sub: str | None, body: dict[str, Any]) -> dict[str, str]:
        try:
            pinned = KINDS[kind].model_validate(body).pins(sub)
        except (KeyError, ValueError):  # tests of malformed statements
            pinned = () if sub is None else (sub,)
        return {subject: self.last(subject) for subject in pinned}

    # -- whole passages --------------------------------------------------------------------------------------

    def join(self, *names: str) -> list[str]:
        """These actors join under their legal names; returns the party ids."""
        found = []
        for name in names:
            one = self.cast[name]
            found.append(self.act("party.joined", by=name, body={"name": one.legal, "roles": list(one.roles)}).subject)
        return found

    def register(self, by: str, **changes: Any) -> str:
        """Register an asset; takes what :func:`description` takes."""
        return self.act("asset.registered", by=by, body=description(**changes)).subject

    def offer(self, by: str, *assets: str, private: Iterable[str] = (), **changes: Any) -> str:
        """Offer assets in their latest versions to all, for 30 days, unless ``changes`` say otherwise."""
        return self.act("offer.opened", by=by, body=self.offer_of(*assets, **changes), private=private).subject

    def offer_of(self, *assets: str, **changes: Any) -> dict[str, Any]:
        """The body of offer.opened."""
        return {
            "assets": [{"asset": one, "version": self.state(Asset, one).version} for one in assets],
            "policy": POLICY,
            "validUntil": self.seconds + 30 * DAY,
            "to": "all",
            **changes,
        }

    def terms_of(self, offer: str, **changes: Any) -> dict[str, Any]:
        """Terms on an offer: its very versions; policy and price unless ``changes`` say otherwise."""
        assets = [{k: one[k] for k in ("asset", "version", "sha256")} for one in self.state(Offer, offer).assets]
        return {"assets": assets, "policy": POLICY, **changes}

    def proposal_of(self, offer: str, **changes: Any) -> dict[str, Any]:
        """The body of agreement.requested, and of agreement.offered but for its consumer."""
        return {"offer": offer, "terms": self.terms_of(offer, **changes), "validUntil": self.seconds + 7 * DAY}

    def request(self, by: str, offer: str, *, private: Iterable[str] = (), **changes: Any) -> str:
        """Request a licence; returns the agreement's id."""
        body = self.proposal_of(offer, **changes)
        return self.act("agreement.requested", by=by, body=body, private=private).subject

    def standing(self, agreement: str) -> dict[str, Any]:
        """The terms that stand, disclosed: what the last requested, offered or agreed act said of them."""
        stated = self.entries[self.state(Agreement, agreement).statedIn].statement
        terms: dict[str, Any] = disclosure.reveal(stated.claims.body, stated.disclosures)["terms"]
        return terms

    def next_act(self, agreement: str, word: str) -> dict[str, Any]:
        """``sub``, ``body`` and ``private`` of the act ``agreement.<word>`` that goes on with the terms that stand."""
        state = self.state(Agreement, agreement)
        body: dict[str, Any] = {"digest": state.digest}
        hidden: list[str] = []
        if word == "agreed":
            body["terms"] = self.standing(agreement)
            hidden = ["terms.price"] if state.price is not None and "_sd" in state.price else []
        if word == "finalized":
            body["assets"] = [one["asset"] for one in state.assets]
        if word == "terminated":
            body = {"reason": "plans have changed"}
        return {"sub": agreement, "body": body, "private": hidden}

    def conclude(self, agreement: str, *, provider: str, consumer: str) -> str:
        """From the standing request to finalized."""
        for word, by in (("agreed", provider), ("verified", consumer), ("finalized", provider)):
            self.act(f"agreement.{word}", by=by, **self.next_act(agreement, word))
        return agreement

    def license(self, consumer: str, offer: str, **changes: Any) -> str:
        """A whole negotiation on an offer, from the consumer's request to finalized; returns the agreement's id."""
        provider = self.named(self.state(Offer, offer).holder)
        return self.conclude(self.request(consumer, offer, **changes), provider=provider, consumer=consumer)

    def propose(self, by: str, asset: str, to: str, **changes: Any) -> str:
        """Propose a transfer, open for 7 days; returns its id."""
        body = {"asset": asset, "to": self.party(to), "validUntil": self.seconds + 7 * DAY, **changes}
        return self.act("transfer.proposed", by=by, body=body).subject

    def transfer(self, by: str, asset: str, to: str, **changes: Any) -> str:
        """Pass an asset on, by both signatures; returns the transfer's id."""
        transfer = self.propose(by, asset, to, **changes)
        body = {"asset": asset, "licences": self.state(Asset, asset).licences}
        self.act("transfer.accepted", by=to, sub=transfer, body=body)
        return transfer

    def named(self, party: str) -> str:
        """The name in the play of who speaks for a party."""
        return next(name for name in self.cast if self.did(name) == self.state(Party, party).did)

    # -- identity --------------------------------------------------------------------------------------------

    def stated(self, draft: Log) -> dict[str, Any]:
        """The field ``log`` of an act by which the ledger comes to have a log as it is drafted."""
        self._drafts[draft.standing.version_id] = draft
        return {"log": draft.since(self.logs.get(draft.name))}

    def join_hosted(self, name: str, **given: Any) -> str:
        """An actor joins under a did:webvh; takes what ``Log.begin`` takes. Returns the party id."""
        draft = Log.begin(name, self.seconds, **given)
        body = {"name": self.cast[name].legal, **self.stated(draft)}
        return self.act("party.joined", by=name, body=body, log=draft).subject

    def rotate(self, name: str, *, compromised: Iterable[tuple[str, int]] = (), **given: Any) -> Played:
        """The actor's log goes on; takes what ``Log.next`` takes. Signed by a key that speaks from here on."""
        draft = self.logs[name].next(self.seconds, **given)
        body = self.stated(draft) | self.compromised(compromised)
        return self.act("party.rotated", by=name, sub=self.party(name), body=body, key=draft.keys[0])

    def compromised(self, named: Iterable[tuple[str, int]]) -> dict[str, Any]:
        """The field of this name, of names of keys and indexes."""
        found = [{"key": multibase_of(self.key(name).public), "since": since} for name, since in named]
        return {"compromised": found} if found else {}

    def consent(self, party: str, did: str, key: str) -> dict[str, Any]:
        """The field of this name: a DID's key agrees to speak for a party."""
        signature = self.key(key).sign(consent_message(self.world.audience, party, did))
        return {"consent": {"key": multibase_of(self.key(key).public), "signature": b64encode(signature)}}

    def turned_to(self, party: str, to: str, draft: Log | None = None) -> dict[str, Any]:
        """What an act says of the DID that is to speak for a party: an actor's did:key, or the one of a log."""
        did, key = (self.cast[to].did, to) if draft is None else (draft.did, draft.keys[0])
        logged = {} if draft is None else self.stated(draft)
        return {"did": did, **self.consent(party, did, key), **logged}

    def succeed(self, name: str, to: str, draft: Log | None = None) -> Played:
        """Another DID speaks for the actor's party from here on."""
        body = self.turned_to(self.party(name), to, draft)
        return self.act("party.succeeded", by=name, sub=self.party(name), body=body)

    def delegate(self, by: str, to: str, *, via: str | None = None, days: int = 30, **given: Any) -> str:
        """Let another act, within bounds: all kinds unless said otherwise. Returns the delegation's id."""
        powers = {name: given.pop(name) for name in ("kinds", "subjects", "amounts") if name in given}
        body = {"to": self.did(to), "powers": {"kinds": ["*"], **powers}, "until": self.seconds + days * DAY, **given}
        return self.act("party.delegated", by=by, via=via, body={"nature": "device", **body}).subject

    def arrange(self, name: str, *trustees: str, **given: Any) -> Played:
        """Name trustees: two of them and a week's wait, unless said otherwise."""
        body = {"trustees": [self.party(one) for one in trustees], "threshold": min(2, len(trustees)), **given}
        return self.act("recovery.arranged", by=name, sub=self.party(name), body=body)

    def recover(self, name: str, to: str, *trustees: str, draft: Log | None = None, **lost: int) -> str:
        """The trustees let another DID speak for the actor's party: opened, supported, waited for, completed."""
        party = self.party(name)
        first, *others = trustees
        body = {"party": party, "reason": "the keys are lost", **self.turned_to(party, to, draft)}
        recovery = self.act("recovery.opened", by=first, body=body).subject
        for one in others:
            self.act("recovery.supported", by=one, sub=recovery, body={})
        self.tick(self.state(Recovery, recovery).wait)
        self.act("recovery.completed", by=to, sub=recovery, log=draft, body=self.completion(recovery, draft, **lost))
        return recovery

    def completion(self, recovery: str, draft: Log | None = None, **lost: int) -> dict[str, Any]:
        """The body of recovery.completed; ``lost`` are names of keys, and since when others may have them."""
        logged = {} if draft is None else self.stated(draft)
        return {"party": self.state(Recovery, recovery).party, **logged, **self.compromised(lost.items())}


@cache
def played_life() -> tuple[bytes, ...]:
    """The statements of :func:`life` as sent, made once."""
    return tuple(played.sent for played in life().entries)


def life() -> Play:
    """The life of a data set, in which every kind that is about data occurs, and private fields are used."""
    play = Play()
    play.join("factory", "partner", "second")
    body = {"name": CAST["lender"].legal, "contact": {"email": "data@ribeira.example"}, "roles": ["lender"]}
    play.act("party.joined", by="lender", body=body, private=["name", "contact"])
    spindle = play.register("factory", title="主轴振动数据 Spindle vibration, line 4")
    castings = play.register("second", title="Casting temperatures", classification="important")
    play.tick(hours=2)
    offer = play.offer("factory", spindle, price=money(1_250_000))
    quiet = play.offer("second", castings, price=money(90_000_00, "CNY"), private=["price"])
    play.license("partner", offer, price=money(1_250_000))
    bargain = play.request("partner", quiet, price=money(70_000_00, "CNY"), private=["terms.price"])
    counter = play.proposal_of(quiet, price=money(80_000_00, "CNY")) | {"consumer": play.party("partner")}
    play.act("agreement.offered", by="second", sub=bargain, body=counter, private=["terms.price"])
    play.act("agreement.accepted", by="partner", **play.next_act(bargain, "accepted"))
    play.conclude(bargain, provider="second", consumer="partner")
    play.tick(days=1)
    play.act("asset.revised", by="factory", sub=spindle, body=description(title="Spindle vibration, lines 4 and 5"))
    broken = play.request("lender", offer)
    play.act("agreement.terminated", by="lender", **play.next_act(broken, "terminated"))
    declined = play.propose("factory", spindle, "lender")
    play.act("transfer.declined", by="lender", sub=declined, body={})
    withdrawn = play.propose("factory", spindle, "partner", price=money(5_000_000))
    play.act("transfer.withdrawn", by="factory", sub=withdrawn, body={})
    play.tick(days=1)
    play.transfer("factory", spindle, "second", note="with the plant")
    play.act("offer.withdrawn", by="factory", sub=offer, body={})
    play.act("asset.retired", by="second", sub=castings, body={"reason": "superseded by the plant's own historian"})
    amended = {"limits": {"validity": 2 * DAY, "clock": 30}}
    play.act("ledger.amended", by="governance", sub=play.world.ledger, body=amended)
    return play


def whole_life() -> Play:
    """:func:`life`, and then of those who take part in it: all kinds that there are but commitments to the state."""
    play = life()
    credentials(play)
    identities(play)
    disclosures(play)
    aliases(play)
    return play


def aliases(play: Play) -> None:
    """The lender, whom the charter makes a registrar, attests an alias for one party, and then for another."""
    authorities = [{"did": CAST["lender"].did, "roles": ["registrar"]}]
    play.act("ledger.amended", by="governance", sub=play.world.ledger, body={"authorities": authorities})
    second, blades = play.party("second"), play.register("second", title="Blade geometry")
    claimed = ["lei:529900T8BM49AURSDO55", "handle:88.118.8/qingdao"]
    play.act("party.aliased", by="second", sub=second, body={"claimed": claimed})
    play.act("party.aliased", by="partner", sub=play.party("partner"), body={"claimed": claimed[:1]})
    play.act("asset.aliased", by="second", sub=blades, body={"claimed": ["gtin:04012345123456"]})
    seen = {"alias": claimed[0], "evidence": digest("extract of the register")}
    seal = play.act("alias.attested", by="lender", body={"subject": second, **seen}).subject
    mark = {"subject": blades, "alias": "gtin:04012345123456", "evidence": digest("catalogue")}
    play.act("alias.attested", by="lender", body=mark)
    play.act("alias.disputed", by="lender", sub=seal, body={"subject": second, "reason": "the firm was merged"})
    play.act("alias.attested", by="lender", body={"subject": play.party("partner"), **seen})
    play.act("party.aliased", by="second", sub=second, body={"withdrawn": claimed[1:]})


def credentials(play: Play) -> None:
    """The lender accredits the second party; what is demanded of who offers data is held, and taken back."""
    counting = [{"types": ["FactoryAccreditation"], "dids": [CAST["lender"].did]}]
    demands = [{"kind": "offer.opened", "type": "FactoryAccreditation", "role": "assessor"}]
    amended = {"issuers": counting, "demands": demands}
    play.act("ledger.amended", by="governance", sub=play.world.ledger, body=amended)
    spindle = play.register("second", title="Spindle temperatures")
    holder = {"holder": play.party("second")}
    body = holder | {"issuer": play.party("lender"), "type": "FactoryAccreditation", "role": "assessor"}
    body |= {"validFrom": play.seconds, "validUntil": play.seconds + 365 * DAY, "place": {"list": 0, "index": 94_567}}
    badge = play.act("credential.recorded", by="lender", body=body | {"digest": digest("badge")}).subject
    play.act("credential.suspended", by="lender", sub=badge, body=holder)
    play.act("credential.reinstated", by="lender", sub=badge, body=holder)
    play.offer("second", spindle)
    play.act("credential.revoked", by="lender", sub=badge, body=holder | {"reason": "the plant was sold"})
    play.act("ledger.amended", by="governance", sub=play.world.ledger, body={"demands": []})


def identities(play: Play) -> None:
    """Keys that change, a log that moves, powers given on and taken back, a party recovered, one that leaves."""
    play.act("ledger.amended", by="governance", sub=play.world.ledger, body={"didHost": HOST})
    play.join_hosted("works", portable=True)
    play.rotate("works", keys=["works-2"])
    mandate = play.delegate("works", "machine", kinds=["party.delegated", "asset.*"], depth=1)
    further = play.delegate("machine", "agent", via=mandate, amounts=[money(10_000)], nature="agent")
    asset = play.act("asset.registered", by="agent", via=further, body=description("Press forces")).subject
    play.rotate("works", host="data.example", keys=["works-3"], compromised=[("works", len(play.entries) - 1)])
    play.act("delegation.revoked", by="machine", via=mandate, sub=further, body={"reason": "compromised"})
    play.act("asset.revised", by="machine", via=mandate, sub=asset, body=description("Press forces, line 2"))
    play.join("mill")
    play.succeed("mill", "mill", Log.begin("mill", play.seconds, keys=["mill", "mill desk"]))
    play.arrange("mill", "partner", "second")
    play.tick(days=7)
    turned = {"party": play.party("mill"), "reason": "the plant has burnt down"} | play.turned_to(
        play.party("mill"), "spare"
    )
    rescue = play.act("recovery.opened", by="partner", body=turned).subject
    play.act("recovery.contested", by="mill", sub=rescue, body={"reason": "not the safe"})
    play.act("recovery.supported", by="partner", sub=rescue, body={})
    play.act("recovery.supported", by="second", sub=rescue, body={})
    play.tick(days=7)
    lost = {"mill desk": len(play.entries) - 4}
    play.act("recovery.completed", by="spare", sub=rescue, body=play.completion(rescue, **lost))
    play.act("party.joined", by="employee", body={"name": CAST["employee"].legal, "nature": "person"})
    play.act("party.left", by="employee", sub=play.party("employee"), body={"reason": "retired"})


def disclosures(play: Play) -> None:
    """The stranger joins in private; what it lets the partner see it takes back, the lender looks, a contact goes."""
    authority = {"did": CAST["lender"].did, "roles": ["regulator"]}
    amended = {"authorities": [authority], "inspectors": ["regulator"], "erasers": ["regulator"]}
    play.act("ledger.amended", by="governance", sub=play.world.ledger, body=amended)
    body = {"name": CAST["stranger"].legal, "contact": {"phone": "+351 22 000 00 00"}}
    joined = play.act("party.joined", by="stranger", body=body, private=["name", "contact"])
    subject = {"subject": joined.subject}
    body = subject | {"to": [play.party("partner")], "until": play.seconds + 30 * DAY}
    play.act("disclosure.granted", by="stranger", body=body | {"entry": joined.index, "fields": ["/name"]})
    grant = play.act("disclosure.granted", by="stranger", body=body).subject
    play.act("disclosure.withdrawn", by="stranger", sub=grant, body={})
    named = subject | {"entry": joined.index, "party": joined.subject}
    because = {"code": "audit", "ground": "yearly audit of registrations"}
    play.act("disclosure.inspected", by="lender", body=named | because | {"fields": ["/name"]})
    contact = next(digest for digest, pointer in joined.statement.private().items() if pointer == "/contact")
    because = {"code": "gdpr-17", "ground": "the data subject withdrew consent, Art. 17(1)(b) GDPR"}
    play.act("disclosure.erased", by="stranger", body=named | because | {"digests": [contact]})


def _hide(body: dict[str, Any], private: Iterable[str]) -> tuple[dict[str, Any], list[str]]:
    disclosures: list[str] = []
    for path in private:
        body, found = _hide_one(body, path.split("."))
        disclosures.append(found)
    return body, disclosures


def _hide_one(body: dict[str, Any], path: list[str]) -> tuple[dict[str, Any], str]:
    name, *rest = path
    if rest:
        inner, found = _hide_one(body[name], rest)
        return body | {name: inner}, found
    hidden, found = disclosure.hide(body[name], sha256(name.encode() + encode(body[name])).digest()[:16])
    return body | {name: hidden}, found


def again(play: Play) -> Play:
    """The same play, replayed from what was sent: a world of its own, no signature made."""
    copy = replace(play, founding=None)
    for played in play.entries:
        copy.seconds = played.time // 1_000_000
        copy.admit(played.sent)
    return copy
