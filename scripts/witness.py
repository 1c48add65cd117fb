"""``cadastre witness``: make a witness of other logs, and run it (C2SP tlog-witness)."""

from __future__ import annotations

import os
import secrets
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from identity.errors import declare
from identity.note import format_vkey, parse_vkey
from scripts.command import Halted, command
from scripts.options import Json
from scripts.output import print_json, print_pairs
from scripts.serve import check_address

if TYPE_CHECKING:
    from ledger.witness.witness import Witness

PORT = 8001  # beside a ledger's own service

declare(
    "halted",
    witness_name_other=("the witness has another name", "leave --name out, or name another folder"),
)


@command()
def witness(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The witness's folder.")],
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Make it, if it is not there, with this name for ever: witness.example/w1."),
    ] = None,
    log: Annotated[
        list[str] | None, typer.Option(metavar="VKEY", help="Add the key of a log to those it cosigns (DIR/logs).")
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.  [default: 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.  [default: 8001]")] = None,
    show: Annotated[bool, typer.Option("--show", help="Show its name, keys and logs, and do not serve.")] = False,
    json: Json = False,
) -> None:
    """Cosign the checkpoints of other logs until stopped. Further settings: cadastre settings."""
    # Imported here: the libraries of service and store take time that other commands need not wait.
    from api.settings import settings_from
    from api.witness import alarm, serve
    from ledger.witness.folder import WitnessFolder

    keys = [parse_vkey(vkey) for vkey in log or []]
    given: dict[str, Any] = {"host": host, "port": port}
    environment = {"CADASTRE_SERVE_PORT": str(PORT), **os.environ}
    settings = settings_from(environment, folder=directory, **{k: v for k, v in given.items() if v is not None})
    if not show:
        check_address(settings.host, settings.port)
    folder = WitnessFolder(directory)
    if name is not None and not folder.memory.exists() and not folder.key.exists():
        folder.create(name, secrets.token_bytes)
    opened = folder.open(lambda: int(time.time()), alarm)
    try:
        if name not in (None, opened.name):
            raise Halted("witness_name_other", f"{directory} is of {opened.name}")
        if keys:
            folder.add_logs(keys)
        _print(folder.path, opened, json)
        if not show:
            sys.stdout.flush()  # whoever reads a pipe waits for the keys
            serve(opened, settings)
    finally:
        opened.close()


def _print(path: Path, opened: Witness, json: bool) -> None:
    vkeys = [format_vkey(verifier) for verifier in opened.verifiers]
    logs = [sight.origin for sight in opened.seen() if sight.known]
    if json:
        print_json({"folder": str(path), "name": opened.name, "vkeys": vkeys, "logs": logs})
    else:
        pairs = [("folder", path), ("name", opened.name), *(("vkey", vkey) for vkey in vkeys), ("logs", logs)]
        print_pairs(pairs)
