"""Cosignatures: what is signed, by real cosigners and by ours; what does not hold."""

from __future__ import annotations

import json
from base64 import b64decode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey
from nacl.signing import VerifyKey

from identity.errors import Malformed, Unverifiable
from identity.note import (
    Note,
    Signature,
    Signer,
    Verifier,
    format_note,
    format_vkey,
    open_note,
    parse_note,
    parse_vkey,
)
from identity.signature import (
    COSIGNATURE_ED25519,
    COSIGNATURE_MLDSA44,
    TIME_MAX,
    checkpoint_message,
    split_time,
    subtree_message,
    timed,
)
from ledger.log.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from ledger.log.cosignature import Cosigner, Seen, cosignatures, with_cosignatures
from ledger.log.merkle import leaf_hash
from tests.shared import shared

ORIGIN = "ledger.example/works"
LOG = Signer(ORIGIN, b"l" * 32)
WORKS_COUNCIL = Cosigner("council.example", COSIGNATURE_ED25519, b"c" * 32)
CUSTOMS = Cosigner("customs.example", COSIGNATURE_MLDSA44, b"d" * 32)
OURS = pytest.mark.parametrize("cosigner", [WORKS_COUNCIL, CUSTOMS], ids=["Ed25519", "ML-DSA-44"])
NOW = 1_800_000_000

CHECKPOINT = Checkpoint(ORIGIN, 1, leaf_hash(b"entry"))
SIGNED = sign_checkpoint(CHECKPOINT, LOG)
TEXT = parse_note(SIGNED).text


def load(path: str) -> Any:
    return json.loads(Path(shared(path)).read_text())


def cosigned(cosigner: Cosigner, time: int = NOW, data: bytes = SIGNED) -> bytes:
    return with_cosignatures(data, [cosigner.cosign(parse_note(data).text, time)])


# ---- Ours


@OURS
def test_a_cosignature_says_who_saw_the_checkpoint_and_when(cosigner: Cosigner) -> None:
    data = cosigned(cosigner)
    assert cosignatures(data, [cosigner.verifier]) == [Seen(cosigner.verifier, NOW)]
    assert open_checkpoint(data, [LOG.verifier]) == CHECKPOINT


@OURS
def test_a_vkey_of_a_cosigner_reads_back(cosigner: Cosigner) -> None:
    assert parse_vkey(format_vkey(cosigner.verifier)) == cosigner.verifier


@OURS
@pytest.mark.parametrize(
    "other",
    [
        Checkpoint(ORIGIN, 2, CHECKPOINT.root),
        Checkpoint(ORIGIN, 1, leaf_hash(b"other")),
        Checkpoint(ORIGIN + "2", 1, CHECKPOINT.root),
    ],
    ids=["size", "root", "origin"],
)
def test_a_cosignature_holds_for_no_other_checkpoint(cosigner: Cosigner, other: Checkpoint) -> None:
    data = sign_checkpoint(other, Signer(other.origin, b"l" * 32))
    moved = with_cosignatures(data, [cosigner.cosign(TEXT, NOW)])
    with pytest.raises(Unverifiable, match="note_signature_invalid"):
        cosignatures(moved, [cosigner.verifier])


@OURS
def test_a_cosignature_holds_for_no_other_time(cosigner: Cosigner) -> None:
    line = cosigner.cosign(TEXT, NOW)
    _, signature = split_time(line.signature)
    later = Signature(line.name, line.key_id, timed(NOW + 1, signature))
    with pytest.raises(Unverifiable, match="note_signature_invalid"):
        cosignatures(with_cosignatures(SIGNED, [later]), [cosigner.verifier])


@OURS
@pytest.mark.parametrize("signature", [b"x", b"\0" * 7, b"\0" * 8, b"\xff" * 80, b"\0" * 5_000])
def test_bytes_that_are_no_cosignature_are_refused(cosigner: Cosigner, signature: bytes) -> None:
    line = Signature(cosigner.name, cosigner.verifier.key_id, signature)
    with pytest.raises(Unverifiable, match="note_signature_invalid"):
        cosignatures(with_cosignatures(SIGNED, [line]), [cosigner.verifier])


@OURS
def test_every_flipped_bit_of_a_cosignature_is_found(cosigner: Cosigner) -> None:
    line = cosigner.cosign(TEXT, NOW)
    step = 8 * len(line.signature) // 40
    for place in range(0, 8 * len(line.signature), step):
        flipped = bytearray(line.signature)
        flipped[place // 8] ^= 1 << place % 8
        data = with_cosignatures(SIGNED, [Signature(line.name, line.key_id, bytes(flipped))])
        with pytest.raises(Unverifiable, match="note_signature_invalid"):
            cosignatures(data, [cosigner.verifier])


@OURS
def test_a_cosignature_without_a_time_is_none(cosigner: Cosigner) -> None:
    with pytest.raises(Unverifiable, match="gives no time"):
        cosignatures(cosigned(cosigner, 0), [cosigner.verifier])


@OURS
def test_the_last_second_there_is(cosigner: Cosigner) -> None:
    assert cosignatures(cosigned(cosigner, TIME_MAX), [cosigner.verifier])[0].time == TIME_MAX


def test_of_one_cosigner_the_line_that_came_last_stays() -> None:
    data = cosigned(WORKS_COUNCIL, NOW + 9, cosigned(WORKS_COUNCIL, NOW))
    assert len(parse_note(data).signatures) == 2
    assert cosignatures(data, [WORKS_COUNCIL.verifier]) == [Seen(WORKS_COUNCIL.verifier, NOW + 9)]


def test_where_a_note_has_two_lines_of_one_cosigner_the_later_time_counts() -> None:
    note = parse_note(SIGNED)
    lines = [WORKS_COUNCIL.cosign(TEXT, time) for time in (NOW, NOW + 5, NOW - 5)]
    data = format_note(Note(note.text, (*note.signatures, *lines)))
    assert cosignatures(data, [WORKS_COUNCIL.verifier]) == [Seen(WORKS_COUNCIL.verifier, NOW + 5)]


def test_lines_of_strangers_are_kept_and_prove_nothing() -> None:
    data = cosigned(CUSTOMS, NOW, cosigned(WORKS_COUNCIL))
    assert [line.name for line in parse_note(data).signatures] == [ORIGIN, "council.example", "customs.example"]
    assert cosignatures(data, []) == []
    assert cosignatures(data, [LOG.verifier]) == []  # the log's own signature says no time


def test_a_cosigner_named_like_the_log_does_not_sign_for_it() -> None:
    impostor = Cosigner(ORIGIN, COSIGNATURE_ED25519, b"l" * 32)
    data = format_note(Note(TEXT, (impostor.cosign(TEXT, NOW),)))
    with pytest.raises(Unverifiable, match="note_unsigned"):
        open_checkpoint(data, [impostor.verifier])


def test_a_log_signs_with_mldsa_too() -> None:
    second = Cosigner(ORIGIN, COSIGNATURE_MLDSA44, b"m" * 32)
    data = with_cosignatures(SIGNED, [second.cosign(TEXT, NOW)])
    assert open_checkpoint(data, [second.verifier]) == CHECKPOINT
    assert open_checkpoint(data, [LOG.verifier, second.verifier]) == CHECKPOINT


def test_only_checkpoints_are_cosigned() -> None:
    with pytest.raises(Malformed, match="checkpoint_malformed"):
        WORKS_COUNCIL.cosign(b"hello\n", NOW)


@pytest.mark.parametrize("code", [0x00, 0x01, 0x02, 0x05, 0xFF])
def test_signatures_of_other_types_carry_no_time(code: int) -> None:
    with pytest.raises(ValueError, match="carry no time"):
        Cosigner("council.example", code, b"c" * 32)


def test_names_of_more_than_255_bytes_have_no_room() -> None:
    assert subtree_message("n" * 255, NOW, "o" * 255, 0, 1, bytes(32))
    for name, origin in (("n" * 256, "o"), ("n", "o" * 256), ("", "o"), ("ä" * 128, "o")):
        with pytest.raises(ValueError, match="room for 255"):
            subtree_message(name, NOW, origin, 0, 1, bytes(32))


@pytest.mark.parametrize("code", [COSIGNATURE_ED25519, COSIGNATURE_MLDSA44])
@pytest.mark.parametrize("length", [0, 31, 33, 1311, 1313])
def test_a_cosigners_key_of_the_wrong_length_is_refused(code: int, length: int) -> None:
    with pytest.raises(Malformed, match="vkey_malformed"):
        Verifier("council.example", code, bytes(length))


def test_a_small_order_key_of_a_cosigner_is_refused() -> None:
    with pytest.raises(Malformed, match="vkey_malformed"):
        Verifier("council.example", COSIGNATURE_ED25519, bytes([1]) + bytes(31))


# ---- By libraries that are not ours


def test_an_ed25519_cosignature_is_over_the_time_and_the_whole_text() -> None:
    extended = sign_checkpoint(Checkpoint(ORIGIN, 1, CHECKPOINT.root, ("extension",)), LOG)
    text = parse_note(extended).text
    _, signature = split_time(WORKS_COUNCIL.cosign(text, NOW).signature)
    VerifyKey(WORKS_COUNCIL.verifier.public_key).verify(b"cosignature/v1\ntime 1800000000\n" + text, signature)


def test_an_mldsa_cosignature_is_over_name_time_origin_range_and_root() -> None:
    time, signature = split_time(CUSTOMS.cosign(TEXT, NOW).signature)
    message = b"subtree/v1\n\0" + b"\x0fcustoms.example" + NOW.to_bytes(8, "big") + b"\x14" + ORIGIN.encode()
    message += bytes(8) + (1).to_bytes(8, "big") + CHECKPOINT.root
    MLDSA44PublicKey.from_public_bytes(CUSTOMS.verifier.public_key).verify(signature, message)
    assert message == checkpoint_message("customs.example", time, TEXT)


# ---- Shared vectors


def test_checkpoints_of_public_logs_with_the_cosignatures_of_public_witnesses() -> None:
    for case in load("vectors/tlog/tlog-scales/checkpoints.json")["checkpoints"]:
        known = [parse_vkey(one["vkey"]) for one in case["known"] if one["signature_type"] in (1, 4, 6)]
        data = case["note"].encode()
        assert {line.name for line in open_note(data, known).verified} == {verifier.name for verifier in known}
        timed_keys = [verifier for verifier in known if verifier.signature_type != 1]
        assert {one.verifier for one in cosignatures(data, timed_keys)} == set(timed_keys)
        origin, size, rest = data.split(b"\n", 2)
        altered = b"\n".join([origin, str(int(size) + 1).encode(), rest])
        with pytest.raises(Unverifiable, match="note_signature_invalid"):
            open_note(altered, known)


def test_cosignatures_of_sunlight_are_found_and_made_to_the_byte() -> None:
    keys = load("vectors/tlog/sunlight/keys.json")
    folder = Path(shared("vectors/tlog/sunlight"))
    found = 0
    for path in folder.rglob("checkpoint"):
        data = path.read_bytes()
        note = parse_note(data)
        for one in keys["cosigners"]:
            cosigner = Cosigner(one["name"], COSIGNATURE_ED25519, sha256(one["seed_phrase"].encode()).digest())
            assert format_vkey(cosigner.verifier) == one["vkey"]
            for seen in cosignatures(data, [cosigner.verifier]):
                found += 1
                assert seen.time == keys["time"]
                assert cosigner.cosign(note.text, seen.time) in note.signatures
    assert found >= 3


def test_the_worked_example_of_the_specification() -> None:
    case = load("vectors/tlog/c2sp/examples.json")["cosigned_checkpoint"]
    line = parse_note(case["note"].encode()).signatures[1]
    assert (line.name, line.key_id.hex()) == (case["cosigner"], case["cosigner_key_id"])
    assert split_time(line.signature)[0] == case["timestamp"]
    assert len(b64decode(case["note"].split(" ")[-1])) == 4 + 8 + 64
