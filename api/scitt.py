"""A second face for SCITT tools: COSE receipts of entries (RFC 9942), and the keys they are checked with (SCRAPI).

No request makes the log key say anything else than it has said: for each head that somebody asks about, the root of
the signed checkpoint is signed once more in COSE's form, and the signature serves all entries under that root.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Annotated

import cbor2
from fastapi import APIRouter, Depends, Header, Path, Request, Response

from api.deps import PUBLIC, READERS, Ledger, Reading
from api.entries import Index
from api.keyring import FolderKeyring
from api.openapi import bytes_too, problems
from identity.canonical import b64encode
from identity.note import Signer, Verifier, parse_note, parse_vkey
from ledger.append import Keyring
from ledger.circulation.charter import Ledger as Charter
from ledger.errors import Absent, Unavailable, declare
from ledger.log.cose import (
    CoseReceipt,
    SignedRoot,
    format_cose_key,
    format_cose_keys,
    format_cose_receipt,
    sign_root,
    thumbprint,
)
from ledger.log.receipt import parse_receipt
from ledger.store.files import Folder

OPEN = {"Access-Control-Allow-Origin": "*"}  # as the rest of the log's face
RECEIPT = "application/scitt-receipt+cose"  # RFC 9943 section 10.2
CBOR = "application/cbor"
CONCISE = "application/concise-problem-details+cbor"  # RFC 9290
NO_SUCH_KEY = cbor2.dumps({-1: "No such key", -2: "No key could be found for this kid value"})  # SCRAPI section 2.1.2

declare(
    "absent",
    cose_receipt_absent=(
        "a ledger of one entry has no COSE receipt",
        "use its receipt, or ask again once a second entry is in: RFC 9942 knows no proof without a hash",
    ),
    cose_key_absent=("no COSE receipt of this ledger names such a key", "compare with GET /.well-known/scitt-keys"),
)

router = APIRouter(tags=["log"])


class RootSigner:
    """Signs roots for COSE with the log keys of a keyring, each root once while it is asked for. Any thread may ask."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._last: tuple[bytes, SignedRoot] | None = None

    def __call__(self, checkpoint: bytes, verifiers: Iterable[Verifier]) -> SignedRoot:
        """The root of this checkpoint, signed with the first of these keys that has signed the checkpoint.

        Raises ``Unavailable`` (``log_key_absent``) if the key is not held, what ``sign_root`` raises, and ``Malformed``
        for a key file that cannot be read.
        """
        last = self._last
        if last is None or last[0] != checkpoint:
            self._last = last = checkpoint, sign_root(checkpoint, self._signer(checkpoint, verifiers))
        return last[1]

    def _signer(self, checkpoint: bytes, verifiers: Iterable[Verifier]) -> Signer:
        ids = {line.key_id for line in parse_note(checkpoint).signatures}
        for verifier in verifiers:
            if verifier.key_id in ids and (signer := self._keyring(verifier)) is not None:
                return signer
        raise Unavailable("log_key_absent", "none of the keys that signed the checkpoint is held")


async def _root_signer(request: Request, service: Ledger) -> RootSigner:
    """One for the app, made when it is first asked for: until then no key file is opened for it."""
    state = request.app.state
    if not hasattr(state, "root_signer"):
        state.root_signer = RootSigner(FolderKeyring(Folder(service.settings.folder).keys))
    found: RootSigner = state.root_signer
    return found


def keys_of(charter: Charter) -> list[Verifier]:
    """The keys that sign receipts, or have signed them: the one in force, then the former ones, latest first."""
    return [parse_vkey(vkey) for vkey in (charter.logKey, *reversed(charter.formerLogKeys))]


@router.get(
    "/v1/entries/{index}/receipt.cose",
    dependencies=[READERS],
    response_class=Response,
    responses=bytes_too(RECEIPT) | problems(),
)
async def cose_receipt(
    service: Ledger, reader: Reading, signer: Annotated[RootSigner, Depends(_root_signer)], index: Index
) -> Response:
    """The COSE receipt of an entry against the present root (RFC 9942): the leaf is the entry's bytes.

    Its issuer is the origin, its subject `checkpoint/` and the size. A ledger of one entry has none.
    """

    def made() -> bytes:
        proven = parse_receipt(reader.receipt(index))
        if not proven.proof:
            raise Absent("cose_receipt_absent", index=index)
        # The charter is read last: whatever key has signed that checkpoint, it names it.
        signed = signer(proven.checkpoint, keys_of(service.charter))
        return format_cose_receipt(CoseReceipt(signed, index, proven.proof))

    return Response(await asyncio.to_thread(made), media_type=RECEIPT, headers=OPEN)


@router.get(
    "/.well-known/scitt-keys",
    dependencies=[PUBLIC],
    response_class=Response,
    responses=bytes_too(CBOR) | problems(),
)
async def scitt_keys(service: Ledger) -> Response:
    """The keys of COSE receipts as a COSE_KeySet: the one in force, then the former ones, latest first."""
    return Response(format_cose_keys(keys_of(service.charter)), media_type=CBOR, headers=OPEN)


@router.get(
    "/.well-known/scitt-keys/{kid}",
    dependencies=[PUBLIC],
    response_class=Response,
    responses=bytes_too(CBOR) | problems(),
)
async def scitt_key(
    service: Ledger,
    kid: Annotated[str, Path(description="key id of a receipt, base64url")],
    accept: Annotated[str, Header(description=f"`{CBOR}` asks for problems in CBOR as well")] = "",
) -> Response:
    """One key of COSE receipts as a COSE_Key. Where there is none, SCRAPI's answer for those who ask for CBOR."""
    for verifier in keys_of(service.charter):
        if b64encode(thumbprint(verifier)) == kid:
            return Response(format_cose_key(verifier), media_type=CBOR, headers=OPEN)
    if CBOR in accept:
        return Response(NO_SUCH_KEY, 404, media_type=CONCISE, headers=OPEN)
    raise Absent("cose_key_absent")
