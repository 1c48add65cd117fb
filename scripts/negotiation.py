"""A negotiation as one party follows it: reading the standing terms, and signing what brings them about.

A party approves terms once, by their digest, which it computes itself from the very statement that states them; the
ledger's word for it is never enough, nor is it for what an offer or a proposed transfer states. From there every step
that leads to a licence on exactly these terms may be signed by itself, and anything else stops:

    consumer   OFFERED -> accepted      AGREED -> verified
    provider   REQUESTED -> agreed      ACCEPTED -> agreed      VERIFIED -> finalized
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, NamedTuple

from api.client import Admitted, Subject
from identity import disclosure
from ledger.circulation.agreement import Role, digest_of_terms
from ledger.circulation.policy import digest_of
from ledger.errors import Refused, Unverifiable, declare
from ledger.statement import Statement
from ledger.values import is_hidden
from scripts.command import Halted
from scripts.output import print_admitted, print_json, print_note, show_value
from scripts.private import seen
from scripts.session import Session

FIRST_PAUSE_S = 0.1
PAUSE_MAX_S = 2.0
GRACE_S = 60  # a clock here may run ahead of the ledger's
RACES_MAX = 5  # times another act may come first before the command gives up

Word = Literal["accepted", "agreed", "verified", "finalized"]

STEPS: dict[Role, dict[str, Word]] = {
    "consumer": {"OFFERED": "accepted", "AGREED": "verified"},
    "provider": {"REQUESTED": "agreed", "ACCEPTED": "agreed", "VERIFIED": "finalized"},
}

declare(
    "unverifiable",
    terms_misstated=(
        "the ledger's state is not what was stated in the entry that it points to",
        "sign nothing on it; keep both answers and ask the ledger's operator",
    ),
)

declare(
    "halted",
    price_withheld=("the price that stands is private", "propose one in the open: cadastre counter AGREEMENT --price"),
    not_your_turn=("there is nothing for your side to sign", "wait for the other: cadastre agree AGREEMENT --wait"),
    terms_countered=(
        "the other side proposes other terms than those you signed for",
        "read them: cadastre show AGREEMENT, then: cadastre accept, counter or terminate AGREEMENT",
    ),
    wait_over=("the other side did not answer within --timeout", "go on with: cadastre agree AGREEMENT --wait"),
    agreement_terminated=("the negotiation was broken off", "negotiate anew: cadastre request OFFER"),
)


@dataclass(frozen=True, slots=True)
class Terms:
    """Terms as signed, and their digest; the ``disclosures`` of what is private in them, where the key may see it."""

    json: dict[str, Any]
    digest: str
    disclosures: tuple[str, ...] = ()

    @property
    def price(self) -> dict[str, Any] | None:
        """The price in the open; as signed, where it is private and not seen."""
        return read_price(self.json.get("price"), self.disclosures)


class Offered(NamedTuple):
    """What was offered, as signed; the ``disclosures`` of what is private in it, where the key may see."""

    policy: dict[str, Any]
    price: dict[str, Any] | None
    disclosures: tuple[str, ...] = ()


class Account:
    """Tells what happens in a negotiation: to people line by line, to programs in one JSON text at the end.

    A context manager, so that the JSON is there as well where the command stops half-way: an act that was recorded
    must not get lost in an error.
    """

    def __init__(self, json: bool) -> None:
        self._json = json
        self._acts: list[dict[str, object]] = []
        self._agreement = self._state = ""

    def __enter__(self) -> Account:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._json and self._agreement:
            print_json({"agreement": self._agreement, "state": self._state, "acts": self._acts})

    def signed(self, kind: str, admitted: Admitted) -> None:
        """An act of one's own is recorded."""
        self._agreement = admitted.subject
        self._acts.append({"kind": kind, "index": admitted.index, "time": admitted.time, "id": admitted.id})
        if not self._json:
            print_admitted(kind, admitted, json=False)

    def stands(self, agreement: Subject) -> None:
        """The negotiation is at this point. Told once."""
        self._agreement = agreement.id
        if self._state != agreement.state["state"]:
            self._state = agreement.state["state"]
            if not self._json:
                print(f"state: {self._state}", flush=True)


def role_in(at: Session, agreement: Subject) -> Role:
    """Which side the session's party is. Raises ``Refused`` (``agreement_not_yours``)."""
    if at.party == agreement.state["provider"]:
        return "provider"
    if at.party == agreement.state["consumer"]:
        return "consumer"
    raise Refused("agreement_not_yours", f"{at.party} is neither side", subject=agreement.id)


def standing_terms(at: Session, agreement: Subject) -> Terms:
    """The terms that stand, out of the statement that states them, whose receipt and signature are verified.

    Raises ``Unverifiable`` (``terms_misstated``) if the state claims other terms than were stated.
    """
    state = agreement.state
    statement = at.proven(state["statedIn"])
    terms = statement.claims.body.get("terms")
    if not isinstance(terms, dict) or agreement.id not in (statement.claims.sub, *statement.opened.values()):
        raise Unverifiable("terms_misstated", f"not in entry {state['statedIn']}", subject=agreement.id)
    _check_as_stated(agreement, statement.claims.body, "offer", "consumer")
    digest = digest_of_terms(agreement.id, state["provider"], state["consumer"], state["offer"], terms)
    if digest != state["digest"]:
        raise Unverifiable("terms_misstated", f"stated {digest}, claimed {state['digest']}", subject=agreement.id)
    return Terms(terms, digest, seen(at, state["statedIn"], statement))


def offered_terms(at: Session, offer: Subject) -> Offered:
    """What is offered, out of the statement that opened the offer, whose receipt and signature are verified.

    Raises ``Unverifiable`` (``terms_misstated``) if the state claims another offer than was made.
    """
    state, index = offer.state, offer.state["statedIn"]
    statement = _opening(at, offer, "offer.opened", index)
    body = statement.claims.body
    if (stated := digest_of(body["policy"])) != state["policy"]:
        raise Unverifiable("terms_misstated", f"policy {stated}, claimed {state['policy']}", subject=offer.id)
    claimed = [{"asset": one["asset"], "version": one["version"]} for one in state["assets"]]
    if claimed != body["assets"]:
        raise Unverifiable("terms_misstated", "it claims other assets", subject=offer.id)
    if state["price"] != body.get("price"):
        raise Unverifiable("terms_misstated", "it claims another price", subject=offer.id)
    return Offered(body["policy"], body.get("price"), seen(at, index, statement))


def approve_price(at: Session, transfer: Subject) -> None:
    """Tell the price of a transfer as its holder stated it, read where it is private.

    Raises ``Unverifiable`` (``terms_misstated``) if the state claims another transfer than was proposed, and ``Halted``
    (``price_withheld``) if the price cannot be read.
    """
    index = at.index_of(transfer.id)
    statement = _opening(at, transfer, "transfer.proposed", index)
    body = statement.claims.body
    _check_as_stated(transfer, body, "asset", "to")
    price = read_price(body.get("price"), seen(at, index, statement))
    if is_hidden(price):
        advice = f"decline it, and ask the holder to propose it anew: cadastre decline {transfer.id}"
        raise Halted("price_withheld", "nobody should sign for a price they cannot read", advice)
    tell_price(price, private=is_hidden(body.get("price")))


def read_price(price: dict[str, Any] | None, disclosures: Sequence[str]) -> dict[str, Any] | None:
    """The price in the open, by the one disclosure of what states it; as signed, where it is private and not seen."""
    return disclosure.show(disclosures[0]) if is_hidden(price) and disclosures else price


def tell_price(price: dict[str, Any] | None, *, private: bool) -> None:
    """Say which price is signed for, before it is."""
    shown = "none" if price is None else show_value("price", price)
    print_note(f"the price is private: {shown}" if private else f"the price: {shown}")


def _opening(at: Session, subject: Subject, kind: str, index: int) -> Statement:
    """The statement of an entry, if it is the one of this kind that opened the subject. Raises ``Unverifiable``."""
    statement = at.proven(index)
    if statement.claims.kind != kind or subject.id not in statement.opened.values():
        raise Unverifiable("terms_misstated", f"not in entry {index}", subject=subject.id)
    return statement


def _check_as_stated(subject: Subject, body: Mapping[str, Any], *names: str) -> None:
    """What a state claims is what was stated, as far as it was. Raises ``Unverifiable`` (``terms_misstated``)."""
    for name in names:
        if body.get(name, subject.state[name]) != subject.state[name]:
            told = f"{name} {body[name]}, claimed {subject.state[name]}"
            raise Unverifiable("terms_misstated", told, subject=subject.id)


def approved_terms(at: Session, agreement: Subject) -> Terms:
    """The standing terms, if a person who reads them can know what they say; a private price is told.

    Raises ``Halted``.
    """
    terms = standing_terms(at, agreement)
    if is_hidden(terms.price):
        advice = f"propose one in the open: cadastre counter {agreement.id} --price 'AMOUNT CODE'"
        raise Halted("price_withheld", "nobody should sign for a price they cannot read", advice)
    if terms.disclosures:
        tell_price(terms.price, private=True)
    return terms


def take_step(at: Session, agreement: Subject, terms: Terms, account: Account) -> None:
    """Sign what this side can say to bring the terms about. Raises ``Halted`` where it is the other side's turn."""
    role, state = role_in(at, agreement), agreement.state["state"]
    word = STEPS[role].get(state)
    if word is None:
        advice = f"wait for the other side: cadastre agree {agreement.id} --wait"
        if state in ("FINALIZED", "TERMINATED"):
            advice = "nothing more can be said; negotiate anew: cadastre request OFFER"
        raise Halted("not_your_turn", f"{agreement.id} is {state}; the {role} has nothing to sign", advice)
    body: dict[str, Any] = {"digest": terms.digest}
    if word == "agreed":
        body["terms"] = terms.json
    if word == "finalized":
        body["assets"] = [agreed["asset"] for agreed in terms.json["assets"]]
    kind = f"agreement.{word}"
    disclosures = terms.disclosures if word == "agreed" else ()
    account.signed(kind, at.act(kind, body, agreement.id, disclosures=disclosures))


def pursue(at: Session, agreement_id: str, terms: Terms, timeout: float, account: Account) -> None:
    """Wait for the other side and sign one's own steps until the agreement is FINALIZED on these very terms.

    Raises ``Halted``: ``agreement_terminated``, ``terms_countered``, ``wait_over`` (after ``timeout`` seconds); and
    ``Refused`` (``agreement_expired``).
    """
    deadline, pause, races = time.monotonic() + timeout, FIRST_PAUSE_S, 0
    while True:
        agreement = at.client.subject(agreement_id)
        account.stands(agreement)
        _check_alive(agreement, terms)
        if agreement.state["state"] == "FINALIZED":
            return
        if agreement.state["state"] in STEPS[role_in(at, agreement)]:
            try:
                take_step(at, agreement, terms, account)
            except Refused as refusal:
                races += 1
                if refusal.code != "pin_stale" or races > RACES_MAX:
                    raise
            continue
        if time.monotonic() >= deadline:
            advice = f"go on with: cadastre agree {agreement_id} --wait"
            raise Halted("wait_over", f"{agreement_id} is {agreement.state['state']} after {timeout:g} s", advice)
        time.sleep(min(pause, max(0.0, deadline - time.monotonic())))
        pause = min(pause * 1.5, PAUSE_MAX_S)


def _check_alive(agreement: Subject, terms: Terms) -> None:
    """The negotiation can still end in an agreement on these terms. Raises ``Halted`` or ``Refused``."""
    id_, state = agreement.id, agreement.state
    if state["state"] == "TERMINATED":
        raise Halted("agreement_terminated", state["reason"] or "no reason given")
    if state["digest"] != terms.digest:
        advice = f"read them: cadastre show {id_}, then: cadastre accept, counter or terminate {id_}"
        raise Halted("terms_countered", f"{state['proposedBy']} proposes other terms", advice)
    if state["state"] in ("REQUESTED", "OFFERED", "ACCEPTED") and time.time() > state["validUntil"] + GRACE_S:
        raise Refused("agreement_expired", f"{id_} is {state['state']}", subject=id_)
