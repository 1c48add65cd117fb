"""Which keys a log signs with, as its own entries say: the charter names them, governance replaces them."""

from __future__ import annotations

from collections.abc import Iterator

from identity.jws import parse, verify
from identity.note import Verifier, parse_vkey
from ledger.circulation.charter import LedgerAmended
from ledger.errors import Problem
from ledger.log.chain import audience_of, check_follows, link_of, parse_entry
from ledger.log.tile import WIDTH_MAX, Tile
from ledger.publish.proven import Proven
from ledger.replica import Replica
from ledger.store import Head


def signing_keys(replica: Replica, size: int) -> list[Verifier]:
    """The keys in force at a size, or after the entries here where it is greater; none before the charter is known.

    A key that was replaced signs beside the next one for a while, for those who know no other. Here the entries tell
    of the next one, without which it counts for nothing: it may have been replaced because it was stolen.
    """
    charter = replica.charter_at(size)
    if charter is None:
        return []
    return [parse_vkey(vkey) for vkey in (charter.logKey, charter.mldsaKey) if vkey is not None]


def succeeded_by(replica: Replica, tree: Proven, here: Head, size: int) -> Verifier | None:
    """The log key that governance put in force last, in entries that are not here yet; None if in none of them.

    ``tree`` is of so many entries, signed by nobody that is known, which go on from those that are ``here``: an
    amendment counts by its own signature, as it was made for this ledger. A tree costs nothing to make up, and may be
    of any size: so what follows on what is here is read, and nothing beyond the first that does not. Reads these
    entries once more than taking them in does.
    """
    charter, origin = replica.charter, replica.origin
    assert charter is not None
    assert origin is not None
    audience = audience_of(origin, here.first)
    found: str | None = None
    previous, link = parse_entry(here.last), link_of(here.last)
    for data in _entries(tree, here.size, size):
        try:
            entry = parse_entry(data)
            check_follows(entry, previous, link)
            previous, link = entry, link_of(data)
            signed = parse(entry.statement)
            claims = signed.claims
            body = claims.get("body")
            named = body.get("logKey") if isinstance(body, dict) else None
            if claims.get("kind") != LedgerAmended.NAME or named is None or claims.get("aud") != audience:
                continue
            if signed.kid.partition("#")[0] == claims.get("iss") == charter.governance:
                verify(signed)
                found = named
        except Problem:
            break
    return None if found is None else parse_vkey(found)


def _entries(tree: Proven, start: int, stop: int) -> Iterator[bytes]:
    for number in range(start // WIDTH_MAX, -(-stop // WIDTH_MAX)):
        first = number * WIDTH_MAX
        yield from tree.entries(Tile(0, number, min(WIDTH_MAX, stop - first)))[max(0, start - first) :]
