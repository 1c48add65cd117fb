"""``cadastre show``, ``search`` and ``history``: what is on the ledger, for people and (``--json``) for programs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from api.client import Entry, Subject, Summary
from scripts.command import command
from scripts.options import LOCAL, Json, LedgerUrl, ReaderKey
from scripts.output import print_json, print_pairs, print_table
from scripts.session import Session, session
from scripts.times import show_micros

Limit = Annotated[int, typer.Option(metavar="NUMBER", min=1, help="Most lines to print.")]


@command()
def show(
    what: Annotated[str, typer.Argument(metavar="ID|DID|INDEX", help="A subject, a party's DID, or an entry.")],
    at_size: Annotated[int | None, typer.Option("--at", metavar="SIZE", help="As it was at this size.", min=0)] = None,
    ledger: LedgerUrl = LOCAL,
    key: ReaderKey = None,
    json: Json = False,
) -> None:
    """Show a subject or an entry."""
    with session(ledger, reader=key) as at:
        if what.isdecimal() and what.isascii():
            entry = at.client.entry(int(what))
            print_json(entry.model_dump()) if json else _print_entry(entry)
        else:
            subject = at.client.subject(what, at_size)
            print_json(subject.model_dump()) if json else _print_subject(subject, _stated(at, subject))


@command()
def search(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="Words, all of which must be there; any script.")] = "",
    type_: Annotated[Literal["asset", "offer"] | None, typer.Option("--type", help="[default: both]")] = None,
    keyword: Annotated[str | None, typer.Option(help="Has this keyword.")] = None,
    holder: Annotated[str | None, typer.Option(metavar="PARTY", help="Is held by this party.")] = None,
    classification: Annotated[
        Literal["general", "important", "core"] | None, typer.Option(help="Is classified so.")
    ] = None,
    status: Annotated[str | None, typer.Option(help="registered, retired, open, withdrawn.")] = None,
    limit: Limit = 50,
    ledger: LedgerUrl = LOCAL,
    key: ReaderKey = None,
    json: Json = False,
) -> None:
    """Find assets and offers, latest first."""
    with session(ledger, reader=key) as at:
        conditions: dict[str, Any] = {
            "type": type_,
            "keyword": keyword,
            "holder": at.party_id(holder) if holder else None,
            "classification": classification,
            "status": status,
        }
        found: list[Subject] = []
        for subject in at.client.search(text, **conditions):
            found.append(subject)
            if len(found) == limit:
                break
    if json:
        print_json([subject.model_dump() for subject in found])
    elif found:
        print_table([_line_of(subject) for subject in found])
    else:
        print("nothing found")


@command()
def history(
    what: Annotated[str, typer.Argument(metavar="ID|DID", help="A subject, or a party's DID.")],
    limit: Limit = 50,
    ledger: LedgerUrl = LOCAL,
    key: ReaderKey = None,
    json: Json = False,
) -> None:
    """List the entries that touched a subject, latest first."""
    found: list[Summary] = []
    with session(ledger, reader=key) as at:
        while len(found) < limit:
            before = found[-1].index if found else None
            page = at.client.history(what, before, min(100, limit - len(found)))
            if not page:
                break
            found += page
    if json:
        print_json([entry.model_dump() for entry in found])
    else:
        print_table([(entry.index, show_micros(entry.time), entry.kind, entry.subject, entry.id) for entry in found])


def _print_entry(entry: Entry) -> None:
    print_pairs(
        [
            ("index", entry.index),
            ("time", entry.time),
            ("kind", entry.kind),
            ("subject", entry.subject),
            ("issuer", entry.issuer),
            ("id", entry.id),
        ]
    )
    print("body")
    print_pairs(entry.claims["body"].items(), indent=2)


def _stated(at: Session, subject: Subject) -> dict[str, Any]:
    """What a state refers to by its entry and people want to read: the policy of an offer or agreement."""
    if "statedIn" not in subject.state:
        return {}
    body = at.client.entry(subject.state["statedIn"]).claims["body"]
    return {"policy": body.get("terms", body).get("policy")}


def _print_subject(subject: Subject, stated: dict[str, Any]) -> None:
    shown = {"index": subject.index, "last": subject.last, **subject.state, **stated}
    print_pairs([(subject.type, subject.id), *shown.items()])


def _line_of(subject: Subject) -> tuple[object, ...]:
    state = subject.state
    title = state.get("title") or "; ".join(state.get("titles", []))
    return subject.id, subject.type, state.get("status"), state.get("classification"), state.get("holder"), title
