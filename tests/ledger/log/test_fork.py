"""Fork evidence: what convicts a log, what does not, and that the file has one spelling."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.canonical import b64encode
from identity.errors import Malformed, Problem
from identity.note import Signer, Verifier
from ledger.log.chain import LINK_OF_FIRST, Entry, format_entry, link_of
from ledger.log.checkpoint import Checkpoint, sign_checkpoint
from ledger.log.fork import (
    Checkpoints,
    Claim,
    Fork,
    Receipts,
    check_claim,
    check_fork,
    format_fork,
    parse_fork,
    recognises,
)
from ledger.log.merkle import EMPTY_ROOT, Frontier, Growth, consistency_proof, inclusion_proof, leaf_hash, root_at
from ledger.log.receipt import Receipt, format_receipt
from tests.cast import LOG, ORIGIN, seed

OTHER = Signer("other.example/ledger", seed("other"))
SIZES = 12


class Tree:
    """A log of entries; ``fork`` lets its entries differ from those of another from an index on."""

    def __init__(self, size: int, fork: int | None = None, origin: str = ORIGIN) -> None:
        self.signer = LOG if origin == ORIGIN else OTHER
        self.entries = []
        growth = Growth(Frontier())
        link = LINK_OF_FIRST
        for index in range(size):
            told = b"told-otherwise" if fork is not None and index >= fork else b"told"
            data = format_entry(Entry(origin, index, 1_000 + index, link, told))
            self.entries.append(data)
            growth.append(leaf_hash(data))
            link = link_of(data)
        self.node = growth.node
        self.size = size

    def root(self, size: int) -> bytes:
        return root_at(size, self.node)

    def note(self, size: int, root: bytes | None = None) -> bytes:
        return sign_checkpoint(Checkpoint(self.signer.name, size, root or self.root(size)), self.signer)

    def receipt(self, index: int, size: int) -> bytes:
        proof = inclusion_proof(index, size, self.node)
        return format_receipt(Receipt(self.entries[index], index, proof, self.note(size)))


TREE = Tree(SIZES)


def evidence(old: int, new: int, fork: int) -> Checkpoints:
    """A log that has shown one history at ``old`` and another at ``new``."""
    proof = consistency_proof(old, new, TREE.node)
    return Checkpoints(TREE.root(old), proof, Tree(old, fork).note(old), TREE.note(new))


def code(fork: Fork, keys: list[Verifier] | None = None) -> str:
    """What disproves the evidence, once it went through its bytes."""
    fork = parse_fork(format_fork(fork))
    assert not isinstance(fork, Claim)
    with pytest.raises(Problem) as raised:
        check_fork(fork, keys or [LOG.verifier])
    return raised.value.code


def test_two_checkpoints_convict_at_every_two_sizes_wherever_the_histories_part() -> None:
    for new in range(1, SIZES + 1):
        for old, fork in product(range(1, new + 1), range(new)):
            if fork < old:
                forked = check_fork(evidence(old, new, fork), [LOG.verifier])
                assert (forked.first.size, forked.second.size) == (old, new)
            else:
                assert code(evidence(old, new, fork)) == "fork_unproven", "the one is the beginning of the other"


def test_an_empty_tree_that_is_none_convicts_beside_any_checkpoint() -> None:
    false = TREE.note(0, bytes(32))
    assert check_fork(Checkpoints(EMPTY_ROOT, [], false, false), [LOG.verifier]).first.size == 0
    assert check_fork(Checkpoints(EMPTY_ROOT, [], false, TREE.note(5)), [LOG.verifier]).second.size == 5
    assert code(Checkpoints(EMPTY_ROOT, [], TREE.note(0), TREE.note(5))) == "fork_unproven"


def test_no_made_up_root_or_proof_convicts_an_honest_log() -> None:
    honest = Checkpoints(TREE.root(5), consistency_proof(5, 9, TREE.node), TREE.note(5), TREE.note(9))
    assert code(honest) == "fork_unproven"
    assert code(replace(honest, root=bytes(32))) == "proof_wrong"
    assert code(replace(honest, root=bytes(32), proof=[bytes(32), *honest.proof[1:]])) == "proof_wrong"
    assert code(replace(honest, proof=honest.proof[1:])) == "proof_malformed"
    assert code(replace(honest, first=TREE.note(9), second=TREE.note(5))) == "proof_malformed"


def test_only_a_key_of_the_log_convicts_it() -> None:
    shown = evidence(5, 9, 2)
    assert code(shown, [OTHER.verifier]) == "note_unsigned"
    forged = replace(shown, first=sign_checkpoint(Checkpoint(ORIGIN, 5, bytes(32)), Signer(ORIGIN, seed("forger"))))
    assert code(forged) == "note_unsigned"
    altered = replace(shown, first=shown.first.replace(b"\n5\n", b"\n4\n"))
    assert code(altered) == "note_signature_invalid"
    assert code(replace(shown, second=shown.second[:-1])) == "note_malformed"


def test_two_ledgers_do_not_contradict_each_other() -> None:
    other = Tree(5, origin=OTHER.name)
    keys = [LOG.verifier, OTHER.verifier]
    assert code(Checkpoints(TREE.root(5), [], other.note(5), TREE.note(5)), keys) == "fork_origin_wrong"
    assert code(Receipts(other.receipt(2, 5), TREE.receipt(2, 5)), keys) == "fork_origin_wrong"


def test_two_receipts_of_one_index_convict_at_any_two_sizes() -> None:
    fork = Tree(7, 3)
    for old, new, index in product(range(1, 8), range(1, SIZES + 1), range(SIZES)):
        if index < min(old, new):
            shown = Receipts(fork.receipt(index, old), TREE.receipt(index, new))
            if index < 3:
                assert code(shown) == "fork_unproven", "both hold the same entry"
            else:
                forked = check_fork(shown, [LOG.verifier])
                assert forked.index == index
                assert forked.hashes == (link_of(fork.entries[index]), link_of(TREE.entries[index]))
    assert code(Receipts(fork.receipt(4, 7), TREE.receipt(5, 9))) == "fork_unproven"


def test_what_a_party_has_seen_contradicts_the_log_or_does_not() -> None:
    receipt, audience = TREE.receipt(4, 9), f"{ORIGIN}#{b64encode(bytes(32))}"
    entry, checkpoint = check_claim(receipt, audience, (4, bytes(32)), [LOG.verifier])
    assert (entry.index, checkpoint.size) == (4, 9)
    for seen, aud, wrong in (
        ((4, link_of(TREE.entries[4])), audience, "fork_unproven"),
        ((5, bytes(32)), audience, "fork_unproven"),
        (None, audience, "fork_unproven"),
        ((4, bytes(32)), f"{OTHER.name}#{b64encode(bytes(32))}", "fork_origin_wrong"),
    ):
        with pytest.raises(Problem) as raised:
            check_claim(receipt, aud, seen, [LOG.verifier])
        assert raised.value.code == wrong


SHOWN: list[Fork] = [
    evidence(5, 9, 2),
    evidence(9, 9, 2),
    Receipts(Tree(1, 0).receipt(0, 1), TREE.receipt(0, 9)),
    Claim(b"header.payload.signature", TREE.receipt(4, 9)),
]


@pytest.mark.parametrize("fork", SHOWN, ids=lambda fork: type(fork).__name__)
def test_each_form_comes_back_as_it_was_written(fork: Fork) -> None:
    data = format_fork(fork)
    assert recognises(data)
    assert parse_fork(data) == fork


@pytest.mark.parametrize("fork", SHOWN, ids=lambda fork: type(fork).__name__)
@given(st.data())
def test_another_spelling_is_refused(fork: Fork, data: st.DataObject) -> None:
    """Whatever is altered in it either cannot be read, or is read as what it says."""
    spelled = format_fork(fork)
    at = data.draw(st.integers(0, len(spelled) - 1))
    altered = spelled[:at] + data.draw(st.binary(max_size=2)) + spelled[at + 1 :]
    try:
        found = parse_fork(altered)
    except Malformed:
        return
    assert format_fork(found) == altered


def test_what_is_no_evidence_is_malformed() -> None:
    good = format_fork(evidence(5, 9, 2))
    long = b"".join(b"%b\n" % line for line in [good.split(b"\n")[2]] * 80)
    for data in (
        b"",
        b"cadastre/fork@v1",
        b"cadastre/fork@v1\n\n\n\n\n",
        b"cadastre/fork@v1\nseen\n\n" + TREE.receipt(1, 2),
        good.replace(b"checkpoints\n", b"receipts\n"),
        good.replace(b"@v1", b"@v2"),
        good + b"\n",
        good.replace(b"checkpoints\n", b"checkpoints\n" + long),
        good.replace(b"checkpoints\n", b"checkpoints\nAAAA\n"),
        good + b" " * 2_500_000,
    ):
        with pytest.raises(Problem) as raised:
            parse_fork(data)
        assert raised.value.code == "fork_malformed"
