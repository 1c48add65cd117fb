"""What the log signed against what the entries come to: the source's own checkpoint, and those kept elsewhere."""

from __future__ import annotations

from collections.abc import Iterable

from identity.note import parse_note, parse_vkey
from ledger.audit.replay import Replay
from ledger.audit.tree import Tree
from ledger.audit.verdict import Finding
from ledger.errors import Problem
from ledger.log.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint


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


def check_known(notes: Iterable[bytes], replay: Replay, tree: Tree) -> None:
    """Checkpoints from elsewhere are of these very entries.

    Raises ``Finding`` (diverged), or what opening them raises: then it is not this log that signed them.
    """
    for note in notes:
        _check_extended(_open(note, replay), tree)


def _open(note: bytes, replay: Replay) -> Checkpoint:
    size = parse_checkpoint(parse_note(note).text).size
    return open_checkpoint(note, [parse_vkey(replay.log_key(min(max(size, 1), replay.size)))])


def _check_extended(checkpoint: Checkpoint, tree: Tree) -> None:
    if checkpoint.size > tree.size:
        detail = f"it signed {checkpoint.size} entries, {tree.size} are here"
        raise Finding("diverged", "checkpoint_beyond", detail, index=tree.size)
    if checkpoint.root != tree.root(checkpoint.size):
        raise Finding("diverged", "checkpoint_other", f"at size {checkpoint.size} it signed another root")
