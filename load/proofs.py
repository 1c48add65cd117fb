"""Checking a ledger's proofs offline, written from the specifications and not from the ledger's code.

Two implementations that agree are worth more than one, so nothing here is shared with ``ledger``; only signatures are
left to ``identity``. Everything that does not hold raises :class:`Unproven`.

    receipt       C2SP tlog-proof: lines ``extra`` and ``index``, hashes, an empty line, a checkpoint
    checkpoint    C2SP tlog-checkpoint: a signed note of origin, size and root
    inclusion     RFC 9162 section 2.1.3.2        consistency    RFC 9162 section 2.1.4.2
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import orjson

from identity import jws
from identity.errors import Problem
from identity.note import Verifier, open_note

STATEMENT_LINE = 5  # of an entry: cadastre/1, origin, index, time, link, statement


class Unproven(Exception):
    """A proof that does not prove what it is shown for."""


@dataclass(frozen=True, slots=True)
class Head:
    """A signed size and root (32 bytes)."""

    size: int
    root: bytes


def open_head(note: bytes, verifier: Verifier) -> Head:
    """What a checkpoint says, if ``verifier``, the log's key, has signed it."""
    try:
        origin, size, root, *_ = open_note(note, [verifier]).text.decode().split("\n")
        head = Head(int(size), b64decode(root, validate=True))
    except (Problem, ValueError) as error:
        raise Unproven(f"checkpoint: {error}") from None
    if origin != verifier.name:
        raise Unproven(f"checkpoint: of {origin}, not of {verifier.name}")
    _check_hashes(head.root)
    return head


def open_receipt(receipt: bytes, index: int, verifier: Verifier) -> jws.Signed:
    """The statement that a receipt for entry ``index`` proves: admitted by the log, and signed by the key it names."""
    first, _, note = receipt.partition(b"\n\n")
    try:
        version, extra, numbered, *hashes = first.split(b"\n")
        entry = b64decode(extra.removeprefix(b"extra "), validate=True)
        proof = [b64decode(line, validate=True) for line in hashes]
        statement = entry.split(b"\n")[STATEMENT_LINE]
    except (ValueError, IndexError) as error:
        raise Unproven(f"receipt: {error}") from None
    if version != b"c2sp.org/tlog-proof@v1" or numbered != b"index %d" % index:
        raise Unproven(f"receipt: not for entry {index}")
    if [extra, *hashes] != [b"extra " + b64encode(entry), *map(b64encode, proof)]:
        raise Unproven("receipt: another spelling of the same one")
    check_inclusion(sha256(b"\0" + entry).digest(), index, open_head(note, verifier), proof)
    try:
        signed = jws.parse(statement)
        jws.verify(signed)
    except Problem as error:
        raise Unproven(f"receipt: {error}") from None
    return signed


def check_inclusion(leaf: bytes, index: int, head: Head, proof: Sequence[bytes]) -> None:
    """Return if the leaf of this hash stands at ``index`` under ``head`` (RFC 9162 section 2.1.3.2)."""
    _check_hashes(leaf, *proof)
    if not 0 <= index < head.size:
        raise Unproven(f"inclusion: index {index} in size {head.size}")
    node, last, root = index, head.size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise Unproven("inclusion: the proof is too long")
        if node % 2 == 1 or node == last:
            root = _join(sibling, root)
            while node and node % 2 == 0:
                node, last = node // 2, last // 2
        else:
            root = _join(root, sibling)
        node, last = node // 2, last // 2
    if last != 0 or root != head.root:
        raise Unproven(f"inclusion: entry {index} is not under the root of size {head.size}")


def read_consistency(data: bytes) -> list[bytes]:
    """The hashes of a consistency proof as ``GET /v1/consistency`` gives it, in JSON."""
    try:
        return [b64decode(line, validate=True) for line in orjson.loads(data)["hashes"]]
    except (ValueError, KeyError, TypeError) as error:
        raise Unproven(f"consistency: {error!r}") from None


def check_consistency(old: Head, new: Head, proof: Sequence[bytes]) -> None:
    """Return if the tree of ``old`` is a prefix of that of ``new`` (RFC 9162 section 2.1.4.2)."""
    _check_hashes(*proof)
    if not 0 < old.size <= new.size:
        raise Unproven(f"consistency: {old.size} to {new.size}")
    if old.size == new.size:
        if proof or old.root != new.root:
            raise Unproven("consistency: two roots of one size")
        return
    path = list(proof)
    if old.size & (old.size - 1) == 0:
        path.insert(0, old.root)
    if not path:
        raise Unproven("consistency: the proof is empty")
    node, last = old.size - 1, new.size - 1
    while node % 2 == 1:
        node, last = node // 2, last // 2
    before = after = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise Unproven("consistency: the proof is too long")
        if node % 2 == 1 or node == last:
            before, after = _join(sibling, before), _join(sibling, after)
            while node and node % 2 == 0:
                node, last = node // 2, last // 2
        else:
            after = _join(after, sibling)
        node, last = node // 2, last // 2
    if last != 0 or before != old.root or after != new.root:
        raise Unproven(f"consistency: size {old.size} is no prefix of size {new.size}")


def _check_hashes(*hashes: bytes) -> None:
    if any(len(one) != sha256().digest_size for one in hashes):
        raise Unproven("a hash does not have 32 bytes")


def _join(left: bytes, right: bytes) -> bytes:
    return sha256(b"\1" + left + right).digest()
