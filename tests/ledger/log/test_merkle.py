"""The tree against RFC 6962 written down as it reads there: every small size, random larger ones, all vectors."""

import base64
import json
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from identity.errors import Malformed, Problem, Unverifiable
from ledger.log.merkle import (
    EMPTY_ROOT,
    Frontier,
    Growth,
    check_consistency,
    check_inclusion,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_at,
    root_of,
    subtrees,
)
from tests.shared import shared

EXHAUSTED = 64  # every index and every pair of sizes up to here

# ---- RFC 6962, section 2.1, as it reads: D is a list of leaf hashes, k the largest power of two below n


def power_below(n: int) -> int:
    return 1 << (n - 1).bit_length() - 1


def mth(d: Sequence[bytes]) -> bytes:
    if not d:
        return sha256(b"").digest()
    if len(d) == 1:
        return d[0]
    k = power_below(len(d))
    return sha256(b"\x01" + mth(d[:k]) + mth(d[k:])).digest()


def path(m: int, d: Sequence[bytes]) -> list[bytes]:
    if len(d) == 1:
        return []
    k = power_below(len(d))
    return [*path(m, d[:k]), mth(d[k:])] if m < k else [*path(m - k, d[k:]), mth(d[:k])]


def subproof(m: int, d: Sequence[bytes], whole: bool) -> list[bytes]:
    if m == len(d):
        return [] if whole else [mth(d)]
    k = power_below(len(d))
    if m <= k:
        return [*subproof(m, d[:k], whole), mth(d[k:])]
    return [*subproof(m - k, d[k:], False), mth(d[:k])]


def leaves(size: int) -> list[bytes]:
    return [leaf_hash(b"%d" % index) for index in range(size)]


def reader(d: Sequence[bytes]) -> Callable[[int, int], bytes]:
    """Nodes of a tree by the definition; refuses what is not a perfect subtree."""

    def node(level: int, index: int) -> bytes:
        part = d[index << level : (index + 1) << level]
        assert len(part) == 1 << level
        return mth(part)

    return node


LEAVES = leaves(EXHAUSTED)
ROOTS = [mth(LEAVES[:size]) for size in range(EXHAUSTED + 1)]


def spoilt(proof: list[bytes]) -> list[list[bytes]]:
    """Each hash flipped, dropped, doubled, cut; each pair of neighbours swapped; one added at either end."""
    others = [[*proof, EMPTY_ROOT], [EMPTY_ROOT, *proof]]
    for place, one in enumerate(proof):
        before, after = proof[:place], proof[place + 1 :]
        others.append([*before, bytes([one[0] ^ 1]) + one[1:], *after])
        others.append([*before, one[:-1], *after])
        others.append([*before, one + b"\0", *after])
        others.append([*before, *after])
        others.append([*before, one, one, *after])
        if after and after[0] != one:
            others.append([*before, after[0], one, *after[1:]])
    return others


# ---- Shape and roots


def test_subtrees_are_the_digits_of_the_size_and_lie_side_by_side() -> None:
    for size in range(300):
        end = 0
        for level, index in subtrees(size):
            assert index << level == end
            end += 1 << level
        assert end == size


def test_roots_of_every_small_size() -> None:
    nodes = reader(LEAVES)
    for size, root in enumerate(ROOTS):
        assert root_of(LEAVES[:size]) == root
        assert root_at(size, nodes) == root


def test_a_frontier_grows_to_the_same_root_from_every_size() -> None:
    for start in range(EXHAUSTED + 1):
        frontier = Frontier.at(start, reader(LEAVES))
        again = Frontier(frontier.size, frontier.hashes).copy()
        for size in range(start, EXHAUSTED):
            assert again.root() == ROOTS[size]
            again.append(LEAVES[size])
        assert (again.size, again.root()) == (EXHAUSTED, ROOTS[EXHAUSTED])
        assert (frontier.size, frontier.root()) == (start, ROOTS[start])


def test_a_frontier_of_the_wrong_number_of_hashes_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="do not make a tree of size 3"):
        Frontier(3, [EMPTY_ROOT])


# ---- Proofs


def test_inclusion_of_every_leaf_in_every_small_tree() -> None:
    nodes = reader(LEAVES)
    for size in range(1, EXHAUSTED + 1):
        for index in range(size):
            proof = inclusion_proof(index, size, nodes)
            assert proof == path(index, LEAVES[:size])
            check_inclusion(LEAVES[index], index, size, proof, ROOTS[size])


def test_consistency_of_every_two_small_sizes() -> None:
    nodes = reader(LEAVES)
    for new in range(EXHAUSTED + 1):
        for old in range(new + 1):
            proof = consistency_proof(old, new, nodes)
            assert proof == (subproof(old, LEAVES[:new], True) if old else [])
            check_consistency(old, new, ROOTS[old], ROOTS[new], proof)


def test_proofs_prove_nothing_else() -> None:
    nodes = reader(LEAVES)
    for size in range(1, 20):
        for index in range(size):
            proof = inclusion_proof(index, size, nodes)
            for other in range(20):
                if other != index:
                    with pytest.raises((Malformed, Unverifiable)):
                        check_inclusion(LEAVES[index], other, size, proof, ROOTS[size])
            for root in ROOTS[:size] + ROOTS[size + 1 : 20]:
                with pytest.raises(Unverifiable, match="proof_wrong"):
                    check_inclusion(LEAVES[index], index, size, proof, root)
            with pytest.raises(Unverifiable, match="proof_wrong"):
                check_inclusion(EMPTY_ROOT, index, size, proof, ROOTS[size])


def test_spoilt_inclusion_proofs_are_refused() -> None:
    for size in range(1, 24):
        for index in range(size):
            for proof in spoilt(inclusion_proof(index, size, reader(LEAVES))):
                with pytest.raises((Malformed, Unverifiable)):
                    check_inclusion(LEAVES[index], index, size, proof, ROOTS[size])


def test_spoilt_consistency_proofs_are_refused() -> None:
    for new in range(24):
        for old in range(new + 1):
            proof = consistency_proof(old, new, reader(LEAVES))
            for other in spoilt(proof):
                with pytest.raises((Malformed, Unverifiable)):
                    check_consistency(old, new, ROOTS[old], ROOTS[new], other)
            if old:
                with pytest.raises(Unverifiable, match="proof_wrong"):
                    check_consistency(old, new, ROOTS[old - 1], ROOTS[new], proof)
                with pytest.raises(Unverifiable, match="proof_wrong"):
                    check_consistency(old, new, ROOTS[old], ROOTS[new - 1], proof)


def test_hashes_of_another_length_are_malformed_wherever_they_stand() -> None:
    for wrong in (EMPTY_ROOT[:-1], EMPTY_ROOT + b"\0"):
        for place in range(3):
            proof = [*LEAVES[:place], wrong, *LEAVES[place:2]]
            with pytest.raises(Malformed, match="does not have 32 bytes"):
                check_inclusion(LEAVES[0], 0, 8, proof, ROOTS[8])
            with pytest.raises(Malformed, match="does not have 32 bytes"):
                check_consistency(2, 16, ROOTS[2], ROOTS[16], proof)
        with pytest.raises(Malformed, match="does not have 32 bytes"):
            check_inclusion(wrong, 0, 1, [], wrong)
        with pytest.raises(Malformed, match="does not have 32 bytes"):
            check_consistency(0, 1, EMPTY_ROOT, wrong, [])


def test_proving_a_leaf_reads_no_node_that_covers_it() -> None:
    for size in range(1, EXHAUSTED + 1):
        for index in range(size):
            read: list[tuple[int, int]] = []
            inclusion_proof(index, size, lambda level, place, read=read: read.append((level, place)) or EMPTY_ROOT)
            assert not [node for node in read if index >> node[0] == node[1]]


def test_a_leaf_beyond_the_end_is_not_provable() -> None:
    nodes = reader(LEAVES)
    for index, size in [(-1, 5), (5, 5), (0, 0), (2**64 - 1, 5)]:
        with pytest.raises(ValueError, match="no leaf"):
            inclusion_proof(index, size, nodes)
        with pytest.raises(Malformed, match="proof_malformed"):
            check_inclusion(LEAVES[0], index, size, [], ROOTS[size])


def test_a_tree_does_not_extend_a_longer_one() -> None:
    for old, new in [(-1, 5), (6, 5)]:
        with pytest.raises(ValueError, match="does not extend"):
            consistency_proof(old, new, reader(LEAVES))
        with pytest.raises(Malformed, match="proof_malformed"):
            check_consistency(old, new, ROOTS[5], ROOTS[5], [])


def test_two_roots_of_one_size_are_a_fork() -> None:
    for size in range(4):
        with pytest.raises(Unverifiable, match="proof_wrong"):
            check_consistency(size, size, ROOTS[size], ROOTS[size + 1], [])
    with pytest.raises(Unverifiable, match="proof_wrong"):
        check_consistency(0, 4, ROOTS[1], ROOTS[4], [])


def test_a_leaf_is_not_a_node() -> None:
    forged = leaf_hash(LEAVES[0] + LEAVES[1])
    assert forged != ROOTS[2]
    with pytest.raises(Unverifiable, match="proof_wrong"):
        check_inclusion(forged, 0, 2, [ROOTS[1]], ROOTS[2])


@settings(max_examples=40)
@given(st.integers(1, 3000), st.data())
def test_larger_trees(size: int, data: st.DataObject) -> None:
    d = leaves(size)
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    growth = Growth(Frontier())
    for leaf in d:
        growth.append(leaf)
    assert growth.root() == mth(d)
    proof = inclusion_proof(index, size, growth.node)
    assert proof == path(index, d) == growth.inclusion_proof(index)
    check_inclusion(d[index], index, size, proof, growth.root())
    proof = consistency_proof(old, size, growth.node)
    assert proof == subproof(old, d, True)
    check_consistency(old, size, root_of(d[:old]), growth.root(), proof)


def test_proofs_in_a_tree_of_almost_2_to_the_63_leaves() -> None:
    def nodes(level: int, index: int) -> bytes:
        """All leaves alike, so that a tree of any size can be read."""
        return alike[level]

    alike = [LEAVES[0]]
    while len(alike) < 63:
        alike.append(node_hash(alike[-1], alike[-1]))
    size = 2**63 - 1
    root = root_at(size, nodes)
    for index in (0, 1, 2**62, size - 1):
        check_inclusion(LEAVES[0], index, size, inclusion_proof(index, size, nodes), root)
        if index:
            proof = consistency_proof(index, size, nodes)
            check_consistency(index, size, root_at(index, nodes), root, proof)


# ---- Growing


def test_a_batch_proves_each_of_its_leaves_whatever_came_before() -> None:
    for start in range(EXHAUSTED):
        growth = Growth(Frontier.at(start, reader(LEAVES)))
        assert growth.root() == ROOTS[start]
        for size in range(start + 1, EXHAUSTED + 1):
            assert growth.append(LEAVES[size - 1]) == size - 1
            assert growth.root() == ROOTS[size]
            for index in {start, (start + size) // 2, size - 1}:
                assert growth.inclusion_proof(index) == path(index, LEAVES[:size])
        assert growth.frontier().hashes == Frontier.at(EXHAUSTED, reader(LEAVES)).hashes


def test_a_batch_does_not_prove_what_it_did_not_append() -> None:
    growth = Growth(Frontier.at(5, reader(LEAVES)))
    growth.append(LEAVES[5])
    for index in (-1, 4, 6):
        with pytest.raises(ValueError, match="not among"):
            growth.inclusion_proof(index)


def test_a_batch_leaves_the_frontier_it_started_from_alone() -> None:
    frontier = Frontier.at(7, reader(LEAVES))
    growth = Growth(frontier)
    growth.append(LEAVES[7])
    assert (frontier.size, frontier.root()) == (7, ROOTS[7])


# ---- Shared vectors


def load(path: Path) -> Any:
    return json.loads(path.read_text())


def decoded(case: dict[str, Any], *names: str) -> list[bytes]:
    return [base64.b64decode(case[name]) for name in names]


def test_known_hashes() -> None:
    known = load(shared("vectors/merkle/known_hashes.json"))
    leaf, prefixed, node = known["single"]
    assert EMPTY_ROOT.hex() == known["empty_root"]
    for one in (leaf, prefixed):
        assert leaf_hash(bytes.fromhex(one["leaf_data_hex"])).hex() == one["hash"]
    assert node_hash(bytes.fromhex(node["left_hex"]), bytes.fromhex(node["right_hex"])).hex() == node["hash"]
    growth = Growth(Frontier())
    for size, data in enumerate(known["leaf_data_hex"]):
        assert growth.root().hex() == known["root_hash_by_tree_size"][size]
        growth.append(leaf_hash(bytes.fromhex(data)))
    assert growth.root().hex() == known["root_hash_by_tree_size"][8]
    for level, row in enumerate(known["node_hashes_by_level"]):
        assert [growth.node(level, index).hex() for index in range(len(row))] == row


def test_every_subtree_hash_of_the_accumulated_vector() -> None:
    accumulated = load(shared("vectors/merkle/known_hashes.json"))["accumulated"]
    d = [leaf_hash(bytes([index])) for index in range(accumulated["subtree_hashes_max_size"])]
    running = sha256()
    for end in range(len(d) + 1):
        for start in range(end + 1):
            if start in (0, end) or start % (1 << (end - start - 1).bit_length()) == 0:
                running.update(f"[{start}, {end}) {root_of(d[start:end]).hex()}\n".encode())
    assert running.hexdigest() == accumulated["subtree_hashes_sha256"]


def judge(folder: str, check: Callable[[dict[str, Any]], None]) -> tuple[int, int]:
    """Run every vector below a folder; returns how many were accepted and refused, all as they say."""
    verdicts = [0, 0]
    for file in sorted(Path(shared(folder)).rglob("*.json")):
        case = load(file)
        try:
            check(case)
            refused = False
        except Problem:
            refused = True
        assert refused == case["wantErr"], f"{file}: {case['desc']}"
        verdicts[refused] += 1
    return verdicts[0], verdicts[1]


def test_every_inclusion_vector() -> None:
    def check(case: dict[str, Any]) -> None:
        leaf, root = decoded(case, "leafHash", "root")
        proof = [base64.b64decode(one) for one in case["proof"] or []]
        check_inclusion(leaf, case["leafIdx"], case["treeSize"], proof, root)

    good, bad = judge("vectors/merkle/inclusion", check)
    assert good >= 6
    assert bad >= 80


def test_every_consistency_vector() -> None:
    def check(case: dict[str, Any]) -> None:
        old_root, new_root = decoded(case, "root1", "root2")
        proof = [base64.b64decode(one) for one in case["proof"] or []]
        check_consistency(case["size1"], case["size2"], old_root, new_root, proof)

    good, bad = judge("vectors/merkle/consistency", check)
    assert good >= 6
    assert bad >= 80


def test_proofs_of_a_public_log_of_962_million_leaves() -> None:
    folder = Path(shared("vectors/tlog/ct-answers"))
    head, entries, inclusion, consistency = (
        load(folder / f"{name}.json") for name in ("get-sth", "get-entries", "get-proof-by-hash", "get-sth-consistency")
    )
    size, (root,) = head["tree_size"], decoded(head, "sha256_root_hash")
    leaf = leaf_hash(base64.b64decode(entries["entries"][0]["leaf_input"]))
    proof = [base64.b64decode(one) for one in inclusion["audit_path"]]
    check_inclusion(leaf, inclusion["leaf_index"], size, proof, root)
    old_root = base64.b64decode("AuIZ5V6sDUj1vn3Y1K85oOaQ7y+FJJKtyRTl1edIKBQ=")
    proof = [base64.b64decode(one) for one in consistency["consistency"]]
    check_consistency(3_654_490, size, old_root, root, proof)
    with pytest.raises(Problem):
        check_consistency(3_654_491, size, old_root, root, proof)
