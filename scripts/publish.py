"""``cadastre publish``: write a ledger's log as files for everybody, into a folder or a bucket.

The files are those of C2SP tlog-tiles, so a web server that shows the folder, or the bucket itself, is a log that any
tool for such logs reads. The ledger's folder is only read: its service may be running, and publishes there itself.
"""

from __future__ import annotations

import signal
import time
from base64 import b64encode
from pathlib import Path
from typing import Annotated

import typer

from api.keyring import FolderKeyring
from ledger.errors import Unavailable
from ledger.publish import PUBLIC, Published, Target, publish_folder, target_at
from ledger.publish.folder import FolderTarget
from ledger.publish.prune import prune as prune_folder
from ledger.store.files import Folder
from scripts.command import command, tell
from scripts.options import Json
from scripts.output import counting, print_json, print_note


@command()
def publish(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The ledger's folder.")],
    to: Annotated[
        str | None, typer.Option(metavar="TARGET", help="A folder, or s3://bucket/prefix.  [default: DIR/public]")
    ] = None,
    every: Annotated[
        float | None, typer.Option(metavar="SECONDS", min=0.1, help="Go on, with a pass so often, until stopped.")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="One pass; so it is unless --every is given.")] = False,
    entries: Annotated[
        bool | None,
        typer.Option("--entries/--no-entries", help="The entries, too.  [default: where everybody may read them]"),
    ] = None,
    whole: Annotated[bool, typer.Option("--whole", help="Look at every file again, not only at what is due.")] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Then remove partial tiles that grew full an hour ago; of a folder only.")
    ] = False,
    json: Json = False,
) -> None:
    """Publish a ledger's log as files: checkpoint, tiles and entries, as C2SP tlog-tiles has them."""
    if once and every is not None:
        raise typer.BadParameter("either once or every so often", param_hint="--once")
    Folder.open(directory)
    where = to or str(directory / PUBLIC)
    target = target_at(where)
    if prune and (every is not None or not isinstance(target, FolderTarget)):
        raise typer.BadParameter("a folder can be pruned, after one pass", param_hint="--prune")
    if every is None:
        _print(where, _pass(directory, target, entries, whole), json)
        if prune and isinstance(target, FolderTarget):
            removed = prune_folder(target, time.time())
            print_note(f"pruned: {removed} partial files")
        return
    if not json:
        print_note(f"publishing to {where} every {every:g} s; stop it with Ctrl-C")
    _go_on(directory, target, where, every, entries, whole, json)


def _go_on(
    directory: Path, target: Target, where: str, every: float, entries: bool | None, whole: bool, json: bool
) -> None:
    """Pass after pass. What may pass by itself is told and tried again; damage and fraud end it."""
    last = -1
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # told to stop in whatever way, it ends well
    try:
        while True:
            try:
                published = _pass(directory, target, entries, whole)
                if published.size != last:
                    _print(where, published, json)
                last, whole = published.size, False
            except Unavailable as problem:
                tell(problem)
            except OSError as error:
                tell(Unavailable("publish_failed", f"{error.filename or where}: {error.strerror}"))
            time.sleep(every)
    except KeyboardInterrupt:
        return


def _pass(directory: Path, target: Target, entries: bool | None, whole: bool) -> Published:
    with counting("publishing") as show:
        cosign = FolderKeyring(Folder.open(directory).keys).cosign
        return publish_folder(directory, target, entries=entries, whole=whole, cosign=cosign, progress=show)


def _print(where: str, published: Published, json: bool) -> None:
    root = b64encode(published.root).decode()
    if json:
        shown = {"size": published.size, "root": root, "files": published.files, "bytes": published.bytes}
        print_json({"target": where, **shown})
    else:
        print(f"published: {published.size} entries to {where}  files={published.files} root={root}", flush=True)
