r"""The state map: a Merkle tree over all subjects, by which a root proves what a subject is, or that there is none.

A map takes keys of 32 bytes to values of 32 bytes. Its tree parts the keys by their bits and by nothing else: an inner
node stands exactly where the keys below it first differ, and says at which bit that is. With keys of five bits:

                 at bit 0                          root
                /        \
             at 3        at 1                      keys 00101 and 00111 first differ at bit 3
            /    \      /    \
       00101   00111  10010   at 4                 10010 is proven by two steps: (1, at 4), (0, at 3)
                             /    \
                          11010   11011

Nothing but the set of keys and values decides the shape: whatever came first, was changed or taken out, equal maps have
equal roots. n keys make n - 1 inner nodes. The depth of a key grows with the logarithm of n and, for who grinds keys,
by one for each doubling of that work.

* leaf = SHA-256(0x02 || key || value); inner node = SHA-256(0x03 || bit || left || right), ``bit`` in one byte
* the root of no keys is SHA-256 of nothing

A proof is the way from a leaf to the root. Going down, each inner node says which bit of the key to follow, so a root
and a key lead to one leaf and to no other. If that leaf is of the key, the value is proven; if it is of another key,
the absence is. Nobody can prove both under one root, not even who made the root.

What the state of a ledger puts into its map:

* each subject: :func:`subject_key` to :func:`subject_value`
* each look-up key that any subject of a type is listed under: :func:`lookup_key` to the root of a map of its own, with
  :func:`member_key` to :func:`member_value` for each of them; so :func:`check_list` shows that a list is complete

``ledger.log.page`` keeps maps, changes them and makes proofs.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256

from identity.errors import Malformed, Unverifiable, declare
from ledger.log.merkle import EMPTY_ROOT

BITS = 256
PROOF_BYTES_MAX = 16_384  # 256 steps take less

Step = tuple[int, bytes]
"""The bit at which an inner node parts its keys, and the hash on its other side."""

declare(
    "malformed",
    map_proof_malformed=("the proof of state is malformed", "fetch it again, unaltered to the last byte"),
)
declare(
    "unverifiable",
    map_proof_wrong=(
        "the state is not what the root says",
        "compare sizes: proof and root must be of the same one; if they are, keep both as evidence",
    ),
)


# ---- Keys and values of the state --------------------------------------------------------------------------


def subject_key(subject_id: str) -> bytes:
    r"""SHA-256("subject\n" || id)."""
    return sha256(b"subject\n" + subject_id.encode()).digest()


def subject_value(type_: str, index: int, last: str, state: bytes) -> bytes:
    r"""SHA-256(type || "\n" || index, decimal || "\n" || last || "\n" || state).

    ``index`` is that of the entry which last changed the state, ``last`` the id of the statement that last advanced
    the subject, ``state`` the canonical JSON of its public state: all that the next act can depend on.
    """
    return sha256(b"%b\n%d\n%b\n%b" % (type_.encode(), index, last.encode(), state)).digest()


def lookup_key(type_: str, name: str, value: str) -> bytes:
    r"""SHA-256("lookup\n" || type || "\n" || name || "\n" || value): subjects of a type under a declared key."""
    return sha256(f"lookup\n{type_}\n{name}\n{value}".encode()).digest()


def member_key(lookup: bytes, subject_id: str) -> bytes:
    r"""SHA-256("member\n" || lookup key || id): no two lists have a leaf in common."""
    return sha256(b"member\n" + lookup + subject_id.encode()).digest()


def member_value(subject_id: str) -> bytes:
    """What follows the type in the id, filled up with zero bytes: with the type of the list it names the subject.

    Raises ``ValueError`` if that is none or more than 32 bytes, or ends in a zero byte.
    """
    name = subject_id.partition("_")[2].encode()
    if not 1 <= len(name) <= 32 or name.endswith(b"\0"):
        raise ValueError(f"not the id of a subject: {subject_id!r}")
    return name.ljust(32, b"\0")


def member_id(type_: str, value: bytes) -> str:
    """The reverse of :func:`member_value`, in a list of this type."""
    return f"{type_}_{value.rstrip(bytes(1)).decode()}"


# ---- Roots -------------------------------------------------------------------------------------------------

_INNER = [bytes([3, bit]) for bit in range(BITS)]


def map_leaf_hash(key: bytes, value: bytes) -> bytes:
    """SHA-256(0x02 || key || value)."""
    return sha256(b"\x02" + key + value).digest()


def map_node_hash(bit: int, left: bytes, right: bytes) -> bytes:
    """SHA-256(0x03 || bit || left || right); the keys on the left have 0 there, bits count from the highest."""
    return sha256(_INNER[bit] + left + right).digest()


def map_root(leaves: Mapping[bytes, bytes]) -> bytes:
    """The root of the map with these keys and values, 32 bytes each. About 3 microseconds a key, mostly hashing."""
    if not leaves:
        return EMPTY_ROOT
    waiting: list[Step] = []  # subtrees that lack what is right of them, the deepest last
    before = -1
    node = b""
    for key in sorted(leaves):
        place = int.from_bytes(key)
        if before >= 0:
            bit = BITS - (before ^ place).bit_length()
            waiting.append((bit, _joined(waiting, node, bit)))
        before, node = place, map_leaf_hash(key, leaves[key])
    return _joined(waiting, node, -1)


def _joined(waiting: list[Step], node: bytes, bit: int) -> bytes:
    """The node with all joined to it that waits for a right side below this bit."""
    while waiting and waiting[-1][0] > bit:
        parted, left = waiting.pop()
        node = map_node_hash(parted, left, node)
    return node


# ---- Proofs ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MapProof:
    """The steps from a leaf up to the root, bits strictly descending.

    ``other`` is None in a proof of presence. In a proof of absence it is the key and value of the leaf that stands
    where the key would, or None because the whole map is empty.
    """

    steps: tuple[Step, ...]
    other: tuple[bytes, bytes] | None = None


def check_map(root: bytes, key: bytes, value: bytes | None, proof: MapProof) -> None:
    """Under this root the key (32 bytes) has this value, or, with None, it has none.

    1. The steps are those of a way up: bits descending, each hash of 32 bytes.
    2. The leaf is that of key and value; in a proof of absence that of another key,
    3. which has the same bits as the key wherever the way parts.
    4. Leaf and steps hash to the root.

    Left to the caller: whose root it is, and of which size. Raises ``map_proof_malformed`` and ``map_proof_wrong``.
    """
    place = int.from_bytes(key)
    _check_steps(proof)  # (1)
    if value is not None:  # (2)
        if proof.other is not None:
            raise Malformed("map_proof_malformed", "it shows the absence of a key, not its value")
        node = map_leaf_hash(key, value)
    elif proof.other is not None:
        node = map_leaf_hash(*proof.other)
        _check_other(place, int.from_bytes(proof.other[0]), proof.steps)  # (3)
    elif proof.steps:
        raise Malformed("map_proof_malformed", "it shows the value of a key, not its absence")
    else:
        node = EMPTY_ROOT
    for bit, sibling in proof.steps:  # (4)
        on_the_right = place >> (BITS - 1 - bit) & 1
        node = map_node_hash(bit, sibling, node) if on_the_right else map_node_hash(bit, node, sibling)
    if node != root:
        raise Unverifiable("map_proof_wrong", "another state, another size or another subject")


def _check_steps(proof: MapProof) -> None:
    above = BITS
    for bit, sibling in proof.steps:
        if not 0 <= bit < above:
            raise Malformed("map_proof_malformed", f"a step at bit {bit} below one at bit {above}")
        if len(sibling) != 32:
            raise Malformed("map_proof_malformed", "a hash does not have 32 bytes")
        above = bit
    if proof.other is not None and [len(part) for part in proof.other] != [32, 32]:
        raise Malformed("map_proof_malformed", "key and value of the leaf do not have 32 bytes")


def _check_other(place: int, other: int, steps: Iterable[Step]) -> None:
    if place == other:
        raise Unverifiable("map_proof_wrong", "the key is there")
    for bit, _ in steps:
        if (place ^ other) >> (BITS - 1 - bit) & 1:
            raise Unverifiable("map_proof_wrong", f"the leaf shown is not where the key would be: bit {bit}")


def check_list(root: bytes, lookup: tuple[str, str, str], ids: Iterable[str], proof: MapProof) -> None:
    """Under this root these ids, in any order, are all subjects of a type under a look-up key: (type, name, value).

    No ids: that there is none. Raises ``map_proof_malformed``, also if an id comes twice or is of another type, and
    ``map_proof_wrong``. About 5 microseconds an id.
    """
    key = lookup_key(*lookup)
    members: dict[bytes, bytes] = {}
    for subject_id in ids:
        try:
            value = member_value(subject_id)
            if member_id(lookup[0], value) != subject_id:
                raise ValueError(f"not of type {lookup[0]}: {subject_id[:100]!r}")
        except ValueError as wrong:
            raise Malformed("map_proof_malformed", str(wrong)[:200]) from None
        member = member_key(key, subject_id)
        if member in members:
            raise Malformed("map_proof_malformed", f"listed twice: {subject_id}")
        members[member] = value
    check_map(root, key, map_root(members) if members else None, proof)


# ---- The file ----------------------------------------------------------------------------------------------

_HEAD = b"cadastre/map-proof/1\n"


def format_map_proof(proof: MapProof) -> bytes:
    r"""The lines of a proof, each ended by a newline; the lowest step first.

        cadastre/map-proof/1
        leaf <base64 key> <base64 value>        only in a proof of absence: whose leaf it is
        17 <base64 hash>                        bit, hash of the other side
        2 <base64 hash>

    Checks nothing: :func:`parse_map_proof` does.
    """
    lines = [b"%d %b\n" % (bit, b64encode(sibling)) for bit, sibling in proof.steps]
    if proof.other is not None:
        lines.insert(0, b"leaf %b %b\n" % tuple(map(b64encode, proof.other)))
    return _HEAD + b"".join(lines)


def parse_map_proof(data: bytes) -> MapProof:
    """The reverse of :func:`format_map_proof`; at most 16,384 bytes. Raises ``map_proof_malformed``."""
    if len(data) > PROOF_BYTES_MAX:
        raise Malformed("map_proof_malformed", f"more than {PROOF_BYTES_MAX} bytes")
    try:
        _, *lines, _ = data.split(b"\n")
        words = [line.split(b" ") for line in lines]
        other = None
        if words and words[0][0] == b"leaf":
            _, key, value = words.pop(0)
            other = b64decode(key, validate=True), b64decode(value, validate=True)
        proof = MapProof(tuple((int(bit), b64decode(sibling, validate=True)) for bit, sibling in words), other)
    except ValueError:
        raise Malformed("map_proof_malformed", "not the lines of a proof") from None
    _check_steps(proof)
    if format_map_proof(proof) != data:
        raise Malformed("map_proof_malformed", "another spelling of the same proof")
    return proof
