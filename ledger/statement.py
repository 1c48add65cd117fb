"""A statement: the claims every signer makes, the body its kind defines, and the registry of kinds.

A kind is one class in its noun's file under ``ledger/circulation``: its fields are the body, its methods the rules.
Declaring the class registers it; nothing central lists kinds. Reading a statement decides everything that can be
decided from its bytes alone; what depends on the ledger's state is decided by ``ledger.world``.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NamedTuple, TypeVar

from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails

from identity import disclosure
from identity.canonical import b64decode, b64encode
from identity.jws import Signed, parse, peek, verify
from ledger.errors import Malformed, declare
from ledger.form import Form, rebuild
from ledger.values import Did, Digest, Seconds, pointer_of, subject_id, subject_letters, type_of

if TYPE_CHECKING:
    from ledger.world import Act, World

declare(
    "malformed",
    claim_malformed=("a claim is missing, unknown or not of its form", "compare the payload with docs/format.md"),
    kind_unknown=("no such kind of statement", "list them with: cadastre kinds"),
    body_malformed=("the body does not have the form its kind asks for", "see the kind's fields: cadastre kinds KIND"),
    subject_not_fitting=("sub does not fit the kind", "sub is null in acts that open a subject, else the subject's id"),
    pins_not_fitting=(
        "prev does not name exactly the subjects this kind pins",
        "name the last act of each: prev, or cadastre sign --prev ID=LAST with 'last' of cadastre show ID",
    ),
    disclosed_value_malformed=("a disclosed value does not have the form its field asks for", "sign it anew"),
)

Signer = Literal["party", "newcomer", "controller", "governance", "service"]
"""Who may sign a kind: a party by a key that speaks for it; whoever is none yet; a party by a key that the act itself
shows to be its own; the charter's governance or service key."""

K = TypeVar("K", bound="Kind")

KINDS: dict[str, type[Kind]] = {}


class Kind(Form):
    """Base of all kinds: ``class OfferWithdrawn(Kind, name="offer.withdrawn", on="offer")``.

    ``on`` is the type of an existing subject the act is about, ``opens`` the types of the subjects it brings into
    being (where ``sub`` is null, the first of them is what it is about). A kind that names one type in both may open
    a subject or go on with one, as a request does with a negotiation. ``since`` is the rules version the kind holds
    from, ``signer`` who may sign it at all; a ``personal`` act is nobody's to do for another, whatever was delegated.
    """

    NAME: ClassVar[str]
    OPENS: ClassVar[tuple[str, ...]] = ()
    ON: ClassVar[str | None] = None
    SINCE: ClassVar[int] = 1
    SIGNER: ClassVar[Signer] = "party"
    PERSONAL: ClassVar[bool] = False

    @classmethod
    def __pydantic_init_subclass__(
        cls,
        *,
        name: str = "",
        opens: tuple[str, ...] = (),
        on: str | None = None,
        since: int = 1,
        signer: Signer = "party",
        personal: bool = False,
        **_: Any,
    ) -> None:
        if name in KINDS:
            raise ValueError(f"kind declared twice: {name}")
        cls.NAME, cls.OPENS, cls.ON, cls.SINCE, cls.SIGNER = name, opens, on, since, signer
        cls.PERSONAL = personal or signer != "party"
        KINDS[name] = cls

    def __init_subclass__(cls, **_: Any) -> None:
        """Swallow the declaration's keywords: pydantic hands them to the hook above."""
        super().__init_subclass__()

    @classmethod
    def opened_by(cls, sub: str | None) -> tuple[str, ...]:
        """The types of the subjects an act of this kind opens, given its ``sub``."""
        return cls.OPENS if sub is None else tuple(type_ for type_ in cls.OPENS if type_ != cls.ON)

    def touches(self, sub: str | None) -> Iterable[str]:  # noqa: ARG002 - subclasses use it
        """Ids of existing subjects whose state ``check`` or ``fold`` reads or writes, beside ``sub`` and the pinned."""
        return ()

    def finds(self, sub: str | None) -> Iterable[tuple[str, str]]:  # noqa: ARG002 - subclasses use it
        """The unique look-ups (``State.UNIQUE``) that ``check`` reads, beside the DIDs of issuer and key."""
        return ()

    def regards(self) -> Iterable[int]:
        """Indexes of earlier entries whose private fields ``check`` or ``fold`` looks at (``World.stated``)."""
        return ()

    def pins(self, sub: str | None) -> Iterable[str]:
        """Ids of subjects whose last act the signer must name in ``prev``; by default what the act is about."""
        return () if sub is None else (sub,)

    def advances(self, sub: str | None) -> Iterable[str]:
        """Ids of existing subjects whose last act this becomes; by default what it is about, where it pins that.

        Whatever advances a subject names what advanced it before: so its history can be walked back (``ledger.pack``).
        """
        return (sub,) if sub is not None and sub in self.pins(sub) else ()

    def check(self, world: World, act: Act[Any]) -> None:
        """Raise ``Refused`` if a rule forbids the act: a flat column of guards, cheap ones first."""

    def fold(self, world: World, act: Act[Any]) -> None:
        """Write the act's effect into the world. Never refuses; replays the oldest entry for ever."""
        raise NotImplementedError(f"{self.NAME} must say what it changes")


def covers(pattern: str, kind: str) -> bool:
    """Whether a kind is among those that a pattern names: itself, ``noun.*`` or ``*``."""
    return pattern in (kind, "*") or (pattern.endswith(".*") and kind.startswith(pattern[:-1]))


class Claims(Form):
    """The payload of a statement (design section 3; RFC 7519 names where it has them)."""

    iss: Did
    aud: Annotated[str, Field(min_length=1, max_length=320)]
    iat: Seconds
    exp: Seconds
    jti: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{21}[AQgw]$", description="16 random bytes, base64url")]
    kind: Annotated[str, Field(max_length=64)]
    body: dict[str, Any]
    sub: Annotated[str, Field(max_length=64)] | None
    prev: Annotated[dict[str, Digest], Field(max_length=64)]
    via: Digest | None = None
    seen: Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,15}):[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$")] | None = None


class Statement(NamedTuple):
    """A well-formed statement. ``id`` is the base64url SHA-256 of header.payload, never of the signature."""

    signed: Signed
    id: str
    digest: bytes  # the id as 32 bytes
    claims: Claims
    body: Kind
    opened: dict[str, str]  # the subjects it opens: type -> id
    disclosures: tuple[str, ...] = ()

    def touched(self) -> set[str]:
        """Ids of all existing subjects the rules may see for this act, the signer's party and the charter aside."""
        sub = self.claims.sub
        found = {*self.body.touches(sub), *self.claims.prev}
        if sub is not None:
            found.add(sub)
        return found

    @property
    def key(self) -> tuple[str, str]:
        """The DID under which the key is named that signed it, and the key's own name there."""
        did, _, name = self.signed.kid.partition("#")
        return did, name

    def found(self) -> set[tuple[str, str]]:
        """The unique look-ups the world needs for this act."""
        return {("did", self.claims.iss), ("did", self.key[0]), *self.body.finds(self.claims.sub)}

    @property
    def about(self) -> str:
        """The subject that the act is about: the one it names, or the first that it opens."""
        return self.claims.sub or next(iter(self.opened.values()))

    def private(self) -> dict[str, str]:
        """Digest -> JSON pointer within the body of each private field."""
        if b'"_sd"' not in self.signed.payload:
            return {}
        return disclosure.hidden(self.signed.claims["body"], pointer="")

    def delegation(self) -> str | None:
        """The id of the delegation that ``via`` names, under which the key's owner acts for the issuer."""
        via = self.claims.via
        return None if via is None else delegation_of(via)

    def seen(self) -> tuple[int, bytes] | None:
        """The (index, entry hash) the signer says to have seen."""
        if self.claims.seen is None:
            return None
        index, digest = self.claims.seen.split(":")
        return int(index), base64.urlsafe_b64decode(digest + "=")


class Stated(NamedTuple):
    """What an entry says in private: who (the DID), by which kind of act, about which subject, in which fields.

    ``fields``: JSON pointer within the body -> digest.
    """

    iss: str
    kind: str
    subject: str
    fields: dict[str, str]


def stated_in(statement: Statement) -> Stated | None:
    """What a statement says in private; None if it does not."""
    fields = {pointer: digest for digest, pointer in statement.private().items()}
    return Stated(statement.claims.iss, statement.claims.kind, statement.about, fields) if fields else None


@lru_cache(maxsize=16_384)
def delegation_of(via: str) -> str:
    """The id of the delegation that a statement opened: asked several times for each act that is done under it."""
    return subject_id("delegation", b64decode(via))


def receive(sent: bytes) -> Statement:
    """Read what a client sent, verify its signature and its disclosures: all that needs no ledger.

    ``sent`` is a compact JWS, or ``JWS~disclosure~…~`` if the body has private fields. Raises ``Malformed`` or
    ``Unverifiable``. Cost: about one signature verification.
    """
    compact, disclosures = disclosure.split(sent)
    signed = parse(compact)
    statement = read(signed, disclosures)
    check_disclosed(statement)
    verify(signed)
    return statement


def accept(sent: bytes) -> Statement:
    """The statement of bytes that :func:`receive` took before, in another process: only built, not checked again."""
    compact, disclosures = disclosure.split(sent)
    signed = peek(compact)
    claims = rebuild(Claims, signed.claims)
    return _statement(signed, claims, rebuild(KINDS[claims.kind], claims.body), disclosures)


def read(signed: Signed, disclosures: Sequence[str] = ()) -> Statement:
    """The statement in a well-formed JWS. Raises ``Malformed`` with a pointer to the first wrong place."""
    try:
        claims = Claims.model_validate(signed.claims)
    except ValidationError as wrong:
        raise _malformed("claim_malformed", "/payload", wrong) from None
    if claims.exp <= claims.iat:
        raise Malformed("claim_malformed", "exp must be later than iat", pointer="/payload/exp")
    if (claims.via is None and "via" in signed.claims) or (claims.seen is None and "seen" in signed.claims):
        raise Malformed("claim_malformed", "an optional claim is left out, not null", pointer="/payload")
    kind = KINDS.get(claims.kind)
    if kind is None:
        raise Malformed("kind_unknown", f"{claims.kind!r} is not a kind this software knows", pointer="/payload/kind")
    try:
        body = kind.model_validate(claims.body)
    except ValidationError as wrong:
        raise _malformed("body_malformed", "/payload/body", wrong) from None
    _check_shape(claims, body)
    return _statement(signed, claims, body, disclosures)


def _statement(signed: Signed, claims: Claims, body: Kind, disclosures: Sequence[str]) -> Statement:
    digest = hashlib.sha256(signed.signing_input).digest()
    letters = subject_letters(digest)
    opened = {type_: f"{type_}_{letters}" for type_ in body.opened_by(claims.sub)}
    return Statement(signed, b64encode(digest), digest, claims, body, opened, tuple(disclosures))


def check_disclosed(statement: Statement) -> None:
    """Every private field is disclosed, once, and its value has the form of its field. Raises ``Malformed``."""
    body = statement.signed.claims["body"]
    if not statement.disclosures and b'"_sd"' not in statement.signed.payload:
        return
    disclosure.check_complete(body, statement.disclosures, pointer="/payload/body")
    try:
        type(statement.body).model_validate(disclosure.reveal(body, statement.disclosures))
    except ValidationError as wrong:
        raise _malformed("disclosed_value_malformed", "/payload/body", wrong) from None


def _check_shape(claims: Claims, body: Kind) -> None:
    sub = claims.sub
    if sub is None:
        if body.ON is not None and body.ON not in body.OPENS:
            detail = f"{claims.kind} needs the {body.ON} it acts on"
            raise Malformed("subject_not_fitting", detail, pointer="/payload/sub")
    elif body.ON is None or type_of(sub) != body.ON:
        raise Malformed("subject_not_fitting", f"{sub} is not what {claims.kind} acts on", pointer="/payload/sub")
    pinned = set(body.pins(sub))
    if pinned != claims.prev.keys():
        names = ", ".join(sorted(pinned)) or "nothing"
        raise Malformed("pins_not_fitting", f"{claims.kind} pins {names}", pointer="/payload/prev")


def _malformed(code: str, root: str, wrong: ValidationError) -> Malformed:
    first: ErrorDetails = wrong.errors(include_url=False, include_context=False, include_input=False)[0]
    return Malformed(code, first["msg"], pointer=root + pointer_of(first["loc"]))
