"""The data of an audit pack, as they lie in its page: canonical JSON in which every ``<`` is spelt ``\\u003c``.

    {"checkpoint":"example.com/registry\\n9\\n…",        the note under which everything is proven
     "entries":[{"disclosures":["WyJ…"],               private values of this entry that are shown
                 "entry":"cadastre/1\\nexample…",        its bytes
                 "proof":["rzFuy5…",…]},…],             inclusion, the leaf's sibling first; entries by index
     "format":"cadastre/pack@v1",
     "index":7,                                        the entry that the pack is about
     "known":["example.com/…",…],                      further checkpoints of the log, to be compared
     "origin":"example.com/registry",
     "policy":"witness …" or null,                     a C2SP tlog-policy
     "subjects":["asset_0w9k…",…]}                     whose advancing acts are here, from the first to some last one

No ``<`` can stand in the data, so no title and no name can end the element they lie in.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from identity.canonical import encode
from identity.errors import Malformed, declare

FORMAT = "cadastre/pack@v1"
PIECES_MAX = 4_096  # entries of a pack
KNOWN_MAX = 16  # further checkpoints
_LATER = re.compile(r"cadastre/pack@v([2-9]|[1-9][0-9]+)")
_MEMBERS = {"checkpoint", "entries", "format", "index", "known", "origin", "policy", "subjects"}
_PIECE = {"disclosures", "entry", "proof"}

declare(
    "malformed",
    pack_malformed=("the pack is malformed", "ask for it again, unaltered to the last byte"),
    pack_newer=("the pack is of a version that this software does not know", "judge it with a newer release"),
)


@dataclass(frozen=True, slots=True)
class Piece:
    """One entry of a pack. ``proof``: 32 bytes each; ``disclosures``: those that are shown."""

    entry: bytes
    proof: tuple[bytes, ...]
    disclosures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pack:
    """What a pack holds. Checks nothing: ``judge`` does."""

    origin: str
    index: int
    subjects: tuple[str, ...]
    checkpoint: bytes
    pieces: tuple[Piece, ...]
    known: tuple[bytes, ...] = ()
    policy: str | None = None


def format_data(pack: Pack) -> bytes:
    """The bytes of the data. Raises ``Malformed`` for text that is not UTF-8."""
    members = {
        "checkpoint": pack.checkpoint.decode(),
        "entries": [
            {
                "disclosures": list(piece.disclosures),
                "entry": piece.entry.decode("ascii"),
                "proof": [b64encode(hash_).decode() for hash_ in piece.proof],
            }
            for piece in pack.pieces
        ],
        "format": FORMAT,
        "index": pack.index,
        "known": [note.decode() for note in pack.known],
        "origin": pack.origin,
        "policy": pack.policy,
        "subjects": list(pack.subjects),
    }
    return spell(members)


def spell(members: Mapping[str, Any]) -> bytes:
    """The one spelling of a JSON object in a page."""
    return encode(dict(members)).replace(b"<", b"\\u003c")


def parse_data(data: bytes) -> Pack:
    """The reverse of :func:`format_data`. Raises ``pack_malformed``, or ``pack_newer`` if a later release made it."""
    try:
        members = orjson.loads(data)
        spelt = isinstance(members, dict) and spell(members) == data
    except (orjson.JSONDecodeError, Malformed) as wrong:
        raise Malformed("pack_malformed", str(wrong)) from None
    if not spelt:
        raise Malformed("pack_malformed", "not an object in its one spelling")
    named = members.get("format")
    later = isinstance(named, str) and _LATER.fullmatch(named) is not None
    if not later and (named != FORMAT or not members.keys() >= _MEMBERS):
        raise Malformed("pack_malformed", "its format, or a member of it, is missing")
    if later or members.keys() > _MEMBERS:
        raise Malformed("pack_newer", f"{named} with {', '.join(sorted(members))}"[:300])
    try:
        return _pack(members)
    except (KeyError, TypeError, ValueError) as wrong:
        raise Malformed("pack_malformed", f"a member is missing or not of its form: {wrong}") from None


def _pack(members: Mapping[str, Any]) -> Pack:
    pieces = tuple(_piece(given) for given in _list(members["entries"], PIECES_MAX))
    index, policy = members["index"], members["policy"]
    if type(index) is not int or index < 0:
        raise ValueError("index")
    return Pack(
        origin=_text(members["origin"]),
        index=index,
        subjects=tuple(_text(name) for name in _list(members["subjects"], PIECES_MAX)),
        checkpoint=_text(members["checkpoint"]).encode(),
        pieces=pieces,
        known=tuple(_text(note).encode() for note in _list(members["known"], KNOWN_MAX)),
        policy=None if policy is None else _text(policy),
    )


def _piece(given: Any) -> Piece:
    if not isinstance(given, dict) or given.keys() != _PIECE:
        raise ValueError("entries")
    proof = tuple(_hash(_text(line)) for line in _list(given["proof"], 63))
    disclosures = tuple(_text(one) for one in _list(given["disclosures"], 64))
    return Piece(_text(given["entry"]).encode(), proof, disclosures)


def _hash(line: str) -> bytes:
    found = b64decode(line, validate=True)
    if len(found) != 32 or b64encode(found).decode() != line:
        raise ValueError("a hash has 32 bytes in base64")
    return found


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _list(value: Any, most: int) -> list[Any]:
    if not isinstance(value, list) or len(value) > most:
        raise ValueError(f"not a list of at most {most}")
    return value
