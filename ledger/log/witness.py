"""What a witness is asked, and how it decides (C2SP tlog-witness), bytes in and bytes out.

    old 20852014                                     the size the log believes the witness has cosigned last
    PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=     consistency proof from there to the checkpoint

    example.com/behind-the-sofa                      the checkpoint, signed by the log
    20852163
    ...

A witness remembers one thing of each log: the size and root it cosigned last. It cosigns what extends these, and
nothing else; the answer to anything else has a status of its own, by which the log knows what to do.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from identity.errors import Malformed, Problem, Unverifiable, declare
from identity.note import Verifier, parse_note
from ledger.log.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint
from ledger.log.merkle import EMPTY_ROOT, check_consistency

HASHES_MAX = 63
REQUEST_BYTES_MAX = 64 * 1024  # room for a checkpoint with several ML-DSA-44 signatures

declare(
    "malformed",
    witness_request_malformed=("not a request to a witness", "send it as C2SP tlog-witness says (add-checkpoint)"),
    witness_old_beyond=("old is greater than the checkpoint's size", "send the size cosigned last, or 0"),
)
declare(
    "unverifiable",
    witness_proof_wrong=(
        "the checkpoint does not extend the one cosigned last",
        "if the proof is right, keep both checkpoints: the log told two histories",
    ),
)
declare(
    "absent",
    witness_log_unknown=("this witness does not know the log", "ask its operator to add the log's key"),
)


@dataclass(frozen=True, slots=True)
class Request:
    """``proof``: the consistency proof from ``old`` to the size of the checkpoint, 32 bytes each."""

    old: int
    proof: Sequence[bytes]
    checkpoint: bytes  # the note, as signed by the log


def format_request(request: Request) -> bytes:
    """The bytes of a request. Checks nothing: :func:`parse_request` does."""
    lines = [f"old {request.old}", *(b64encode(node).decode() for node in request.proof), "", ""]
    return "\n".join(lines).encode() + request.checkpoint


def parse_request(data: bytes) -> Request:
    """The reverse of :func:`format_request`. Raises ``witness_request_malformed``."""
    head, empty_line, checkpoint = data.partition(b"\n\n")
    try:
        old, *proof = head.split(b"\n", HASHES_MAX)  # what is left over is no hash
        request = Request(
            int(old.removeprefix(b"old ")), [b64decode(line, validate=True) for line in proof], checkpoint
        )
    except ValueError:
        raise Malformed("witness_request_malformed", "it does not begin with a size and a proof") from None
    if not empty_line or format_request(request) != data or not 0 <= request.old < 2**63:
        raise Malformed("witness_request_malformed", "another spelling, or no checkpoint")
    if any(len(node) != 32 for node in request.proof):
        raise Malformed("witness_request_malformed", "a hash does not have 32 bytes")
    return request


@dataclass(frozen=True, slots=True)
class Seen:
    """What a witness cosigned last of a log."""

    size: int
    root: bytes


NOTHING = Seen(0, EMPTY_ROOT)


class OldOther(Exception):
    """``old`` is not the size cosigned last, which is here: the log asks again from there. Status 409."""

    def __init__(self, size: int) -> None:
        self.size = size
        super().__init__(size)


def origin_of(request: Request) -> str:
    """Which log a request is about; nothing is verified yet. Raises ``witness_request_malformed``."""
    try:
        return parse_checkpoint(parse_note(request.checkpoint).text).origin
    except Problem as wrong:
        raise Malformed("witness_request_malformed", str(wrong)) from None


def judge(request: Request, verifiers: Iterable[Verifier], seen: Seen) -> Checkpoint:
    """The checkpoint that may be cosigned: signed by one of the log's keys, and an extension of what was ``seen``.

    To be asked again, with what is stored by then, in the transaction that stores the answer. Raises, looked at in this
    order (C2SP tlog-witness, "add-checkpoint"):

    * ``note_unsigned``, ``note_signature_invalid``, ``checkpoint_origin_wrong``: not signed by the log. Status 403.
    * ``witness_old_beyond``: 400.
    * ``OldOther``: 409.
    * ``witness_proof_wrong``: 422, and the request is evidence to be kept.
    """
    checkpoint = open_checkpoint(request.checkpoint, verifiers)
    if request.old > checkpoint.size:
        raise Malformed("witness_old_beyond", f"{request.old} > {checkpoint.size}")
    if request.old != seen.size:
        raise OldOther(seen.size)
    try:
        check_extension(seen, checkpoint, request.proof)
    except Problem as wrong:
        raise Unverifiable("witness_proof_wrong", wrong.detail or wrong.title) from None
    return checkpoint


def check_extension(seen: Seen, checkpoint: Checkpoint, proof: Sequence[bytes]) -> None:
    """The checkpoint extends what was seen. Raises what ``check_consistency`` raises."""
    if checkpoint.size == 0 and checkpoint.root != EMPTY_ROOT:
        raise Unverifiable("proof_wrong", "the empty tree has another root")
    check_consistency(seen.size, checkpoint.size, seen.root, checkpoint.root, proof)
