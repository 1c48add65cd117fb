"""``cadastre history``: the entries that touched a subject, who signed each, and which of them are doubtful."""

from __future__ import annotations

from typing import Annotated

import typer

from api.client import Summary
from ledger.statement import delegation_of
from scripts.command import command
from scripts.doubt import is_doubtful
from scripts.known import Known
from scripts.options import LOCAL, Json, LedgerUrl, Limit, ReaderKey
from scripts.output import print_json, print_table
from scripts.session import session
from scripts.times import show_micros

_HEADER = ("INDEX", "TIME", "KIND", "SUBJECT", "ID", "SIGNED BY", "")


@command()
def history(
    what: Annotated[str, typer.Argument(metavar="ID|DID", help="A subject, or a party's DID.")],
    limit: Limit = 50,
    ledger: LedgerUrl = LOCAL,
    key: ReaderKey = None,
    json: Json = False,
) -> None:
    """List the entries that touched a subject, latest first, and who signed each.

    Those are marked doubtful whose key, or delegation, was declared compromised as of an index before them.
    """
    found: list[Summary] = []
    with session(ledger, reader=key) as at:
        while len(found) < limit:
            before = found[-1].index if found else None
            page = at.client.history(what, before, min(100, limit - len(found)))
            if not page:
                break
            found += page
        known = Known(at.client)
        if json:
            print_json([{**entry.model_dump(), "doubtful": is_doubtful(known, entry)} for entry in found])
        else:
            print_table([_HEADER, *(_row_of(known, entry) for entry in found)])


def _row_of(known: Known, entry: Summary) -> tuple[object, ...]:
    doubtful = "doubtful" if is_doubtful(known, entry) else ""
    time = show_micros(entry.time)
    return entry.index, time, entry.kind, entry.subject, entry.id, _signed_by(known, entry), doubtful


def _signed_by(known: Known, entry: Summary) -> str:
    """The party whose act it is and, where another signed for it, who did, and under which delegation."""
    party = known.speaker(entry.issuer)
    if entry.via is None:
        return party
    leaf = delegation_of(entry.via)
    return f"{party}, by {known.delegate(known.state(leaf), entry.signer)} under {leaf}"
