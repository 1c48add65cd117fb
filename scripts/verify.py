"""``cadastre verify``: what a file proves, offline. Each form of file has its module in ``scripts.proofs``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scripts.command import command
from scripts.options import Json, ReaderKey
from scripts.proofs import Asked, form_of


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
    """
    data = file.read_bytes()
    form_of(data).judge(data, Asked(file, policy, source, entry, json, key))
