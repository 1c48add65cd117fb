"""``cadastre restore``: fill a ledger's lost, damaged or older store again, and never with another history.

SOURCE is whatever has the entries: a published log (a folder, or an address of a service, a mirror or a web server that
shows one), a bundle, or another folder of the ledger. Each entry is judged again. The result must extend every head
that is known to be signed: the record of signed heads, the checkpoints in the folder, the source's own, those shown by
mirrors and witnesses (CADASTRE_SERVE_MIRRORS, CADASTRE_SERVE_POLICY, as for serving), and those named by --known.
"""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.keyring import FolderKeyring
from api.settings import Settings, settings_from
from identity.note import Verifier, parse_note, parse_vkey
from ledger.audit import Source, Workers
from ledger.errors import Corrupt, Unavailable
from ledger.log.checkpoint import parse_checkpoint
from ledger.publish import PUBLIC
from ledger.store.files import Folder, sync
from scripts.audit import open_source
from scripts.command import command
from scripts.options import Json
from scripts.output import bar, print_json, print_note, print_pairs

if TYPE_CHECKING:
    from ledger.restore import Known


@dataclass(frozen=True, slots=True)
class Record:
    """The record of signed heads: its last note, and whether the file is there but cannot be read."""

    path: Path
    note: bytes | None
    damaged: bool


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore came to. ``signed``: the greatest size known to be signed; ``anchored``: others say so."""

    size: int
    root: bytes
    signed: int
    withheld: int
    anchored: bool
    aside: Path | None


@command()
def restore(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The ledger's folder, with its keys.")],
    source: Annotated[
        str, typer.Option("--from", metavar="SOURCE", help="A published log, an address, a bundle, or another folder.")
    ],
    known: Annotated[
        list[Path] | None,
        typer.Option(exists=True, metavar="FILE", help="A checkpoint it must extend; may be repeated."),
    ] = None,
    workers: Annotated[int | None, typer.Option(min=0, help="Processes that help.  [default: all cores]")] = None,
    json: Json = False,
) -> None:
    """Fill a ledger's store again from elsewhere, entry by entry. The old one is kept. Stop the service first."""
    folder = Folder(directory)
    if not folder.keys.is_dir():
        raise Unavailable("store_missing", f"{folder.keys} is not there")
    settings = settings_from(os.environ, folder=directory)
    count = max(1, (os.cpu_count() or 2) - 1) if workers is None else workers
    with folder.lock(), Workers(count) as helpers, bar("restoring", None) as progress:

        def show(done: int, total: int) -> None:
            progress.update(progress.task_ids[0], advance=done, total=total)

        restored = _restore(folder, settings, source, known or [], helpers, show)
    _print(source, restored, json)


def _restore(
    folder: Folder,
    settings: Settings,
    named: str,
    known: list[Path],
    workers: Workers,
    show: Callable[[int, int], None],
) -> Restored:
    """All of it; the folder is locked. Raises ``Problem``, and then the old store is as it was."""
    # Imported here: the libraries of the store take time that other commands need not wait.
    from ledger.restore import Known, begin, check, fill, private_values, put_in_place, size_of
    from ledger.store.sql import SqlStore

    record = _record(settings.heads or folder.heads)
    notes = [Known(str(file), file.read_bytes()) for file in known]
    notes += [Known(name, note) for name, note in _noted(folder, record).items()]
    there = folder.store.exists()
    disclosures = private_values(folder.store, Folder(Path(named)).store)
    before = size_of(folder.store) if there and record.note is None else None
    part = begin(folder)
    try:
        with closing(SqlStore.create(part)) as store:
            with _opened(named) as source:
                replica = fill(store, source, workers, disclosures, lambda done: show(done, source.size))
                if source.checkpoint is not None:
                    notes.append(Known("the checkpoint of the source", source.checkpoint))
            keyring = FolderKeyring(folder.keys)
            origin = replica.origin or ""
            shown = _shown(origin, settings, [*replica.verifiers(), *keyring.verifiers(origin)])
            greatest = check(replica, [*notes, *shown], before)
            charter = replica.charter
            if charter is None or keyring(parse_vkey(charter.logKey)) is None:
                raise Unavailable("log_key_absent", charter.logKey if charter else "")
            size, root, withheld = replica.size, replica.root(), replica.withheld
        aside = put_in_place(folder, part)
    except BaseException:
        begin(folder)
        raise
    folder.write_checkpoint(greatest.note)
    if record.damaged:
        _put_aside(record.path)
    anchored = record.note is not None or bool(shown) or bool(known)
    return Restored(size, root, _size_in(greatest.note), withheld, anchored, aside)


def _record(path: Path) -> Record:
    from ledger.store.heads import last_head

    try:
        return Record(path, last_head(path), damaged=False)
    except Corrupt:
        return Record(path, None, damaged=True)


def _noted(folder: Folder, record: Record) -> dict[str, bytes]:
    """The checkpoints that the ledger keeps itself, by where; what is none of them tells nothing."""
    from ledger.restore import is_checkpoint

    found = {} if record.note is None else {"the record of signed heads": record.note}
    for path in (folder.checkpoint, folder.path / PUBLIC / "checkpoint"):
        if path.is_file() and is_checkpoint(note := path.read_bytes()):
            found[str(path)] = note
    return found


def _shown(origin: str, settings: Settings, verifiers: list[Verifier]) -> list[Known]:
    """What mirrors and witnesses show that this log signed."""
    from api import anchors
    from ledger.restore import Known

    def warn(what: str, detail: str) -> None:
        print_note(f"{what}: {detail}")

    found = anchors.shown(origin, anchors.addresses(settings), verifiers, warn)
    return [Known(url, note) for url, note in found.items()]


@contextmanager
def _opened(named: str) -> Iterator[Source]:
    """The source of this name. What is at an address is read as a published log, which a service shows as well."""
    if named.startswith(("http://", "https://")):
        from api.outside import published_at

        with published_at(named) as published:
            yield published
    else:
        with open_source(named) as source:
            yield source


def _put_aside(path: Path) -> None:
    """Keep a file that cannot be read under a name that has a number."""
    number = 1
    while os.path.lexists(aside := path.with_name(f"{path.name}.{number}")):
        number += 1
    path.rename(aside)
    sync(path.parent)


def _size_in(note: bytes) -> int:
    return parse_checkpoint(parse_note(note).text).size


def _print(source: str, restored: Restored, json: bool) -> None:
    shown = {
        "size": restored.size,
        "root": b64encode(restored.root).decode(),
        "signed": restored.signed,
        "withheld": restored.withheld,
        "anchored": restored.anchored,
        "aside": None if restored.aside is None else str(restored.aside),
    }
    if json:
        print_json(shown)
        return
    print(f"restored: {restored.size} entries from {source}")
    print_pairs(((name, value) for name, value in shown.items() if name in ("root", "aside")), indent=2)
    if restored.size > restored.signed:
        print_note(f"{restored.size - restored.signed} entries at the end are beyond what is known to be signed")
    if restored.withheld:
        print_note(f"{restored.withheld} private values are not here any more: ask those who stated them")
    if not restored.anchored:
        print_note(
            "unanchored: no record of signed heads was here, and nobody outside says what was signed; if it was more"
            " than the source has, only a mirror or a witness can tell (--known FILE, CADASTRE_SERVE_MIRRORS)"
        )
