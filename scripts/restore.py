"""``cadastre restore``: fill a ledger's lost, damaged or older store again, and never with another history.

SOURCE is whatever has the entries: a published log (a folder, or an address of a service, a mirror or a web server that
shows one), a bundle, or another folder of the ledger. Each entry is judged again. The result must extend every head
that is known to be signed: the record of signed heads, the checkpoints in the folder, the source's own, those shown by
mirrors and witnesses (CADASTRE_SERVE_MIRRORS, CADASTRE_SERVE_POLICY, as for serving), and those named by --known.
"""

from __future__ import annotations

import os
import signal
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.keyring import FolderKeyring
from api.settings import Settings, settings_from
from identity.did import did_of
from identity.keys import PublicKey, read_key
from identity.note import Verifier, format_vkey, parse_note, parse_vkey
from identity.signature import ED25519
from ledger.audit import Source, Workers
from ledger.errors import Corrupt, Unavailable, declare
from ledger.log.checkpoint import parse_checkpoint
from ledger.log.refusal import refusal_key_name
from ledger.publish import PUBLIC
from ledger.store.files import Folder, sync
from scripts.audit import open_source
from scripts.command import Halted, command
from scripts.options import Json
from scripts.output import bar, print_json, print_note, print_pairs
from scripts.session import is_address

if TYPE_CHECKING:
    from ledger.restore import Known

declare(
    "halted",
    keys_missing=(
        "the ledger's keys are not in its folder",
        "check the path; put the keys back (a copy of DIR/keys should be kept apart from the ledger); if they are "
        "lost: cadastre init NEWDIR --origin NEWNAME --succeeds SOURCE",
    ),
)


@dataclass(frozen=True, slots=True)
class Record:
    """The record of signed heads: its last note, and whether the file is there but cannot be read."""

    path: Path
    note: bytes | None
    damaged: bool


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore came to. ``signed``: the greatest size known to be signed; ``anchored``: others say so.

    ``erased``: private values that the ledger says are erased. Of the others that are missing, ``withheld``, the source
    has ``left``.
    """

    size: int
    root: bytes
    signed: int
    erased: int
    withheld: int
    left: int
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
    if not any(folder.keys.glob("*.key")):
        raise Halted("keys_missing", f"there is no key in {folder.keys}")
    settings = settings_from(os.environ, folder=directory)
    count = max(1, (os.cpu_count() or 2) - 1) if workers is None else workers
    with folder.lock(), Workers(count) as helpers, _told_to_stop(), bar("restoring", None) as progress:

        def show(done: int, total: int) -> None:
            progress.update(progress.task_ids[0], advance=done, total=total)

        restored = _restore(folder, settings, source, known or [], helpers, show)
    _print(folder, source, restored, json)


@contextmanager
def _told_to_stop() -> Iterator[None]:
    """Told to stop in whatever way (SIGTERM, SIGINT), it takes away what is half done."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


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
    from ledger.erasure import all_erased
    from ledger.restore import Known, begin, check, check_keys, check_ours, fill, private_values, put_in_place, size_of
    from ledger.store.sql import SqlStore

    record = _record(settings.heads or folder.heads)
    notes = [Known(str(file), file.read_bytes()) for file in known]
    notes += [Known(name, note) for name, note in _noted(folder, record).items()]
    there = folder.store.exists()
    disclosures, left = private_values(folder.store, Folder(Path(named)).store)
    before = size_of(folder.store) if there and record.note is None else None
    part = begin(folder)
    try:
        with closing(SqlStore.create(part)) as store:
            with _opened(named) as source:
                replica = fill(store, source, workers, disclosures, lambda done: show(done, source.size))
                if source.checkpoint is not None:
                    notes.append(Known("the checkpoint of the source", source.checkpoint))
            keyring = FolderKeyring(folder.keys)
            origin, charter = replica.origin or "", replica.charter
            held = keyring.verifiers(origin)
            vkeys = [] if charter is None else [charter.logKey, *charter.formerLogKeys]
            shown = _shown(origin, settings, [*map(parse_vkey, vkeys), *held])
            greatest = check(replica, [*notes, *shown], before)
            if charter is None or parse_vkey(charter.logKey) not in held:
                raise Unavailable("log_key_absent", charter.logKey if charter else "")
            check_keys(charter, _keys(folder, origin))
            check_ours(replica, [*notes, *shown], held)
            size, root = replica.size, replica.root()
            erased = [digest for _, digest in all_erased(store)]
            withheld = replica.withheld - sum(digest not in disclosures for digest in erased)
        aside = put_in_place(folder, part)
    except BaseException:
        begin(folder)
        raise
    folder.write_checkpoint(greatest.note)
    if record.damaged:
        _put_aside(record.path)
    anchored = record.note is not None or bool(shown) or bool(known)
    left_out = min(len(left.difference(erased)), withheld)
    return Restored(size, root, _size_in(greatest.note), len(erased), withheld, left_out, anchored, aside)


def _record(path: Path) -> Record:
    from ledger.store.heads import last_head

    try:
        return Record(path, last_head(path), damaged=False)
    except Corrupt:
        return Record(path, None, damaged=True)


def _keys(folder: Folder, origin: str) -> dict[str, set[str]]:
    """What is in DIR/keys beside log keys, by use. Raises ``Malformed`` for a key file that cannot be read."""

    def held(use: str) -> list[PublicKey]:
        paths = [*folder.keys.glob(f"{use}.key"), *folder.keys.glob(f"{use}-*.key")]
        return [read_key(path).public for path in paths]

    refusing = [key.raw for key in held("refusal") if key.alg == "Ed25519"]
    return {
        "governance": {did_of(key) for key in held("governance")},
        "service": {did_of(key) for key in held("service")},
        "refusal": {format_vkey(Verifier(refusal_key_name(origin), ED25519, raw)) for raw in refusing},
    }


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
    if is_address(named):
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


def _print(folder: Folder, source: str, restored: Restored, json: bool) -> None:
    shown = {
        "size": restored.size,
        "root": b64encode(restored.root).decode(),
        "signed": restored.signed,
        "erased": restored.erased,
        "withheld": restored.withheld,
        "leftOut": restored.left,
        "anchored": restored.anchored,
        "aside": None if restored.aside is None else str(restored.aside),
    }
    if json:
        print_json(shown)
        return
    print(f"restored: {restored.size} {'entry' if restored.size == 1 else 'entries'} from {source}")
    print_pairs(((name, shown[name]) for name in ("root", "aside") if shown[name] is not None), indent=2)
    if beyond := restored.size - restored.signed:
        entries = "1 entry at the end is" if beyond == 1 else f"{beyond} entries at the end are"
        print_note(f"{entries} beyond what is known to be signed")
    if restored.erased:
        print_note(f"{_values(restored.erased)} erased, as the ledger says")
    if restored.left:
        print_note(
            f"{_values(restored.left)} left out, though {source} has them: the store that was here did not, for they"
            f" were erased, or lost; to take them, move {folder.store} away and restore again"
        )
    if gone := restored.withheld - restored.left:
        print_note(f"{_values(gone)} not here any more: ask those who stated them")
    if not restored.anchored:
        print_note(
            "unanchored: no record of signed heads was here, and nobody outside says what was signed; if it was more"
            " than the source has, only a mirror or a witness can tell (--known FILE, CADASTRE_SERVE_MIRRORS)"
        )
    print(f"Serve it with: cadastre serve {folder.path}")


def _values(count: int) -> str:
    return "1 private value is" if count == 1 else f"{count} private values are"
