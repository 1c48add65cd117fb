"""Publishing: the log as files that anyone may read, mirror and audit without asking the service (C2SP tlog-tiles).

    checkpoint                          the size and root published last, with all its signatures
    tile/<level>/<index>[.p/<width>]    hashes of the tree
    tile/entries/<index>[.p/<width>]    the entries, unless the ledger shows them to members only

One pass, :func:`publish`, takes these steps:

1. Is the checkpoint signed by the log, and are the tiles it was signed over still there?
2. What is published already, and is it of the same history, and not ahead?
3. Write every file that the growth brings, each proven against the signed root before it is written.
4. Wait until all of them will survive a crash.
5. Replace the checkpoint.

Nothing but the checkpoint is ever replaced: a file that is there with other bytes stops the pass. A pass that dies
anywhere leaves the checkpoint of the pass before, all of whose files are there; the next one finds what was written
and goes on. Cost: reads what the growth brings, and the partial tiles at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Protocol

from identity.note import SIGNATURES_MAX, Signature, Verifier, parse_note, parse_vkey
from ledger.circulation.charter import Ledger
from ledger.errors import Corrupt, Malformed, Problem, Unavailable, declare
from ledger.log.chain import parse_entry
from ledger.log.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint
from ledger.log.cosignature import with_cosignatures
from ledger.log.tile import WIDTH_MAX, Tile, format_bundle, format_entries_path, format_path, tiles_of
from ledger.publish.proven import Log, Proven
from ledger.statement import accept
from ledger.store import Store
from ledger.store.files import Folder
from ledger.store.heads import last_signed

__all__ = ["PUBLIC", "Progress", "Published", "Target", "charter_of", "plan", "publish", "publish_folder", "target_at"]

PUBLIC = "public"
"""Where in a ledger's folder it is published, unless it is published elsewhere."""

declare(
    "service",
    publish_unsigned=("the ledger has signed nothing to publish yet", "start the service once, so it signs"),
    publish_older=(
        "more is published than this ledger has signed",
        "this copy of the ledger is older: do not serve it; fill it again: cadastre restore DIR --from SOURCE",
    ),
    publish_other=("another log is published there", "name another folder or bucket"),
    publish_raced=("another process publishes there", "wait until it is through, and leave it to one of them"),
    publish_failed=("the files could not be written there", "check the address, the credentials and the room left"),
)
declare(
    "corrupt",
    published_diverged=(
        "what is published is of another history than this ledger",
        "keep both checkpoints: they prove that the log signed two histories; run: cadastre audit DIR",
    ),
    published_other_bytes=(
        "a published file that must never change has other bytes",
        "find out who changed it; take the file away, and publish again with --whole",
    ),
    published_malformed=("the published checkpoint is none", "find out who changed it; take the file away"),
)

Progress = Callable[[int, int], None]
"""Told how many files are through, and of how many."""

Cosign = Callable[[Verifier, bytes], Signature | None]
"""Signs the text of a checkpoint with the log's second key, of type 0x06; None where that key is not held."""


class Target(Protocol):
    """Where files are published.

    Between ``begin`` and ``end`` nobody else replaces the checkpoint unnoticed. Raises ``Unavailable``
    (``publish_raced``, ``publish_failed``) or ``OSError``.
    """

    def begin(self) -> bytes | None:
        """Begin a pass. Returns the published checkpoint, None if nothing is published."""

    def has(self, name: str) -> bool:
        """Whether a file is there."""

    def create(self, name: str, data: bytes) -> bool:
        """Write a file that never changes; False if it is there already.

        Raises ``Corrupt`` (``published_other_bytes``) if it is there with other bytes.
        """

    def settle(self) -> None:
        """When this returns, every file of this pass that was written or found survives the death of the machine."""

    def replace(self, checkpoint: bytes) -> None:
        """Replace the checkpoint. After a crash there is the one before or this one, whole."""

    def end(self) -> None:
        """End the pass, however it went."""


@dataclass(frozen=True, slots=True)
class Published:
    """What a pass came to. ``files`` and ``bytes`` count what was written, the checkpoint not among it."""

    size: int
    root: bytes
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Due:
    """A file to be written: the hash tile at a place, or the entry bundle beside it."""

    tile: Tile
    entries: bool

    @property
    def name(self) -> str:
        return format_entries_path(self.tile.index, self.tile.width) if self.entries else format_path(self.tile)


def plan(old: int, new: int, bundles_from: int | None) -> Iterator[Due]:
    """The files that a log of size ``new`` needs beyond those of ``old``: bundles first, each sort from left to right.

    ``bundles_from``: the size whose bundles are there already; None where no bundles are wanted.
    """
    if bundles_from is not None:
        for tile in takewhile(lambda tile: tile.level == 0, tiles_of(bundles_from, new)):
            yield Due(tile, entries=True)
    for tile in tiles_of(old, new):
        yield Due(tile, entries=False)


def last_bundle(size: int) -> str | None:
    """The name of the last bundle of a log of this size, None for the empty one.

    Bundles are written from left to right, and this one when those before it are safe: so where it is, all are.
    """
    return format_entries_path((size - 1) // WIDTH_MAX, (size - 1) % WIDTH_MAX + 1) if size else None


def publish(
    log: Log,
    note: bytes,
    verifiers: Sequence[Verifier],
    target: Target,
    *,
    entries: bool = True,
    whole: bool = False,
    progress: Progress | None = None,
) -> Published:
    """One pass, see the module. ``note`` is the checkpoint to publish, ``verifiers`` are the log's keys.

    ``whole`` looks at every file of the log again instead of those that the growth brings. Raises ``Unavailable``,
    ``Corrupt``, what opening the checkpoint raises, and what ``target`` and ``progress`` raise.
    """
    checkpoint = open_checkpoint(note, verifiers)  # (1)
    tree = Proven(log, checkpoint.size, checkpoint.root)
    published = target.begin()
    try:
        old = _check_same_history(published, checkpoint, tree) if published is not None else 0  # (2)
        mark = last_bundle(old)
        bundled = old if mark is not None and target.has(mark) else 0
        due = [*plan(0 if whole else old, checkpoint.size, (0 if whole else bundled) if entries else None)]
        files = written = 0
        for done, file in enumerate(due):  # (3)
            if progress is not None:
                progress(done, len(due))
            if file.name == mark and bundled < old:
                target.settle()
            data = format_bundle(tree.entries(file.tile)) if file.entries else tree.hashes(file.tile)
            if target.create(file.name, data):
                files, written = files + 1, written + len(data)
        target.settle()  # (4)
        merged = _merged(published, note, verifiers)
        if merged != published:
            target.replace(merged)  # (5)
    finally:
        target.end()
    return Published(checkpoint.size, checkpoint.root, files, written)


def _check_same_history(published: bytes, checkpoint: Checkpoint, tree: Proven) -> int:
    """The published size, if what is to be published extends it."""
    try:
        before = parse_checkpoint(parse_note(published).text)
    except Malformed as wrong:
        raise Corrupt("published_malformed", str(wrong)) from wrong
    if before.origin != checkpoint.origin:
        raise Unavailable("publish_other", f"{before.origin}, not {checkpoint.origin}")
    if before.size > checkpoint.size:
        raise Unavailable("publish_older", f"{before.size} entries are published, {checkpoint.size} are signed here")
    if before.root != tree.root_at(before.size):
        raise Corrupt("published_diverged", f"at size {before.size} another root is published")
    return before.size


def _merged(published: bytes | None, note: bytes, verifiers: Sequence[Verifier]) -> bytes:
    """The note to publish: of the same size and root, cosignatures that are published already stay.

    What is published stays as it is where it lacks no line of the log: a signature of type 0x06 has another time each
    time. Of a cosigner, who has signed it again, the line at hand is taken. More lines than a note may have: those at
    hand alone.
    """
    if published is None or parse_note(published).text != parse_note(note).text:
        return note
    ours, theirs = parse_note(note).signatures, parse_note(published).signatures
    own = {(verifier.name, verifier.key_id) for verifier in verifiers}
    there = {(line.name, line.key_id) for line in theirs}
    if len(there | {(line.name, line.key_id) for line in ours}) > SIGNATURES_MAX:
        return note
    if all((line.name, line.key_id) in there for line in ours) and _holds(published, verifiers):
        return with_cosignatures(published, [line for line in ours if (line.name, line.key_id) not in own])
    known = {(line.name, line.key_id) for line in ours}
    return with_cosignatures(note, [line for line in theirs if (line.name, line.key_id) not in known])


def _holds(published: bytes, verifiers: Sequence[Verifier]) -> bool:
    """Whether every line of the log's own keys on a published checkpoint does."""
    try:
        open_checkpoint(published, verifiers)
    except Problem:
        return False
    return True


# ---- A ledger's folder -------------------------------------------------------------------------------------


def charter_of(store: Store, size: int | None = None) -> Ledger:
    """The charter in force at a size from 1 on, or else at the end of a store.

    Raises ``Unavailable`` (``publish_unsigned``) or ``Corrupt``.
    """
    head = store.head()
    if head is None:
        raise Unavailable("publish_unsigned", "it has no entries")
    id_ = accept(parse_entry(head.first).statement).opened["ledger"]
    found = store.subjects([id_]).get(id_) if size is None else store.subject_at(id_, max(size, 1))
    if found is None or not isinstance(found.state, Ledger):
        raise Corrupt("store_corrupt", "the subject of the charter is missing", subject=id_)
    return found.state


def publish_folder(
    directory: Path,
    target: Target,
    note: bytes | None = None,
    *,
    entries: bool | None = None,
    whole: bool = False,
    cosign: Cosign | None = None,
    progress: Progress | None = None,
) -> Published:
    """Publish the ledger in a folder, by default what it signed last. Holds no lock there, and waits for no writer.

    ``entries``: whether bundles are published; by default only where the charter lets everybody read. ``cosign`` signs
    what is published with the second log key that the charter names. Raises what opening the folder and :func:`publish`
    raise.
    """
    from ledger.store.sql import SqlStore  # imported here: whoever publishes from elsewhere needs none

    folder = Folder.open(directory)
    signed = note or last_signed(folder)  # before the store: so the store is never the older one
    if signed is None:
        raise Unavailable("publish_unsigned", f"{folder.checkpoint} is not there")
    with SqlStore.snapshot(folder.store) as store:
        charter = charter_of(store)
        size = parse_checkpoint(parse_note(signed).text).size
        open_checkpoint(signed, [parse_vkey(charter_of(store, size).logKey)])  # a key that was replaced does not do
        verifiers = [parse_vkey(key) for key in (charter.logKey, *charter.formerLogKeys)]
        if cosign is not None and charter.mldsaKey is not None:
            second = parse_vkey(charter.mldsaKey)
            line = cosign(second, parse_note(signed).text)
            signed = signed if line is None else with_cosignatures(signed, [line])
            verifiers.append(second)
        shown = charter.readers == "public" if entries is None else entries
        return publish(store, signed, verifiers, target, entries=shown, whole=whole, progress=progress)


def target_at(name: str) -> Target:
    """The target of this name: ``s3://bucket/prefix``, or else a folder. Touches nothing. Raises ``Malformed``."""
    if "://" in name:
        from ledger.publish.bucket import bucket_at  # takes long to import

        return bucket_at(name)
    from ledger.publish.folder import FolderTarget

    return FolderTarget(Path(name))
