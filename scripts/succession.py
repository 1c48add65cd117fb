"""The ledger that another one goes on from: audited as a whole before a successor names it in its charter.

That its entries hold says what they come to, and not that it is the ledger of that name: anybody can make one. So it is
compared with what is known of it, as far as anything is (``scripts.trust``):

* with --policy: a log key that it names has signed the checkpoint, and the quorum it asks for has seen it;
* else, where this machine met the ledger before: entry 0 is the charter it met. Its governance alone puts log keys in
  force, and the audit has seen each such act, so the checkpoint's signature follows;
* else, where this machine knows log keys of it: one of them has signed the checkpoint.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from identity.canonical import b64encode
from identity.errors import Unverifiable, declare
from identity.note import parse_note
from ledger.audit import Workers
from ledger.audit import audit as judge
from ledger.audit.replay import Replay
from ledger.circulation.charter import PredecessorState
from ledger.log.chain import audience_of
from ledger.log.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint
from ledger.log.policy import check_witnessed, parse_policy
from scripts.audit import open_source
from scripts.command import Halted
from scripts.output import counting, print_note
from scripts.trust import Home

declare(
    "halted",
    predecessor_disproven=(
        "the ledger to be succeeded does not hold",
        "see what is wrong: cadastre audit SOURCE; a successor needs a copy that holds, if only of its beginning",
    ),
    predecessor_unsigned=("the ledger to be succeeded shows no checkpoint", "take a copy with the last one it signed"),
)


@dataclass(frozen=True, slots=True)
class Predecessor:
    """``state`` is what a charter says of it; ``charter`` its audience, with the hash of entry 0; ``vkey`` the log key
    that signed it last; ``known``: whether it was compared with anything.
    """

    state: PredecessorState
    charter: str
    vkey: str
    known: bool


def predecessor(named: str, policy: Path | None = None) -> Predecessor:
    """What a source's log signed last.

    Raises ``Halted`` unless the whole source holds, ``Unverifiable`` (``log_key_unknown``, ``charter_changed`` and what
    opening its checkpoint raises) where it is not what is known of it, and what opening the source raises.
    """
    replay = Replay()
    helping = Workers(max(1, (os.cpu_count() or 2) - 1))
    with helping as helpers, counting("auditing") as show, open_source(named) as source:
        verdict = judge(source, helpers, progress=show, replay=replay)
        note, first = source.checkpoint, source.entry(0)
    if not verdict.proven:
        raise Halted("predecessor_disproven", verdict.line())
    if note is None or first is None:
        raise Halted("predecessor_unsigned", named)
    signed = parse_checkpoint(parse_note(note).text)  # the audit has seen who signed it
    charter = audience_of(signed.origin, first)
    known = _compare(note, signed, charter) if policy is None else _hold_to(policy, note, signed)
    if not known:
        print_note(
            f"nothing is known here of {signed.origin}: that this is the ledger of that name, nothing shows; compare"
            " its charter and vkey with what its operator says, or name a policy: --policy FILE"
        )
    state: PredecessorState = {"origin": signed.origin, "size": signed.size, "root": b64encode(signed.root)}
    return Predecessor(state, charter, replay.log_key(max(signed.size, 1)), known)


def _hold_to(file: Path, note: bytes, signed: Checkpoint) -> bool:
    policy = parse_policy(file.read_bytes())
    keys = policy.log_keys(signed.origin)
    if not keys:
        raise Unverifiable("log_key_unknown", f"{signed.origin} is not in {file}")
    open_checkpoint(note, keys)
    check_witnessed(note, policy)
    return True


def _compare(note: bytes, signed: Checkpoint, charter: str) -> bool:
    """Whether this machine knows anything of it, which then fits."""
    home = Home.here()
    if home.check_charter(signed.origin, charter):
        return True
    keys = home.verifiers(signed.origin)
    if keys:
        open_checkpoint(note, keys)
    return bool(keys)
