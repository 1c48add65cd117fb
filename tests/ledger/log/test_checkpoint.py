"""Checkpoints: three lines of one spelling, signed by a key that bears the log's name."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.errors import Malformed, Problem, Unverifiable
from identity.note import Signer, Verifier, parse_note, parse_signing_key, parse_vkey, sign_note
from identity.signature import ED25519
from ledger.log.checkpoint import (
    Checkpoint,
    format_checkpoint,
    open_checkpoint,
    parse_checkpoint,
    sign_checkpoint,
)
from tests.shared import shared

LOG = Signer("example.com/registry", bytes([3]) * 32)
WITNESS = Signer("witness.example", bytes([4]) * 32)
CHECKPOINT = Checkpoint("example.com/registry", 15, bytes(32))
TEXT = b"example.com/registry\n15\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"

lines = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=40)


def load(path: str) -> Any:
    return json.loads(Path(shared(path)).read_text())


def test_a_checkpoint_is_these_three_lines() -> None:
    assert format_checkpoint(CHECKPOINT) == TEXT
    assert parse_checkpoint(TEXT) == CHECKPOINT


@given(lines, st.integers(0, 2**63 - 1), st.binary(min_size=32, max_size=32), st.lists(lines, max_size=3))
def test_every_checkpoint_comes_back_from_its_text(origin: str, size: int, root: bytes, more: list[str]) -> None:
    checkpoint = Checkpoint(origin, size, root, tuple(more))
    assert parse_checkpoint(format_checkpoint(checkpoint)) == checkpoint


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        (b"\n15\n", b"\n015\n"),
        (b"\n15\n", b"\n+15\n"),
        (b"\n15\n", b"\n-15\n"),
        (b"\n15\n", b"\n15 \n"),
        (b"\n15\n", b"\n1_5\n"),
        (b"\n15\n", b"\n0xf\n"),
        (b"\n15\n", b"\n\n"),
        (b"\n15\n", b"\n9223372036854775808\n"),
        (b"\n15\n", "\n١٥\n".encode()),
        (b"\n15\n", b"\n"),
        (b"example.com/registry", b""),
        (b"example.com/registry", b"\xff"),
        (b"AAA=\n", b"AAB=\n"),
        (b"AAA=\n", b"AAAA\n"),
        (b"AAA=\n", b"AA==\n"),
        (b"AAA=\n", b"AAA=\r\n"),
        (b"AAA=\n", b"AAA="),
        (b"AAA=\n", b"AAA=\n\n"),
        (b"AAA=\n", b"AAA=\n\nmore\n"),
        (b"AAA=\n", b"AAA=\nmore"),
        (TEXT, b""),
    ],
)
def test_other_spellings_are_refused(was: bytes, becomes: bytes) -> None:
    assert was in TEXT
    with pytest.raises(Malformed, match="checkpoint_malformed"):
        parse_checkpoint(TEXT.replace(was, becomes))


def test_a_signed_checkpoint_opens() -> None:
    data = sign_checkpoint(CHECKPOINT, LOG)
    assert parse_note(data).text == TEXT
    assert open_checkpoint(data, [LOG.verifier]) == CHECKPOINT
    assert open_checkpoint(data, [WITNESS.verifier, LOG.verifier]) == CHECKPOINT


def test_extension_lines_are_kept_and_signed() -> None:
    extended = Checkpoint("example.com/registry", 15, bytes(32), ("one", "two"))
    assert open_checkpoint(sign_checkpoint(extended, LOG), [LOG.verifier]) == extended


def test_nobody_signs_a_checkpoint_under_another_name() -> None:
    with pytest.raises(ValueError, match="only keys named"):
        sign_checkpoint(CHECKPOINT, WITNESS)
    with pytest.raises(ValueError, match="only keys named"):
        sign_checkpoint(CHECKPOINT, LOG, WITNESS)


@pytest.mark.parametrize(
    "checkpoint",
    [
        Checkpoint("example.com/registry", -1, bytes(32)),
        Checkpoint("example.com/registry", 1, bytes(31)),
        Checkpoint("example.com/registry", 1, bytes(32), ("",)),
        Checkpoint("example.com/registry", 1, bytes(32), ("two\nlines",)),
    ],
)
def test_what_could_not_be_read_back_is_not_signed(checkpoint: Checkpoint) -> None:
    with pytest.raises(Malformed, match="checkpoint_malformed"):
        sign_checkpoint(checkpoint, LOG)


def test_a_checkpoint_that_only_others_signed_is_refused() -> None:
    data = sign_note(TEXT, WITNESS)
    with pytest.raises(Unverifiable, match="checkpoint_origin_wrong"):
        open_checkpoint(data, [WITNESS.verifier, LOG.verifier])


def test_a_signed_note_that_is_no_checkpoint_is_refused() -> None:
    with pytest.raises(Malformed, match="checkpoint_malformed"):
        open_checkpoint(sign_note(b"hello\n", LOG), [LOG.verifier])


def test_a_signature_of_another_key_of_the_same_name_is_not_enough() -> None:
    impostor = Signer(LOG.name, bytes([5]) * 32)
    with pytest.raises(Unverifiable, match="note_unsigned"):
        open_checkpoint(sign_checkpoint(CHECKPOINT, impostor), [LOG.verifier])


# ---- Shared vectors


def test_the_checkpoints_of_the_tessera_log_open_and_sign_to_the_same_bytes() -> None:
    keys = load("vectors/tlog/tessera/keys.json")
    signer = parse_signing_key(keys["signer_key"])
    verifier = parse_vkey(keys["vkey"])
    assert signer.verifier == verifier
    for size in range(16):
        data = Path(shared(f"vectors/tlog/tessera/log/checkpoint.{size}")).read_bytes()
        checkpoint = open_checkpoint(data, [verifier])
        assert (checkpoint.origin, checkpoint.size) == (keys["origin"], size)
        assert sign_checkpoint(checkpoint, signer) == data


def test_bodies_with_a_root_of_32_bytes_are_parsed_as_the_vectors_say() -> None:
    vectors = load("vectors/tlog/formats/checkpoints.json")
    for case in vectors["body_good"]:
        with pytest.raises(Malformed, match="checkpoint_malformed"):
            parse_checkpoint(case["text"].encode())  # the roots of the source have other lengths
        text = case["text"].replace(case["root_b64"], "A" * 43 + "=")
        if case.get("c2sp_refuses"):
            with pytest.raises(Malformed, match="an empty line"):
                parse_checkpoint(text.encode())
        else:
            checkpoint = parse_checkpoint(text.encode())
            assert (checkpoint.origin, checkpoint.size) == (case["origin"], case["size"])
            assert "".join(f"{line}\n" for line in checkpoint.extensions) == case["extension"]
    for case in vectors["body_bad"]:
        root = case["text"].replace("YmFuYW5hcw==", "A" * 43 + "=")
        root = root.replace("dGhlIHZpZXcgZnJvbSB0aGUgdHJlZSB0b3BzIGlzIGdyZWF0IQ==", "A" * 43 + "=")
        with pytest.raises(Malformed, match="checkpoint_malformed"):
            parse_checkpoint(root.encode())


def test_real_checkpoints_open_when_the_log_signs_under_its_own_name() -> None:
    case = load("vectors/tlog/tlog-scales/checkpoints.json")["checkpoints"][0]
    log, _ = case["known"]
    data = case["note"].encode()
    assert log["signature_type"] == ED25519
    assert open_checkpoint(data, [parse_vkey(log["vkey"])]).size == 1_432_088_532
    with pytest.raises(Unverifiable, match="note_signature_invalid"):
        open_checkpoint(data.replace(b"\n1432088532\n", b"\n1432088533\n"), [parse_vkey(log["vkey"])])


def test_the_go_checksum_database_signs_under_another_name_than_its_origin() -> None:
    for case in load("vectors/tlog/formats/checkpoints.json")["real"]["cases"]:
        verifiers = [parse_vkey(key) for key in case["known"]]
        with pytest.raises(Unverifiable, match="checkpoint_origin_wrong"):
            open_checkpoint(case["note"].encode(), verifiers)
        assert parse_checkpoint(parse_note(case["note"].encode()).text).size == 6_476_701


def test_refusals_of_the_formats_vectors() -> None:
    vectors = load("vectors/tlog/formats/checkpoints.json")
    verifiers = [parse_vkey(vectors["keys"][name]["vkey"]) for name in ("log", "known1", "known2")]
    for case in vectors["parse"]["cases"]:
        with pytest.raises(Problem):
            open_checkpoint(case["note"].encode(), verifiers)  # those the source accepts have a root of 6 bytes


def test_checkpoints_of_every_log_in_the_vectors_parse() -> None:
    examples = load("vectors/tlog/c2sp/examples.json")["checkpoint"]
    checkpoint = parse_checkpoint(parse_note(examples["note"].encode()).text)
    assert (checkpoint.origin, checkpoint.size) == (examples["origin"], examples["size"])
    found = [file for file in Path(shared("vectors/tlog/sunlight")).rglob("checkpoint") if file.is_file()]
    assert len(found) == 3
    for file in found:
        note = parse_note(file.read_bytes())
        assert format_checkpoint(parse_checkpoint(note.text)) == note.text


def test_a_verifier_made_from_raw_bytes_is_as_good_as_a_vkey() -> None:
    verifier = Verifier(LOG.name, ED25519, LOG.verifier.public_key)
    assert open_checkpoint(sign_checkpoint(CHECKPOINT, LOG), [verifier]) == CHECKPOINT
