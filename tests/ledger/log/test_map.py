"""The state map against its definition as it reads: every small map, long shared prefixes, hostile proofs."""

import base64
from collections.abc import Mapping
from hashlib import sha256
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from identity.errors import Malformed, Unverifiable
from ledger.log.map import (
    PROOF_BYTES_MAX,
    MapProof,
    check_list,
    check_map,
    format_map_proof,
    lookup_key,
    map_leaf_hash,
    map_node_hash,
    map_root,
    member_id,
    member_key,
    member_value,
    parse_map_proof,
    subject_key,
    subject_value,
)
from ledger.log.merkle import EMPTY_ROOT

# ---- The definition: parted by the highest bit in which the keys differ


def bit_of(key: bytes, bit: int) -> int:
    return key[bit // 8] >> 7 - bit % 8 & 1


def halves(leaves: Mapping[bytes, bytes], bit: int) -> tuple[dict[bytes, bytes], dict[bytes, bytes]]:
    left = {key: value for key, value in leaves.items() if not bit_of(key, bit)}
    return left, {key: value for key, value in leaves.items() if key not in left}


def mth(leaves: Mapping[bytes, bytes], bit: int = 0) -> bytes:
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        ((key, value),) = leaves.items()
        return sha256(b"\x02" + key + value).digest()
    left, right = halves(leaves, bit)
    if not left or not right:
        return mth(leaves, bit + 1)
    return sha256(b"\x03" + bytes([bit]) + mth(left, bit + 1) + mth(right, bit + 1)).digest()


def way(leaves: Mapping[bytes, bytes], key: bytes, bit: int = 0) -> MapProof:
    """The proof of a key or of its absence."""
    if not leaves:
        return MapProof(())
    if len(leaves) == 1:
        ((at, value),) = leaves.items()
        return MapProof((), None if at == key else (at, value))
    sides = halves(leaves, bit)
    mine, other = sides if not bit_of(key, bit) else sides[::-1]
    if not mine or not other:
        return way(leaves, key, bit + 1)
    below = way(mine, key, bit + 1)
    return MapProof((*below.steps, (bit, mth(other, bit + 1))), below.other)


def key_of(*bits: int) -> bytes:
    """The key that has these bits and no others."""
    return sum(1 << 255 - bit for bit in bits).to_bytes(32)


def digest(text: str) -> bytes:
    return sha256(text.encode()).digest()


PLACES = (3, 4, 31)  # bits that part the small maps: two neighbours across a digit, and one far below
KEYS = [key_of(*chosen) for count in range(4) for chosen in combinations(PLACES, count)]
SMALL = [{key: digest(f"{mask}") for at, key in enumerate(KEYS) if mask >> at & 1} for mask in range(256)]
DEEP = {key: digest("deep") for key in [key_of(), *(key_of(bit) for bit in range(256))]}
"""The worst that can be: the key of zeros parts from another one at each of its bits."""


def proves(root: bytes, key: bytes, value: bytes | None, proof: MapProof | bytes) -> bool:
    try:
        check_map(root, key, value, parse_map_proof(proof) if isinstance(proof, bytes) else proof)
    except (Malformed, Unverifiable):
        return False
    return True


def refuse(root: bytes, key: bytes, value: bytes | None, proof: MapProof) -> None:
    assert not proves(root, key, value, proof)


# ---- Roots


def test_roots_of_every_small_map() -> None:
    for leaves in SMALL:
        assert map_root(leaves) == mth(leaves)
    assert len({map_root(leaves) for leaves in SMALL}) == len(SMALL)


def test_the_order_of_keys_is_nothing_to_the_root() -> None:
    leaves = {digest(f"{number}"): digest(f"value {number}") for number in range(500)}
    assert map_root(leaves) == map_root(dict(reversed(leaves.items()))) == mth(leaves)


def test_the_root_of_keys_with_long_shared_prefixes() -> None:
    assert map_root(DEEP) == mth(DEEP)


@given(st.dictionaries(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32), max_size=40))
def test_roots_of_any_map(leaves: dict[bytes, bytes]) -> None:
    assert map_root(leaves) == mth(leaves)


def test_the_hashes_are_these_bytes() -> None:
    one, two, value = key_of(), key_of(0), digest("value")
    left, right = sha256(b"\x02" + one + value).digest(), sha256(b"\x02" + two + value).digest()
    assert map_leaf_hash(one, value) == left
    assert map_node_hash(0, left, right) == sha256(b"\x03\x00" + left + right).digest()
    assert map_node_hash(255, left, right) == sha256(b"\x03\xff" + left + right).digest()
    assert map_root({two: value, one: value}) == map_node_hash(0, left, right)
    assert map_root({}) == sha256(b"").digest()
    thousand = {digest(f"{number}"): digest("value") for number in range(1_000)}
    assert map_root(thousand).hex() == "db21e1c1aa61937b6afb5a11eeff32135f7268c31368f30bc17f772eed32f527"


# ---- Proofs


def test_presence_and_absence_of_every_key_in_every_small_map() -> None:
    for leaves in SMALL:
        root = map_root(leaves)
        for key in KEYS:
            proof = way(leaves, key)
            check_map(root, key, leaves.get(key), proof)
            assert parse_map_proof(format_map_proof(proof)) == proof
            for other in {*leaves.values(), digest("another"), None} - {leaves.get(key)}:
                refuse(root, key, other, proof)
                refuse(root, key, other, MapProof(proof.steps))


def test_a_proof_proves_nothing_under_another_root() -> None:
    roots = [map_root(leaves) for leaves in SMALL]
    for mask in range(0, 256, 15):
        for key in KEYS:
            proof = way(SMALL[mask], key)
            for other in range(256):
                if other != mask:
                    refuse(roots[other], key, SMALL[mask].get(key), proof)


def test_a_proof_proves_nothing_of_another_key() -> None:
    leaves = {digest(f"{number}"): digest("same") for number in range(64)}
    root = map_root(leaves)
    for key in leaves:
        proof = way(leaves, key)
        for other in leaves:
            if other != key:
                refuse(root, other, digest("same"), proof)
        refuse(root, digest("not there"), digest("same"), proof)


def test_absence_is_not_proven_by_a_leaf_at_another_place() -> None:
    leaves = {digest(f"{number}"): digest("value") for number in range(64)}
    root, absent = map_root(leaves), digest("not there")
    due = way(leaves, absent)
    for key, value in leaves.items():
        proof = MapProof(way(leaves, key).steps, (key, value))
        if proof == due:
            check_map(root, absent, None, proof)
        else:
            with pytest.raises(Unverifiable, match="not where the key would be"):
                check_map(root, absent, None, proof)
    assert due.other is not None


def test_who_makes_a_root_by_hand_cannot_prove_both_either() -> None:
    """A leaf of the wrong place: its own key is not found there, nor does it show the absence of another."""
    key, astray, value = key_of(), key_of(0), digest("value")
    left, right = map_leaf_hash(astray, value), map_leaf_hash(key, value)
    root = map_node_hash(0, left, right)  # each on the other's side
    for leaf, sibling in ((astray, right), (key, left)):
        refuse(root, leaf, value, MapProof(((0, sibling),)))
        for asked in (key, astray, key_of(0, 1), key_of(1)):
            refuse(root, asked, None, MapProof(((0, sibling),), (leaf, value)))


def test_the_absence_of_a_key_that_is_there_is_not_proven() -> None:
    for leaves in SMALL[1:]:
        for key, value in leaves.items():
            proof = MapProof(way(leaves, key).steps, (key, value))
            with pytest.raises(Unverifiable, match="the key is there"):
                check_map(map_root(leaves), key, None, proof)


def test_a_proof_of_presence_shows_no_leaf_beside() -> None:
    key, value = KEYS[0], SMALL[255][KEYS[0]]
    proof = way(SMALL[255], key)
    for other in ((key, value), (KEYS[1], value)):
        with pytest.raises(Malformed, match="the absence of a key, not its value"):
            check_map(map_root(SMALL[255]), key, value, MapProof(proof.steps, other))


def test_nothing_below_a_step_proves_no_absence_even_where_a_root_was_made_so() -> None:
    leaf = map_leaf_hash(key_of(0), digest("value"))
    with pytest.raises(Malformed, match="the value of a key, not its absence"):
        check_map(map_node_hash(0, EMPTY_ROOT, leaf), key_of(), None, MapProof(((0, leaf),)))


def test_an_empty_map_has_no_key_and_only_an_empty_map_is_empty() -> None:
    check_map(EMPTY_ROOT, key_of(), None, MapProof(()))
    refuse(map_root(SMALL[1]), key_of(9), None, MapProof(()))
    refuse(EMPTY_ROOT, key_of(), None, MapProof(((0, EMPTY_ROOT),)))
    refuse(EMPTY_ROOT, key_of(), digest("value"), MapProof(()))


@pytest.mark.parametrize(
    ("steps", "other"),
    [
        ([(256, EMPTY_ROOT)], None),
        ([(-1, EMPTY_ROOT)], None),
        ([(3, EMPTY_ROOT), (3, EMPTY_ROOT)], None),
        ([(3, EMPTY_ROOT), (4, EMPTY_ROOT)], None),
        ([(3, EMPTY_ROOT[:-1])], None),
        ([(3, EMPTY_ROOT + b"\0")], None),
        ([], (EMPTY_ROOT[1:], EMPTY_ROOT)),
        ([], (EMPTY_ROOT, EMPTY_ROOT + b"\0")),
    ],
)
def test_steps_and_leaves_of_no_tree_are_malformed(
    steps: list[tuple[int, bytes]], other: tuple[bytes, bytes] | None
) -> None:
    proof = MapProof(tuple(steps), other)
    with pytest.raises(Malformed, match="map_proof_malformed"):
        check_map(EMPTY_ROOT, key_of(), None if other else digest("value"), proof)
    with pytest.raises(Malformed, match="map_proof_malformed"):
        parse_map_proof(format_map_proof(proof))


def test_the_deepest_proof_there_can_be() -> None:
    root = map_root(DEEP)
    proof = way(DEEP, key_of())
    data = format_map_proof(proof)
    assert len(proof.steps) == 256
    assert len(data) < PROOF_BYTES_MAX
    check_map(root, key_of(), digest("deep"), parse_map_proof(data))
    absent = key_of(255, 254)
    check_map(root, absent, None, way(DEEP, absent))


# ---- The file


def test_a_proof_is_these_lines() -> None:
    sibling, uncle, key, value = (digest(text) for text in ("sibling", "uncle", "key", "value"))
    lines = format_map_proof(MapProof(((17, sibling), (2, uncle)), (key, value))).split(b"\n")
    assert lines == [
        b"cadastre/map-proof/1",
        b"leaf " + base64.b64encode(key) + b" " + base64.b64encode(value),
        b"17 " + base64.b64encode(sibling),
        b"2 " + base64.b64encode(uncle),
        b"",
    ]


def test_any_flipped_bit_of_the_file_is_refused() -> None:
    leaves = {digest(f"{number}"): digest(f"value {number}") for number in range(40)}
    root = map_root(leaves)
    for key in [*list(leaves)[:3], digest("absent"), digest("absent too")]:
        data = format_map_proof(way(leaves, key))
        check_map(root, key, leaves.get(key), parse_map_proof(data))
        for place in range(8 * len(data)):
            spoilt = bytearray(data)
            spoilt[place // 8] ^= 1 << place % 8
            assert not proves(root, key, leaves.get(key), bytes(spoilt))


HASH = base64.b64encode(digest("hash")).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "cadastre/map-proof/1",
        "cadastre/map-proof/2\n",
        "cadastre/map-proof/1\n\n",
        "cadastre/map-proof/1\r\n",
        f"cadastre/map-proof/1\n3 {HASH}",
        f"cadastre/map-proof/1\n3 {HASH}\n\n",
        f"cadastre/map-proof/1\n03 {HASH}\n",
        f"cadastre/map-proof/1\n+3 {HASH}\n",
        f"cadastre/map-proof/1\n1_0 {HASH}\n",
        f"cadastre/map-proof/1\n3  {HASH}\n",
        f"cadastre/map-proof/1\n3 {HASH} \n",
        f"cadastre/map-proof/1\n3 {HASH[:-1]}\n",
        f"cadastre/map-proof/1\n3 {HASH[:-2]}x=\n",
        f"cadastre/map-proof/1\n{HASH}\n",
        f"cadastre/map-proof/1\n2 {HASH}\n3 {HASH}\n",
        f"cadastre/map-proof/1\nleaf {HASH}\n",
        f"cadastre/map-proof/1\nleaf {HASH} {HASH} {HASH}\n",
        f"cadastre/map-proof/1\n3 {HASH}\nleaf {HASH} {HASH}\n",
        f"cadastre/map-proof/1\nleaf {HASH} {HASH}\nleaf {HASH} {HASH}\n",
        f"cadastre/map-proof/1\n{'9' * 5_000} {HASH}\n",
        "cadastre/map-proof/1\n" + f"3 {HASH}\n" * 400,
    ],
)
def test_other_spellings_are_refused(text: str) -> None:
    with pytest.raises(Malformed, match="map_proof_malformed"):
        parse_map_proof(text.encode())


def test_a_file_longer_than_any_proof_is_not_looked_at() -> None:
    with pytest.raises(Malformed, match="more than 16384 bytes"):
        parse_map_proof(b"cadastre/map-proof/1\n".ljust(PROOF_BYTES_MAX + 1))


@given(st.binary(max_size=300) | st.text(alphabet="0123456789 leaf\n=Aa+", max_size=200).map(str.encode))
def test_any_bytes_are_a_proof_in_its_one_spelling_or_refused(data: bytes) -> None:
    for candidate in (data, b"cadastre/map-proof/1\n" + data):
        try:
            proof = parse_map_proof(candidate)
        except Malformed:
            continue
        assert format_map_proof(proof) == candidate


# ---- The state of a ledger

OFFERS = [f"offer_{number:026}" for number in range(1, 9)]
LOOKUP = ("offer", "asset", "asset_00000000000000000000000001")


def test_keys_and_values_are_hashes_of_these_bytes() -> None:
    assert subject_key("asset_0") == digest("subject\nasset_0")
    assert subject_value("asset", 41, "AbC", b'{"a":1}') == digest('asset\n41\nAbC\n{"a":1}')
    assert lookup_key("offer", "asset", "asset_0") == digest("lookup\noffer\nasset\nasset_0")
    assert member_key(digest("list"), "offer_7") == sha256(b"member\n" + digest("list") + b"offer_7").digest()


def test_a_member_of_a_list_is_named_by_its_leaf() -> None:
    for subject_id in [*OFFERS, "offer_x", "offer_" + "z" * 32, "offer_a_b"]:
        assert len(member_value(subject_id)) == 32
        assert member_id("offer", member_value(subject_id)) == subject_id
    for wrong in ("", "offer", "offer_", "offer_" + "z" * 33, "offer_a\0", "offer_\ud800"):
        with pytest.raises(ValueError, match=r"not the id|surrogates"):
            member_value(wrong)


def listing(ids: list[str]) -> bytes:
    key = lookup_key(*LOOKUP)
    return map_root({member_key(key, one): member_value(one) for one in ids})


def state(ids: list[str]) -> dict[bytes, bytes]:
    leaves = {subject_key(one): digest(f"state of {one}") for one in OFFERS}
    return leaves | ({lookup_key(*LOOKUP): listing(ids)} if ids else {})


def test_a_list_is_proven_complete_in_any_order() -> None:
    for count in range(len(OFFERS) + 1):
        leaves = state(OFFERS[:count])
        proof = way(leaves, lookup_key(*LOOKUP))
        check_list(map_root(leaves), LOOKUP, OFFERS[:count], proof)
        check_list(map_root(leaves), LOOKUP, OFFERS[:count][::-1], proof)


def test_a_list_with_another_set_of_members_is_refused() -> None:
    leaves = state(OFFERS[:4])
    root, proof = map_root(leaves), way(leaves, lookup_key(*LOOKUP))
    check_list(root, LOOKUP, OFFERS[:4], proof)
    for ids in ([], OFFERS[:3], OFFERS[1:4], OFFERS[:5], [*OFFERS[:3], OFFERS[5]]):
        with pytest.raises((Malformed, Unverifiable), match="map_proof"):
            check_list(root, LOOKUP, ids, proof)
    for name in (("offer", "asset", "asset_2"), ("offer", "to", LOOKUP[2])):
        with pytest.raises(Unverifiable, match="map_proof_wrong"):
            check_list(root, name, OFFERS[:4], proof)


@pytest.mark.parametrize(
    "ids",
    [
        [*OFFERS[:4], OFFERS[0]],
        ["transfer" + one.removeprefix("offer") for one in OFFERS[:4]],
        [*OFFERS[:3], ""],
        [*OFFERS[:3], "offer_" + "9" * 33],
        [*OFFERS[:3], "offer_\ud800"],
        [*OFFERS[:3], OFFERS[3] + "\0"],
    ],
)
def test_a_list_of_what_cannot_be_its_members_is_malformed(ids: list[str]) -> None:
    leaves = state(OFFERS[:4])
    with pytest.raises(Malformed, match="map_proof_malformed"):
        check_list(map_root(leaves), LOOKUP, ids, way(leaves, lookup_key(*LOOKUP)))


@settings(max_examples=50)
@given(st.sets(st.integers(0, 10_000), max_size=60), st.integers(0, 10_000))
def test_larger_maps(numbers: set[int], asked: int) -> None:
    leaves = {digest(f"{number}"): digest(f"value {number}") for number in numbers}
    root, key = map_root(leaves), digest(f"{asked}")
    proof = way(leaves, key)
    check_map(root, key, leaves.get(key), parse_map_proof(format_map_proof(proof)))
    refuse(root, key, digest("another") if asked in numbers else digest(f"value {asked}"), proof)
