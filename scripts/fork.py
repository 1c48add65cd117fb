"""``cadastre fork``: put two things that contradict each other into one file that proves it (``ledger.log.fork``).

    two checkpoints, of one size                  cadastre fork CHECKPOINT CHECKPOINT --out FILE
    two checkpoints, of whatever sizes            … --source SOURCE, the history that the greater one is of
    two receipts of one index                     cadastre fork RECEIPT RECEIPT --out FILE
    a statement that has seen another entry       cadastre fork STATEMENT RECEIPT --out FILE

``cadastre follow`` writes such files by itself. What proves nothing is not written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from identity.errors import Malformed, Problem, declare
from identity.note import parse_note
from ledger.audit import Source
from ledger.log.checkpoint import parse_checkpoint
from ledger.log.fork import Checkpoints, Claim, Fork, Receipts, format_fork
from ledger.log.merkle import EMPTY_ROOT, Frontier, Growth, consistency_proof, leaf_hash, root_at
from ledger.log.receipt import parse_receipt
from scripts.audit import open_source
from scripts.command import check_free, command
from scripts.files import keep
from scripts.options import Json
from scripts.proofs import Asked
from scripts.proofs.fork import judge

declare(
    "malformed",
    fork_sides_unfit=(
        "these two files do not make evidence of a fork",
        "give two checkpoints, two receipts of one index, or a statement with a seen claim and a receipt",
    ),
    fork_source_needed=(
        "checkpoints of two sizes contradict each other only by the entries of one of them",
        "name the history that the greater one is of: --source SOURCE (a folder, an address, a bundle)",
    ),
)


@command(no="disproven")
def fork(
    first: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="One side.")],
    second: Annotated[Path, typer.Argument(metavar="OTHER", exists=True, dir_okay=False, help="The other side.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where to write the evidence.")],
    source: Annotated[
        str | None, typer.Option(metavar="SOURCE", help="The entries of the greater checkpoint: see audit.")
    ] = None,
    policy: Annotated[
        Path | None,
        typer.Option(metavar="FILE", exists=True, help="Log keys to trust.  [default: those of the ledgers met]"),
    ] = None,
    json: Json = False,
) -> None:
    """Write evidence that a log's key signed two histories, or that a party has seen another entry."""
    check_free(out)
    data = format_fork(_evidence(first.read_bytes(), second.read_bytes(), source))
    judge(data, Asked(out, policy, json=json))
    keep(out, data)


def _evidence(first: bytes, second: bytes, source: str | None) -> Fork:
    receipts = [data for data in (first, second) if _is_receipt(data)]
    if len(receipts) == 2 and len({parse_receipt(data).index for data in receipts}) == 1:
        return Receipts(first, second)
    if len(receipts) == 1 and not _is_note(other := second if receipts[0] is first else first):
        return Claim(other.strip().split(b"~")[0], receipts[0])
    notes = [parse_receipt(data).checkpoint if _is_receipt(data) else data for data in (first, second)]
    if not all(map(_is_note, notes)):
        raise Malformed("fork_sides_unfit")
    return _checkpoints(notes, source)


def _checkpoints(notes: Sequence[bytes], source: str | None) -> Checkpoints:
    (old, first), (new, second) = sorted(((parse_checkpoint(parse_note(note).text), note) for note in notes), key=_size)
    if old.size in (0, new.size):
        return Checkpoints(new.root if old.size else EMPTY_ROOT, [], first, second)
    if source is None:
        raise Malformed("fork_source_needed", f"sizes {old.size} and {new.size}")
    with open_source(source) as opened:
        tree = _tree(opened, new.size)
    return Checkpoints(root_at(old.size, tree.node), consistency_proof(old.size, new.size, tree.node), first, second)


def _size(side: tuple[object, bytes]) -> int:
    return parse_checkpoint(parse_note(side[1]).text).size


def _tree(source: Source, size: int) -> Growth:
    """The tree over the first entries of a source. Raises ``fork_sides_unfit`` if it has fewer."""
    growth = Growth(Frontier())
    for chunk in source.chunks():
        for data in chunk.entries[: size - growth.size]:
            growth.append(leaf_hash(data))
        if growth.size == size:
            return growth
    raise Malformed("fork_sides_unfit", f"the source has {growth.size} entries, the greater checkpoint {size}")


def _is_receipt(data: bytes) -> bool:
    return _reads(parse_receipt, data)


def _is_note(data: bytes) -> bool:
    return _reads(lambda note: parse_checkpoint(parse_note(note).text), data)


def _reads(parse: Callable[[bytes], object], data: bytes) -> bool:
    try:
        parse(data)
    except Problem:
        return False
    return True
