"""State proofs (``ledger.log.stateproof``): what a subject is, that there is none, or that a list is complete.

What is checked, in this order:

1. the file is one spelling of what is shown, its way up to a root, and receipts against one checkpoint; what is shown
   is a subject or a list that there could be, spelt as it would be;
2. that checkpoint is signed by a log key that the policy names, under the ledger's own name, and the entries are the
   leaves at their places under its root: *recorded*;
3. entry 0 is the charter, signed by the governance key it names, and the one this machine has met, if it has met any;
   each amendment is of that charter, signed by governance, and they lead to one service key;
4. that key has signed the commitment, addressed to this ledger, later than the last amendment: *committed*;
5. what is shown leads to the root that the commitment names: *proven*, as of its size;
6. as many cosigners as the policy's quorum asks for have seen the checkpoint: *witnessed*.

Left to others: that the root is what the entries make. The service answers for it with its key, and every audit
computes it again. An amendment by which governance replaced the service key may be held back by who shows the file; a
commitment by the former key after that is against the rules, which an audit finds as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from identity.canonical import b64decode
from identity.errors import Unverifiable, declare
from identity.note import Verifier
from ledger.circulation.charter import LedgerAmended, LedgerOpened
from ledger.circulation.state import StateCommitted
from ledger.log.chain import Entry, audience_of, parse_entry
from ledger.log.checkpoint import Checkpoint
from ledger.log.cosignature import Seen
from ledger.log.policy import check_witnessed
from ledger.log.receipt import Receipt, format_receipt, open_receipt
from ledger.log.stateproof import MAGIC, Listing, Shown, Standing, check_shown, parse_state_proof
from ledger.statemap import check_spelt
from ledger.statement import Statement
from scripts.output import print_json, print_pairs, printable
from scripts.proofs import Asked
from scripts.signed import read_verified
from scripts.times import show_micros
from scripts.trust import Home, check_charter
from scripts.witnessed import members_of, pairs_of

declare(
    "unverifiable",
    commitment_unfounded=(
        "the charter in the proof does not lead to the commitment",
        "do not rely on it; fetch another, and ask the ledger's operator",
    ),
    state_proof_other=(
        "the ledger proves something else than was asked for",
        "do not rely on it; ask the ledger's operator",
    ),
)


@dataclass(frozen=True, slots=True)
class Proven:
    """What a state proof proves. ``size``: as of so many entries; ``entry`` is the commitment to it."""

    shown: Shown
    size: int
    entry: Entry
    checkpoint: Checkpoint
    note: bytes  # the checkpoint with all its signatures


def recognises(data: bytes) -> bool:
    return data.startswith(MAGIC[: MAGIC.index(b"@") + 1])


def judge(data: bytes, asked: Asked) -> None:
    origin = parse_entry(parse_state_proof(data).receipts[0].entry).origin
    proven = prove(data, asked.log_keys(origin), [] if asked.policy else Home.here().charters())
    print_state(proven, asked.json, check_witnessed(proven.note, asked.trusted()))  # (6)


def prove(data: bytes, verifiers: Sequence[Verifier], charters: Sequence[str] = ()) -> Proven:
    """Steps 1 to 5 above. ``charters``: audiences of ledgers met. Raises ``Malformed`` or ``Unverifiable``."""
    proof = parse_state_proof(data)  # (1)
    check_spelt(proof.shown)
    opened = [open_receipt(format_receipt(receipt), verifiers) for receipt in proof.receipts]  # (2)
    entry, checkpoint = opened[0]
    audience, key, last = _service_key(proof.receipts[1:], charters)  # (3)
    statement = read_verified(entry.statement)
    body = _commitment(statement, audience, key)  # (4)
    if not max(last, body.size - 1) < entry.index:
        raise Unverifiable("commitment_unfounded", f"entry {entry.index} cannot commit to {body.size} entries")
    check_shown(b64decode(body.root), proof.shown, proof.proof)  # (5)
    return Proven(proof.shown, body.size, entry, checkpoint, proof.receipts[0].checkpoint)


def _service_key(receipts: Sequence[Receipt], charters: Sequence[str]) -> tuple[str, str, int]:
    """The ledger's audience, the DID of the service key after these entries, and the index of the last of them."""
    first, *amendments = receipts
    entry = parse_entry(first.entry)
    charter = read_verified(entry.statement)
    audience = audience_of(entry.origin, first.entry)
    body = charter.body
    if entry.index != 0 or not isinstance(body, LedgerOpened) or charter.claims.iss != body.governance:
        raise Unverifiable("commitment_unfounded", "the second entry is not the charter")
    check_charter(charters, entry.origin, audience)
    key, last = body.service, 0
    for receipt in amendments:
        amended = read_verified(parse_entry(receipt.entry).statement)
        by = (amended.claims.iss, amended.claims.aud, amended.claims.sub)
        if by != (body.governance, audience, charter.opened["ledger"]) or receipt.index <= last:
            raise Unverifiable("commitment_unfounded", f"entry {receipt.index} is no amendment of this charter")
        if not isinstance(amended.body, LedgerAmended) or amended.body.service is None:
            raise Unverifiable("commitment_unfounded", f"entry {receipt.index} names no service key")
        key, last = amended.body.service, receipt.index
    return audience, key, last


def _commitment(statement: Statement, audience: str, key: str) -> StateCommitted:
    claims, body = statement.claims, statement.body
    if not isinstance(body, StateCommitted):
        raise Unverifiable("commitment_unfounded", f"the first entry is {claims.kind}")
    if (claims.iss, claims.aud) != (key, audience):
        raise Unverifiable("commitment_unfounded", f"it is by {claims.iss}, the service key is {key}")
    return body


def print_state(proven: Proven, json: bool, seen: Sequence[Seen] = (), **more: str) -> None:
    """What was proven, in words or for programs; ``more`` comes first."""
    entry, checkpoint = proven.entry, proven.checkpoint
    if json:
        print_json(
            {
                "proven": True,
                "origin": entry.origin,
                "size": proven.size,
                **_members(proven.shown),
                "commitment": {"index": entry.index, "time": entry.time},
                "checkpoint": checkpoint.size,
                "witnesses": members_of(seen),
                **more,
            }
        )
        return
    if more:
        print_pairs(more.items())
    print(printable(f"proven: {_headline(proven.shown)}, as of size {proven.size} of {entry.origin}"))
    told: list[tuple[str, object]] = [
        ("committed", f"{show_micros(entry.time)}, at index {entry.index} of the {checkpoint.size} the log signed for"),
        *pairs_of(seen),
    ]
    if isinstance(proven.shown, Standing):
        told += [("index", proven.shown.index), ("last", proven.shown.last)]
        told += orjson.loads(proven.shown.state).items()
    elif isinstance(proven.shown, Listing):
        told += [("member", one) for one in proven.shown.ids]
    print_pairs(told, indent=2)


def _headline(shown: Shown) -> str:
    if isinstance(shown, Listing):
        under = f"{shown.type} with {shown.name} {shown.value}"
        return f"all {len(shown.ids)} of type {under}" if shown.ids else f"there is no {under}"
    return shown.id if isinstance(shown, Standing) else f"there is no {shown.id}"


def _members(shown: Shown) -> dict[str, Any]:
    if isinstance(shown, Listing):
        return {"lookup": f"{shown.type}.{shown.name}", "value": shown.value, "members": [*shown.ids]}
    if isinstance(shown, Standing):
        state = orjson.loads(shown.state)
        return {"subject": shown.id, "index": shown.index, "last": shown.last, "state": state}
    return {"subject": shown.id, "absent": True}
