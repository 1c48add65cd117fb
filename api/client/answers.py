"""What a ledger answers, as typed values. Members this version does not know are kept and passed on.

Whatever does not have the form expected raises ``Unavailable("answer_strange")``: what answered is no ledger of this
version.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from identity.errors import Problem
from ledger.errors import Unavailable


class Answer(BaseModel):
    """Base: closed to change, open to further members."""

    model_config = ConfigDict(frozen=True, extra="allow")


class Ledger(Answer):
    """Which ledger answers. ``audience`` is what statements are addressed to, ``vkey`` the log key in force.

    ``tokenNonce`` is what the tokens of readers must name.
    """

    origin: str
    audience: str
    size: int
    vkey: str
    tokenNonce: str = ""  # noqa: N815
    charter: dict[str, Any]

    @property
    def validity(self) -> int:
        """Most seconds from ``iat`` to ``exp``."""
        return int(self.charter["validity"])


class Subject(Answer):
    """A subject as it stood when the ledger had ``at`` entries. ``last`` is what the next act pins."""

    id: str
    type: str
    no: int
    index: int
    last: str
    state: dict[str, Any]


class Summary(Answer):
    """One entry in a list. ``time`` in microseconds.

    ``signer`` and ``key`` name the key that signed, ``via`` the delegation under which it did.
    """

    index: int
    time: int
    id: str
    kind: str
    subject: str
    issuer: str
    signer: str
    key: str
    via: str | None = None


class Entry(Summary):
    """One entry in full: ``claims`` as signed, ``statement`` the compact JWS."""

    claims: dict[str, Any]
    statement: str


class Page(Answer):
    """One page of a search. ``cursor`` asks for the next; None after the last."""

    items: list[Subject]
    cursor: str | None = None


class Speaking(Answer):
    """A party that a key speaks for. ``name`` is None where it is withheld."""

    party: str
    did: str
    name: str | None = None
    left: bool = False


class Acting(Answer):
    """A delegation under which a key acts for a party: the party's DID, and the one ``to`` which it was given.

    Its ``kinds``, its ``subjects`` if it is bounded in these, its last second.
    """

    delegation: str
    via: str
    to: str
    party: str
    did: str
    name: str | None = None
    kinds: list[str]
    subjects: list[str] | None = None
    until: int


class Former(Answer):
    """A party that a key speaks or acts for no more, since the entry ``ended``; ``did`` speaks for it, by ``keys``."""

    party: str
    did: str
    keys: list[str]
    name: str | None = None
    delegation: str | None = None
    ended: int
    compromised: bool


class Key(Answer):
    """For whom a key signs at present, and for whom it did."""

    parties: list[Speaking] = []
    delegations: list[Acting] = []
    former: list[Former] = []

    def with_all(self, more: Key) -> Key:
        """What both say, once."""
        return Key(
            parties=self.parties + [one for one in more.parties if one not in self.parties],
            delegations=self.delegations + [one for one in more.delegations if one not in self.delegations],
            former=self.former + [one for one in more.former if one not in self.former],
        )


class Disclosed(Answer):
    """Disclosures of private fields of an entry, not compared with it yet."""

    disclosures: list[str]


class Erasure(Answer):
    """The tombstone of private values of the entry ``entry``."""

    id: str
    entry: int
    subject: str
    digests: list[str]


@dataclass(frozen=True, slots=True)
class Admitted:
    """A statement that is in the ledger. ``time`` in microseconds; ``again``: it was in before it was sent.

    ``receipt`` holds the bytes of the receipt, which are not verified yet (``ledger.log.receipt``); empty where the
    batch was asked for none.
    """

    index: int
    time: int
    id: str
    subject: str
    receipt: bytes = b""
    again: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one statement of a batch. ``line`` counts from 1, in the order they were given."""

    line: int
    outcome: Admitted | Problem


class _Recorded(Answer):
    index: int
    time: int
    id: str
    subject: str
    receipt: str = ""


A = TypeVar("A", bound=Answer)


def read(form: type[A], data: bytes) -> A:
    """The answer in a body of JSON. Raises ``Unavailable`` (``answer_strange``)."""
    try:
        return form.model_validate_json(data)
    except ValidationError as wrong:
        raise _strange(form, wrong) from None


def admitted_in(members: object, again: bool) -> Admitted:
    """The admission that the members of an answer tell of. Raises ``Unavailable`` (``answer_strange``)."""
    try:
        found = _Recorded.model_validate(members)
    except ValidationError as wrong:
        raise _strange(_Recorded, wrong) from None
    return Admitted(found.index, found.time, found.id, found.subject, found.receipt.encode(), again)


def _strange(form: type[Answer], wrong: ValidationError) -> Unavailable:
    first = wrong.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(step) for step in first["loc"])
    return Unavailable("answer_strange", f"{form.__name__.lstrip('_').lower()}: {place}: {first['msg']}")
