"""``cadastre receipt``: fetch the file that proves an entry, and prove it (``scripts.proofs``) before it is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ledger.log.cose import open_cose_receipt
from scripts.command import check_free, command
from scripts.files import keep
from scripts.options import LOCAL, Json, LedgerUrl, ReaderKey
from scripts.proofs.cose import entry_beside
from scripts.proofs.receipt import Proven, print_proven, prove
from scripts.session import session
from scripts.signed import read_verified


@command()
def receipt(
    what: Annotated[str, typer.Argument(metavar="INDEX|ID", help="An entry, or the subject that it opened.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where to write it.")],
    cose: Annotated[
        bool, typer.Option("--cose", help="As COSE, for tools that speak SCITT; the entry goes into FILE.entry.")
    ] = False,
    ledger: LedgerUrl = LOCAL,
    key: ReaderKey = None,
    json: Json = False,
) -> None:
    """Fetch the receipt of an entry and verify it."""
    files = {out: b""} | ({entry_beside(out): b""} if cose else {})
    for path in files:
        check_free(path)
    with session(ledger, reader=key) as at:
        index = at.index_of(what)
        if cose:
            files[out], files[entry_beside(out)] = at.client.cose_receipt(index), at.client.entry_bytes(index)
            entry, checkpoint = open_cose_receipt(files[out], files[entry_beside(out)], at.verifiers)
            proven = Proven(entry, checkpoint, read_verified(entry.statement))
        else:
            files[out] = at.client.receipt(index)
            proven = prove(files[out], at.verifiers)
    for path, data in reversed(files.items()):
        keep(path, data)
    print_proven(proven, json, file=str(out))
