"""Offers: on what terms a holder licenses assets, to everybody or to parties it names.

An offer is made on assets as the holder saw them, so it pins them. It lapses for good as soon as one of them changes
hands, even if that asset comes back later: ``heldSince``, recorded here, no longer matches. Nothing is written when an
offer lapses or expires; whoever relies on it checks (:func:`check_open`, :func:`check_standing`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag, model_validator
from typing_extensions import TypedDict  # pydantic reads no other below Python 3.12

from identity.instant import format_instant
from ledger.circulation.asset import CLASSES, KEYWORDS_MAX, Asset, Version, check_held
from ledger.circulation.party import Party
from ledger.circulation.policy import Policy, digest_of
from ledger.errors import Refused, declare
from ledger.form import Form
from ledger.statement import Kind
from ledger.values import AssetId, Money, PartyId, Private, Seconds, VersionId, is_hidden
from ledger.words import TEXT_MAX, words_of
from ledger.words import fold as fold_case
from ledger.world import Act, State, World

declare(
    "rule",
    self_dealing=("nobody deals with themselves", "name another party"),
    offer_over=("the offer would be over before it began", "give a validUntil in the future"),
    version_not_of_asset=("the version belongs to another asset", "name a version of the asset: cadastre show ASSET"),
    asset_core=("core data never circulate (Data Security Law art. 21)", "keep the asset out of offers and transfers"),
    purpose_needed=(
        "important or personal data need a purpose in every permission (Network Data Security Regulations art. 12)",
        "constrain each permission by purpose, for example purpose eq …",
    ),
    offer_not_yours=("only the offer's holder may do this", "sign as the offer's holder: cadastre show OFFER"),
    offer_withdrawn=("the offer is withdrawn", "look for another offer: cadastre search"),
    offer_lapsed=("an asset of the offer has changed hands since", "ask the holder of today for an offer"),
    offer_not_yet=("the offer does not hold yet", "wait until its validFrom"),
    offer_expired=("the offer has expired", "ask the holder for another offer"),
    offer_not_for_you=("the offer is made to other parties", "ask the holder for an offer"),
)


class OfferedVersion(Form):
    """One version of one asset."""

    asset: AssetId
    version: VersionId


def _addressee_form(value: object) -> str:
    return "·named" if isinstance(value, list) else "·all"


Addressees = Annotated[
    Annotated[Literal["all"], Tag("·all")]
    | Annotated[list[PartyId], Field(min_length=1, max_length=64), Tag("·named")],
    Discriminator(_addressee_form),
]

ASSETS_MAX = 16  # of an offer
TITLE_MAX = TEXT_MAX // ASSETS_MAX  # letters of each title, so that an offer is found by all of them


class OfferedState(TypedDict):
    """An offered version as recorded: its content's digest, and since which entry the holder held the asset."""

    asset: str
    version: str
    sha256: str
    heldSince: int


@dataclass(frozen=True)
class Offer(State, of="offer"):
    """An offer as it stands. ``policy`` is a digest; the policy is in the statement of the entry ``statedIn``.

    Times are POSIX seconds, ``price`` is as signed (``{"_sd": [digest]}`` where withheld). What the assets are
    (titles, keywords, highest classification) is copied from them as they were, so that offers are found by it: of
    each title the beginning, and of many keywords the first, so that a short statement makes no long state.
    """

    PROVEN: ClassVar[Mapping[str, str]] = {"asset": "asset", "holder": "party"}

    holder: str
    assets: list[OfferedState]
    policy: str
    statedIn: int
    price: dict[str, Any] | None
    validFrom: int | None
    validUntil: int
    to: str | list[str]
    titles: list[str]
    keywords: list[str]
    classification: str
    personal: bool
    status: str = "open"

    def lookups(self) -> Iterable[tuple[str, str]]:
        found = [("holder", self.holder), ("classification", self.classification), ("status", self.status)]
        found += [("asset", offered["asset"]) for offered in self.assets]
        found += [("keyword", keyword) for keyword in {fold_case(keyword) for keyword in self.keywords}]
        found += [("to", party) for party in ([self.to] if isinstance(self.to, str) else self.to)]
        if self.price is not None and not is_hidden(self.price):
            found.append(("currency", self.price["currency"]))
        return found

    def words(self) -> Iterable[str]:
        return words_of(*self.titles, *self.keywords)

    def sees(self) -> Iterable[str]:
        return [self.holder, *([] if isinstance(self.to, str) else self.to)]  # "all" names nobody


class OfferOpened(Kind, name="offer.opened", opens=("offer",)):
    """Offers versions of the signer's assets under a policy, for a price or for none."""

    assets: Annotated[list[OfferedVersion], Field(min_length=1, max_length=ASSETS_MAX)]
    policy: Policy
    price: Private[Money] | None = None
    validFrom: Annotated[Seconds, Field(description="open from then on; at once if left out")] | None = None
    validUntil: Annotated[Seconds, Field(description="last second at which the offer can be taken up")]
    to: Annotated[Addressees, Field(description='"all", or the parties it is made to')]

    @model_validator(mode="after")
    def _in_order(self) -> OfferOpened:
        if self.validFrom is not None and self.validFrom >= self.validUntil:
            raise ValueError("validFrom does not lie before validUntil")
        if len({offered.asset for offered in self.assets}) != len(self.assets):
            raise ValueError("an asset is offered twice")
        if len(set(self.to)) != len(self.to) and self.to != "all":
            raise ValueError("a party is named twice")
        return self

    def touches(self, sub: str | None) -> Iterable[str]:
        return [*(offered.version for offered in self.assets), *self._named()]

    def pins(self, sub: str | None) -> Iterable[str]:
        return [offered.asset for offered in self.assets]

    def check(self, world: World, act: Act[OfferOpened]) -> None:
        if self.validUntil <= act.seconds:
            raise Refused("offer_over", f"it is {format_instant(act.seconds)}", pointer="/payload/body/validUntil")
        if act.party in self._named():
            raise Refused("self_dealing", pointer="/payload/body/to")
        for party in self._named():
            world.get(Party, party)
        bound = self.policy.names_purpose()
        for place, offered in enumerate(self.assets):
            asset = check_held(world, act, offered.asset)
            check_circulates(offered.asset, asset, bound)
            if world.get(Version, offered.version).asset != offered.asset:
                detail = f"{offered.version} is not a version of {offered.asset}"
                raise Refused("version_not_of_asset", detail, pointer=f"/payload/body/assets/{place}/version")

    def fold(self, world: World, act: Act[OfferOpened]) -> None:
        body = act.statement.claims.body
        assets = [world.get(Asset, offered.asset) for offered in self.assets]
        world.put(
            act.sub,
            Offer(
                holder=act.party,
                assets=[
                    {
                        "asset": offered.asset,
                        "version": offered.version,
                        "sha256": world.get(Version, offered.version).sha256,
                        "heldSince": asset.heldSince,
                    }
                    for offered, asset in zip(self.assets, assets, strict=True)
                ],
                policy=digest_of(body["policy"]),
                statedIn=act.index,
                price=body.get("price"),
                validFrom=self.validFrom,
                validUntil=self.validUntil,
                to=body["to"],
                titles=[asset.title[:TITLE_MAX] for asset in assets],
                keywords=list(dict.fromkeys(keyword for asset in assets for keyword in asset.keywords))[:KEYWORDS_MAX],
                classification=max((asset.classification for asset in assets), key=CLASSES.index),
                personal=any(asset.personal for asset in assets),
            ),
        )

    def _named(self) -> list[str]:
        return [] if self.to == "all" else list(self.to)


class OfferWithdrawn(Kind, name="offer.withdrawn", on="offer"):
    """Withdraws an offer: nobody can take it up any more. What is under negotiation already goes on."""

    def check(self, world: World, act: Act[OfferWithdrawn]) -> None:
        offer = world.get(Offer, act.sub)
        check_offered_by(act.sub, offer, act.party)
        if offer.status == "withdrawn":
            raise Refused("offer_withdrawn", subject=act.sub)

    def fold(self, world: World, act: Act[OfferWithdrawn]) -> None:
        world.put(act.sub, replace(world.get(Offer, act.sub), status="withdrawn"))


def check_offered_by(offer_id: str, offer: Offer, party: str) -> None:
    """The offer is this party's. Raises ``Refused``."""
    if offer.holder != party:
        raise Refused("offer_not_yours", f"{offer_id} is held by {offer.holder}", subject=offer_id)


def check_open(world: World, act: Act[Any], offer_id: str, consumer: str) -> Offer:
    """The offer, which this consumer can take up at the entry's time, its assets aside. Raises ``Refused``."""
    offer = world.get(Offer, offer_id)
    if offer.holder == consumer:
        raise Refused("self_dealing", f"{offer_id} is {consumer}'s own", subject=offer_id)
    if offer.to != "all" and consumer not in offer.to:
        raise Refused("offer_not_for_you", f"it is not made to {consumer}", subject=offer_id)
    if offer.status == "withdrawn":
        raise Refused("offer_withdrawn", subject=offer_id)
    if offer.validFrom is not None and act.seconds < offer.validFrom:
        raise Refused("offer_not_yet", f"it holds from {offer.validFrom}", subject=offer_id)
    if act.seconds > offer.validUntil:
        raise Refused("offer_expired", f"it held until {offer.validUntil}", subject=offer_id)
    return offer


def check_standing(world: World, offered: Sequence[OfferedState], purpose_named: bool) -> None:
    """What was offered is still in the same hands and may circulate. The act must touch each asset."""
    for one in offered:
        asset = world.get(Asset, one["asset"])
        if asset.heldSince != one["heldSince"]:
            detail = f"{one['asset']} is held by {asset.holder} since entry {asset.heldSince}"
            raise Refused("offer_lapsed", detail, subject=one["asset"])
        if asset.status == "retired":
            raise Refused("asset_retired", subject=one["asset"])
        check_circulates(one["asset"], asset, purpose_named)


def check_circulates(asset_id: str, asset: Asset, purpose_named: bool) -> None:
    """The law lets this asset be licensed under a policy that names a purpose, or names none."""
    check_not_core(asset_id, asset)
    if (asset.personal or asset.classification == "important") and not purpose_named:
        raise Refused("purpose_needed", f"a permission on {asset_id} names no purpose", subject=asset_id)


def check_not_core(asset_id: str, asset: Asset) -> None:
    """The asset is not core data, which stay where they are."""
    if asset.classification == "core":
        raise Refused("asset_core", subject=asset_id)
