"""Checkpoints (C2SP tlog-checkpoint v1.0.0): a signed note that says how long the log is, and its root.

    example.com/registry                            origin: names the log, and its key
    15                                              size
    rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=    root: that of the Merkle tree of this size

    — example.com/registry M9e0luh4jTG+UMBq...      signed by the log; cosigners add their lines below

Whoever holds a checkpoint can tell whether any entry, and any later checkpoint, is of the same history. A log that
signs two checkpoints of which neither extends the other has proven itself dishonest.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass

from identity.errors import Malformed, Unverifiable, declare
from identity.note import Signer, Verifier, open_note, sign_note
from identity.signature import COSIGNATURE_MLDSA44, ED25519

declare(
    "malformed",
    checkpoint_malformed=("the checkpoint is malformed", "fetch it again, unaltered to the last byte"),
)
declare(
    "unverifiable",
    checkpoint_origin_wrong=("not signed by the log it names", "check that the verifier key is of this log"),
)


LOG_TYPES = frozenset({ED25519, COSIGNATURE_MLDSA44})
"""Types of signature by which a log signs its own checkpoints. What is of type 0x04 a witness said."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The size of a log and its root, 32 bytes. ``extensions`` are further lines, which our own never have."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SignedHead:
    """What the ledger has signed for last: its size, the tree's root, and the checkpoint as served."""

    size: int
    root: bytes
    checkpoint: bytes


def format_checkpoint(checkpoint: Checkpoint) -> bytes:
    """The text of the note. Checks nothing: :func:`parse_checkpoint` and :func:`sign_checkpoint` do."""
    root = b64encode(checkpoint.root).decode()
    return "\n".join([checkpoint.origin, str(checkpoint.size), root, *checkpoint.extensions, ""]).encode()


def parse_checkpoint(text: bytes) -> Checkpoint:
    """The reverse of :func:`format_checkpoint`, of any log: the text of a note, not the note.

    Raises ``checkpoint_malformed``.
    """
    try:
        origin, size, root, *extensions, _ = text.decode().split("\n")
        checkpoint = Checkpoint(origin, int(size), b64decode(root, validate=True), tuple(extensions))
    except ValueError:
        raise Malformed("checkpoint_malformed", "it is not three lines: origin, size, root") from None
    if not origin or "" in extensions:
        raise Malformed("checkpoint_malformed", "an empty line")
    if not 0 <= checkpoint.size < 2**63:
        raise Malformed("checkpoint_malformed", "size out of range")
    if len(checkpoint.root) != 32:
        raise Malformed("checkpoint_malformed", "the root does not have 32 bytes")
    if format_checkpoint(checkpoint) != text:
        raise Malformed("checkpoint_malformed", "another spelling of the same checkpoint")
    return checkpoint


def sign_checkpoint(checkpoint: Checkpoint, *signers: Signer) -> bytes:
    """The signed note. Never sign two that do not extend each other.

    Raises ``ValueError`` if a signer goes by another name than the origin, and ``checkpoint_malformed``.
    """
    if any(signer.name != checkpoint.origin for signer in signers):
        raise ValueError(f"only keys named {checkpoint.origin} sign its checkpoints")
    text = format_checkpoint(checkpoint)
    if parse_checkpoint(text) != checkpoint:
        raise Malformed("checkpoint_malformed", "a line of it holds a newline")
    return sign_note(text, *signers)


def open_checkpoint(data: bytes, verifiers: Iterable[Verifier]) -> Checkpoint:
    """The checkpoint in a note that the log itself has signed, by one of these keys that is named as its origin.

    Raises what :func:`identity.note.open_note` raises, ``checkpoint_malformed`` and ``checkpoint_origin_wrong``.
    Cosignatures are for those who ask for them (``cosignature``): they neither help nor harm here.
    """
    opened = open_note(data, [verifier for verifier in verifiers if verifier.signature_type in LOG_TYPES])
    checkpoint = parse_checkpoint(opened.text)
    if all(line.name != checkpoint.origin for line in opened.verified):
        names = ", ".join(line.name for line in opened.verified)
        raise Unverifiable("checkpoint_origin_wrong", f"{checkpoint.origin}, signed by {names}")
    return checkpoint
