"""``cadastre show``: a subject, an entry, or who has an alias, for people and (``--json``) for programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from api.client import Entry, Erasure, Subject
from identity.alias import is_alias, read_alias
from ledger.errors import Absent
from scripts.command import check_free, command
from scripts.delegations import given_and_held, held_by, line_of
from scripts.known import Known
from scripts.options import LOCAL, Json, LedgerUrl, ReaderKey
from scripts.output import print_json, print_pairs
from scripts.private import marked, tombstones
from scripts.readable import readable
from scripts.session import Session, session

HELD_SHOWN = 50  # delegations of a DID that is no party's


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
            return
        try:
            subject = at.client.subject(what, at_size)
        except Absent:
            if at_size is not None or not what.startswith("did:") or not (held := held_by(at.client, what, HELD_SHOWN)):
                raise
            _print_delegate(at, what, held, json)
            return
        print_json(subject.model_dump()) if json else _print_subject(at, subject, present=at_size is None)


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


def _print_subject(at: Session, subject: Subject, *, present: bool) -> None:
    erased = tombstones(at.client)
    entry = subject.state.get("statedIn")  # both sides state a price by one digest, and each has its own erased

    def gone(one: Erasure) -> bool:
        return one.subject == subject.id if entry is None else one.entry == entry

    state = marked(subject.state, lambda digest: any(map(gone, erased(digest))))
    known = Known(at.client)
    shown = {"index": subject.index, "last": subject.last, **readable(state, known.named), **_stated(at, subject)}
    if subject.type in ("delegation", "credential") and present:
        shown["status"] = known.standing(state)
        above = [line_of(known.state(one), one, known, to=True) for one in state.get("chain", ())]
        shown |= {"chain": "\n".join(above)} if above else {}
    if subject.type == "offer" and present:
        standing = known.offering(state)
        shown["status"] = known.lapsed(state) or standing if standing == "open" else standing
    if subject.type == "party" and present:
        shown |= given_and_held(at.client, known, subject)
    print_pairs([(subject.type, subject.id), *shown.items()])


def _print_delegate(at: Session, did: str, held: list[Subject], json: bool) -> None:
    """A DID that is no party's, by the delegations it holds."""
    if json:
        print_json({"did": did, "delegations": [one.model_dump() for one in held]})
        return
    known = Known(at.client)
    lines = [line_of(one.state, one.id, known, to=False) for one in held]
    print_pairs([("did", did), ("party", "none: it acts for others"), ("acts for", "\n".join(lines))])
