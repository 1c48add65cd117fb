"""``cadastre offer`` and ``withdraw``: terms on which a holder licenses assets, and taking a proposal back."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from scripts.command import command
from scripts.jsonfile import read_object
from scripts.options import LOCAL, Json, Key, LedgerUrl, PriceOption, Until
from scripts.output import print_admitted
from scripts.private import Hide, pointers
from scripts.session import session
from scripts.times import parse_end, parse_start

PolicyFile = Annotated[
    Path | None, typer.Option("--policy", metavar="FILE", exists=True, help="ODRL policy as JSON (Dataspace Protocol).")
]
Purposes = Annotated[
    list[str] | None,
    typer.Option("--purpose", metavar="TEXT", help="Permit use for this purpose only; may be repeated."),
]


@command(acts=True)
def offer(
    assets: Annotated[list[str], typer.Argument(metavar="ASSET…", help="Id of an asset you hold; up to 16.")],
    key: Key,
    until: Until,
    price: PriceOption = None,
    free: Annotated[bool, typer.Option("--free", help="For no price.")] = False,
    policy: PolicyFile = None,
    purpose: Purposes = None,
    to: Annotated[
        list[str] | None, typer.Option(metavar="PARTY", help="Party id or DID; may be repeated.  [default: all]")
    ] = None,
    valid_from: Annotated[str | None, typer.Option("--from", metavar="WHEN", help="[default: at once]")] = None,
    hide: Hide = None,
    ledger: LedgerUrl = LOCAL,
    json: Json = False,
) -> None:
    """Offer the latest versions of your assets for licences.

    Needed are, beside --until: --policy or --purpose, and --price or --free. What is hidden is seen by those whom --to
    names.
    """
    if (price is None) != free:
        raise typer.BadParameter("say either --price or --free")
    body: dict[str, Any] = {
        "policy": stated_policy(policy, purpose),
        "validUntil": parse_end(until, int(time.time())),
    }
    if price is not None:
        body["price"] = price.json()
    if valid_from is not None:
        body["validFrom"] = parse_start(valid_from, int(time.time()))
    with session(ledger, key) as at:
        body["assets"] = [{"asset": id_, "version": at.subject(id_, "asset").state["version"]} for id_ in assets]
        body["to"] = [at.party_id(party) for party in to] if to else "all"
        print_admitted("offer.opened", at.act("offer.opened", body, hide=pointers("offer.opened", hide)), json)


@command(acts=True)
def withdraw(
    subject: Annotated[str, typer.Argument(metavar="OFFER|TRANSFER|GRANT", help="Id of what you stated.")],
    key: Key,
    ledger: LedgerUrl = LOCAL,
    json: Json = False,
) -> None:
    """Take back an offer, the proposal of a transfer, or what others were granted to see."""
    with session(ledger, key) as at:
        type_ = at.subject(subject, "offer", "transfer", "grant").type
        kind = "disclosure.withdrawn" if type_ == "grant" else f"{type_}.withdrawn"
        print_admitted(kind, at.act(kind, {}, subject), json)


def stated_policy(file: Path | None, purposes: list[str] | None) -> dict[str, Any]:
    """The policy in a file, or one that permits use for these purposes. Raises ``typer.BadParameter``."""
    if (file is None) == (not purposes):
        raise typer.BadParameter("say either --policy FILE or --purpose TEXT")
    if file is not None:
        return read_object(file)
    assert purposes
    operand: dict[str, Any] = (
        {"operator": "eq", "rightOperand": purposes[0]}
        if len(purposes) == 1
        else {"operator": "isAnyOf", "rightOperand": purposes}
    )
    constraint = {"leftOperand": "purpose", **operand}
    return {"@type": "Offer", "permission": [{"action": "use", "constraint": [constraint]}]}
