"""Refusals: what a ledger signs when its rules say no, so that it can be held to its rules.

    cadastre/refusal-file@v1
    statement eyJhbGciOiJFZDI1NTE5Iiwia2lkIjoi...    the statement that was refused, as a JWS, without disclosures

    cadastre/refusal@v1                              from here on a signed note (C2SP signed-note)
    example.com/registry                             origin
    eUCSY6L1tvE-vP9Jk4prNYoUoPqCw5QoapDLxgDiN1g      statement id
    pin_stale                                        code: the rule that said no
    41                                               size: how many entries the rules saw
    TszzRgjTG6xce+z2AG31kAXYKBgQVtCSCE40HmuwBb0=     link: SHA-256 of the last of them, as entry 41 carries it
    1767139200000000                                 the time the entry would have had, Unix microseconds

    — example.com/registry/refusals M9e0luh4jT...    by the refusal key that the charter names at that size

Rules are pure functions of the entries, the statement and this time: whoever has the log judges again
(``ledger.audit.refusal``). The link binds the refusal to one history, so a ledger that shows another has told two.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from dataclasses import dataclass

from identity.errors import Malformed, Unverifiable, declare
from identity.jws import MAX_STATEMENT, parse
from identity.note import Signer, Verifier, open_note, parse_note, sign_note
from ledger.log.chain import check_origin

FILE_BYTES_MAX = MAX_STATEMENT + 2_048

declare("malformed", refusal_malformed=("the refusal is malformed", "ask for it again: submit the statement"))
declare(
    "unverifiable",
    refusal_statement_other=("the refusal is of another statement than the one in the file", "do not rely on it"),
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """What is signed. ``size`` is 1 or more, ``link`` has 32 bytes, ``time`` is in Unix microseconds."""

    origin: str
    id: str
    code: str
    size: int
    link: bytes
    time: int


@dataclass(frozen=True, slots=True)
class RefusalFile:
    """A refusal, the statement it is of (a compact JWS), and the note: signed by somebody, which is not checked."""

    statement: bytes
    refusal: Refusal
    note: bytes


def refusal_key_name(origin: str) -> str:
    """The name of the key that signs a ledger's refusals: no checkpoint is ever signed under it."""
    return f"{origin}/refusals"


def format_refusal(refusal: Refusal) -> bytes:
    """The text of the note. Checks nothing: :func:`parse_refusal` does."""
    link = b64encode(refusal.link).decode()
    lines = (refusal.origin, refusal.id, refusal.code, str(refusal.size), link, str(refusal.time))
    return "\n".join([_TEXT, *lines, ""]).encode()


def parse_refusal(text: bytes) -> Refusal:
    """The reverse of :func:`format_refusal`. Raises ``refusal_malformed``, ``origin_malformed``."""
    try:
        _, origin, id_, code, size, link, time, _ = text.decode().split("\n")
        refusal = Refusal(origin, id_, code, int(size), b64decode(link, validate=True), int(time))
    except ValueError:
        raise Malformed("refusal_malformed", "it is not the seven lines of a refusal") from None
    if not _ID.fullmatch(refusal.id) or not _CODE.fullmatch(refusal.code):
        raise Malformed("refusal_malformed", "it names no statement, or no code")
    if not (0 < refusal.size < 2**63 and 0 <= refusal.time < 2**63):
        raise Malformed("refusal_malformed", "size or time out of range")
    if len(refusal.link) != 32:
        raise Malformed("refusal_malformed", "the link does not have 32 bytes")
    if format_refusal(refusal) != text:
        raise Malformed("refusal_malformed", "another spelling of the same refusal")
    check_origin(refusal.origin)
    return refusal


def sign_refusal(statement: bytes, refusal: Refusal, signer: Signer) -> bytes:
    """The file. ``signer`` goes by :func:`refusal_key_name` of the origin. About 45 microseconds."""
    assert signer.name == refusal_key_name(refusal.origin)
    return _format_file(statement, sign_note(format_refusal(refusal), signer))


def parse_refusal_file(data: bytes) -> RefusalFile:
    """The reverse of :func:`sign_refusal`, its signature unchecked: there is one, under the name it must have.

    The statement is one spelling of a JWS, and the one that the refusal is of; its own signature is not checked.
    Raises ``refusal_malformed``, ``note_malformed``, ``refusal_statement_other``, and what ``jws.parse`` raises.
    """
    if len(data) > FILE_BYTES_MAX:
        raise Malformed("refusal_malformed", f"more than {FILE_BYTES_MAX} bytes")
    head, _, note = data.partition(b"\n\n")
    statement = head.partition(b"\nstatement ")[2]
    if _format_file(statement, note) != data:
        raise Malformed("refusal_malformed", "it is not a statement and a signed note")
    opened = parse_note(note)
    refusal = parse_refusal(opened.text)
    if [line.name for line in opened.signatures] != [refusal_key_name(refusal.origin)]:
        raise Malformed("refusal_malformed", f"it is not signed once, as {refusal_key_name(refusal.origin)}")
    if parse(statement).id != refusal.id:
        raise Unverifiable("refusal_statement_other", f"signed for {refusal.id}")
    return RefusalFile(statement, refusal, note)


def check_refusal_signed(file: RefusalFile, key: Verifier) -> None:
    """This key signed the refusal. Raises ``note_unsigned`` for another key, ``note_signature_invalid``."""
    open_note(file.note, [key])


def _format_file(statement: bytes, note: bytes) -> bytes:
    return b"%b\nstatement %b\n\n%b" % (FILE, statement, note)


FILE = b"cadastre/refusal-file@v1"
_TEXT = "cadastre/refusal@v1"
_ID = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")
_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")
