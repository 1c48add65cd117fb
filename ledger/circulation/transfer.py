"""Transfers: an asset passes from its holder to another party, by the signatures of both.

The holder proposes, the other side accepts, and by the entry of the acceptance the asset has changed hands. Licences
in force bind every holder, so whoever accepts names how many there are: nobody takes them over unknowingly.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

from pydantic import Field

from identity.instant import format_instant
from ledger.circulation.asset import Asset, check_held
from ledger.circulation.offer import check_not_core
from ledger.circulation.party import Party
from ledger.errors import Refused, declare
from ledger.statement import Kind
from ledger.values import AssetId, Count, Money, PartyId, Private, Seconds, Text
from ledger.world import Act, State, World

declare(
    "rule",
    transfer_over=("the transfer would be over before it began", "give a validUntil in the future"),
    transfer_not_to_you=("the transfer is proposed to another party", "sign as that party, or leave it"),
    transfer_not_yours=("another party proposed this transfer", "sign as the party that proposed it"),
    transfer_closed=("the transfer was answered or withdrawn", "ask the holder to propose another"),
    transfer_expired=("the transfer was not accepted in time", "ask the holder to propose another"),
    transfer_asset_other=("the transfer is about another asset", "name the transfer's asset: cadastre show TRANSFER"),
    transfer_lapsed=("the asset has changed hands since the proposal", "ask the holder of today"),
    licences_other=(
        "the asset carries another number of licences",
        "read the asset's agreements, decide again and name their number",
    ),
)


@dataclass(frozen=True)
class Transfer(State, of="transfer"):
    """A proposed transfer of ``asset`` from ``holder`` to ``to``, who may accept until ``validUntil`` (seconds).

    ``heldSince`` is the asset's at the proposal: where it differs later, the asset has changed hands in between.
    """

    PROVEN: ClassVar[Mapping[str, str]] = {"asset": "asset", "holder": "party", "to": "party"}

    asset: str
    holder: str
    to: str
    heldSince: int
    price: dict[str, Any] | None
    validUntil: int
    note: str
    status: str = "proposed"

    def lookups(self) -> Iterable[tuple[str, str]]:
        return [("asset", self.asset), ("holder", self.holder), ("to", self.to), ("status", self.status)]

    def sees(self) -> Iterable[str]:
        return (self.holder, self.to)


class TransferProposed(Kind, name="transfer.proposed", opens=("transfer",)):
    """The holder proposes to pass an asset to another party, for a price or for none."""

    asset: AssetId
    to: PartyId
    price: Private[Money] | None = None
    validUntil: Annotated[Seconds, Field(description="last second at which it can be accepted")]
    note: Annotated[str, Text(0, 2000, "what else the other side should know")] = ""

    def touches(self, sub: str | None) -> Iterable[str]:
        return (self.to,)

    def pins(self, sub: str | None) -> Iterable[str]:
        return (self.asset,)

    def check(self, world: World, act: Act[TransferProposed]) -> None:
        if self.to == act.party:
            raise Refused("self_dealing", pointer="/payload/body/to")
        if self.validUntil <= act.seconds:
            raise Refused("transfer_over", f"it is {format_instant(act.seconds)}", pointer="/payload/body/validUntil")
        world.get(Party, self.to)
        check_not_core(self.asset, check_held(world, act, self.asset))

    def fold(self, world: World, act: Act[TransferProposed]) -> None:
        world.put(
            act.sub,
            Transfer(
                asset=self.asset,
                holder=act.party,
                to=self.to,
                heldSince=world.get(Asset, self.asset).heldSince,
                price=act.statement.claims.body.get("price"),
                validUntil=self.validUntil,
                note=self.note,
            ),
        )


class TransferAccepted(Kind, name="transfer.accepted", on="transfer"):
    """The other side takes the asset over, and with it the licences it names the number of."""

    asset: AssetId
    licences: Annotated[Count, Field(description="finalized agreements the asset carries")]

    def pins(self, sub: str | None) -> Iterable[str]:
        return (self.asset,) if sub is None else (sub, self.asset)

    def advances(self, sub: str | None) -> Iterable[str]:
        return self.pins(sub)

    def check(self, world: World, act: Act[TransferAccepted]) -> None:
        transfer = _check_addressed(world, act)
        if act.seconds > transfer.validUntil:
            raise Refused("transfer_expired", f"it could be accepted until {transfer.validUntil}", subject=act.sub)
        if self.asset != transfer.asset:
            raise Refused("transfer_asset_other", f"it is about {transfer.asset}", pointer="/payload/body/asset")
        asset = world.get(Asset, self.asset)
        if asset.heldSince != transfer.heldSince:
            raise Refused("transfer_lapsed", f"it is held by {asset.holder}", subject=self.asset)
        if asset.status == "retired":
            raise Refused("asset_retired", subject=self.asset)
        check_not_core(self.asset, asset)
        if self.licences != asset.licences:
            raise Refused("licences_other", f"it carries {asset.licences}", pointer="/payload/body/licences")

    def fold(self, world: World, act: Act[TransferAccepted]) -> None:
        world.put(act.sub, replace(world.get(Transfer, act.sub), status="accepted"))
        world.put(self.asset, replace(world.get(Asset, self.asset), holder=act.party, heldSince=act.index))


class TransferDeclined(Kind, name="transfer.declined", on="transfer"):
    """The other side does not want the asset."""

    def check(self, world: World, act: Act[TransferDeclined]) -> None:
        _check_addressed(world, act)

    def fold(self, world: World, act: Act[TransferDeclined]) -> None:
        world.put(act.sub, replace(world.get(Transfer, act.sub), status="declined"))


class TransferWithdrawn(Kind, name="transfer.withdrawn", on="transfer"):
    """Who proposed the transfer takes the proposal back."""

    def check(self, world: World, act: Act[TransferWithdrawn]) -> None:
        transfer = world.get(Transfer, act.sub)
        if transfer.holder != act.party:
            raise Refused("transfer_not_yours", f"{transfer.holder} proposed it", subject=act.sub)
        _check_proposed(act, transfer)

    def fold(self, world: World, act: Act[TransferWithdrawn]) -> None:
        world.put(act.sub, replace(world.get(Transfer, act.sub), status="withdrawn"))


def _check_addressed(world: World, act: Act[Any]) -> Transfer:
    """The transfer, which still waits for an answer by the act's signer. Raises ``Refused``."""
    transfer = world.get(Transfer, act.sub)
    if transfer.to != act.party:
        raise Refused("transfer_not_to_you", f"it is proposed to {transfer.to}", subject=act.sub)
    _check_proposed(act, transfer)
    return transfer


def _check_proposed(act: Act[Any], transfer: Transfer) -> None:
    if transfer.status != "proposed":
        raise Refused("transfer_closed", f"it is {transfer.status}", subject=act.sub)
