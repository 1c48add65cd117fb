"""Is what a log shows of the history it has signed for? If it is not: evidence, as far as there can be any.

    held    the last checkpoint the log is held to, and its tree, as far as it is here
    shown   another one, signed by the log

Greater than what is held: its own tiles must lead to both roots. Where they lead from another root at the held size,
that very proof convicts it. Smaller: the tree that is here has but one root for that size, and proves it. What is left
over proves nothing: tiles that do not make the signed root, a smaller size whose tree is not here yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from identity.note import parse_note
from ledger.errors import Problem, Unavailable, Unverifiable, declare
from ledger.log.checkpoint import Checkpoint, parse_checkpoint
from ledger.log.fork import Checkpoints, Fork
from ledger.log.merkle import Nodes, check_consistency, consistency_proof, root_at
from ledger.publish.proven import Proven

declare(
    "unverifiable",
    checkpoint_unexplained=(
        "what the log shows does not fit what it signed before, and no proof tells why",
        "both sides are kept: ask its operator, and compare with a witness or another mirror",
    ),
    checkpoint_shrunk=(
        "the log shows fewer entries than it has signed before",
        "ask its operator whether an older copy was put back; the mirror keeps what was signed",
    ),
)


@dataclass(frozen=True, slots=True)
class Side:
    """A checkpoint the log has signed: as opened, and its note."""

    checkpoint: Checkpoint
    note: bytes

    @classmethod
    def of(cls, note: bytes) -> Side:
        """Of a note whose signature was checked before. Raises ``Malformed``."""
        return cls(parse_checkpoint(parse_note(note).text), note)


class Forked(Exception):
    """The log signed two histories; here is the evidence. ``held``: the side that the log was held to."""

    def __init__(self, evidence: Fork, sizes: tuple[int, int], held: Side) -> None:
        self.evidence = evidence
        self.sizes = sizes
        self.held = held
        super().__init__(sizes)


def check_grown(shown: Side, held: Side, tree: Proven) -> None:
    """The tree that is shown extends the one held, and is greater. Raises ``Forked``; ``checkpoint_unexplained``."""
    old, new = held.checkpoint, shown.checkpoint
    try:
        proof = tree.consistency(old.size)
        root = tree.root_at(old.size)
        check_consistency(old.size, new.size, root, new.root, proof)
    except Unavailable:
        raise
    except Problem as wrong:
        raise Unverifiable("checkpoint_unexplained", f"from size {old.size} to {new.size}: {wrong}") from None
    _check_root(root, proof, held, shown, held)


def check_known(shown: Side, known: Sequence[Side], size: int, nodes: Nodes) -> None:
    """What is shown is of the history that is here: so many entries, in a tree that ``known`` checkpoints are of.

    Raises ``Forked``; ``checkpoint_unexplained`` where its size lies beyond the tree.
    """
    other = shown.checkpoint
    for side in known:
        if side.checkpoint.size == other.size:
            _check_root(side.checkpoint.root, [], shown, side, side)
            return
    for side in sorted(known, key=lambda one: -one.checkpoint.size):
        if other.size <= side.checkpoint.size <= size:
            root = root_at(other.size, nodes)
            proof = consistency_proof(other.size, side.checkpoint.size, nodes)
            _check_root(root, proof, shown, side, side)
            return
    raise Unverifiable("checkpoint_unexplained", f"size {other.size} cannot be compared yet: {size} entries are here")


def _check_root(root: bytes, proof: Sequence[bytes], first: Side, second: Side, held: Side) -> None:
    if first.checkpoint.root != root:
        sizes = first.checkpoint.size, second.checkpoint.size
        raise Forked(Checkpoints(root, proof, first.note, second.note), sizes, held)
