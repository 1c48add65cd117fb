"""Making the state map again from the bytes of the entries, as it was at a size that the service committed to.

For older sizes, whose pages are not kept, and for whoever does not believe the tables of the store: nothing is read but
entries, which are replayed from the first (their signatures are the audit's). What comes out is compared with the root
that was committed to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from ledger.audit.replay import Replay
from ledger.audit.source import Chunk, Source
from ledger.commitment import SLICE
from ledger.errors import Corrupt
from ledger.log.chain import link_of
from ledger.log.merkle import EMPTY_ROOT
from ledger.log.page import MapTree
from ledger.prove import Commitment
from ledger.statemap import MapChanges
from ledger.store.map import MapHead, discard, turn


def rebuild(source: Source, commitment: Commitment, path: Path, progress: Callable[[int], object] = int) -> MapHead:
    """Put a map of what was committed to in the place of the one in this file, if there is one.

    ``progress`` is told how many entries were replayed. Raises ``Corrupt`` (``commitment_other``) where the entries
    make another state, whatever the replay raises, and what reading the source raises; the file stays as it was then.
    Cost: a tenth of a millisecond an entry, and memory for the state of every subject.
    """
    replay, link = Replay(), b""
    for chunk in _first(source, commitment.size):
        replay.add(chunk)
        link = link_of(chunk.entries[-1])
        progress(replay.size)
    if replay.size != commitment.size:
        raise Corrupt("entry_missing", f"{commitment.size} entries are committed to", index=replay.size)
    made = path.with_name(path.name + ".part")
    discard(made)
    with turn(made) as at:
        tree, root = MapTree(at.read), EMPTY_ROOT
        subjects = ((None, subject) for subject in replay.world.subjects())
        while some := list(islice(subjects, SLICE)):
            changes = MapChanges()
            changes.add(some)
            update = tree.update(root, changes.keys, changes.lists)
            at.put(update)
            root = update.root
        if root != commitment.root:
            detail = f"of {commitment.size} entries the root is {root.hex()}, not {commitment.root.hex()}"
            raise Corrupt("commitment_other", detail, index=commitment.index)
        head = MapHead(commitment.size, root, link)
        at.finish(head)
    discard(path)
    made.replace(path)
    return head


def _first(source: Source, size: int) -> Iterator[Chunk]:
    """The first ``size`` entries."""
    for chunk in source.chunks():
        if chunk.start >= size:
            return
        beside = None if chunk.beside is None else chunk.beside[: size - chunk.start]
        yield Chunk(chunk.start, chunk.entries[: size - chunk.start], beside)
