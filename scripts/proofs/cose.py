"""COSE receipts (``ledger.log.cose``): the same proof for whoever speaks SCITT. The entry lies in a file beside."""

from __future__ import annotations

from pathlib import Path

from identity.errors import Malformed, Unverifiable, declare
from ledger.log.cose import open_cose_receipt, parse_cose_receipt
from scripts.proofs import Asked
from scripts.proofs.receipt import Proven, print_proven
from scripts.signed import read_verified

declare(
    "malformed",
    cose_entry_missing=(
        "a COSE receipt does not hold the entry it proves",
        "name the file of the entry: --entry FILE (cadastre receipt --cose writes both)",
    ),
)


def recognises(data: bytes) -> bool:
    return data.startswith(b"\xd2\x84")  # a COSE_Sign1 with its tag (RFC 9052 section 4.2)


def judge(data: bytes, asked: Asked) -> None:
    beside = asked.entry or entry_beside(asked.file)
    if not beside.exists():
        raise Malformed("cose_entry_missing", str(beside))
    keys = asked.log_keys(parse_cose_receipt(data).signed.origin)
    entry, checkpoint = open_cose_receipt(data, beside.read_bytes(), keys)
    if asked.trusted().quorum is not None:
        raise Unverifiable("quorum_not_met", "a COSE receipt carries no cosignatures; its receipt in C2SP's form does")
    print_proven(Proven(entry, checkpoint, read_verified(entry.statement)), asked.json)


def entry_beside(receipt: Path) -> Path:
    """Where the entry lies that a COSE receipt is of."""
    return receipt.with_name(f"{receipt.name}.entry")
