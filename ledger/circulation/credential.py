"""Credentials: that an issuer gave a party one is on record, with what admission rules need of it, and its status.

The credential itself (W3C VC 2.0, ``identity.credential``) is the holder's, who shows it to whom they like; here stand
its digest, its type, its time and the role it attests. It counts where the charter says that its issuer does
(``circulation.demand``), when it was put on record and when it is relied on: what somebody said before the charter
recognised them has to be said again.

Anybody else learns from the status lists that the service publishes (Bitstring Status List 1.0) whether it holds. Its
place there stands in the credential, which is made before it is on record: so the issuer picks it, at random, and the
rules see to it that no two credentials of one issuer have the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Annotated, Any, ClassVar, cast

from pydantic import Field
from typing_extensions import TypedDict  # pydantic reads no other below Python 3.12

from identity.canonical import b64encode
from identity.jcs import encode_any
from ledger.circulation.charter import Ledger
from ledger.circulation.demand import CredentialType, HeldState, Role
from ledger.circulation.party import Party
from ledger.errors import Refused, declare
from ledger.form import Form
from ledger.statement import Kind
from ledger.values import Digest, PartyId, Seconds, Text
from ledger.world import Act, State, World

declare(
    "rule",
    credential_of_another=("this is the issuer's to do", "sign as the party that issued it: cadastre show CREDENTIAL"),
    credential_of_other_holder=("the credential is of another holder", "name its holder: cadastre show CREDENTIAL"),
    credential_known=("this credential is on record already", "nothing is left to do: cadastre show CREDENTIAL"),
    credential_ends_early=("the credential would be over before it holds", "issue one that holds, and record that"),
    credentials_too_many=("the holder has too many credentials that count", "revoke one that is not needed"),
    status_place_taken=(
        "another credential of this issuer has this place in the status list",
        "issue it anew with a free place: cadastre credential place",
    ),
    credential_not_active=("the credential is suspended or revoked", "see its status: cadastre show CREDENTIAL"),
    credential_not_suspended=("the credential is not suspended", "see its status: cadastre show CREDENTIAL"),
    credential_over_already=("the credential was revoked before", "nothing is left to do"),
)

LISTS_MAX = 1_024  # of an issuer and a purpose
PLACES = 131_072  # of a list: as few as may be, and as many as it takes to hide among
HELD_MAX = 32  # credentials of a party that count at a time

Reason = Annotated[str, Text(1, 400, "why")]
Holder = Annotated[PartyId, Field(description="party id of the holder")]


class Place(Form):
    """A place in the status lists of an issuer, for revocation and suspension alike."""

    list: Annotated[int, Field(ge=0, lt=LISTS_MAX, description="number of the list")]
    index: Annotated[int, Field(ge=0, lt=PLACES, description="statusListIndex")]


class PlaceState(TypedDict):
    list: int
    index: int


@dataclass(frozen=True)
class Credential(State, of="credential"):
    """A credential as everybody sees it. ``validFrom`` and ``validUntil`` are POSIX seconds, the last one included.

    ``place`` is where the issuer's status lists have it, None if its status is not published here.
    """

    UNIQUE: ClassVar[tuple[str, ...]] = ("issued", "listed")
    PROVEN: ClassVar[Mapping[str, str]] = {"holder": "party", "issuer": "party"}

    issuer: str
    holder: str
    type: str
    role: str | None
    digest: str
    validFrom: int
    validUntil: int | None
    place: PlaceState | None
    status: str = "active"  # active, suspended, revoked
    reason: str | None = None

    def lookups(self) -> Iterable[tuple[str, str]]:
        found = [("holder", self.holder), ("issuer", self.issuer), ("issued", issued(self.issuer, self.digest))]
        found += [("credential-type", self.type), ("sha256", self.digest), ("status", self.status)]
        if self.place is not None:
            found.append(("listed", listed(self.issuer, self.place["list"], self.place["index"])))
            if self.status != "active":
                found.append((self.status, list_of(self.issuer, self.place["list"])))
        return found


def digest_of(secured: dict[str, Any] | str) -> str:
    """The digest of a credential as issued: of its RFC 8785 form, proof and all, or of the letters of a JWT.

    Raises ``Malformed``.
    """
    data = secured.encode() if isinstance(secured, str) else encode_any(secured)
    return b64encode(sha256(data).digest())


def issued(issuer: str, digest: str) -> str:
    """What the look-up ``issued`` names a credential by."""
    return f"{issuer}/{digest}"


def listed(issuer: str, number: int, index: int) -> str:
    """What the look-up ``listed`` names a credential by."""
    return f"{list_of(issuer, number)}/{index}"


def list_of(issuer: str, number: int) -> str:
    """What the look-ups ``revoked`` and ``suspended`` name the set places of a list by."""
    return f"{issuer}/{number}"


class CredentialRecorded(Kind, name="credential.recorded", opens=("credential",)):
    """An issuer puts on record that it gave a party a credential. Signed by the issuer."""

    issuer: Annotated[PartyId, Field(description="party id of the issuer, who signs")]
    holder: Holder
    type: CredentialType
    role: Annotated[Role | None, Field(description="role that it attests")] = None
    digest: Annotated[Digest, Field(description="SHA-256 of the credential as issued, base64url")]
    validFrom: Seconds
    validUntil: Seconds | None = None
    place: Annotated[Place | None, Field(description="place in the status lists that the service publishes")] = None

    def touches(self, sub: str | None) -> Iterable[str]:
        return [self.holder]

    def finds(self, sub: str | None) -> Iterable[tuple[str, str]]:
        found = [("issued", issued(self.issuer, self.digest))]
        if self.place is not None:
            found.append(("listed", listed(self.issuer, self.place.list, self.place.index)))
        return found

    def check(self, world: World, act: Act[CredentialRecorded]) -> None:
        if self.issuer != act.party:
            raise Refused("credential_of_another", f"{act.iss} speaks for {act.party}", pointer="/payload/body/issuer")
        if self.validUntil is not None and self.validUntil < max(act.seconds, self.validFrom):
            raise Refused("credential_ends_early", pointer="/payload/body/validUntil")
        known, *taken = (world.found(*key) for key in self.finds(None))
        if known is not None:
            raise Refused("credential_known", known, subject=known, pointer="/payload/body/digest")
        if any(taken):
            raise Refused("status_place_taken", f"{taken[0]} has it", subject=taken[0], pointer="/payload/body/place")
        _check_room(world, act, self._state())

    def fold(self, world: World, act: Act[CredentialRecorded]) -> None:
        state = self._state()
        world.put(act.sub, state)
        _hold(world, act, state)

    def _state(self) -> Credential:
        place: PlaceState | None = None
        if self.place is not None:
            place = {"list": self.place.list, "index": self.place.index}
        return Credential(
            issuer=self.issuer,
            holder=self.holder,
            type=self.type,
            role=self.role,
            digest=self.digest,
            validFrom=self.validFrom,
            validUntil=self.validUntil,
            place=place,
        )


class CredentialSuspended(Kind, name="credential.suspended", on="credential"):
    """The issuer suspends a credential: it does not hold until it is reinstated."""

    holder: Holder
    reason: Reason | None = None

    def touches(self, sub: str | None) -> Iterable[str]:
        return [self.holder]

    def check(self, world: World, act: Act[CredentialSuspended]) -> None:
        if _own(world, act, self.holder).status != "active":
            raise Refused("credential_not_active")

    def fold(self, world: World, act: Act[CredentialSuspended]) -> None:
        _end(world, act, "suspended", self.reason)


class CredentialReinstated(Kind, name="credential.reinstated", on="credential"):
    """The issuer lets a suspended credential hold again. It counts if its issuer does by then."""

    holder: Holder

    def touches(self, sub: str | None) -> Iterable[str]:
        return [self.holder]

    def check(self, world: World, act: Act[CredentialReinstated]) -> None:
        state = _own(world, act, self.holder)
        if state.status != "suspended":
            raise Refused("credential_not_suspended", f"it is {state.status}")
        _check_room(world, act, state)

    def fold(self, world: World, act: Act[CredentialReinstated]) -> None:
        state = replace(world.get(Credential, act.sub), status="active", reason=None)
        world.put(act.sub, state)
        _hold(world, act, state)


class CredentialRevoked(Kind, name="credential.revoked", on="credential"):
    """The issuer revokes a credential, for good."""

    holder: Holder
    reason: Reason | None = None

    def touches(self, sub: str | None) -> Iterable[str]:
        return [self.holder]

    def pins(self, sub: str | None) -> Iterable[str]:
        return ()  # whoever revokes must not lose a race

    def check(self, world: World, act: Act[CredentialRevoked]) -> None:
        if _own(world, act, self.holder).status == "revoked":
            raise Refused("credential_over_already")

    def fold(self, world: World, act: Act[CredentialRevoked]) -> None:
        _end(world, act, "revoked", self.reason)


def _own(world: World, act: Act[Any], holder: str) -> Credential:
    """The credential that the act is about, which the signer's party issued to this holder. Raises ``Refused``."""
    state = world.get(Credential, act.sub)
    if state.issuer != act.party:
        raise Refused("credential_of_another", f"{state.issuer} issued it", pointer="/payload/iss")
    if state.holder != holder:
        raise Refused("credential_of_other_holder", f"it is of {state.holder}", pointer="/payload/body/holder")
    return state


def _counting(world: World, act: Act[Any], type_: str) -> str | None:
    """The DID of the signer's party, of those through which it spoke, by which its credentials of a type count."""
    charter = cast(Ledger, world.charter)
    return next((did for did in world.get(Party, act.party).dids if charter.counts(did, type_)), None)


def _held(world: World, act: Act[Any], holder: Party, sub: str) -> list[HeldState]:
    """What the holder holds beside the credential ``sub``; what is over or counts no more drops out."""
    charter = cast(Ledger, world.charter)
    return [
        one
        for one in holder.credentials
        if one["credential"] != sub
        and (one["until"] is None or act.seconds <= one["until"])
        and charter.counts(one["issuer"], one["type"])
    ]


def _check_room(world: World, act: Act[Any], state: Credential) -> None:
    """There is room for one more, if it counts. Only those whom the charter trusts can fill it. Raises ``Refused``."""
    holder = world.get(Party, state.holder)
    if _counting(world, act, state.type) is not None and len(_held(world, act, holder, act.sub)) >= HELD_MAX:
        raise Refused("credentials_too_many", f"{state.holder} has {HELD_MAX}", subject=state.holder)


def _hold(world: World, act: Act[Any], state: Credential) -> None:
    """Let the holder's party have the credential, if it counts."""
    issuer = _counting(world, act, state.type)
    if issuer is None:
        return
    holder = world.get(Party, state.holder)
    held: HeldState = {
        "credential": act.sub,
        "type": state.type,
        "role": state.role,
        "issuer": issuer,
        "since": state.validFrom,
        "until": state.validUntil,
    }
    world.put(state.holder, replace(holder, credentials=[*_held(world, act, holder, act.sub), held]))


def _end(world: World, act: Act[Any], status: str, reason: str | None) -> None:
    """Let a credential hold no more, and take it from its holder's party."""
    state = world.get(Credential, act.sub)
    world.put(act.sub, replace(state, status=status, reason=reason))
    holder = world.get(Party, state.holder)
    held = [one for one in holder.credentials if one["credential"] != act.sub]
    if len(held) < len(holder.credentials):
        world.put(state.holder, replace(holder, credentials=held))
