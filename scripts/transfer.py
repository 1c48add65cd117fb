"""``cadastre transfer``, ``accept`` and ``decline``: an asset passes to another party by the signatures of both.

``accept`` also takes a provider's terms in a negotiation: either way it says yes to what the other side proposed.
"""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer

from api.client import Subject
from identity.errors import declare
from scripts.agree import TIMEOUT_S, sign_on
from scripts.command import Halted, command
from scripts.negotiation import Account, approve_price
from scripts.options import LOCAL, Json, Key, LedgerUrl, PriceOption, Timeout, Until, Wait
from scripts.output import print_admitted
from scripts.private import Hide, pointers
from scripts.session import Session, session
from scripts.times import parse_end

declare(
    "halted",
    nothing_offered=("nothing is proposed that could be accepted", "see what is possible: cadastre show AGREEMENT"),
    not_confirmed=("nothing was signed", "say so beforehand: --licences NUMBER"),
)


@command(acts=True)
def transfer(
    asset: Annotated[str, typer.Argument(metavar="ASSET", help="Id of an asset you hold.")],
    key: Key,
    to: Annotated[str, typer.Option(metavar="PARTY", help="Party id or DID of who shall hold it.")],
    price: PriceOption = None,
    note: Annotated[str, typer.Option(help="What else the other side should know.")] = "",
    until: Until = "30d",
    hide: Hide = None,
    ledger: LedgerUrl = LOCAL,
    json: Json = False,
) -> None:
    """Propose to pass an asset to another party; it moves when they accept. --until limits the answer.

    What is hidden is seen by both sides.
    """
    body: dict[str, Any] = {"asset": asset, "validUntil": parse_end(until, int(time.time()))}
    if price is not None:
        body["price"] = price.json()
    if note:
        body["note"] = note
    with session(ledger, key) as at:
        at.subject(asset, "asset")
        body["to"] = at.party_id(to)
        print_admitted(
            "transfer.proposed", at.act("transfer.proposed", body, hide=pointers("transfer.proposed", hide)), json
        )


@command(acts=True)
def accept(
    subject: Annotated[str, typer.Argument(metavar="AGREEMENT|TRANSFER", help="Id of what is proposed to you.")],
    key: Key,
    licences: Annotated[
        int | None, typer.Option(help="How many licences you take over with the asset; asked for if left out.")
    ] = None,
    wait: Wait = False,
    timeout: Timeout = TIMEOUT_S,
    ledger: LedgerUrl = LOCAL,
    json: Json = False,
) -> None:
    """Accept what the other side proposes: the terms of a licence, or an asset with the licences on it."""
    with session(ledger, key) as at:
        found = at.subject(subject, "agreement", "transfer")
        if found.type == "transfer":
            if wait:
                raise typer.BadParameter("a transfer is done when it is accepted", param_hint="--wait")
            _take_over(at, found, licences, json)
            return
        if licences is not None:
            raise typer.BadParameter("licences come with a transfer, not an agreement", param_hint="--licences")
        if found.state["state"] != "OFFERED":
            advice = f"see what is possible: cadastre show {subject}, or sign the next step: cadastre agree {subject}"
            raise Halted("nothing_offered", f"{subject} is {found.state['state']}", advice)
        with Account(json) as account:
            sign_on(at, found, account, timeout if wait else None)


@command(acts=True)
def decline(
    transfer_: Annotated[str, typer.Argument(metavar="TRANSFER", help="Id of the transfer.")],
    key: Key,
    ledger: LedgerUrl = LOCAL,
    json: Json = False,
) -> None:
    """Decline the transfer of an asset to you."""
    with session(ledger, key) as at:
        at.subject(transfer_, "transfer")
        print_admitted("transfer.declined", at.act("transfer.declined", {}, transfer_), json)


def _take_over(at: Session, transfer_: Subject, licences: int | None, json: bool) -> None:
    """Accept a transfer at a price that is told, with the number of licences said by the one who takes them over."""
    approve_price(at, transfer_)
    asset = transfer_.state["asset"]
    if licences is None:
        carried = at.client.subject(asset).state["licences"]
        question = f"{asset} carries {carried} licences, which will bind you. Take it over?"
        if not typer.confirm(question, err=True):
            raise Halted("not_confirmed", "nothing was signed", f"say so beforehand: --licences {carried}")
        licences = carried
    body = {"asset": asset, "licences": licences}
    print_admitted("transfer.accepted", at.act("transfer.accepted", body, transfer_.id), json, asset=asset)
