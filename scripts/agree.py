"""``cadastre request``, ``agree``, ``counter`` and ``terminate``: negotiating a licence.

With ``--wait`` a command sees the negotiation through: it waits for the other side and signs the next steps by itself,
as long as they lead to the very terms it was started for (``negotiation``).
"""

from __future__ import annotations

import secrets
import time
from typing import Annotated, Any

import typer

from api.client import Subject, conceal
from ledger.circulation.agreement import digest_of_terms
from ledger.values import is_hidden
from scripts.command import Halted, command
from scripts.money import Price
from scripts.negotiation import (
    Account,
    Terms,
    approved_terms,
    offered_terms,
    pursue,
    read_price,
    role_in,
    standing_terms,
    take_step,
    tell_price,
)
from scripts.offer import PolicyFile, Purposes, stated_policy
from scripts.options import LOCAL, Json, Key, LedgerUrl, PriceOption, Timeout, Until, Wait
from scripts.output import print_admitted
from scripts.private import Hide, pointers
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
    hide: Hide = None,
    wait: Wait = False,
    timeout: Timeout = TIMEOUT_S,
    ledger: LedgerUrl = LOCAL,
    json: Json = False,
) -> None:
    """Ask for a licence: on the offer's terms, or on another price or policy. --until limits the answer.

    What is hidden is seen by both sides.
    """
    answer_by = parse_end(until, int(time.time()))
    with session(ledger, key) as at, Account(json) as account:
        offered = at.subject(offer, "offer")
        standing = offered_terms(at, offered)
        known = standing.disclosures if price is None else ()
        stated = stated_policy(policy, purpose) if policy or purpose else standing.policy
        terms, texts = _terms(offered.state["assets"], stated, _price(standing.price, known, price), known, hide)
        body = {"offer": offer, "terms": terms, "validUntil": answer_by}
        admitted = at.act("agreement.requested", body, disclosures=texts)
        account.signed("agreement.requested", admitted)
        if wait:
            digest = digest_of_terms(admitted.subject, offered.state["holder"], at.party, offer, terms)
            pursue(at, admitted.subject, Terms(terms, digest, texts), timeout, account)


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
    hide: Hide = None,
    wait: Wait = False,
    timeout: Timeout = TIMEOUT_S,
    ledger: LedgerUrl = LOCAL,
    json: Json = False,
) -> None:
    """Answer a proposal with other terms: what is not named stays as it stands. --until limits the answer.

    What is hidden is seen by both sides; a price that is private and stays, stays private.
    """
    if price is None and policy is None and not purpose:
        raise typer.BadParameter("name what shall differ: --price, --policy or --purpose")
    answer_by = parse_end(until, int(time.time()))
    with session(ledger, key) as at, Account(json) as account:
        subject = at.subject(agreement, "agreement")
        state, standing = subject.state, standing_terms(at, subject)
        known = standing.disclosures if price is None else ()
        stated = stated_policy(policy, purpose) if policy or purpose else standing.json["policy"]
        proposed = _price(standing.json.get("price"), known, price)
        terms, texts = _terms(standing.json["assets"], stated, proposed, known, hide)
        body: dict[str, Any] = {"offer": state["offer"], "terms": terms, "validUntil": answer_by}
        kind = "agreement.requested"
        if role_in(at, subject) == "provider":
            kind, body["consumer"] = "agreement.offered", state["consumer"]
        account.signed(kind, at.act(kind, body, agreement, disclosures=texts))
        if wait:
            digest = digest_of_terms(agreement, state["provider"], state["consumer"], state["offer"], terms)
            pursue(at, agreement, Terms(terms, digest, texts), timeout, account)


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


def _terms(
    assets: list[dict[str, Any]],
    policy: dict[str, Any],
    price: dict[str, Any] | None,
    known: tuple[str, ...],
    hide: list[str] | None,
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The terms to propose, and the disclosures of what is private in them; ``known``: of a price that stays so.

    The price is told, since it may be the one that stands.
    """
    tell_price(read_price(price, known), private=bool(known))
    members = ("asset", "version", "sha256")
    terms: dict[str, Any] = {"assets": [{name: one[name] for name in members} for one in assets], "policy": policy}
    if price is not None:
        terms["price"] = price
    if known:
        return terms, known
    shown, texts = conceal({"terms": terms}, pointers("agreement.requested", hide), secrets.token_bytes)
    return shown["terms"], tuple(texts)


def _price(standing: dict[str, Any] | None, known: tuple[str, ...], named: Price | None) -> dict[str, Any] | None:
    """The price to propose: the one named, else the one that stands. Raises ``Halted`` if that cannot be read."""
    if named is not None:
        return named.json()
    if is_hidden(standing) and not known:
        raise Halted("price_withheld", "the price that stands is private", "name the one you propose: --price")
    return standing
