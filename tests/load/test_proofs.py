"""Two implementations judge each other: what ``ledger.log`` proves, ``load.proofs`` accepts, and nothing else."""

import json
from base64 import b64decode, b64encode

import pytest

from identity.note import Signer
from ledger.log.chain import LINK_OF_FIRST, Entry, format_entry
from ledger.log.checkpoint import Checkpoint, sign_checkpoint
from ledger.log.merkle import Frontier, Growth, consistency_proof, leaf_hash
from ledger.log.receipt import Receipt, format_receipt
from load.proofs import (
    Head,
    Unproven,
    check_consistency,
    check_inclusion,
    open_head,
    open_receipt,
    read_consistency,
)
from tests.cast import LOG, ORIGIN, Play
from tests.shared import shared

SIZES = range(1, 34)
LEAVES = [leaf_hash(b"%d" % number) for number in SIZES]


def tree(size: int) -> Growth:
    grown = Growth(Frontier())
    for leaf in LEAVES[:size]:
        grown.append(leaf)
    return grown


def test_every_inclusion_proof_of_every_size_leads_to_the_root_and_no_other_length_does() -> None:
    for size in SIZES:
        grown = tree(size)
        for index in range(size):
            proof = grown.inclusion_proof(index)
            head = Head(size, grown.root())
            check_inclusion(LEAVES[index], index, head, proof)
            with pytest.raises(Unproven):
                check_inclusion(LEAVES[index], index, head, [*proof, LEAVES[0]])
            if proof:
                with pytest.raises(Unproven):
                    check_inclusion(LEAVES[index], index, head, proof[:-1])


def test_every_consistency_proof_of_every_pair_of_sizes_holds_and_swapped_roots_do_not() -> None:
    for new in SIZES:
        grown = tree(new)
        for old in range(1, new + 1):
            proof = consistency_proof(old, new, grown.node)
            before, after = Head(old, tree(old).root()), Head(new, grown.root())
            check_consistency(before, after, proof)
            with pytest.raises(Unproven):
                check_consistency(before, after, [*proof, LEAVES[0]])
            if old < new:
                with pytest.raises(Unproven):
                    check_consistency(Head(old, after.root), Head(new, before.root), proof)


@pytest.mark.parametrize("what", ["inclusion", "consistency"])
def test_the_shared_vectors_are_judged_as_they_say(what: str) -> None:
    judged = 0
    for path in sorted(shared(f"vectors/merkle/{what}").rglob("*.json")):
        case = json.loads(path.read_text())
        proof = [b64decode(line) for line in case["proof"] or ()]
        try:
            if what == "inclusion":
                head = Head(case["treeSize"], b64decode(case["root"]))
                check_inclusion(b64decode(case["leafHash"]), case["leafIdx"], head, proof)
            elif case["size1"] == 0:
                continue  # every tree extends the empty one: nothing is proven, and nobody asks
            else:
                old = Head(case["size1"], b64decode(case["root1"]))
                check_consistency(old, Head(case["size2"], b64decode(case["root2"])), proof)
            held = True
        except Unproven:
            held = False
        assert held != case["wantErr"], path
        judged += 1
    assert judged > 50


def played() -> tuple[list[bytes], Growth]:
    play = Play()
    play.join("factory", "partner")
    play.register("factory")
    grown = Growth(Frontier())
    for entry in play.entries:
        grown.append(leaf_hash(entry.entry))
    return [entry.entry for entry in play.entries], grown


ENTRIES, TREE = played()
NOTE = sign_checkpoint(Checkpoint(ORIGIN, len(ENTRIES), TREE.root()), LOG)


def receipt(index: int) -> bytes:
    return format_receipt(Receipt(ENTRIES[index], index, TREE.inclusion_proof(index), NOTE))


def test_a_receipt_of_the_ledger_opens_and_gives_the_statement() -> None:
    for index, entry in enumerate(ENTRIES):
        assert open_receipt(receipt(index), index, LOG.verifier).compact == entry.split(b"\n")[5]


def test_a_receipt_with_any_byte_changed_does_not_open() -> None:
    good = receipt(2)
    for place in range(len(good)):
        changed = good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :]
        with pytest.raises(Unproven):
            open_receipt(changed, 2, LOG.verifier)


def test_a_receipt_for_another_index_does_not_open() -> None:
    with pytest.raises(Unproven, match="not for entry 1"):
        open_receipt(receipt(2), 1, LOG.verifier)


def test_a_receipt_of_an_entry_whose_statement_nobody_signed_does_not_open() -> None:
    forged = format_entry(Entry(ORIGIN, 0, 1, LINK_OF_FIRST, b"e30.e30.e30"))
    note = sign_checkpoint(Checkpoint(ORIGIN, 1, leaf_hash(forged)), LOG)
    with pytest.raises(Unproven, match="header_malformed"):
        open_receipt(format_receipt(Receipt(forged, 0, [], note)), 0, LOG.verifier)


def test_a_checkpoint_by_another_key_or_of_another_origin_is_not_believed() -> None:
    other = Signer("other.example/log", bytes(range(32)))
    assert open_head(NOTE, LOG.verifier) == Head(len(ENTRIES), TREE.root())
    with pytest.raises(Unproven):
        open_head(NOTE, other.verifier)
    with pytest.raises(Unproven):
        open_head(NOTE, Signer(ORIGIN, bytes(32)).verifier)


def test_a_consistency_answer_is_read_or_refused() -> None:
    hashes = LEAVES[:2]
    answer = json.dumps({"old": 1, "new": 2, "hashes": [b64encode(one).decode() for one in hashes]}).encode()
    assert read_consistency(answer) == hashes
    for strange in (b"", b"[]", b"{}", b'{"hashes":["?"]}', b'{"hashes":[1]}'):
        with pytest.raises(Unproven):
            read_consistency(strange)
