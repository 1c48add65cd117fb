"""``cadastre verify``: what a file proves, offline. Each form of file has its module in ``scripts.proofs``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from identity.errors import Malformed
from scripts.command import command
from scripts.options import Json, ReaderKey
from scripts.proofs import Asked, form_of

BYTES_MAX = 1 << 28  # the largest are packs of thousands of entries


@command(no="disproven")
def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="What is to be proven.")],
    policy: Annotated[
        Path | None,
        typer.Option(metavar="FILE", exists=True, help="Log keys to trust.  [default: those of the ledgers met]"),
    ] = None,
    source: Annotated[
        str | None, typer.Option(metavar="SOURCE", help="The ledger to replay, for files that need it: see audit.")
    ] = None,
    entry: Annotated[
        Path | None,
        typer.Option(metavar="FILE", exists=True, help="The entry a COSE receipt is of.  [default: FILE.entry]"),
    ] = None,
    key: ReaderKey = None,
    json: Json = False,
) -> None:
    """Prove what a file says: a receipt (C2SP or COSE), a state proof, an audit pack, a refusal, evidence of a fork.

    They are made by: receipt, prove, pack; by acting commands with --refusal FILE; by follow and audit --evidence.
    Credentials and presentations have a command of their own: credential verify.
    """
    data = _read(file)
    form_of(data).judge(data, Asked(file, policy, source, entry, json, key))


def _read(path: Path) -> bytes:
    """The bytes of a file that ends, and may be one of any form. Raises ``Malformed`` (``form_unknown``)."""
    if not path.is_file():
        raise Malformed("form_unknown", f"{path} is no file of bytes")
    if path.stat().st_size > BYTES_MAX:
        raise Malformed("form_unknown", f"{path} has more than {BYTES_MAX >> 20} MiB")
    return path.read_bytes()
