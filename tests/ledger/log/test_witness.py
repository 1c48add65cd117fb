"""A witness's decision: the one request that may be cosigned, and every other with its own no."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.errors import Malformed, Problem, Unverifiable
from identity.note import Signer
from ledger.log.checkpoint import Checkpoint, sign_checkpoint
from ledger.log.merkle import EMPTY_ROOT, consistency_proof, leaf_hash, root_at
from ledger.log.witness import NOTHING, OldOther, Request, Seen, format_request, judge, origin_of, parse_request
from tests.shared import shared

ORIGIN = "ledger.example/works"
LOG = Signer(ORIGIN, b"l" * 32)
FORKER = Signer(ORIGIN, b"f" * 32)
SIZES = range(12)


class Tree:
    """A log of so many entries, which are their numbers."""

    def __init__(self, size: int, fork: bytes = b"") -> None:
        self.size = size
        self._leaves = [leaf_hash(b"%d%b" % (number, fork)) for number in range(size)]

    def nodes(self, level: int, index: int) -> bytes:
        from ledger.log.merkle import node_hash

        if level == 0:
            return self._leaves[index]
        return node_hash(self.nodes(level - 1, 2 * index), self.nodes(level - 1, 2 * index + 1))

    def root(self, size: int) -> bytes:
        return root_at(size, self.nodes) if size else EMPTY_ROOT

    def seen(self, size: int) -> Seen:
        return Seen(size, self.root(size))

    def request(self, old: int, new: int, signer: Signer = LOG) -> Request:
        proof: Sequence[bytes] = consistency_proof(old, new, self.nodes) if 0 < old < new else []
        return Request(old, proof, sign_checkpoint(Checkpoint(ORIGIN, new, self.root(new)), signer))


TREE, FORK = Tree(12), Tree(12, b"'")


def test_every_extension_may_be_cosigned() -> None:
    for old in SIZES:
        for new in range(old, 12):
            found = judge(TREE.request(old, new), [LOG.verifier], TREE.seen(old))
            assert (found.size, found.root) == (new, TREE.root(new))


def test_a_log_that_was_never_seen_is_taken_from_its_beginning() -> None:
    assert judge(TREE.request(0, 7), [LOG.verifier], NOTHING).size == 7


def test_another_old_size_is_answered_with_the_right_one() -> None:
    for seen in SIZES:
        for old in set(SIZES) - {seen}:
            with pytest.raises(OldOther) as other:
                judge(TREE.request(old, 11), [LOG.verifier], TREE.seen(seen))
            assert other.value.size == seen


def test_a_fork_is_never_cosigned() -> None:
    for old in range(1, 12):
        for new in range(old, 12):
            with pytest.raises(Unverifiable, match="witness_proof_wrong"):
                judge(FORK.request(old, new), [LOG.verifier], TREE.seen(old))


def test_a_log_that_shrank_is_told_what_was_seen() -> None:
    with pytest.raises(OldOther):
        judge(TREE.request(3, 5), [LOG.verifier], TREE.seen(8))
    with pytest.raises(Malformed, match="witness_old_beyond"):
        judge(Request(8, [], TREE.request(0, 5).checkpoint), [LOG.verifier], TREE.seen(8))


def test_a_proof_where_none_is_due_is_wrong() -> None:
    for old, new in ((0, 7), (7, 7)):
        request = TREE.request(old, new)
        with pytest.raises(Unverifiable, match="witness_proof_wrong"):
            judge(Request(old, [bytes(32)], request.checkpoint), [LOG.verifier], TREE.seen(old))


def test_a_missing_hash_an_additional_one_and_another_one_are_wrong() -> None:
    request = TREE.request(5, 11)
    for proof in (request.proof[:-1], [*request.proof, bytes(32)], [bytes(32), *request.proof[1:]]):
        with pytest.raises(Unverifiable, match="witness_proof_wrong"):
            judge(Request(5, proof, request.checkpoint), [LOG.verifier], TREE.seen(5))


def test_an_empty_tree_has_one_root() -> None:
    assert judge(TREE.request(0, 0), [LOG.verifier], NOTHING).size == 0
    other = sign_checkpoint(Checkpoint(ORIGIN, 0, bytes(32)), LOG)
    with pytest.raises(Unverifiable, match="witness_proof_wrong"):
        judge(Request(0, [], other), [LOG.verifier], NOTHING)


@pytest.mark.parametrize(
    ("signer", "known", "code"),
    [
        (FORKER, [LOG], "note_unsigned"),
        (LOG, [], "note_unsigned"),
        (Signer("other.example", b"l" * 32), [LOG], "note_unsigned"),
    ],
)
def test_who_did_not_sign_is_looked_at_before_all_else(signer: Signer, known: list[Signer], code: str) -> None:
    data = sign_checkpoint(Checkpoint(signer.name, 5, TREE.root(5)), signer)
    with pytest.raises(Unverifiable, match=code):
        judge(Request(9, [], data), [one.verifier for one in known], TREE.seen(3))


def test_a_forged_signature_is_looked_at_before_all_else() -> None:
    data = TREE.request(0, 5).checkpoint.replace(b"\n5\n", b"\n6\n")
    with pytest.raises(Unverifiable, match="note_signature_invalid"):
        judge(Request(9, [], data), [LOG.verifier], NOTHING)


# ---- Bytes


def test_a_request_has_one_spelling() -> None:
    for old in SIZES:
        request = TREE.request(old, 11)
        data = format_request(request)
        assert parse_request(data) == request
        assert origin_of(request) == ORIGIN


def test_the_request_of_the_specification() -> None:
    examples = json.loads(Path(shared("vectors/tlog/c2sp/examples.json")).read_text())
    request = parse_request(examples["witness_add_checkpoint"]["request_body"].encode())
    assert request.old == 20852014
    assert origin_of(request) == "example.com/behind-the-sofa"


NOTE = TREE.request(0, 5).checkpoint
MALFORMED = [
    b"",
    b"old 5",
    b"old 5\n",
    b"old 5\n\n",
    b"\n\n" + NOTE,
    b"old -1\n\n" + NOTE,
    b"old 05\n\n" + NOTE,
    b"old +5\n\n" + NOTE,
    b"old 5 \n\n" + NOTE,
    b"old 9223372036854775808\n\n" + NOTE,
    b"new 5\n\n" + NOTE,
    b"5\n\n" + NOTE,
    b"old 5\nAAAA\n\n" + NOTE,
    b"old 5\n!\n\n" + NOTE,
    b"old 5\r\n\r\n" + NOTE,
    b"old 5\n" + b"A" * 43 + b"=\n" * 1 + NOTE,
    b"old 5\n" + (b"A" * 43 + b"=\n") * 64 + b"\n" + NOTE,
    b"old 5\n\nnot a checkpoint",
    b"old 5\n\nnot a checkpoint\n\n" + "— k AAAAAAAA\n".encode(),
]


@pytest.mark.parametrize("data", MALFORMED)
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(Malformed, match="witness_request_malformed"):
        origin_of(parse_request(data))


def test_63_hashes_are_the_most() -> None:
    data = b"old 5\n" + (b"A" * 43 + b"=\n") * 63 + b"\n" + NOTE
    assert len(parse_request(data).proof) == 63


@given(st.binary(max_size=80), st.integers(0, 400), st.integers(0, 255))
def test_any_bytes_are_read_or_refused(data: bytes, place: int, byte: int) -> None:
    harmed = bytearray(format_request(TREE.request(5, 11)))
    harmed[place % len(harmed)] = byte
    for given_ in (data, b"old 5\n\n" + data, bytes(harmed)):
        try:
            judge(parse_request(given_), [LOG.verifier], TREE.seen(5))
        except (Problem, OldOther):
            continue
        assert given_ == format_request(TREE.request(5, 11))
