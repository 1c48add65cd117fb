"""``cadastre backup``: a copy of a ledger's store while it is served, with the private values and without any key.

The copy is a folder that ``audit`` and ``export`` read, and from which ``cadastre restore DIR --from FOLDER`` fills a
lost store. It has no record of signed heads: an old record beside an old store would agree with it, and so hide that
more was signed since.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from ledger.errors import Unavailable
from ledger.store.files import Folder, sync
from scripts.command import check_free, command
from scripts.options import Json
from scripts.output import print_json, print_note


@command()
def backup(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The ledger's folder; it may be served meanwhile.")],
    copy: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder to make; must not be there.")],
    json: Json = False,
) -> None:
    """Copy a ledger's store, private values included. Restore from it with: cadastre restore DIR --from FOLDER."""
    from ledger.store import sqlite  # imported here, as all that is the store's: it takes time

    folder = Folder.open(directory)
    checkpoint = folder.read_checkpoint()  # before the store: so the store is never the older one
    if checkpoint is None:
        raise Unavailable("publish_unsigned", f"{folder.checkpoint} is not there")
    check_free(copy)
    copy.mkdir(mode=0o700)
    try:
        made = Folder(copy)
        made.write_checkpoint(checkpoint)
        part = copy / "ledger.db.part"
        sqlite.copy(folder.store, part)
        part.replace(made.store)  # last: where it is, all is
        sync(copy)
        sync(copy.absolute().parent)
    except BaseException:
        shutil.rmtree(copy)
        raise
    shown = {"folder": str(copy), "size": _size_of(made), "bytes": made.store.stat().st_size}
    if json:
        print_json(shown)
    else:
        print(f"copied: {shown['size']} entries to {copy}, {shown['bytes']} bytes")
        print_note(f"it holds no key: keep a copy of {folder.keys} elsewhere, too, or nothing can be restored")


def _size_of(folder: Folder) -> int:
    from ledger.store.sql import SqlStore

    with SqlStore.snapshot(folder.store) as store:
        head = store.head()
    return head.size if head is not None else 0
