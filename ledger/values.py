"""The small values statements are made of: money, digests, ids, instants, text; and fields that may be private.

Each is a pydantic annotation: a kind's field types come from here, so that a rule about a value (an amount is an
integer of minor units, a digest is 32 bytes in base64url) has one place and one error pointer.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, TypeAlias, TypeVar

from annotated_types import GroupedMetadata
from pydantic import AfterValidator, Discriminator, Field, StringConstraints, Tag

from identity.alias import ALIAS_MAX, check_alias
from identity.did import check_did
from identity.errors import Malformed
from ledger.form import Form

CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford base32, lower case: no i, l, o, u
_PAIRS = [first + second for first in CROCKFORD for second in CROCKFORD]  # ten bits each
_TO_DIGITS = str.maketrans(CROCKFORD, "0123456789abcdefghijklmnopqrstuv")  # as Python spells numbers of base 32
_ID_LETTERS = f"[0-7][{CROCKFORD}]{{25}}"  # 26 letters hold 130 bits; the first letter holds only 3 of them


def subject_id(type_: str, statement: bytes) -> str:
    """The id of the subject of this type that a statement (its id, 32 bytes) opens: ``<type>_`` and 26 letters.

    The id follows from the signed bytes, so nobody can squat on or front-run one.
    """
    return f"{type_}_{subject_letters(statement)}"


def subject_letters(statement: bytes) -> str:
    """The first 128 bits of a statement id in Crockford base32: 26 letters, lower case, two zero bits in front."""
    bits = int.from_bytes(statement[:16], "big")
    return "".join([_PAIRS[bits >> shift & 1023] for shift in range(120, -1, -10)])


def statement_key(subject: str) -> bytes:
    """The reverse of ``subject_letters``: the first 16 bytes of the id of the statement that opened a subject.

    Raises ``ValueError`` if this is not the spelling of a subject id.
    """
    found = SUBJECT_ID.fullmatch(subject)
    if found is None:
        raise ValueError(f"{subject!r} is not a subject id")
    return int(found[2].translate(_TO_DIGITS), 32).to_bytes(16)


def id_pattern(type_: str) -> str:
    return f"^{type_}_{_ID_LETTERS}$"


SUBJECT_ID = re.compile(rf"([a-z]+)_({_ID_LETTERS})")  # for fullmatch: "$" would let a last newline pass


def type_of(subject: str) -> str:
    """The subject type in a subject id (``asset`` of ``asset_0…``), or "" where it is not the spelling of an id."""
    found = SUBJECT_ID.fullmatch(subject)
    return found.group(1) if found else ""


_CHECKED: dict[str, Callable[[str], None]] = {"alias": check_alias, "did": check_did}


def is_of(form: str, value: str) -> bool:
    """Whether a value is spelt as its form asks: ``alias``, ``did``, ``digest``, or a type, for the id of a subject."""
    if form == "digest":
        return _DIGEST.fullmatch(value) is not None
    check = _CHECKED.get(form)
    if check is None:
        return type_of(value) == form
    try:
        check(value)
    except Malformed:
        return False
    return True


PartyId: TypeAlias = Annotated[str, Field(pattern=id_pattern("party"), description="party id")]
AssetId: TypeAlias = Annotated[str, Field(pattern=id_pattern("asset"), description="asset id")]
VersionId: TypeAlias = Annotated[str, Field(pattern=id_pattern("version"), description="id of an asset's version")]
OfferId: TypeAlias = Annotated[str, Field(pattern=id_pattern("offer"), description="offer id")]
AgreementId: TypeAlias = Annotated[str, Field(pattern=id_pattern("agreement"), description="agreement id")]
TransferId: TypeAlias = Annotated[str, Field(pattern=id_pattern("transfer"), description="transfer id")]

_DIGEST = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")
Digest: TypeAlias = Annotated[
    str,
    Field(pattern=f"^{_DIGEST.pattern}$", description="SHA-256, 32 bytes, base64url without padding"),
]
"""The last letter carries 4 bits of the digest and 2 that are zero: only 16 letters may stand there."""


def _alias(text: str) -> str:
    try:
        check_alias(text)
    except Malformed as wrong:
        raise ValueError(wrong.detail) from None
    return text


Alias: TypeAlias = Annotated[
    str,
    AfterValidator(_alias),
    Field(
        max_length=ALIAS_MAX,
        description="alias: SCHEME:VALUE, of scheme lei, gln, gtin, bpn, uscc or handle",
        examples=["lei:529900T8BM49AURSDO55"],
    ),
]
Did: TypeAlias = Annotated[str, Field(pattern=r"^did:[a-z0-9]+:\S+$", max_length=512, description="DID")]
Seconds: TypeAlias = Annotated[int, Field(ge=0, lt=2**38, description="POSIX seconds")]
Count: TypeAlias = Annotated[int, Field(ge=0, lt=2**53)]


# Line ends, spaces of other scripts, and the joiners that carry meaning in Persian, Hindi and others.
_SEEN = dict.fromkeys(map(ord, "\n\u00a0\u2009\u202f\u3000\u200c\u200d"))


def _plain(text: str) -> str:
    """Refuse what people cannot see, forms other than NFC (UAX #15), and white space at the ends."""
    if text.strip() != text:
        raise ValueError("white space at the ends is not allowed")
    if not text.isprintable() and not text.translate(_SEEN).isprintable():
        raise ValueError("control, format and private-use characters are not allowed")
    if not unicodedata.is_normalized("NFC", text):
        raise ValueError("text must be in Unicode normalization form C")
    return text


@dataclass(frozen=True)
class Text(GroupedMetadata):
    """A string of ``minimum``..``maximum`` code points people can read: ``Annotated[str, Text(1, 300, "title")]``."""

    minimum: int
    maximum: int
    what: str

    def __iter__(self) -> Iterator[object]:
        yield StringConstraints(min_length=self.minimum, max_length=self.maximum)
        yield AfterValidator(_plain)
        yield Field(description=self.what)


MediaType: TypeAlias = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}$",
        description="media type without parameters, lower case (RFC 6838 section 4.2)",
        examples=["text/csv"],
    ),
]
Uri: TypeAlias = Annotated[
    str,
    Field(
        pattern=r"^[a-zA-Z][a-zA-Z0-9+.-]{0,30}:[!-~]+$", max_length=512, description="absolute URI or URN (RFC 3986)"
    ),
]

# ISO 4217 codes that have a minor unit; those without one (XAU, XDR, XXX …) cannot be paid in and are refused.
_CURRENCIES = """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF
    CHW CLF CLP CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD
    HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD
    MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN
    PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD
    TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST XAD XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
"""
CURRENCIES = frozenset(_CURRENCIES.split())


def _currency(code: str) -> str:
    if code not in CURRENCIES:
        raise ValueError(f"{code!r} is not an ISO 4217 code with a minor unit")
    return code


class Money(Form):
    """An amount in integer minor units (cents, fen) of an ISO 4217 currency. Never a float."""

    amount: Annotated[int, Field(ge=0, lt=2**53, description="minor units", examples=[1250000])]
    currency: Annotated[str, AfterValidator(_currency), Field(description="ISO 4217 code", examples=["EUR"])]


class Hidden(Form):
    """A private field as the signed payload shows it: a digest that stands for the value (RFC 9901)."""

    sd: Annotated[list[Digest], Field(alias="_sd", min_length=1, max_length=1)]


def _shown_or_hidden(value: object) -> str:
    hidden = isinstance(value, Hidden) or (isinstance(value, dict) and "_sd" in value)
    return "\u00b7hidden" if hidden else "\u00b7shown"


T = TypeVar("T")
Private: TypeAlias = Annotated[
    Annotated[T, Tag("\u00b7shown")] | Annotated[Hidden, Tag("\u00b7hidden")], Discriminator(_shown_or_hidden)
]
"""A field that may be hidden: ``price: Private[Money]``. The door checks a disclosed value as if it were shown."""


def pointer_of(place: Iterable[str | int]) -> str:
    """RFC 6901 pointer of a pydantic error location, without the marks that say which form of a union was tried."""
    steps = [str(step) for step in place]
    return "".join("/" + s.replace("~", "~0").replace("/", "~1") for s in steps if not s.startswith("\u00b7"))


def is_hidden(value: object) -> bool:
    """Whether a field of a body or state shows a digest in place of its value."""
    return isinstance(value, Hidden) or (isinstance(value, dict) and value.keys() == {"_sd"})
