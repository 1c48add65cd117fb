"""``cadastre rebuild``: make a ledger's state map again, from nothing but the bytes of its entries.

The map is what state proofs are made of (``cadastre prove``). Its service keeps it for the latest sizes that were
committed to; for an older one it is made here and kept in a file beside, DIR/map-SIZE.db, until somebody deletes it.
"""

from __future__ import annotations

from base64 import b64encode
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from scripts.command import command
from scripts.options import Json
from scripts.output import bar, print_json


@command()
def rebuild(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The ledger's folder.")],
    at_size: Annotated[
        int | None,
        typer.Option("--at", metavar="SIZE", min=1, help="An older size committed to.  [default: the last]"),
    ] = None,
    json: Json = False,
) -> None:
    """Make the state map again from the entries. Without --at the service must be stopped."""
    # Imported here: the libraries of the store take time that other commands need not wait.
    from ledger.audit import open_folder
    from ledger.rebuild import rebuild as run
    from ledger.store.files import Folder
    from ledger.store.map import map_at
    from scripts.prove import prover_of

    folder = Folder.open(directory)
    with nullcontext() if at_size is not None else folder.lock():
        with prover_of(directory) as (prover, _):
            commitment = prover.commitment(at_size)
        with open_folder(directory) as source, bar("replaying", commitment.size) as progress:
            path = map_at(directory, at_size)
            head = run(source, commitment, path, lambda done: progress.update(progress.task_ids[0], completed=done))
    root = b64encode(head.root).decode()
    if json:
        print_json({"map": str(path), "size": head.size, "root": root, "index": commitment.index})
    else:
        print(f"rebuilt: {path}  size={head.size} root={root}")
