"""Bitstring Status List 1.0 (W3C): revoked, suspended or not, of thousands of credentials in one short list.

    in the credential   "credentialStatus":{"type":"BitstringStatusListEntry","statusPurpose":"revocation",
                        "statusListIndex":"94567","statusListCredential":"https://works.example/status/3"}
    the list            a credential of its own, whose subject has "encodedList":"uH4sIAAA…": u and base64url of the
                        GZIP of bits, of which the one at 94567, from the left, is 1 once that credential is revoked

Nobody who fetches a list tells its issuer which credential is being looked up, as long as lists are long: 131,072
entries at least, where others hide. An index tells least if it is picked at random (section 2.1).

Lists come from strangers: GZIP is unpacked to a bound and not one byte beyond.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from identity.canonical import b64decode, b64encode
from identity.credential.form import CONTEXT, CREDENTIAL, check_types, check_url, issuer_of, objects_in, types_of
from identity.errors import Malformed, Unverifiable, declare

ENTRIES_MIN = 131_072
BYTES_MAX = 1 << 20  # of the bits of a list: 8,388,608 entries of one bit
SIZE_MAX = 8  # bits of an entry
ENTRY, LIST, LIST_CREDENTIAL = "BitstringStatusListEntry", "BitstringStatusList", "BitstringStatusListCredential"
REVOCATION, SUSPENSION = "revocation", "suspension"

declare(
    "malformed",
    status_entry_malformed=(
        "the status entry is not of the form it must have",
        "see the W3C's Bitstring Status List 1.0, section 2.1",
    ),
    status_list_malformed=(
        "this is not a status list",
        "see the W3C's Bitstring Status List 1.0, section 2.2; encodedList is u and base64url of GZIP",
    ),
    status_list_short=("the status list is too short to hide in", f"let it have {ENTRIES_MIN} entries or more"),
    status_list_large=("the status list is too large", f"split it: {BYTES_MAX} bytes of bits at most"),
)
declare(
    "unverifiable",
    credential_revoked=("the credential was revoked", "do not rely on it; ask its issuer why"),
    credential_suspended=("the credential is suspended", "do not rely on it until its issuer lifts that"),
    status_list_missing=(
        "the status list of the credential is not at hand",
        "fetch it and give it along: --status FILE; or name the ledger that publishes it: --ledger URL",
    ),
    status_list_other=(
        "the status list is not one that counts for this credential",
        "give the list that the credential names, for its purpose, by its issuer; or say whose lists count as well, as "
        "those of a ledger's service: --status-issuer DID, or --ledger URL",
    ),
    status_index_outside=("the status list has no such entry", "ask the issuer for a credential in order"),
)


class Entry(NamedTuple):
    """Where the status stands: at ``place``, from 0, among entries of ``size`` bits in the list at ``url``."""

    purpose: str
    place: int
    url: str
    size: int = 1
    messages: tuple[str, ...] = ()  # what each value says, where that is said


class Status(NamedTuple):
    """What a list says of a credential: 0 is unset."""

    purpose: str
    value: int
    message: str


def entry_of(purpose: str, index: int, url: str) -> dict[str, Any]:
    """The ``credentialStatus`` of one bit that a credential gets when it is issued."""
    return {"type": ENTRY, "statusPurpose": purpose, "statusListIndex": str(index), "statusListCredential": url}


def entries_of(credential: dict[str, Any]) -> list[Entry]:
    """The entries in status lists of a credential whose form was checked; statuses of other types are passed over.

    Raises ``Malformed``.
    """
    found = objects_in(credential, "credentialStatus")
    return [_entry(part, at) for part, at in found if ENTRY in types_of(part)]


def make_list(url: str, issuer: str, purpose: str, bits: bytes, since: str) -> dict[str, Any]:
    """The credential, not yet signed, of the list at ``url``, valid from ``since`` on. Raises ``Malformed``."""
    _check_length(bits, 1)
    subject = {"id": f"{url}#list", "type": LIST, "statusPurpose": purpose, "encodedList": encode_bits(bits)}
    named = {"@context": [CONTEXT], "id": url, "type": [CREDENTIAL, LIST_CREDENTIAL], "issuer": issuer}
    return named | {"validFrom": since, "credentialSubject": subject}


def bits_of(document: dict[str, Any]) -> bytes:
    """The bits of a list whose form as a credential was checked. Raises ``Malformed``."""
    return expand(_list_in(document).get("encodedList"))


def encode_bits(bits: bytes) -> str:
    """``u`` and base64url of the GZIP (RFC 1952) of ``bits``. Others may spell the same bits otherwise."""
    return "u" + b64encode(gzip.compress(bits, mtime=0))


def expand(encoded: object) -> bytes:
    """The bits that a list spells, at most ``BYTES_MAX`` bytes: what would unpack to more is refused unread."""
    at = "/credentialSubject/encodedList"
    if not isinstance(encoded, str) or not encoded.startswith("u"):
        raise Malformed("status_list_malformed", "no multibase text that begins with u", pointer=at)
    unpacking = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        bits = unpacking.decompress(b64decode(encoded[1:], pointer=at), BYTES_MAX + 1)
    except zlib.error as error:
        raise Malformed("status_list_malformed", str(error), pointer=at) from None
    if len(bits) > BYTES_MAX:
        raise Malformed("status_list_large", f"more than {BYTES_MAX} bytes", pointer=at)
    if not unpacking.eof or unpacking.unused_data:
        raise Malformed("status_list_malformed", "not one whole GZIP member", pointer=at)
    return bits


def value_at(bits: bytes, index: int, size: int = 1) -> int:
    """The value of entry ``index``, the left-most bit the highest. Raises ``Unverifiable``."""
    begin, end = index * size, (index + 1) * size
    if end > len(bits) * 8:
        raise Unverifiable("status_index_outside", f"entry {index} of {len(bits) * 8 // size}")
    first, last = begin // 8, (end + 7) // 8
    return int.from_bytes(bits[first:last], "big") >> (last * 8 - end) & (1 << size) - 1


def with_value(bits: bytes, index: int, value: int, size: int = 1) -> bytes:
    """``bits`` with entry ``index`` of ``value``. Raises ``Unverifiable``. Copies the bits."""
    if not 0 <= value < 1 << size:
        raise ValueError(f"{value} has no place in {size} bits")
    value_at(bits, index, size)
    end = len(bits) * 8 - (index + 1) * size
    whole = int.from_bytes(bits, "big")
    return (whole & ~((1 << size) - 1 << end) | value << end).to_bytes(len(bits), "big")


def read_status(entry: Entry, document: dict[str, Any], issuers: Collection[str]) -> Status:
    """What a list says of an entry. ``document`` is its credential, opened: signed by its issuer, valid by time.

    The list has to be the one that the entry names, for its purpose, by one of the ``issuers`` that count: as a rule
    the credential's own. Raises ``Malformed`` and ``Unverifiable``.
    """
    if document.get("id") != entry.url:
        raise Unverifiable("status_list_other", f"its id is not {entry.url}")
    if (issuer := issuer_of(document)) not in issuers:
        raise Unverifiable("status_list_other", f"it is issued by {issuer}")
    purposes = _list_in(document).get("statusPurpose")
    if entry.purpose not in (purposes if isinstance(purposes, list) else [purposes]):
        raise Unverifiable("status_list_other", f"it is not for {entry.purpose}")
    bits = bits_of(document)
    _check_length(bits, entry.size)
    value = value_at(bits, entry.place, entry.size)
    return Status(entry.purpose, value, entry.messages[value] if entry.messages else ("set" if value else "unset"))


def check_status(
    credential: dict[str, Any], lists: Mapping[str, dict[str, Any]], issuers: Collection[str] = ()
) -> list[Status]:
    """What the lists say of a credential that was opened, if it is neither revoked nor suspended by any of them.

    ``lists``: the opened documents of lists by their ids. They count if issued by the credential's issuer, or one of
    ``issuers``. Raises ``Malformed`` and ``Unverifiable``; a list that is not at hand is no good news.
    """
    counting = {issuer_of(credential), *issuers}
    found = []
    for entry in entries_of(credential):
        if entry.url not in lists:
            raise Unverifiable("status_list_missing", entry.url, pointer="/credentialStatus")
        status = read_status(entry, lists[entry.url], counting)
        if status.value and entry.purpose == REVOCATION:
            raise Unverifiable("credential_revoked", f"entry {entry.place} of {entry.url}")
        if status.value and entry.purpose == SUSPENSION:
            raise Unverifiable("credential_suspended", f"entry {entry.place} of {entry.url}")
        found.append(status)
    return found


def _entry(part: dict[str, Any], at: str) -> Entry:
    """A status entry, if it is one (section 2.1)."""
    url = check_url(part.get("statusListCredential"), f"{at}/statusListCredential")
    if part.get("id") == url:
        raise Malformed("status_entry_malformed", "it has the id of the list", pointer=f"{at}/id")
    purpose, index, size = part.get("statusPurpose"), part.get("statusListIndex"), part.get("statusSize", 1)
    if not isinstance(purpose, str) or not purpose:
        raise Malformed("status_entry_malformed", "no purpose", pointer=f"{at}/statusPurpose")
    if not isinstance(index, str) or not (index.isascii() and index.isdecimal()) or len(index) > 20:
        raise Malformed("status_entry_malformed", "no decimal number in a string", pointer=f"{at}/statusListIndex")
    if type(size) is not int or not 0 < size <= SIZE_MAX:
        raise Malformed("status_entry_malformed", f"no number from 1 to {SIZE_MAX}", pointer=f"{at}/statusSize")
    if "statusReference" in part:
        references = part["statusReference"]
        for one in references if isinstance(references, list) else [references]:
            check_url(one, f"{at}/statusReference")
    return Entry(purpose, int(index), url, size, _messages(part, size, at))


def _messages(part: dict[str, Any], size: int, at: str) -> tuple[str, ...]:
    """What each value of an entry says: all of them or none, and all where there are more than two."""
    at = f"{at}/statusMessage"
    said = part.get("statusMessage")
    if said is None and size == 1:
        return ()
    if not isinstance(said, list) or len(said) != 1 << size:
        raise Malformed("status_entry_malformed", f"not {1 << size} messages", pointer=at)
    messages: dict[int, str] = {}
    for one in said:
        value, message = (one.get("status"), one.get("message")) if isinstance(one, dict) else (None, None)
        if not isinstance(value, str) or not value.startswith("0x") or not isinstance(message, str):
            raise Malformed("status_entry_malformed", 'no {"status":"0x…","message":"…"}', pointer=at)
        try:
            messages[int(value, 16)] = message
        except ValueError:
            raise Malformed("status_entry_malformed", f"{value[:20]!a} is not hexadecimal", pointer=at) from None
    if messages.keys() != set(range(1 << size)):
        raise Malformed("status_entry_malformed", "not one message for each value", pointer=at)
    return tuple(messages[value] for value in range(1 << size))


def _list_in(document: dict[str, Any]) -> dict[str, Any]:
    """The subject of a list's credential, if it is one (section 2.2)."""
    subject = document.get("credentialSubject")
    if LIST_CREDENTIAL not in types_of(document) or not isinstance(subject, dict):
        raise Malformed("status_list_malformed", f"no {LIST_CREDENTIAL} with one subject", pointer="/type")
    check_types(subject.get("type"), "/credentialSubject/type", LIST)
    purposes = subject.get("statusPurpose")
    if not isinstance(purposes, str) and not (isinstance(purposes, list) and all(isinstance(p, str) for p in purposes)):
        raise Malformed("status_list_malformed", "no purpose", pointer="/credentialSubject/statusPurpose")
    return subject


def _check_length(bits: bytes, size: int) -> None:
    if len(bits) * 8 // size < ENTRIES_MIN:
        raise Malformed(
            "status_list_short", f"{len(bits) * 8 // size} entries", pointer="/credentialSubject/encodedList"
        )
