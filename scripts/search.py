"""``cadastre search``: what there is on a ledger, by words and conditions."""

from __future__ import annotations

from itertools import islice
from typing import Annotated, Any, Literal

import typer

from api.client import Subject
from identity.alias import is_alias
from scripts.command import command
from scripts.known import Known
from scripts.options import LOCAL, Json, LedgerUrl, Limit, ReaderKey
from scripts.output import print_json, print_note, print_table
from scripts.session import session
from scripts.times import show_seconds


@command()
def search(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="Words, all of which must be there; any script.")] = "",
    type_: Annotated[
        Literal["asset", "offer", "agreement", "party", "delegation", "credential"] | None,
        typer.Option("--type", help="[default: assets and offers]"),
    ] = None,
    keyword: Annotated[str | None, typer.Option(help="Has this keyword.")] = None,
    holder: Annotated[str | None, typer.Option(metavar="PARTY", help="Is held by this party.")] = None,
    delegator: Annotated[
        str | None, typer.Option(metavar="PARTY", help="Of delegations: was given by this party.")
    ] = None,
    delegate: Annotated[str | None, typer.Option(metavar="DID", help="Of delegations: was given to this DID.")] = None,
    classification: Annotated[
        Literal["general", "important", "core"] | None, typer.Option(help="Is classified so.")
    ] = None,
    status: Annotated[
        str | None,
        typer.Option(help="registered, retired, open, withdrawn; of credentials active, suspended, revoked."),
    ] = None,
    limit: Limit = 50,
    ledger: LedgerUrl = LOCAL,
    key: ReaderKey = None,
    json: Json = False,
) -> None:
    """Find assets and offers, or what is of another type, latest first."""
    if (delegator or delegate) and type_ not in (None, "delegation"):
        raise typer.BadParameter("--delegator and --delegate go with delegations", param_hint="--type")
    if status and type_ in ("agreement", "party", "delegation"):
        raise typer.BadParameter("it goes with assets, offers and credentials", param_hint="--status")
    with session(ledger, reader=key) as at:
        conditions: dict[str, Any] = {
            "type": "delegation" if delegator or delegate else type_,
            "keyword": keyword,
            "holder": at.party_id(holder) if holder else None,
            "delegator": at.party_id(delegator) if delegator else None,
            "delegate": delegate,
            "classification": classification,
            "status": status,
        }
        found = list(islice(at.client.search(text, **conditions), limit))
        if json:
            print_json([subject.model_dump() for subject in found])
        elif found:
            known = Known(at.client)
            print_table([_line_of(subject, known) for subject in found])
        else:
            print("nothing found")
            if is_alias(text) or text.startswith("did:"):
                print_note(f"what it stands for is told by: cadastre show {text}")


def _line_of(subject: Subject, known: Known) -> tuple[object, ...]:
    """Id, type, how it stands, what of it counts, whose it is, and what it is called."""
    state = subject.state
    id_, type_ = subject.id, subject.type
    if type_ == "delegation":
        until = f"until {show_seconds(state['until'])}"
        what = f"{' '.join(state['kinds'])}  to {known.delegate(state)}"
        return id_, type_, known.standing(state), until, state["party"], what
    if type_ == "credential":
        return id_, type_, known.standing(state), state["role"], state["holder"], state["type"]
    if type_ == "agreement":
        return id_, type_, state["state"], state["price"], state["provider"], f"for {state['consumer']}"
    if type_ == "party":
        return id_, type_, state["status"], state["nature"], state["dids"][-1], known.called(subject)
    title = known.called(subject) or "; ".join(state.get("titles", []))
    status = known.offering(state) if type_ == "offer" else state.get("status")
    return id_, type_, status, state.get("classification"), state.get("holder"), title
