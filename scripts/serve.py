"""``cadastre serve`` and ``migrate``: run the service of a ledger, bring its store to the schema of this release."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from ledger.store.files import Folder
from scripts.command import Halted, command

Directory = Annotated[Path, typer.Argument(metavar="DIR", help="The ledger's folder.")]


@command()
def serve(
    directory: Directory,
    host: Annotated[str | None, typer.Option(help="Address to listen on.  [default: 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.  [default: 8000]")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that verify signatures.")] = None,
    database: Annotated[str | None, typer.Option(metavar="URL", help="Where the store is, if not in DIR.")] = None,
) -> None:
    """Serve a ledger over HTTP until stopped. Further settings: CADASTRE_SERVE_* (see api/settings.py)."""
    from api.settings import settings_from

    folder = Folder.open(directory)
    _check_database(folder, database)
    given: dict[str, Any] = {"host": host, "port": port, "workers": workers}
    settings = settings_from(os.environ, folder=directory, **{k: v for k, v in given.items() if v is not None})
    if settings.workers:
        from api.process import prepare

        prepare()  # they import their libraries while this process imports those of the service
    from api.app import serve as run

    run(settings)


@command()
def migrate(directory: Directory) -> None:
    """Bring a ledger's store to the schema of this release. Stop the service first, and keep a copy."""
    from ledger.store.sql import migrate as run

    folder = Folder.open(directory)
    with folder.lock():
        run(folder.store)
    print(f"migrated: {folder.store}")


def _check_database(folder: Folder, url: str | None) -> None:
    """Only the embedded store of the folder itself can be served by this version."""
    if url is None:
        return
    scheme, _, path = url.partition("://")
    if scheme != "sqlite":
        advice = "leave --database out: the store is SQLite in DIR"
        raise Halted("database_unsupported", f"{scheme or url} is not supported by this version", advice)
    if Path(path.removeprefix("/")).resolve() != folder.store.resolve() and Path(path) != folder.store.resolve():
        raise Halted("database_elsewhere", f"{url} is not {folder.store}", "leave --database out")
