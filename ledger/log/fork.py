"""Fork evidence: one file that proves, offline and to anybody, that a log's key signed two histories.

    cadastre/fork@v1
    checkpoints                                     what is shown: checkpoints, receipts or seen
    rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=    the root that the second has for the size of the first,
    5784L25ZFbP4hhm4ZiI+vx1RxMUyHMzeLp/3AKMlkIY=    and the proof (RFC 6962, section 2.1.2) that it has

    example.com/registry                            the first checkpoint, signed by the log: another root
    6
    ...

    example.com/registry                            the second, of the same size or a greater one
    9
    ...

What is shown is one of three things:

* *checkpoints* - two signed checkpoints. A consistency proof leaves the greater tree but one root for the smaller size;
  the smaller checkpoint has another. So whoever holds either history proves the fork, and needs nothing of the other
  but its signature. Between equal sizes no proof is due.
* *receipts* - two receipts of one index, with different entries. Neither history is needed.
* *seen* - a statement whose signer has seen (``seen``) another entry at an index than the one in the receipt below it.
  A party's word contradicts the log's: it does not say which of the two is false.

Two checkpoints of different sizes that nobody can connect by a proof are no evidence: a longer log is not another one.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from identity.errors import Malformed, Unverifiable, declare
from identity.note import Verifier
from ledger.log.chain import Entry, link_of
from ledger.log.checkpoint import Checkpoint, open_checkpoint
from ledger.log.merkle import check_consistency
from ledger.log.receipt import open_receipt, parse_receipt

MAGIC = b"cadastre/fork@v1"
HASHES_MAX = 63
FORK_BYTES_MAX = 2_500_000  # two notes of a megabyte each, and an entry

declare(
    "malformed",
    fork_malformed=("the fork evidence is malformed", "fetch it again, unaltered to the last byte"),
)
declare(
    "unverifiable",
    fork_unproven=("this proves no fork", "what is shown here can be of one history; keep both sides all the same"),
    fork_origin_wrong=("the evidence mixes two ledgers", "what two ledgers say of themselves contradicts nothing"),
)


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """Two signed notes, the smaller size first; ``root`` is the one that the second has for the first's size."""

    root: bytes
    proof: Sequence[bytes]
    first: bytes
    second: bytes


@dataclass(frozen=True, slots=True)
class Receipts:
    """Two receipts of one index."""

    first: bytes
    second: bytes


@dataclass(frozen=True, slots=True)
class Claim:
    """A statement that has seen something (a compact JWS), and a receipt of the index it names."""

    statement: bytes
    receipt: bytes


Fork = Checkpoints | Receipts | Claim


def recognises(data: bytes) -> bool:
    """Whether the file says of itself that it is fork evidence."""
    return data.startswith(MAGIC + b"\n")


def format_fork(fork: Fork) -> bytes:
    """The bytes of the file. Checks nothing: :func:`parse_fork` does, of its form, and :func:`check_fork` the rest."""
    match fork:
        case Checkpoints(root, proof, first, second):
            head, parts = [b"checkpoints", *(b64encode(node) for node in (root, *proof))], [first, second]
        case Receipts(first, second):
            head, parts = [b"receipts"], [first, second]
        case Claim(statement, receipt):
            head, parts = [b"seen", statement], [receipt]
    return b"\n".join([MAGIC, *head, b""]) + b"".join(b"\n" + part for part in parts)


def parse_fork(data: bytes) -> Fork:
    """The reverse of :func:`format_fork`. Raises ``fork_malformed``.

    Notes and receipts in it end at empty lines, of which a checkpoint has one and a receipt two; their own form is
    looked at when they are opened.
    """
    if len(data) > FORK_BYTES_MAX:
        raise Malformed("fork_malformed", f"more than {FORK_BYTES_MAX} bytes")
    head, *pieces = data.split(b"\n\n", 7)
    magic, shown, *lines = [*head.split(b"\n", HASHES_MAX + 4), b"", b""]
    fork: Fork
    try:
        match shown, len(pieces):
            case b"checkpoints", 4:
                root, *proof = [b64decode(line, validate=True) for line in lines[:-2]]
                fork = Checkpoints(root, proof, _joined(pieces[:2]), _joined(pieces[2:], last=True))
            case b"receipts", 6:
                fork = Receipts(_joined(pieces[:3]), _joined(pieces[3:], last=True))
            case b"seen", 3:
                fork = Claim(lines[0], _joined(pieces, last=True))
            case _:
                raise ValueError
    except ValueError:
        raise Malformed("fork_malformed", "it does not show checkpoints, receipts or a statement") from None
    if magic != MAGIC or format_fork(fork) != data:
        raise Malformed("fork_malformed", "another spelling of the same evidence")
    if isinstance(fork, Checkpoints) and any(len(node) != 32 for node in (fork.root, *fork.proof)):
        raise Malformed("fork_malformed", "a hash does not have 32 bytes")
    return fork


def _joined(pieces: Sequence[bytes], *, last: bool = False) -> bytes:
    """A note or receipt that was split at its empty lines; but for the last one, its own last newline went too."""
    return b"\n\n".join(pieces) + (b"" if last else b"\n")


@dataclass(frozen=True, slots=True)
class Forked:
    """What two checkpoints, or two receipts, prove. ``index`` and ``hashes`` (SHA-256): the entries receipts show."""

    first: Checkpoint
    second: Checkpoint
    index: int | None = None
    hashes: tuple[bytes, ...] = ()


def check_fork(fork: Checkpoints | Receipts, verifiers: Sequence[Verifier]) -> Forked:
    """One of these keys, or two of one log, signed two histories.

    1. Both sides are signed by the log they name, and it is one log.
    2. Checkpoints: the proof leads from ``root`` to the second's root, and the first's root is another.
    3. Receipts: both are of one index, and hold different bytes.

    Raises ``fork_unproven``, ``fork_origin_wrong``, and what opening the checkpoints or receipts raises. Left to the
    caller: that the keys are the log's.
    """
    if isinstance(fork, Receipts):
        return _check_receipts(fork, verifiers)
    first, second = (open_checkpoint(note, verifiers) for note in (fork.first, fork.second))  # (1)
    _check_one_log(first, second)
    beyond = second.size if first.size else max(second.size, 1)  # the empty tree has one root, whatever comes after it
    check_consistency(first.size, beyond, fork.root, second.root, fork.proof)  # (2)
    if first.root == fork.root:
        said = (
            f"size {second.size} extends size {first.size}" if second.size > first.size else "both are of one history"
        )
        raise Unverifiable("fork_unproven", said)
    return Forked(first, second)


def _check_receipts(fork: Receipts, verifiers: Sequence[Verifier]) -> Forked:
    (entry, first), (other, second) = (open_receipt(receipt, verifiers) for receipt in (fork.first, fork.second))
    _check_one_log(first, second)
    if entry.index != other.index:
        raise Unverifiable("fork_unproven", f"entries {entry.index} and {other.index} can be of one history")
    hashes = tuple(link_of(parse_receipt(one).entry) for one in (fork.first, fork.second))
    if hashes[0] == hashes[1]:  # (3)
        raise Unverifiable("fork_unproven", f"both receipts hold the same entry {entry.index}")
    return Forked(first, second, entry.index, hashes)


def _check_one_log(first: Checkpoint, second: Checkpoint) -> None:
    if first.origin != second.origin:
        raise Unverifiable("fork_origin_wrong", f"{first.origin} and {second.origin}")


def check_claim(
    receipt: bytes, audience: str, seen: tuple[int, bytes] | None, verifiers: Iterable[Verifier]
) -> tuple[Entry, Checkpoint]:
    """A receipt shows another entry than a statement made for ``audience`` says to have ``seen`` (index, SHA-256).

    Raises ``fork_unproven``, ``fork_origin_wrong``, and what opening the receipt raises. Left to the caller: that the
    statement is signed by the party it names.
    """
    entry, checkpoint = open_receipt(receipt, verifiers)
    if audience.rpartition("#")[0] != entry.origin:
        raise Unverifiable("fork_origin_wrong", f"the statement was made for {audience}")
    if seen is None or seen[0] != entry.index:
        raise Unverifiable("fork_unproven", f"the statement does not say what it saw at index {entry.index}")
    if seen[1] == link_of(parse_receipt(receipt).entry):
        raise Unverifiable("fork_unproven", f"entry {entry.index} is the one that the statement's signer saw")
    return entry, checkpoint
