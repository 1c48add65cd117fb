"""Receipts: each step of opening has a line that only it refuses."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.errors import Malformed, Problem
from identity.note import Signer, sign_note
from ledger.log.chain import parse_entry
from ledger.log.checkpoint import Checkpoint, format_checkpoint, sign_checkpoint
from ledger.log.merkle import Frontier, Growth, leaf_hash
from ledger.log.receipt import Receipt, format_receipt, open_receipt, parse_receipt
from tests.ledger.log.sample import ENTRIES, LOG, ORIGIN, SIZE
from tests.shared import shared

OTHER = Signer("example.com/other", bytes([4]) * 32)
WITNESS = Signer("witness.example", bytes([5]) * 32)
KNOWN = [LOG.verifier, OTHER.verifier, WITNESS.verifier]

TREE = Growth(Frontier())
for entry in ENTRIES:
    TREE.append(leaf_hash(entry))
CHECKPOINT = Checkpoint(ORIGIN, SIZE, TREE.root())
SIGNED = sign_checkpoint(CHECKPOINT, LOG)


def receipt(index: int) -> Receipt:
    return Receipt(ENTRIES[index], index, TREE.inclusion_proof(index), SIGNED)


def test_a_receipt_is_these_lines() -> None:
    proof = [leaf_hash(b"sibling"), leaf_hash(b"uncle")]
    lines = format_receipt(Receipt(b"entry", 2, proof, b"origin\n4\n")).split(b"\n")
    assert lines == [
        b"c2sp.org/tlog-proof@v1",
        b"extra ZW50cnk=",
        b"index 2",
        base64.b64encode(leaf_hash(b"sibling")),
        base64.b64encode(leaf_hash(b"uncle")),
        b"",
        b"origin",
        b"4",
        b"",
    ]


def test_every_entry_of_a_log_is_proven_by_its_receipt() -> None:
    for index, data in enumerate(ENTRIES):
        assert parse_receipt(format_receipt(receipt(index))) == receipt(index)
        assert open_receipt(format_receipt(receipt(index)), KNOWN) == (parse_entry(data), CHECKPOINT)


def test_the_only_entry_of_a_log_needs_no_hashes() -> None:
    signed = sign_checkpoint(Checkpoint(ORIGIN, 1, leaf_hash(ENTRIES[0])), LOG)
    entry, checkpoint = open_receipt(format_receipt(Receipt(ENTRIES[0], 0, [], signed)), KNOWN)
    assert (entry.index, checkpoint.size) == (0, 1)


def test_cosignatures_stay_in_the_receipt_and_do_no_harm() -> None:
    text = format_checkpoint(CHECKPOINT)
    cosigned = replace(receipt(7), checkpoint=sign_note(text, WITNESS, LOG))
    assert open_receipt(format_receipt(cosigned), [LOG.verifier])[0].index == 7


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda r: replace(r, entry=r.entry[:-1]), "entry_malformed"),  # (2)
        (lambda r: replace(r, index=8), "receipt_index_wrong"),  # (3)
        (lambda r: replace(r, entry=ENTRIES[8]), "receipt_index_wrong"),  # (3)
        (lambda r: replace(r, checkpoint=SIGNED[:-1]), "note_malformed"),  # (4)
        (lambda r: replace(r, checkpoint=b""), "note_malformed"),  # (4)
        (lambda r: replace(r, checkpoint=SIGNED.replace(b"\n21\n", b"\n22\n")), "note_signature_invalid"),  # (4)
        (lambda r: replace(r, checkpoint=sign_note(b"hello\n", LOG)), "checkpoint_malformed"),  # (4)
        (
            lambda r: replace(r, checkpoint=sign_note(format_checkpoint(CHECKPOINT), WITNESS)),
            "checkpoint_origin_wrong",
        ),  # (4)
        (
            lambda r: replace(r, checkpoint=sign_checkpoint(replace(CHECKPOINT, origin=OTHER.name), OTHER)),
            "receipt_origin_wrong",
        ),  # (5)
        (lambda r: replace(r, proof=r.proof[1:]), "proof_malformed"),  # (6)
        (lambda r: replace(r, proof=[*reversed(r.proof)]), "proof_wrong"),  # (6)
        (lambda r: replace(r, entry=r.entry.replace(b".7\n", b".8\n")), "proof_wrong"),  # (6)
        (
            lambda r: replace(r, checkpoint=sign_checkpoint(replace(CHECKPOINT, size=7), LOG)),
            "proof_malformed",
        ),  # (6)
    ],
)
def test_each_step_refuses_what_only_it_can_see(spoil: Callable[[Receipt], Receipt], code: str) -> None:
    with pytest.raises(Problem) as caught:
        open_receipt(format_receipt(spoil(receipt(7))), KNOWN)
    assert caught.value.code == code


def test_a_receipt_of_an_unknown_log_proves_nothing() -> None:
    with pytest.raises(Problem, match="note_unsigned"):
        open_receipt(format_receipt(receipt(7)), [OTHER.verifier])


DATA = format_receipt(receipt(7))


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        (b"c2sp.org/tlog-proof@v1", b"c2sp.org/tlog-proof@v2"),
        (b"c2sp.org/tlog-proof@v1\n", b""),
        (b"extra ", b"extra  "),
        (b"extra ", b""),
        (b"extra ", b"Extra "),
        (b"\nindex 7\n", b"\nindex 07\n"),
        (b"\nindex 7\n", b"\nindex -7\n"),
        (b"\nindex 7\n", b"\nindex 9223372036854775808\n"),
        (b"\nindex 7\n", b"\n7\n"),
        (b"\nindex 7\n", b"\n"),
        (b"\nindex 7\n", b"\nindex 7\nAAAA\n"),
        (b"\nindex 7\n", b"\nindex 7\n" + b"A" * 43 + b"\n"),
        (b"\nindex 7\n", b"\nindex 7\n" + b"A" * 42 + b"B=\n"),
        (b"\nindex 7\n", b"\nindex 7\n" + (b"A" * 43 + b"=\n") * 64),
        (b"\n\n", b"\n"),
        (b"\n", b"\r\n"),
        (DATA, b""),
    ],
)
def test_other_spellings_are_refused(was: bytes, becomes: bytes) -> None:
    assert was in DATA
    with pytest.raises(Malformed, match="receipt_malformed"):
        parse_receipt(DATA.replace(was, becomes, 1))


@given(st.data())
def test_any_altered_byte_of_a_receipt_is_noticed(data: st.DataObject) -> None:
    altered = bytearray(DATA)
    altered[data.draw(st.integers(0, len(DATA) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(Problem):
        open_receipt(bytes(altered), KNOWN)


def test_any_cut_of_a_receipt_is_noticed() -> None:
    for end in range(len(DATA)):
        with pytest.raises(Problem):
            open_receipt(DATA[:end], KNOWN)


# ---- Shared vectors


def test_tlog_proof_vectors() -> None:
    vectors = json.loads(Path(shared("vectors/tlog/formats/tlog_proofs.json")).read_text())
    for case in vectors["good"]:
        data = case["proof"].encode()
        if case["extra_b64"] is None:
            with pytest.raises(Malformed, match="receipt_malformed"):
                parse_receipt(data)  # a tlog-proof, but there is no entry in it
            data = data.replace(b"index", b"extra b25l\nindex", 1)
        found = parse_receipt(data)
        assert found.entry == base64.b64decode(case["extra_b64"] or "b25l"), case["desc"]
        assert found.index == case["index"]
        assert found.proof == [base64.b64decode(line) for line in case["hashes_b64"]]
        assert found.checkpoint.decode() == case["checkpoint"]
        assert format_receipt(found) == data
    for case in vectors["bad"]:
        text = case["proof"]
        if "\nextra " not in text:  # so that it is refused for its own fault
            text = text.replace("\n", "\nextra b25l\n", 1)
        with pytest.raises(Malformed, match="receipt_malformed"):
            parse_receipt(text.encode())
