"""``cadastre show``, ``search`` and ``history``: what is on the ledger, for people and (``--json``) for programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from api.client import Entry, Subject, Summary
from identity.alias import is_alias, read_alias
from scripts.command import check_free, command
from scripts.doubt import Doubts
from scripts.options import LOCAL, Json, LedgerUrl, ReaderKey
from scripts.output import print_json, print_pairs, print_table
from scripts.private import marked, tombstones
from scripts.readable import readable
from scripts.session import Session, session
from scripts.times import show_micros

Limit = Annotated[int, typer.Option(metavar="NUMBER", min=1, help="Most lines to print.")]


@command()
def show(
    what: Annotated[
        str, typer.Argument(metavar="ID|DID|ALIAS|INDEX", help="A subject, a party's DID, an alias (lei:…), an entry.")
    ],
    at_size: Annotated[int | None, typer.Option("--at", metavar="SIZE", help="As it was at this size.", min=0)] = None,
    proof: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keep the proof of who has an alias; must not be there.")
    ] = None,
    ledger: LedgerUrl = LOCAL,
    key: ReaderKey = None,
    json: Json = False,
) -> None:
    """Show a subject or an entry; of an alias, who has it, with a proof of the whole list."""
    if is_alias(what):
        _show_alias(what, at_size, proof, ledger, key, json)
        return
    if proof is not None:
        raise typer.BadParameter("it goes with an alias; for subjects: cadastre prove", param_hint="--proof")
    with session(ledger, reader=key) as at:
        if what.isdecimal() and what.isascii():
            entry = at.client.entry(int(what))
            print_json(entry.model_dump()) if json else _print_entry(at, entry)
        else:
            subject = at.client.subject(what, at_size)
            print_json(subject.model_dump()) if json else _print_subject(at, subject)


@command()
def search(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="Words, all of which must be there; any script.")] = "",
    type_: Annotated[
        Literal["asset", "offer", "credential"] | None, typer.Option("--type", help="[default: assets and offers]")
    ] = None,
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
    """List the entries that touched a subject, latest first.

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
        doubts = Doubts(at.client)
        lines = [(entry, doubts.cast_on(entry)) for entry in found]
    if json:
        print_json([{**entry.model_dump(), "doubtful": doubtful} for entry, doubtful in lines])
    else:
        print_table([_row_of(entry, doubtful) for entry, doubtful in lines])


def _show_alias(what: str, size: int | None, proof: Path | None, ledger: str, key: str | None, json: bool) -> None:
    # Imported here: what judges proofs takes time that a look at a subject need not wait.
    from scripts.aliased import show_alias

    if size is not None:
        raise typer.BadParameter("it goes with subjects; for an alias: cadastre prove", param_hint="--at")
    if proof is not None:
        check_free(proof)
    alias = read_alias(what)
    with session(ledger, reader=key) as at:
        show_alias(at, alias, json, proof)


def _row_of(entry: Summary, doubtful: bool) -> tuple[object, ...]:
    return entry.index, show_micros(entry.time), entry.kind, entry.subject, entry.id, "doubtful" if doubtful else ""


def _print_entry(at: Session, entry: Entry) -> None:
    print_pairs(
        [
            ("index", entry.index),
            ("time", entry.time),
            ("kind", entry.kind),
            ("subject", entry.subject),
            ("issuer", entry.issuer),
            ("signer", entry.signer),
            ("key", entry.key),
            *([("via", entry.via)] if entry.via else []),
            ("id", entry.id),
        ]
    )
    print("body")
    erased = tombstones(at.client)
    body = marked(entry.claims["body"], lambda digest: any(one.entry == entry.index for one in erased(digest)))
    print_pairs(body.items(), indent=2)


def _stated(at: Session, subject: Subject) -> dict[str, Any]:
    """What a state refers to by its entry and people want to read: the policy of an offer or agreement."""
    if "statedIn" not in subject.state:
        return {}
    body = at.client.entry(subject.state["statedIn"]).claims["body"]
    return {"policy": body.get("terms", body).get("policy")}


def _print_subject(at: Session, subject: Subject) -> None:
    erased = tombstones(at.client)
    state = marked(subject.state, lambda digest: any(one.subject == subject.id for one in erased(digest)))
    shown = {"index": subject.index, "last": subject.last, **readable(state), **_stated(at, subject)}
    print_pairs([(subject.type, subject.id), *shown.items()])


def _line_of(subject: Subject) -> tuple[object, ...]:
    state = subject.state
    title = state.get("title") or "; ".join(state.get("titles", [])) or state.get("type", "")
    return subject.id, subject.type, state.get("status"), state.get("classification"), state.get("holder"), title
