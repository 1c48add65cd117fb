"""``cadastre receipt`` and ``verify``: fetch the file that proves an entry, and prove it, offline and for ever.

What ``verify`` checks, in this order:

1. the receipt is one spelling of one entry, its place and an inclusion proof (``ledger.log.receipt``);
2. its checkpoint is signed by a log key that the policy names, under the ledger's own name;
3. the entry's bytes are the leaf at that place under the signed root: *recorded*;
4. the statement in it is well formed, and signed with a key of its issuer: *signed*;
5. as many cosigners as the policy's quorum asks for have seen the checkpoint: *witnessed*.

Left to others: that the entry was lawful where it stands (``cadastre audit``).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from identity.errors import Unverifiable
from identity.note import Verifier
from ledger.log.chain import Entry, parse_entry
from ledger.log.checkpoint import Checkpoint
from ledger.log.cosignature import Seen
from ledger.log.policy import check_witnessed, parse_policy
from ledger.log.receipt import open_receipt, parse_receipt
from ledger.statement import Statement
from scripts.command import check_free, command
from scripts.options import LOCAL, Json, LedgerUrl
from scripts.output import print_json, print_pairs
from scripts.session import session
from scripts.signed import read_verified
from scripts.times import show_micros, show_seconds
from scripts.trust import Home


@command()
def receipt(
    index: Annotated[int, typer.Argument(metavar="INDEX", min=0, help="Place of the entry.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where to write it.")],
    ledger: LedgerUrl = LOCAL,
    json: Json = False,
) -> None:
    """Fetch the receipt of an entry and verify it."""
    check_free(out)
    with session(ledger) as at:
        data = at.client.receipt(index)
        proven = prove(data, at.verifiers)
    with out.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    _print(proven, json, file=str(out))


@command(no="disproven")
def verify(
    file: Annotated[
        Path, typer.Argument(metavar="RECEIPT", exists=True, dir_okay=False, help="File made by: cadastre receipt.")
    ],
    policy: Annotated[
        Path | None,
        typer.Option(metavar="FILE", exists=True, help="Log keys to trust.  [default: those of the ledgers met]"),
    ] = None,
    json: Json = False,
) -> None:
    """Prove a receipt offline: that its statement was signed by its issuer and stands in the ledger's log."""
    data = file.read_bytes()
    trusted = Home.here().read_policy() if policy is None else parse_policy(policy.read_bytes())
    receipt = parse_receipt(data)
    origin = parse_entry(receipt.entry).origin
    verifiers = trusted.log_keys(origin)
    if not verifiers:
        raise Unverifiable("log_key_unknown", f"{origin} is not in {policy or Home.here().policy}")
    proven = prove(data, verifiers)
    _print(proven, json, check_witnessed(receipt.checkpoint, trusted))  # (5)


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


def _print(proven: Proven, json: bool, seen: Sequence[Seen] = (), **more: str) -> None:
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
            "subject": subject,
            "id": proven.statement.id,
            "body": claims.body,
            "witnesses": [{"name": one.verifier.name, "time": one.time} for one in seen],
        }
        print_json(shown | more)
        return
    if more:
        print_pairs(more.items())
    print(f"proven: entry {entry.index} of {entry.origin}")
    print_pairs(
        [
            ("recorded", f"{show_micros(entry.time)}, at index {entry.index} of the {size} entries the log signed for"),
            *(("witnessed", f"by {one.verifier.name}, {show_seconds(one.time)}") for one in seen),
            ("signed", f"by {claims.iss}"),
            ("kind", claims.kind),
            ("subject", subject),
            ("id", proven.statement.id),
        ],
        indent=2,
    )
