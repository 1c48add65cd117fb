"""Credentials on record, and the status lists by which anybody sees whether one still holds.

    /v1/credentials/ID                                  what is on record of a credential, and where its status stands
    /v1/credentials/status/PARTY/revocation/0           a list of an issuer: Bitstring Status List 1.0

Lists are for everybody, also where entries are for members only: whoever is shown a credential has to see whether it
was revoked, and tells nobody by it which one they were shown. What a list gives away is how many places are set: not
of whom, not of what, nor which places were ever given out. Whether there is such an issuer can only be asked by whoever
knows its party id, which stands in the credential that they were shown.
"""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, Field

from api.deps import PUBLIC, READERS, Ledger
from api.numbers import Whole
from api.openapi import problems
from api.service import Service
from api.status import STATUS_OF, VC, Purpose, signed_list
from identity.errors import Malformed
from identity.place import parse_place
from ledger.circulation.credential import LISTS_MAX, Credential
from ledger.circulation.party import Party
from ledger.errors import Absent, Unavailable
from ledger.world import Subject

FRESH_S = 60  # for which caches may keep a list

router = APIRouter(tags=["identity"])


class StatusPlace(BaseModel):
    """An entry of `credentialStatus` that the credential should have, for verifiers to see its status."""

    statusPurpose: Purpose  # noqa: N815 - as the W3C spells it
    statusListIndex: str  # noqa: N815
    statusListCredential: str  # noqa: N815


class Recorded(BaseModel):
    """What is on record of a credential. Times are POSIX seconds; `index` is the entry that last changed it."""

    id: str
    issuer: Annotated[str, Field(description="party id")]
    holder: Annotated[str, Field(description="party id")]
    type: str
    role: Annotated[str | None, Field(description="role that it attests")]
    digest: Annotated[str, Field(description="SHA-256 of the credential as issued, base64url")]
    validFrom: int  # noqa: N815
    validUntil: int | None  # noqa: N815
    status: Annotated[str, Field(description="active, suspended or revoked", examples=["active"])]
    reason: str | None
    credentialStatus: list[StatusPlace]  # noqa: N815
    index: int
    last: Annotated[str, Field(description="statement id of the act that last advanced it: what `prev` must name")]


@router.get(
    "/v1/credentials/status/{issuer}/{purpose}/{number}",
    dependencies=[PUBLIC],
    response_class=Response,
    responses=problems(200, VC),
)
def status_list(
    service: Ledger,
    request: Request,
    issuer: Annotated[str, Path(description="party id")],
    purpose: Purpose,
    number: Annotated[int, Path(ge=0, lt=LISTS_MAX, description="of the list, from 0"), Whole],
) -> Response:
    """Which credentials of an issuer are revoked, or suspended: a list that the service signs, valid for a day.

    A JWT (`application/vc+jwt`) where the service key is of P-256. Its `id` is its address: under the charter's
    `didHost` if there is one, else as it was asked for.
    """
    _need_party(service, issuer)
    key = service.service_key
    if key is None:
        raise Unavailable("service_key_absent", service.charter.service)
    encoded = service.lists.encoded((issuer, purpose, number))
    data, media_type = signed_list(address(service, request, issuer, purpose, number), purpose, encoded, key, _now())
    headers = {"Access-Control-Allow-Origin": "*", "Cache-Control": f"public, max-age={FRESH_S}"}
    return Response(data, media_type=media_type, headers=headers)


@router.get("/v1/credentials/{id}", dependencies=[READERS], responses=problems())
def credential(
    service: Ledger,
    request: Request,
    id: Annotated[str, Path(description="credential id")],  # noqa: A002
) -> Recorded:
    """What is on record of a credential; the credential itself is its holder's to show."""
    found = service.reader.subject(id)
    if not isinstance(found.state, Credential):
        raise Absent("subject_absent", f"{id} is no credential", subject=id)
    shown = {name: value for name, value in found.state.__dict__.items() if name != "place"}
    places = _places(service, request, found.state)
    return Recorded(**shown, id=found.id, credentialStatus=places, index=found.index, last=found.last)


def address(service: Service, request: Request, issuer: str, purpose: str, number: int) -> str:
    """Where a list stands for everybody."""
    return f"{_base(service, request)}v1/credentials/status/{issuer}/{purpose}/{number}"


def _base(service: Service, request: Request) -> str:
    """The service's own address, ending in a slash."""
    host = service.charter.didHost
    if host is not None:
        try:
            return parse_place(host).base
        except Malformed:  # an address, say, which no DID can have
            pass
    return str(request.base_url)


def _places(service: Service, request: Request, state: Credential) -> list[StatusPlace]:
    if state.place is None:
        return []
    number, index = state.place["list"], str(state.place["index"])
    return [
        StatusPlace(
            statusPurpose=purpose,
            statusListIndex=index,
            statusListCredential=address(service, request, state.issuer, purpose, number),
        )
        for purpose in STATUS_OF
    ]


def _need_party(service: Service, id_: str) -> None:
    found: Subject = service.reader.subject(id_)
    if not isinstance(found.state, Party):
        raise Absent("subject_absent", f"{id_} is no party", subject=id_)


def _now() -> int:
    return int(time.time())
