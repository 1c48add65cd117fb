"""Filling a lost, damaged or older store again, from any source that has the entries.

    fill(path, source, workers, ...)    a store beside, each entry judged again (``ledger.replica``)
    check(filled, signed)               it extends every head that is known to be signed: no history is signed twice
    check_ours(filled, signed, held)    one of these was signed by a log key that is held here: it is this ledger
    put_in_place(folder, path)          the old store is kept aside, the new one takes its name

A source is anybody's, and its charter names what log keys it likes. So a checkpoint counts by the one key that was in
force at its size, and all of it only if a key that is held here signed some of it: the tree of such a checkpoint begins
with entry 0, which says who may put other keys in force.

Until the last step the ledger's own store is only read. The step is one rename, before which the old store has a second
name: whenever it is cut off, the folder has the old store or the new one, whole, and the whole may be done again.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from sqlite3 import OperationalError

from identity.disclosure import digest
from identity.note import Verifier, format_vkey, parse_note
from ledger.audit.source import Source
from ledger.audit.workers import Workers
from ledger.circulation.charter import Ledger
from ledger.erasure import all_erased
from ledger.errors import Corrupt, Malformed, Problem, Unavailable, declare
from ledger.log.checkpoint import open_checkpoint, parse_checkpoint
from ledger.replica import Replica
from ledger.store import sqlite
from ledger.store.files import Folder, sync
from ledger.store.sql import SqlStore

BATCH = 1_024  # entries of one commit
PART = "ledger.db.part"  # the store that is being filled, in the ledger's folder
LOG = "-wal"  # SQLite's write-ahead log, beside a file
SIDES = (LOG, "-shm")

declare(
    "service",
    restore_shorter=(
        "the source has fewer entries than the ledger has signed",
        "restore from a longer one: another mirror, the published log, a newer copy; where there is none, open a "
        "successor: cadastre init NEWDIR --origin NEWNAME --succeeds SOURCE",
    ),
    restore_other=(
        "the source is of another history than the ledger has signed",
        "keep the source and what was signed: together they prove that two histories exist; restore from another one",
    ),
    restore_unsigned=(
        "no checkpoint that a log key held here has signed is of the source's entries",
        "check that the source is this ledger; name such a checkpoint: --known FILE; if all are signed by a log key "
        "that was replaced, put it back into DIR/keys as log-NAME.key",
    ),
    restore_key_other=(
        "a key in DIR/keys is not the one that the source's charter names",
        "check that the source is this ledger, and no copy from before that key was put in force; if so, move the key "
        "file away",
    ),
    restore_busy=("the old store cannot be put aside", "end what reads it (an audit, an export), then restore again"),
)


@dataclass(frozen=True, slots=True)
class Known:
    """A checkpoint that this ledger is known to have signed, or is said to; ``name`` says where it is from."""

    name: str
    note: bytes


def fill(
    store: SqlStore,
    source: Source,
    workers: Workers,
    disclosures: Mapping[str, str],
    progress: Callable[[int], None] = lambda _: None,
) -> Replica:
    """Fill an empty store with all entries of a source, judged again.

    Raises ``Corrupt`` for the first entry that does not hold, ``Newer``, and what reading the source raises.
    """
    replica = Replica.open(store, workers=workers, disclosures=disclosures)
    for changes in replica.extend_all(_batches(source)):
        progress(len(changes))
    store.erase(set(all_erased(store)))
    return replica


def _batches(source: Source) -> Iterator[Sequence[bytes]]:
    batch: list[bytes] = []
    for chunk in source.chunks():
        batch += chunk.entries
        if len(batch) >= BATCH:
            yield batch
            batch = []
    yield batch


def check(replica: Replica, known: Iterable[Known], before: int | None = None) -> Known:
    """What was filled extends every head that is known to be signed; returns the greatest.

    ``before`` is the number of entries of the old store, where nothing else tells how many were signed. Raises
    ``Unavailable``: ``restore_shorter``, ``restore_other``, ``restore_unsigned``.
    """
    greatest, last = None, -1
    for one in known:
        size = check_extends(replica, one)
        if size > last:
            greatest, last = one, size
    if greatest is None:
        raise Unavailable("restore_unsigned", f"{replica.size} entries of {replica.origin}")
    if before is not None and before > replica.size:
        detail = f"it has {replica.size}, the old store has {before}, and no record tells which of them were signed"
        raise Unavailable("restore_shorter", detail)
    return greatest


def check_ours(replica: Replica, known: Iterable[Known], held: Collection[Verifier]) -> None:
    """A log key that is held here signed one of these checkpoints, all of which the replica extends.

    Raises ``Unavailable``: ``restore_unsigned``.
    """
    sizes = {parse_checkpoint(parse_note(one.note).text).size for one in known}
    signers = [replica.log_key_at(size) for size in sizes if size]  # an empty tree says nothing of any entry
    if not any(signer in held for signer in signers):
        by = " and ".join(sorted({format_vkey(signer) for signer in signers if signer is not None}))
        raise Unavailable("restore_unsigned", f"{replica.size} entries of {replica.origin}, signed by {by or 'nobody'}")


def check_keys(charter: Ledger, keys: Mapping[str, Collection[str]]) -> None:
    """The keys here are those that a charter names; where there is none for a use, none is asked for.

    ``keys``: by use (*governance*, *service*, *refusal*) the DIDs or vkeys of those that are here. Raises
    ``Unavailable``: ``restore_key_other``.
    """
    named = {"governance": charter.governance, "service": charter.service, "refusal": charter.refusalKey}
    for use, name in named.items():
        if (here := keys.get(use)) and name not in here:
            detail = f"{use}: the charter names {name or 'none'}, here is {' and '.join(sorted(here))}"
            raise Unavailable("restore_key_other", detail)


def check_extends(replica: Replica, known: Known) -> int:
    """What a replica holds extends a checkpoint, signed by the log key in force at its size; returns that size.

    Its size is looked at before its signature: entries from before a change of the log key cannot tell that key.
    """
    said = parse_checkpoint(parse_note(known.note).text)
    if said.origin != replica.origin:
        raise Unavailable("restore_other", f"{known.name} is of {said.origin}, the source of {replica.origin}")
    if said.size > replica.size:
        raise Unavailable("restore_shorter", f"{known.name} is of {said.size} entries, the source has {replica.size}")
    try:
        signer = replica.log_key_at(said.size)
        checkpoint = open_checkpoint(known.note, [] if signer is None else [signer])
    except Problem as wrong:
        raise Unavailable("restore_other", f"{known.name}: {wrong}") from wrong
    if replica.root_at(checkpoint.size) != checkpoint.root:
        raise Unavailable("restore_other", f"{known.name} has another root at size {checkpoint.size}")
    return checkpoint.size


def is_checkpoint(note: bytes) -> bool:
    """Whether these bytes are a checkpoint at all; a damaged file tells nothing."""
    try:
        parse_checkpoint(parse_note(note).text)
    except Malformed:
        return False
    return True


# ---- The old store -----------------------------------------------------------------------------------------


def disclosures_in(path: Path, start: int = 0) -> tuple[dict[str, str], bool]:
    """The disclosures in a store by their digests, those of entries from ``start`` on, and whether all could be read.

    Raises ``Unavailable`` (``store_schema_other``): then they can be read once it is migrated.
    """
    found: dict[str, str] = {}
    try:
        with SqlStore.snapshot(path) as store:
            for index, _, text in store.scan("disclosure"):
                if isinstance(text, str) and isinstance(index, int) and index >= start:
                    with suppress(Malformed):
                        found[digest(text)] = text
    except Corrupt:
        return found, False
    except Unavailable as no:
        if no.code == "store_schema_other":
            raise
        return found, False
    return found, True


def private_values(store: Path, source: Path) -> tuple[dict[str, str], set[str]]:
    """The disclosures by digest that are in a ledger's old store or, where it has any, in the source.

    What the old store does not have of an entry that it has may have been erased, and does not come back from a copy:
    the digests of those in the source that are left out for that.
    """
    found: dict[str, str] = {}
    size, whole = 0, False
    if store.is_file():
        found, whole = disclosures_in(store)
        size = size_of(store) or 0
    if not source.is_file():
        return found, set()
    found |= disclosures_in(source, size if whole else 0)[0]
    return found, disclosures_in(source)[0].keys() - found.keys() if whole else set()


def size_of(path: Path) -> int | None:
    """The number of entries of a store, None if that cannot be read."""
    try:
        with SqlStore.snapshot(path) as store:
            head = store.head()
    except (Corrupt, Unavailable):
        return None
    return head.size if head is not None else 0


# ---- The step ----------------------------------------------------------------------------------------------


def begin(folder: Folder) -> Path:
    """Where the store is filled; what an earlier attempt left there is taken away. The folder is locked."""
    part = folder.path / PART
    for name in (part, *_sides(part)):
        name.unlink(missing_ok=True)
    return part


def put_in_place(folder: Folder, part: Path) -> Path | None:
    """Give the filled store its name; returns where the old one is kept, None if there was none.

    After a crash anywhere the folder has the old store or the new one, whole. Raises ``Unavailable``
    (``restore_busy``) and ``OSError``.
    """
    for path in (part, part.parent):  # its name and its bytes survive before anything else is touched
        _sync(path)
    aside = _keep(folder.store) if folder.store.exists() else None
    for side in _sides(folder.store):  # of the old one, whose name for it they have; empty, or kept aside
        side.unlink(missing_ok=True)
    sync(folder.path)
    part.replace(folder.store)
    sync(folder.path)
    return aside


def _keep(store: Path) -> Path:
    """Give a store, with all that belongs to it, a second name that has a number."""
    aside = next(path for number in count(1) if _is_free(path := store.with_name(f"{store.name}.{number}"), store))
    log, kept = store.with_name(store.name + LOG), aside.with_name(aside.name + LOG)
    kept.unlink(missing_ok=True)
    if log.exists():
        _name(log, kept)  # first: SQLite takes a log away that it can make nothing of
    try:
        whole = sqlite.settle(store)
    except OperationalError as error:
        raise Unavailable("restore_busy", f"{store}: {error}") from error
    if whole:
        kept.unlink(missing_ok=True)
    _name(store, aside)
    sync(store.parent)
    return aside


def _is_free(aside: Path, store: Path) -> bool:
    """Whether a name is nobody's, or this very store's already, given to it before a crash."""
    return not os.path.lexists(aside) or aside.samefile(store)


def _name(path: Path, name: Path) -> None:
    """Give a file a second name; a copy of it where files have but one."""
    if os.path.lexists(name):
        return
    try:
        os.link(path, name)
    except OSError:
        whole = name.with_name(f"{name.name}.tmp")
        shutil.copy2(path, whole)
        _sync(whole)
        whole.replace(name)


def _sides(path: Path) -> list[Path]:
    return [path.with_name(path.name + side) for side in SIDES]


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
