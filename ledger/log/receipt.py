"""Receipts (C2SP tlog-proof): one file that proves one entry, offline, with nothing but the log's verifier key.

    c2sp.org/tlog-proof@v1
    extra Y2FkYXN0cmUvMQpleGFtcGxlLm...             the bytes of the entry
    index 5
    rzFuy5Go7nrpkhBwKy1HWPMM3eO/YePY54fXRoH5Cm4=    inclusion proof, the leaf's sibling first
    5784L25ZFbP4hhm4ZiI+vx1RxMUyHMzeLp/3AKMlkIY=

    example.com/registry                            a checkpoint, verbatim, with all its signatures
    6
    ...

The extra line of a tlog-proof is authenticated by nobody but the one who uses it: :func:`open_receipt` does so by
hashing it as the leaf.
"""

from __future__ import annotations

from base64 import b64decode
from binascii import b2a_base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from identity.errors import Malformed, Unverifiable, declare
from identity.note import Verifier
from ledger.log.chain import Entry, parse_entry
from ledger.log.checkpoint import Checkpoint, open_checkpoint
from ledger.log.merkle import check_inclusion, leaf_hash

HASHES_MAX = 63  # a log has fewer than 2^63 entries

declare(
    "malformed",
    receipt_malformed=("the receipt is malformed", "fetch the receipt again, unaltered to the last byte"),
)
declare(
    "unverifiable",
    receipt_index_wrong=("the receipt is of another entry", "the entry inside stands at another index"),
    receipt_origin_wrong=("the receipt mixes two ledgers", "the checkpoint inside is of another ledger"),
)


@dataclass(frozen=True, slots=True)
class Receipt:
    """Entry bytes, index, inclusion proof (32 bytes each), and the bytes of a signed checkpoint."""

    entry: bytes
    index: int
    proof: Sequence[bytes]
    checkpoint: bytes


def format_receipt(receipt: Receipt) -> bytes:
    """The bytes of a receipt. Checks nothing: :func:`parse_receipt` does. About 4 microseconds for 1 kB."""
    return b"c2sp.org/tlog-proof@v1\nextra %bindex %d\n%b\n%b" % (
        b2a_base64(receipt.entry),  # each ends with a newline
        receipt.index,
        b"".join(map(b2a_base64, receipt.proof)),
        receipt.checkpoint,
    )


def parse_receipt(data: bytes) -> Receipt:
    """The reverse of :func:`format_receipt`. Raises ``receipt_malformed``; a tlog-proof without an entry is one."""
    head, _, checkpoint = data.partition(b"\n\n")
    try:
        _, extra, index, *proof = head.split(b"\n", 2 + HASHES_MAX)  # what is left over is no hash
        receipt = Receipt(
            b64decode(extra.removeprefix(b"extra "), validate=True),
            int(index.removeprefix(b"index ")),
            [b64decode(line, validate=True) for line in proof],
            checkpoint,
        )
    except ValueError:
        raise Malformed("receipt_malformed", "it is not a tlog-proof with an entry in its extra line") from None
    if not 0 <= receipt.index < 2**63:
        raise Malformed("receipt_malformed", "index out of range")
    if any(len(line) != 32 for line in receipt.proof):
        raise Malformed("receipt_malformed", "a hash does not have 32 bytes")
    if format_receipt(receipt) != data:
        raise Malformed("receipt_malformed", "another spelling of the same receipt")
    return receipt


def open_receipt(data: bytes, verifiers: Iterable[Verifier]) -> tuple[Entry, Checkpoint]:
    """The entry that a receipt proves, and the checkpoint it is proven against.

    1. The file is one spelling of a receipt.
    2. Its extra line is one spelling of an entry,
    3. which stands at the index the receipt gives.
    4. The checkpoint is signed by one of these keys, under the origin's name,
    5. and is of the ledger that the entry names.
    6. The entry's bytes are the leaf at that index under the signed root.

    Left to the caller: that the keys are the log's; the statement's own signature; how many cosigners must have
    seen the checkpoint. Raises the codes of each step; a failure of one step is never outweighed by another.
    """
    receipt = parse_receipt(data)  # (1)
    entry = parse_entry(receipt.entry)  # (2)
    if entry.index != receipt.index:  # (3)
        raise Unverifiable("receipt_index_wrong", f"entry {entry.index} in a receipt for {receipt.index}")
    checkpoint = open_checkpoint(receipt.checkpoint, verifiers)  # (4)
    if entry.origin != checkpoint.origin:  # (5)
        raise Unverifiable("receipt_origin_wrong", f"{entry.origin} under {checkpoint.origin}")
    leaf = leaf_hash(receipt.entry)
    check_inclusion(leaf, receipt.index, checkpoint.size, receipt.proof, checkpoint.root)  # (6)
    return entry, checkpoint
