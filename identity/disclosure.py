"""Private fields: the name is signed in the open, the value behind a digest (SD-JWT, RFC 9901, on Cadastre's terms).

    signed      "price":{"_sd":["<digest>"]}
    disclosure  base64url(canonical JSON ["<salt>","value",v])
    digest      base64url SHA-256 of the disclosure's letters
    sent        <compact JWS>~<disclosure>~<disclosure>~      (RFC 9901 section 4); a bare JWS if there is none

So a reader of RFC 9901 who knows nothing of Cadastre sees ``"price":{"value":v}``. The terms: every private field is
an object of its own with one digest, there are no decoys, nothing private lies within a private value, a salt has at
least 128 bits, and each disclosure has one spelling. Whoever holds a disclosure can prove the value; whoever does not
cannot guess it; erasing it touches no signed byte.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from hashlib import sha256
from typing import Any

from identity.canonical import b64decode, b64encode, decode, encode, escape
from identity.errors import Malformed, declare

MIN_SALT = 16  # bytes (RFC 9901 section 9.3)
MAX_DISCLOSURES = 64  # of one statement
MAX_DISCLOSURE = 65_535  # letters
RESERVED = frozenset({"_sd", "_sd_alg", "..."})  # RFC 9901 gives these names a meaning wherever they stand

declare(
    "malformed",
    disclosure_malformed=(
        "this is not a disclosure",
        'write base64url of the canonical JSON ["<salt>","value",<value>], with no private field in the value',
    ),
    disclosure_missing=("a private field comes without its disclosure", "send the disclosure of every private field"),
    disclosure_unknown=("a disclosure fits no private field", "send only disclosures whose digest is in the statement"),
    disclosure_twice=(
        "the same disclosure or digest twice",
        "hide each value under a salt of its own, and send it once",
    ),
    disclosures_malformed=(
        "the statement and its disclosures are not put together well",
        f"send JWS~disclosure~…~ with at most {MAX_DISCLOSURES} disclosures, or a bare JWS if there is none",
    ),
    private_field_malformed=(
        "a private field is not in its one form",
        'write {"_sd":["<base64url SHA-256 of the disclosure>"]} and nothing beside it',
    ),
    salt_short=("the salt is too short", f"use {MIN_SALT} random bytes or more for each disclosure"),
)


def hide(value: Any, salt: bytes) -> tuple[dict[str, list[str]], str]:
    """What stands in the statement in place of ``value``, and the disclosure that proves it. ``salt``: 16 random bytes.

    Raises ``Malformed``.
    """
    if len(salt) < MIN_SALT:
        raise Malformed("salt_short", f"{len(salt)} bytes")
    disclosure = b64encode(encode([b64encode(salt), "value", value]))
    _check_open(value)
    if len(disclosure) > MAX_DISCLOSURE:
        raise Malformed("disclosure_malformed", f"longer than {MAX_DISCLOSURE} letters")
    return {"_sd": [digest(disclosure)]}, disclosure


def show(disclosure: str) -> Any:
    """The value that ``disclosure`` holds. Raises ``Malformed``."""
    if len(disclosure) > MAX_DISCLOSURE:
        raise Malformed("disclosure_malformed", f"longer than {MAX_DISCLOSURE} letters")
    parts = decode(b64decode(disclosure))
    if type(parts) is not list or len(parts) != 3 or type(parts[0]) is not str or parts[1] != "value":
        raise Malformed("disclosure_malformed")
    salt, _, value = parts
    if len(b64decode(salt)) < MIN_SALT:
        raise Malformed("salt_short", f"{len(salt)} letters of base64url")
    _check_open(value)
    return value


def digest(disclosure: str) -> str:
    """base64url SHA-256 over the disclosure's letters, 43 letters (RFC 9901 section 4.2.3). Raises ``Malformed``."""
    if not disclosure.isascii():
        raise Malformed("disclosure_malformed", "not ASCII")
    return b64encode(sha256(disclosure.encode("ascii")).digest())


def split(sent: bytes) -> tuple[bytes, list[str]]:
    """The compact JWS and the disclosures sent along. Raises ``Malformed``; what the parts hold is not looked at."""
    compact, tilde, tail = sent.partition(b"~")
    if not tilde:
        return compact, []
    if not tail.endswith(b"~") or not tail.isascii() or tail.startswith(b"~") or b"~~" in tail:
        raise Malformed("disclosures_malformed", "no end, an empty disclosure or letters that are not ASCII")
    if tail.count(b"~") > MAX_DISCLOSURES:
        raise Malformed("disclosures_malformed", f"{tail.count(b'~')} disclosures")
    return compact, tail[:-1].decode("ascii").split("~")


def join(compact: bytes, disclosures: Sequence[str]) -> bytes:
    """What is sent: ``split`` takes it apart again."""
    if not disclosures:
        return compact
    return b"~".join([compact, *(disclosure.encode("ascii") for disclosure in disclosures), b""])


def hidden(claims: dict[str, Any], *, pointer: str = "/payload") -> dict[str, str]:
    """Digest -> JSON pointer of every private field in ``claims``; pointers begin with ``pointer``.

    Raises ``Malformed`` for a private field that is not in its one form and for a digest that stands twice.
    """
    found: dict[str, str] = {}
    _collect(claims, pointer, found)
    return found


def check_complete(claims: dict[str, Any], disclosures: Sequence[str], *, pointer: str = "/payload") -> dict[str, Any]:
    """JSON pointer -> value of every private field: each field has its disclosure, each disclosure its field.

    Raises ``Malformed``: ``disclosure_missing``, ``disclosure_unknown``, ``disclosure_twice``, or what ``show`` and
    ``hidden`` raise.
    """
    fields = hidden(claims, pointer=pointer)
    values = _read(disclosures, fields)
    for name, place in fields.items():
        if name not in values:
            raise Malformed("disclosure_missing", pointer=place)
    return {fields[name]: value for name, value in values.items()}


def reveal(claims: dict[str, Any], disclosures: Sequence[str]) -> dict[str, Any]:
    """A copy of ``claims`` with the disclosed values in their places; what is withheld stays ``{"_sd":[...]}``.

    Raises ``Malformed`` like ``check_complete``, but for ``disclosure_missing``.
    """
    values = _read(disclosures, hidden(claims))
    copy: dict[str, Any] = _shown(claims, values)
    return copy


def _collect(value: Any, pointer: str, found: dict[str, str]) -> None:
    if type(value) is dict:
        if not RESERVED.isdisjoint(value):
            name = _digest_in(value, pointer)
            if name in found:
                raise Malformed("disclosure_twice", f"the digest stands at {found[name]}, too", pointer=pointer)
            found[name] = pointer
            return
        for key, item in value.items():
            if type(item) is dict or type(item) is list:
                _collect(item, f"{pointer}/{escape(key)}", found)
    elif type(value) is list:
        for place, item in enumerate(value):
            _collect(item, f"{pointer}/{place}", found)


def _digest_in(field: dict[str, Any], pointer: str) -> str:
    digests = field.get("_sd")
    if len(field) != 1 or type(digests) is not list or len(digests) != 1 or type(digests[0]) is not str:
        raise Malformed("private_field_malformed", pointer=pointer)
    if len(b64decode(digests[0], pointer=pointer)) != sha256().digest_size:
        raise Malformed("private_field_malformed", "a digest has 43 letters", pointer=pointer)
    return digests[0]


def _read(disclosures: Sequence[str], fields: Container[str]) -> dict[str, Any]:
    """Digest -> value. Cheap refusals first: a disclosure is opened only if its digest is signed."""
    values: dict[str, Any] = {}
    for disclosure in disclosures:
        name = digest(disclosure)
        if name not in fields:
            raise Malformed("disclosure_unknown", f"digest {name}")
        if name in values:
            raise Malformed("disclosure_twice", f"digest {name}")
        values[name] = show(disclosure)
    return values


def _shown(value: Any, values: dict[str, Any]) -> Any:
    if type(value) is dict:
        if "_sd" in value and value["_sd"][0] in values:
            return values[value["_sd"][0]]
        return {key: _shown(item, values) for key, item in value.items()}
    if type(value) is list:
        return [_shown(item, values) for item in value]
    return value


def _check_open(value: Any) -> None:
    """Refuse a private value with private fields of its own: each is hidden once, at the door's sight."""
    if type(value) is dict:
        if not RESERVED.isdisjoint(value):
            raise Malformed("disclosure_malformed", f"the value uses one of the names {', '.join(sorted(RESERVED))}")
        for item in value.values():
            _check_open(item)
    elif type(value) is list:
        for item in value:
            _check_open(item)
