"""Receipts (``ledger.log.receipt``): that an entry stands in the log, and that its statement is its issuer's.

What is checked, in this order:

1. the receipt is one spelling of one entry, its place and an inclusion proof;
2. its checkpoint is signed by a log key that the policy names, under the ledger's own name;
3. the entry's bytes are the leaf at that place under the signed root: *recorded*;
4. the statement in it is well formed, and signed with a key of its issuer: *signed*;
5. as many cosigners as the policy's quorum asks for have seen the checkpoint: *witnessed*.

Left to others: that the entry was lawful where it stands (``cadastre audit``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from identity.note import Verifier
from ledger.log.chain import Entry, parse_entry
from ledger.log.checkpoint import Checkpoint
from ledger.log.cosignature import Seen
from ledger.log.policy import check_witnessed
from ledger.log.receipt import open_receipt, parse_receipt
from ledger.statement import Statement
from scripts.output import print_json, print_pairs
from scripts.proofs import Asked
from scripts.signed import read_verified
from scripts.times import show_micros
from scripts.witnessed import members_of, pairs_of


def recognises(data: bytes) -> bool:
    return data.startswith(b"c2sp.org/tlog-proof@")


def judge(data: bytes, asked: Asked) -> None:
    receipt = parse_receipt(data)
    proven = prove(data, asked.log_keys(parse_entry(receipt.entry).origin))
    print_proven(proven, asked.json, check_witnessed(receipt.checkpoint, asked.trusted()))  # (5)


@dataclass(frozen=True, slots=True)
class Proven:
    """What a receipt proves."""

    entry: Entry
    checkpoint: Checkpoint
    statement: Statement


def prove(data: bytes, verifiers: list[Verifier]) -> Proven:
    """Steps 1 to 4 above. Raises ``Malformed`` or ``Unverifiable``."""
    entry, checkpoint = open_receipt(data, verifiers)  # (1) (2) (3)
    return Proven(entry, checkpoint, read_verified(entry.statement))  # (4)


def print_proven(proven: Proven, json: bool, seen: Sequence[Seen] = (), **more: str) -> None:
    """What was proven, in words or for programs; ``more`` comes first."""
    entry, claims, size = proven.entry, proven.statement.claims, proven.checkpoint.size
    subject = claims.sub or next(iter(proven.statement.opened.values()))
    if json:
        shown = {
            "proven": True,
            "origin": entry.origin,
            "index": entry.index,
            "time": entry.time,
            "size": size,
            "kind": claims.kind,
            "issuer": claims.iss,
            "signer": proven.statement.key[0],
            "delegation": proven.statement.delegation(),
            "subject": subject,
            "id": proven.statement.id,
            "body": claims.body,
            "witnesses": members_of(seen),
        }
        print_json(shown | more)
        return
    if more:
        print_pairs(more.items())
    print(f"proven: entry {entry.index} of {entry.origin}")
    print_pairs(
        [
            ("recorded", f"{show_micros(entry.time)}, at index {entry.index} of the {size} entries the log signed for"),
            *pairs_of(seen),
            *_signed(proven),
            ("kind", claims.kind),
            ("subject", subject),
            ("id", proven.statement.id),
        ],
        indent=2,
    )


def _signed(proven: Proven) -> list[tuple[str, object]]:
    """Who signed; under a delegation, for whom and under which, which a receipt does not judge: a pack does."""
    statement, index = proven.statement, proven.entry.index
    found: list[tuple[str, object]] = [("signed", f"by {statement.key[0]}")]
    if (delegation := statement.delegation()) is not None:
        found += [("for", statement.claims.iss), ("under", f"{delegation}, not judged here: cadastre pack {index}")]
    return found
