"""``cadastre request``, ``agree``, ``counter`` and ``terminate``: negotiating a licence.

With ``--wait`` a command sees the negotiation through: it waits for the other side and signs the next steps by itself,
as long as they lead to the very terms it was started for (``negotiation``).
"""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer

from api.client import Subject
from ledger.circulation.agreement import digest_of_terms
from ledger.values import is_hidden
from scripts.command import Halted, command
from scripts.money import Price
from scripts.negotiation import Account, Terms, approved_terms, pursue, role_in, standing_terms, take_step
from scripts.offer import PolicyFile, Purposes, stated_policy
from scripts.options import LOCAL, Json, Key, LedgerUrl, PriceOption, Timeout, Until, Wait
from scripts.output import print_admitted
from scripts.session import Session, session
from scripts.times import parse_end

TIMEOUT_S = 3600.0

Agreement = Annotated[str, typer.Argument(metavar="AGREEMENT", help="Id of the negotiation.")]


@command(acts=True)
def request(
    offer: Annotated[str, typer.Argument(metavar="OFFER", help="Id of the offer.")],
    key: Key,
    price: PriceOption = None,
    policy: PolicyFile = None,
    purpose: Purposes = None,
    until: Until = "7d",
    wait: Wait = False,
    timeout: Timeout = TIMEOUT_S,
    ledger: LedgerUrl = LOCAL,
    json: Json = False,
) -> None:
    """Ask for a licence: on the offer's terms, or on another price or policy. --until limits the answer."""
    answer_by = parse_end(until, int(time.time()))
    with session(ledger, key) as at, Account(json) as account:
        offered = at.subject(offer, "offer")
        opened = at.proven(offered.state["statedIn"]).claims.body
        stated = stated_policy(policy, purpose) if policy or purpose else opened["policy"]
        terms = _terms(offered.state["assets"], stated, _price(opened.get("price"), price))
        admitted = at.act("agreement.requested", {"offer": offer, "terms": terms, "validUntil": answer_by})
        account.signed("agreement.requested", admitted)
        if wait:
            digest = digest_of_terms(admitted.subject, offered.state["holder"], at.party, offer, terms)
            pursue(at, admitted.subject, Terms(terms, digest), timeout, account)


@command(acts=True)
def agree(
    agreement: Agreement,
    key: Key,
    wait: Wait = False,
    timeout: Timeout = TIMEOUT_S,
    ledger: LedgerUrl = LOCAL,
    json: Json = False,
) -> None:
    """Sign the next step towards the agreement on the terms that stand; with --wait, all that follow."""
    with session(ledger, key) as at, Account(json) as account:
        sign_on(at, at.subject(agreement, "agreement"), account, timeout if wait else None)


@command(acts=True)
def counter(
    agreement: Agreement,
    key: Key,
    price: PriceOption = None,
    policy: PolicyFile = None,
    purpose: Purposes = None,
    until: Until = "7d",
    wait: Wait = False,
    timeout: Timeout = TIMEOUT_S,
    ledger: LedgerUrl = LOCAL,
    json: Json = False,
) -> None:
    """Answer a proposal with other terms: what is not named stays as it stands. --until limits the answer."""
    if price is None and policy is None and not purpose:
        raise typer.BadParameter("name what shall differ: --price, --policy or --purpose")
    answer_by = parse_end(until, int(time.time()))
    with session(ledger, key) as at, Account(json) as account:
        subject = at.subject(agreement, "agreement")
        state, standing = subject.state, standing_terms(at, subject).json
        stated = stated_policy(policy, purpose) if policy or purpose else standing["policy"]
        terms = _terms(state["assets"], stated, _price(standing.get("price"), price))
        body: dict[str, Any] = {"offer": state["offer"], "terms": terms, "validUntil": answer_by}
        kind = "agreement.requested"
        if role_in(at, subject) == "provider":
            kind, body["consumer"] = "agreement.offered", state["consumer"]
        account.signed(kind, at.act(kind, body, agreement))
        if wait:
            digest = digest_of_terms(agreement, state["provider"], state["consumer"], state["offer"], terms)
            pursue(at, agreement, Terms(terms, digest), timeout, account)


@command(acts=True)
def terminate(
    agreement: Agreement,
    key: Key,
    reason: Annotated[str, typer.Option(help="Why, for everybody to read.")],
    code: Annotated[str | None, typer.Option(help="The Dataspace Protocol's code, for software.")] = None,
    ledger: LedgerUrl = LOCAL,
    json: Json = False,
) -> None:
    """Break a negotiation off."""
    body = {"reason": reason} if code is None else {"reason": reason, "code": code}
    with session(ledger, key) as at:
        at.subject(agreement, "agreement")
        print_admitted("agreement.terminated", at.act("agreement.terminated", body, agreement), json)


def sign_on(at: Session, agreement: Subject, account: Account, timeout: float | None) -> None:
    """Approve the terms that stand and sign the next step; all that follow as well if there is a ``timeout``."""
    role_in(at, agreement)
    terms = approved_terms(at, agreement)
    if timeout is None:
        take_step(at, agreement, terms, account)
    else:
        pursue(at, agreement.id, terms, timeout, account)


def _terms(assets: list[dict[str, Any]], policy: dict[str, Any], price: dict[str, Any] | None) -> dict[str, Any]:
    members = ("asset", "version", "sha256")
    terms: dict[str, Any] = {"assets": [{name: one[name] for name in members} for one in assets], "policy": policy}
    return terms if price is None else {**terms, "price": price}


def _price(standing: dict[str, Any] | None, named: Price | None) -> dict[str, Any] | None:
    """The price to propose: the one named, else the one that stands. Raises ``Halted`` if that cannot be read."""
    if named is not None:
        return named.json()
    if is_hidden(standing):
        raise Halted("price_withheld", "the price that stands is private", "name the one you propose: --price")
    return standing
