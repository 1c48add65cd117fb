"""Refusal files: one spelling, and no part of one can be another's."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.errors import Malformed, Problem, Unverifiable
from identity.note import Note, Signature, Signer, format_note, parse_note, sign_note
from ledger.log.checkpoint import parse_checkpoint
from ledger.log.refusal import (
    FILE_BYTES_MAX,
    Refusal,
    check_refusal_signed,
    format_refusal,
    parse_refusal,
    parse_refusal_file,
    refusal_key_name,
    sign_refusal,
)
from ledger.statement import receive
from tests.cast import CAST, ORIGIN, REFUSING, Play, seed

JOIN = Play().sign("party.joined", by="factory", body={"name": CAST["factory"].legal})
REFUSAL = Refusal(ORIGIN, receive(JOIN).id, "party_known", 41, bytes(range(32)), 1_767_139_200_000_000)
FILE = sign_refusal(JOIN, REFUSAL, REFUSING)


def line(number: int, text: str) -> bytes:
    """The file with another text in one of its lines, counted from 0."""
    lines = FILE.decode().split("\n")
    lines[number] = text
    return "\n".join(lines).encode()


def test_the_file_holds_the_statement_and_the_note() -> None:
    link = b64encode(REFUSAL.link).decode()
    head = f"cadastre/refusal-file@v1\nstatement {JOIN.decode()}\n\ncadastre/refusal@v1\n{ORIGIN}\n{REFUSAL.id}\n"
    assert FILE.decode().startswith(f"{head}party_known\n41\n{link}\n1767139200000000\n\n— {ORIGIN}/refusals ")
    found = parse_refusal_file(FILE)
    assert (found.statement, found.refusal) == (JOIN, REFUSAL)
    check_refusal_signed(found, REFUSING.verifier)


def test_the_text_is_read_as_it_was_written() -> None:
    assert parse_refusal(format_refusal(REFUSAL)) == REFUSAL


@pytest.mark.parametrize(
    "changed",
    [
        {"origin": "other.example/ledger"},
        {"code": "pin_stale"},
        {"size": 42},
        {"link": bytes(32)},
        {"time": REFUSAL.time + 1},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_every_field_is_signed(changed: dict[str, object]) -> None:
    other = format_refusal(replace(REFUSAL, **changed))  # type: ignore[arg-type]
    note = parse_note(FILE.partition(b"\n\n")[2])
    name = refusal_key_name(parse_refusal(other).origin)
    forged = Note(other, (Signature(name, note.signatures[0].key_id, note.signatures[0].signature),))
    file = parse_refusal_file(FILE.partition(b"\n\n")[0] + b"\n\n" + format_note(forged))
    with pytest.raises(Unverifiable) as told:
        check_refusal_signed(file, REFUSING.verifier)
    assert told.value.code == ("note_unsigned" if "origin" in changed else "note_signature_invalid")


def test_another_statement_does_not_fit() -> None:
    other = Play().sign("party.joined", by="partner", body={"name": "Other"}).decode()
    with pytest.raises(Unverifiable) as told:
        parse_refusal_file(line(1, f"statement {other}"))
    assert told.value.code == "refusal_statement_other"


def test_another_key_is_not_this_ledgers() -> None:
    with pytest.raises(Unverifiable) as told:
        check_refusal_signed(parse_refusal_file(FILE), Signer(REFUSING.name, seed("other")).verifier)
    assert told.value.code == "note_unsigned"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "refusal_malformed"),
        (FILE[:-1], "note_malformed"),
        (FILE + b"\n", "note_malformed"),
        (FILE + FILE.rpartition(b"\n\n")[2], "refusal_malformed"),  # signed twice
        (line(0, "cadastre/refusal-file@v2"), "refusal_malformed"),
        (line(1, f"statement  {JOIN.decode()}"), "base64url_malformed"),
        (line(1, f"statement {JOIN.decode()}~"), "base64url_malformed"),
        (line(1, "statement x"), "statement_malformed"),
        (line(3, "cadastre/refusal@v2"), "refusal_malformed"),
        (line(4, "two words"), "origin_malformed"),
        (line(4, "other.example/ledger"), "refusal_malformed"),  # not the name it is signed under
        (line(5, REFUSAL.id[:-1]), "refusal_malformed"),
        (line(6, "Party_Known"), "refusal_malformed"),
        (line(6, ""), "refusal_malformed"),
        (line(7, "0"), "refusal_malformed"),  # the charter is refused by nobody
        (line(7, "041"), "refusal_malformed"),
        (line(7, "-1"), "refusal_malformed"),
        (line(7, str(2**63)), "refusal_malformed"),
        (line(8, b64encode(bytes(31)).decode()), "refusal_malformed"),
        (line(8, REFUSAL.link.hex()), "refusal_malformed"),
        (line(9, "+1"), "refusal_malformed"),
        (line(9, "1\n2"), "refusal_malformed"),
        (line(11, "— other.example/refusals AAAAAAAA"), "refusal_malformed"),
        (FILE + b"x" * FILE_BYTES_MAX, "refusal_malformed"),
    ],
)
def test_there_is_one_spelling(data: bytes, code: str) -> None:
    with pytest.raises(Problem) as told:
        parse_refusal_file(data)
    assert told.value.code == code


def test_an_origin_that_is_none_is_refused() -> None:
    text = format_refusal(replace(REFUSAL, origin="two words"))
    with pytest.raises(Malformed) as told:
        parse_refusal(text)
    assert told.value.code == "origin_malformed"


def test_no_refusal_is_a_checkpoint() -> None:
    """A key may sign both kinds of text without one ever passing for the other."""
    with pytest.raises(Malformed):
        parse_checkpoint(format_refusal(REFUSAL))
    with pytest.raises(Malformed):
        parse_refusal_file(sign_note(b"cast.example/ledger\n1\n" + b64encode(bytes(32)) + b"\n", REFUSING))


@given(st.integers(0, len(FILE) - 1), st.integers(1, 255))
def test_no_byte_can_be_changed(place: int, flip: int) -> None:
    altered = bytearray(FILE)
    altered[place] ^= flip
    with pytest.raises(Problem):
        opened(bytes(altered))


def opened(data: bytes) -> None:
    file = parse_refusal_file(data)
    check_refusal_signed(file, REFUSING.verifier)
    receive(file.statement)
