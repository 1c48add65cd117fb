"""What the log signed against what the entries come to: the source's own checkpoint, those kept elsewhere, and what
witnesses say of both.
"""

from __future__ import annotations

from collections.abc import Iterable

from identity.note import parse_note, parse_vkey
from ledger.audit.replay import Replay
from ledger.audit.tree import Tree
from ledger.audit.verdict import Finding
from ledger.errors import Problem
from ledger.log.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint
from ledger.log.cosignature import cosignatures, in_time
from ledger.log.fork import Checkpoints, format_fork
from ledger.log.policy import Policy
from ledger.world import SKEW_S


def check_checkpoint(note: bytes | None, replay: Replay, tree: Tree) -> None:
    """The source's checkpoint is signed by the log key in force at its size, for these entries or their first.

    A smaller size is lawful: publishing follows at its own pace. A greater one is not called corrupt but diverged:
    what is here holds together, yet the log signed for entries that are not here, so this copy is older or was cut.
    """
    if note is None:
        return
    try:
        checkpoint = _open(note, replay)
    except Problem as problem:
        raise Finding("corrupt", problem.code, problem.detail or problem.title) from problem
    _check_extended(checkpoint, tree)


def check_known(notes: Iterable[bytes], shown: bytes | None, replay: Replay, tree: Tree) -> None:
    """Checkpoints from elsewhere are of these very entries, as is the one that the source has ``shown``.

    Raises ``Finding`` (diverged), with evidence where the log has signed both sides; or what opening them raises: then
    it is not this log that signed them.
    """
    for note in notes:
        known = _open(note, replay)
        try:
            _check_extended(known, tree)
        except Finding as finding:
            if shown is not None and finding.reason == "checkpoint_other":
                finding.evidence = _evidence((known, note), (_open(shown, replay), shown), tree)
            raise


def _evidence(known: tuple[Checkpoint, bytes], shown: tuple[Checkpoint, bytes], tree: Tree) -> bytes | None:
    """What convicts the log's key. There is none where the known checkpoint is of more entries than the shown one."""
    old, new = known[0].size, shown[0].size
    if old > new:
        return None
    return format_fork(Checkpoints(tree.root(old), tree.consistency(old, new), known[1], shown[1]))


def check_seen(notes: Iterable[bytes], policy: Policy, replay: Replay, now: int | None) -> str | None:
    """Why the quorum of a policy has seen none of these checkpoints, which are known to be of these entries; or None.

    ``quorum_not_met``; ``cosignature_ahead`` where it would be, but for times that have not come ``now`` (POSIX
    seconds; None for whoever has no clock).

    A witness that saw a checkpoint at some time saw all its entries by then: none of them may be dated later, but for
    what clocks may differ. Raises ``Finding`` if so many witnesses say so that the others are no quorum, and for a
    cosignature that does not hold.
    """
    if policy.quorum is None:
        return "quorum_not_met"
    verifiers = [witness.verifier for witness in policy.witnesses.values()]
    why: str | None = "quorum_not_met"
    for note in notes:
        size = parse_checkpoint(parse_note(note).text).size
        try:
            found = cosignatures(note, verifiers)
        except Problem as problem:
            raise Finding.of(problem) from problem
        seen = found if now is None else in_time(found, now)[0]
        if policy.is_met(found) and not policy.is_met(seen) and why is not None:
            why = "cosignature_ahead"
        fitting = [one for one in seen if replay.first_later(size, _latest(one.time, replay)) is None]
        if policy.is_met(seen) and not policy.is_met(fitting):
            earliest = min(one.time for one in seen)
            index = replay.first_later(size, _latest(earliest, replay))
            detail = f"dated later than {earliest}, when witnesses had seen it"
            raise Finding("corrupt", "entry_time_beyond", detail, index=index)
        if policy.is_met(fitting):
            why = None
    return why


def _latest(seen: int, replay: Replay) -> int:
    """The latest time, in microseconds, that an entry seen at a time (POSIX seconds) may have."""
    return (seen + 1 + SKEW_S + replay.clock) * 1_000_000


def _open(note: bytes, replay: Replay) -> Checkpoint:
    size = parse_checkpoint(parse_note(note).text).size
    return open_checkpoint(note, [parse_vkey(replay.log_key(min(max(size, 1), replay.size)))])


def _check_extended(checkpoint: Checkpoint, tree: Tree) -> None:
    if checkpoint.size > tree.size:
        detail = f"it signed {checkpoint.size} entries, {tree.size} are here"
        raise Finding("diverged", "checkpoint_beyond", detail, index=tree.size)
    if checkpoint.root != tree.root(checkpoint.size):
        raise Finding("diverged", "checkpoint_other", f"at size {checkpoint.size} it signed another root")
