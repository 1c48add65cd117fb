"""``cadastre serve`` and ``migrate``: run the service of a ledger, bring its store to the schema of this release."""

from __future__ import annotations

import os
import socket
from errno import EACCES, EADDRINUSE
from pathlib import Path
from typing import Annotated, Any

import typer

from identity.errors import declare
from ledger.store.files import Folder
from scripts.command import Halted, command

declare(
    "halted",
    database_unsupported=("this version keeps no store there", "leave --database out: the store is SQLite in DIR"),
    address_unusable=("the service cannot listen there", "free the port, or name another: --host, --port"),
    database_elsewhere=("the store of a ledger lies in its folder", "leave --database out"),
)

Directory = Annotated[Path, typer.Argument(metavar="DIR", help="The ledger's folder.")]


@command()
def serve(
    directory: Directory,
    host: Annotated[str | None, typer.Option(help="Address to listen on.  [default: 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.  [default: 8000]")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that verify signatures.")] = None,
    database: Annotated[str | None, typer.Option(metavar="URL", help="Where the store is, if not in DIR.")] = None,
) -> None:
    """Serve a ledger over HTTP until stopped. Further settings: cadastre settings."""
    from api.settings import settings_from

    folder = Folder.open(directory)
    _check_database(folder, database)
    given: dict[str, Any] = {"host": host, "port": port, "workers": workers}
    settings = settings_from(os.environ, folder=directory, **{k: v for k, v in given.items() if v is not None})
    check_address(settings.host, settings.port)
    begun = None
    if settings.workers:
        from api import forks
        from api.anchors import addresses
        from api.writing import Apart

        forks.prepare()  # while this process has no threads
        # opens the ledger beside the imports of the service
        begun = Apart(folder.path, settings.log_level, settings.heads, addresses(settings))
    from api.app import serve as run

    run(settings, begun=begun)


@command()
def migrate(directory: Directory) -> None:
    """Bring a ledger's store to the schema of this release. Stop the service first, and keep a copy."""
    from ledger.store.sql import migrate as run

    folder = Folder.open(directory)
    with folder.lock():
        run(folder.store)
    print(f"migrated: {folder.store}")


def check_address(host: str, port: int) -> None:
    """Nobody listens there yet, and one may. Raises ``Halted`` (``address_unusable``) before anything is started."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:  # no such host; no name of a host at all
        raise Halted("address_unusable", f"{host}: {error}") from None
    wrong: list[OSError] = []
    for family, kind, protocol, _, address in found:
        try:
            with socket.socket(family, kind, protocol) as trial:
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server will
                trial.bind(address)
        except OSError as error:
            wrong.append(error)
    # a name may have an address of a family that this machine does not speak
    if any(error.errno in (EADDRINUSE, EACCES) for error in wrong) or len(wrong) == len(found):
        raise Halted("address_unusable", f"{host}:{port}: {wrong[0].strerror}")


def _check_database(folder: Folder, url: str | None) -> None:
    """Only the embedded store of the folder itself can be served by this version."""
    if url is None:
        return
    scheme, _, path = url.partition("://")
    if scheme != "sqlite":
        raise Halted("database_unsupported", f"{scheme or url} is not supported by this version")
    if Path(path.removeprefix("/")).resolve() != folder.store.resolve() and Path(path) != folder.store.resolve():
        raise Halted("database_elsewhere", f"{url} is not {folder.store}")
