"""Agreements: a negotiation in the Dataspace Protocol's words, at whose end both parties have signed the same digest.

The protocol's own agreements are not signed. Here the provider signs the terms in full and their digest
(``agreement.agreed``), the consumer the digest (``agreement.verified``), and the ledger keeps the order. The state
machine is the protocol's (2025-1, Contract Negotiation Protocol):

    from        provider may say                 consumer may say
    (nothing)   offered                          requested
    REQUESTED   offered, agreed, terminated      terminated
    OFFERED     terminated                       requested, accepted, terminated
    ACCEPTED    agreed, terminated
    AGREED                                       verified, terminated
    VERIFIED    finalized, terminated

A proposal can be answered until its ``validUntil`` and not later, so nobody is bound for ever by silence. A finalized
agreement stays with the asset whoever comes to hold it: its provider remains who signed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from identity.instant import format_instant
from ledger.circulation.asset import Asset
from ledger.circulation.offer import (
    Offer,
    OfferedState,
    OfferedVersion,
    check_offered_by,
    check_open,
    check_standing,
)
from ledger.circulation.party import Party
from ledger.circulation.policy import Policy, digest_of, may_ask_payment
from ledger.errors import Refused, declare
from ledger.form import Form
from ledger.statement import Kind
from ledger.values import AssetId, Digest, Money, OfferId, PartyId, Private, Seconds, Text
from ledger.world import Act, State, World

declare(
    "rule",
    agreement_not_yours=("only its two parties take part in a negotiation", "sign as its provider or consumer"),
    agreement_role_wrong=("the other side says this, not yours", "wait for the other side"),
    offer_own=("nobody accepts their own proposal", "wait for the other side's answer"),
    agreement_state_wrong=("the negotiation is not at this point", "see what is possible: cadastre show AGREEMENT"),
    agreement_expired=("the proposal was not answered in time", "terminate, and negotiate anew"),
    proposal_over=("the proposal would be over before it began", "give a validUntil in the future"),
    offer_other=("the negotiation is about another offer", "name the negotiation's offer: cadastre show AGREEMENT"),
    consumer_other=("the negotiation is with another consumer", "name the negotiation's consumer"),
    terms_assets_wrong=("these are not the offer's assets", "name exactly the offer's assets, versions and digests"),
    terms_other=("these are not the terms that stand", "read the last proposal and sign its digest"),
)

Role = Literal["provider", "consumer"]

MOVES: dict[str, dict[Role, tuple[str, ...]]] = {
    "REQUESTED": {"provider": ("offered", "agreed", "terminated"), "consumer": ("terminated",)},
    "OFFERED": {"provider": ("terminated",), "consumer": ("requested", "accepted", "terminated")},
    "ACCEPTED": {"provider": ("agreed", "terminated"), "consumer": ()},
    "AGREED": {"provider": (), "consumer": ("verified", "terminated")},
    "VERIFIED": {"provider": ("finalized", "terminated"), "consumer": ()},
    "FINALIZED": {"provider": (), "consumer": ()},
    "TERMINATED": {"provider": (), "consumer": ()},
}
"""What each side may say in each state. ``agreement.agreed`` leads to AGREED, and so on."""

_ANSWERS = frozenset({"requested", "offered", "accepted", "agreed"})  # what a proposal's validUntil limits


class AgreedVersion(OfferedVersion):
    """One version of one asset, with the digest of its content: what is licensed, beyond doubt."""

    sha256: Digest


class Terms(Form):
    """What is agreed on: exactly the offer's versions, under a policy, for a price or for none."""

    assets: Annotated[list[AgreedVersion], Field(min_length=1, max_length=16)]
    policy: Policy
    price: Private[Money] | None = None

    def asset_ids(self) -> list[str]:
        return [agreed.asset for agreed in self.assets]


@dataclass(frozen=True)
class Agreement(State, of="agreement"):
    """A negotiation or agreement as it stands. ``state`` is the protocol's word.

    ``digest`` covers the standing terms (:func:`digest_of_terms`); in full they are in the statement of entry
    ``statedIn``. ``policy`` is a digest, ``paymentAsked`` whether it may ask for one beside the ``price``, which is
    as signed; times are POSIX seconds of the entries.
    """

    PROVEN: ClassVar[Mapping[str, str]] = {"asset": "asset", "consumer": "party", "offer": "offer", "provider": "party"}

    provider: str
    consumer: str
    offer: str
    assets: list[OfferedState]
    digest: str
    proposedBy: str
    statedIn: int
    policy: str
    purposeNamed: bool
    paymentAsked: bool
    price: dict[str, Any] | None
    validUntil: int
    state: str
    agreedAt: int | None = None
    finalizedAt: int | None = None
    reason: str | None = None
    code: str | None = None

    def lookups(self) -> Iterable[tuple[str, str]]:
        found = [("provider", self.provider), ("consumer", self.consumer)]
        found += [("offer", self.offer), ("state", self.state)]
        return found + [("asset", agreed["asset"]) for agreed in self.assets]

    def sees(self) -> Iterable[str]:
        return (self.provider, self.consumer)

    def role_of(self, party: str) -> Role | None:
        if party == self.provider:
            return "provider"
        return "consumer" if party == self.consumer else None


def digest_of_terms(agreement: str, provider: str, consumer: str, offer: str, terms: dict[str, Any]) -> str:
    """The digest both parties sign: base64url SHA-256 over the canonical JSON of who agrees on what.

    ``terms`` is the JSON as it stands in the statement, withheld price included as its ``_sd`` digest. The members
    are agreement, assigner, assignee, offer, assets, policy and price (null where there is none).
    """
    return digest_of(
        {
            "agreement": agreement,
            "assigner": provider,
            "assignee": consumer,
            "offer": offer,
            "assets": terms["assets"],
            "policy": terms["policy"],
            "price": terms.get("price"),
        }
    )


class Proposal(Form):
    """What either side proposes: terms on an offer. Opens a negotiation (``sub`` null) or counters the last terms."""

    offer: OfferId
    terms: Terms
    validUntil: Annotated[Seconds, Field(description="last second at which the other side can answer")]

    def touches(self, sub: str | None) -> Iterable[str]:
        return (self.offer, *self.terms.asset_ids())

    def pins(self, sub: str | None) -> Iterable[str]:
        return (sub or self.offer,)


class AgreementRequested(Proposal, Kind, name="agreement.requested", opens=("agreement",), on="agreement"):
    """The consumer asks for a licence, on the offer's terms or on others."""

    def check(self, world: World, act: Act[AgreementRequested]) -> None:
        if act.continues:
            offered: Offer | Agreement = _check_counter(world, act)
        else:
            offered = check_open(world, act, self.offer, act.party)
        _check_proposal(world, act, offered.assets)

    def fold(self, world: World, act: Act[AgreementRequested]) -> None:
        if act.continues:
            _propose(world, act, world.get(Agreement, act.sub), act.party)
        else:
            _propose(world, act, world.get(Offer, self.offer), act.party)


class AgreementOffered(Proposal, Kind, name="agreement.offered", opens=("agreement",), on="agreement"):
    """The provider proposes terms to a consumer it names, of its own accord or as a counter-offer."""

    consumer: PartyId

    def touches(self, sub: str | None) -> Iterable[str]:
        return (*super().touches(sub), self.consumer)

    def check(self, world: World, act: Act[AgreementOffered]) -> None:
        if act.continues:
            agreement = _check_counter(world, act)
            if self.consumer != agreement.consumer:
                raise Refused("consumer_other", f"it is {agreement.consumer}", pointer="/payload/body/consumer")
            _check_proposal(world, act, agreement.assets)
        else:
            check_offered_by(self.offer, world.get(Offer, self.offer), act.party)
            world.get(Party, self.consumer)
            _check_proposal(world, act, check_open(world, act, self.offer, self.consumer).assets)

    def fold(self, world: World, act: Act[AgreementOffered]) -> None:
        if act.continues:
            _propose(world, act, world.get(Agreement, act.sub), self.consumer)
        else:
            _propose(world, act, world.get(Offer, self.offer), self.consumer)


class AgreementAccepted(Kind, name="agreement.accepted", on="agreement"):
    """The consumer accepts the provider's last terms."""

    digest: Annotated[Digest, Field(description="digest of the terms that stand")]

    def check(self, world: World, act: Act[AgreementAccepted]) -> None:
        _check_digest(_check_move(world, act), self.digest)

    def fold(self, world: World, act: Act[AgreementAccepted]) -> None:
        world.put(act.sub, replace(world.get(Agreement, act.sub), state="ACCEPTED"))


class AgreementAgreed(Kind, name="agreement.agreed", on="agreement"):
    """The provider signs the terms that stand, in full."""

    terms: Terms
    digest: Annotated[Digest, Field(description="digest of these terms; covers both parties and the offer")]

    def touches(self, sub: str | None) -> Iterable[str]:
        return self.terms.asset_ids()

    def check(self, world: World, act: Act[AgreementAgreed]) -> None:
        agreement = _check_move(world, act)
        _check_digest(agreement, self.digest)
        stated = _digest(act, agreement.provider, agreement.consumer, agreement.offer)
        if stated != agreement.digest:
            raise Refused("terms_other", f"their digest is {stated}", pointer="/payload/body/terms", subject=act.sub)
        check_standing(world, agreement.assets, agreement.purposeNamed)

    def fold(self, world: World, act: Act[AgreementAgreed]) -> None:
        agreement = world.get(Agreement, act.sub)
        world.put(act.sub, replace(agreement, state="AGREED", statedIn=act.index, agreedAt=act.seconds))


class AgreementVerified(Kind, name="agreement.verified", on="agreement"):
    """The consumer signs what the provider agreed to."""

    digest: Annotated[Digest, Field(description="digest of the terms that stand")]

    def check(self, world: World, act: Act[AgreementVerified]) -> None:
        _check_digest(_check_move(world, act), self.digest)

    def fold(self, world: World, act: Act[AgreementVerified]) -> None:
        world.put(act.sub, replace(world.get(Agreement, act.sub), state="VERIFIED"))


class AgreementFinalized(Kind, name="agreement.finalized", on="agreement"):
    """The provider closes the negotiation: the licence is in force, and each asset carries one more."""

    digest: Annotated[Digest, Field(description="digest of the terms that stand")]
    assets: Annotated[list[AssetId], Field(min_length=1, max_length=16, description="the assets licensed, in order")]

    def touches(self, sub: str | None) -> Iterable[str]:
        return self.assets

    def check(self, world: World, act: Act[AgreementFinalized]) -> None:
        agreement = _check_move(world, act)
        _check_digest(agreement, self.digest)
        if self.assets != [agreed["asset"] for agreed in agreement.assets]:
            raise Refused("terms_assets_wrong", pointer="/payload/body/assets", subject=act.sub)
        check_standing(world, agreement.assets, agreement.purposeNamed)

    def fold(self, world: World, act: Act[AgreementFinalized]) -> None:
        agreement = world.get(Agreement, act.sub)
        world.put(act.sub, replace(agreement, state="FINALIZED", finalizedAt=act.seconds))
        for asset_id in self.assets:
            asset = world.get(Asset, asset_id)
            world.put(asset_id, replace(asset, licences=asset.licences + 1))


class AgreementTerminated(Kind, name="agreement.terminated", on="agreement"):
    """Either side breaks a negotiation off, as far as the protocol lets it."""

    reason: Annotated[str, Text(1, 1000, "why")]
    code: Annotated[str, Text(1, 64, "the protocol's code: what software may act on")] | None = None

    def check(self, world: World, act: Act[AgreementTerminated]) -> None:
        _check_move(world, act)

    def fold(self, world: World, act: Act[AgreementTerminated]) -> None:
        agreement = world.get(Agreement, act.sub)
        world.put(act.sub, replace(agreement, state="TERMINATED", reason=self.reason, code=self.code))


def _check_move(world: World, act: Act[Any]) -> Agreement:
    """The negotiation, in which the signer may say this now. Raises ``Refused``."""
    agreement, word = world.get(Agreement, act.sub), act.body.NAME.removeprefix("agreement.")
    role = agreement.role_of(act.party)
    if role is None:
        raise Refused("agreement_not_yours", f"{act.party} is neither side", subject=act.sub)
    if all(word not in moves[role] for moves in MOVES.values()):
        raise Refused("agreement_role_wrong", f"the {role} never says {word}", subject=act.sub)
    if word not in MOVES[agreement.state][role]:
        if agreement.state in ("REQUESTED", "OFFERED") and word in ("accepted", "agreed"):
            raise Refused("offer_own", f"it is {agreement.state}: the last terms are yours", subject=act.sub)
        detail = f"it is {agreement.state}, where {_possible(agreement.state)}"
        raise Refused("agreement_state_wrong", detail, subject=act.sub)
    if word in _ANSWERS and act.seconds > agreement.validUntil:
        raise Refused("agreement_expired", f"the terms stood until {agreement.validUntil}", subject=act.sub)
    return agreement


def _possible(state: str) -> str:
    ways = [f"the {role} may say {' or '.join(words)}" for role, words in MOVES[state].items() if words]
    return ", ".join(ways) or "nothing more can be said"


def _check_counter(world: World, act: Act[Any]) -> Agreement:
    """The negotiation, which a counter-proposal may continue on the same offer. Raises ``Refused``."""
    agreement, proposal = _check_move(world, act), act.body
    if proposal.offer != agreement.offer:
        raise Refused("offer_other", f"it is {agreement.offer}", pointer="/payload/body/offer")
    return agreement


def _check_proposal(world: World, act: Act[Any], offered: Sequence[OfferedState]) -> None:
    """The terms are about exactly what was offered, and that may still be licensed. Raises ``Refused``."""
    proposal: Proposal = act.body
    if proposal.validUntil <= act.seconds:
        raise Refused("proposal_over", f"it is {format_instant(act.seconds)}", pointer="/payload/body/validUntil")
    named = [(one.asset, one.version, one.sha256) for one in proposal.terms.assets]
    if named != [(one["asset"], one["version"], one["sha256"]) for one in offered]:
        raise Refused("terms_assets_wrong", pointer="/payload/body/terms/assets", subject=proposal.offer)
    check_standing(world, offered, proposal.terms.policy.names_purpose())


def _check_digest(agreement: Agreement, digest: str) -> None:
    if digest != agreement.digest:
        raise Refused("terms_other", f"the digest is {agreement.digest}", pointer="/payload/body/digest")


def _propose(world: World, act: Act[Any], offered: Offer | Agreement, consumer: str) -> None:
    """Let the act's terms stand, on what was offered."""
    proposal: Proposal = act.body
    provider = offered.holder if isinstance(offered, Offer) else offered.provider
    terms = act.statement.claims.body["terms"]
    world.put(
        act.sub,
        Agreement(
            provider=provider,
            consumer=consumer,
            offer=proposal.offer,
            assets=offered.assets,
            digest=_digest(act, provider, consumer, proposal.offer),
            proposedBy=act.party,
            statedIn=act.index,
            policy=digest_of(terms["policy"]),
            purposeNamed=proposal.terms.policy.names_purpose(),
            paymentAsked=may_ask_payment(terms["policy"]),
            price=terms.get("price"),
            validUntil=proposal.validUntil,
            state="REQUESTED" if act.party == consumer else "OFFERED",
        ),
    )


def _digest(act: Act[Any], provider: str, consumer: str, offer: str) -> str:
    return digest_of_terms(act.sub, provider, consumer, offer, act.statement.claims.body["terms"])
