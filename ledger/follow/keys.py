"""Which keys a log signs with, as its own entries say: the charter names them, governance replaces them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from identity.canonical import b64encode
from identity.jws import parse, verify
from identity.note import Verifier, parse_vkey
from ledger.circulation.charter import LedgerAmended
from ledger.errors import Problem
from ledger.log.chain import link_of, parse_entry
from ledger.log.tile import WIDTH_MAX, Tile
from ledger.publish.proven import Proven
from ledger.replica import Replica


def signing_keys(replica: Replica, now: int, *, former: bool = False) -> list[Verifier]:
    """The keys in force after the entries here, at this time (POSIX seconds); none before the charter is known.

    ``former``: also those by which smaller sizes were signed.
    """
    charter = replica.charter
    if charter is None:
        return []
    signing = [charter.logKey, *charter.formerLogKeys] if former else charter.log_keys(now)
    second = [] if charter.mldsaKey is None else [charter.mldsaKey]
    return [parse_vkey(vkey) for vkey in (*signing, *second)]


def succeeded_by(replica: Replica, tree: Proven, first: bytes, size: int) -> Verifier | None:
    """The log key that governance put in force last, in entries that are not here yet; None if in none of them.

    ``tree`` is of so many entries, signed by nobody that is known: an amendment counts by its own signature, as it was
    made for this ledger, whose entry 0 is ``first``. Reads these entries once more than taking them in does.
    """
    charter = replica.charter
    assert charter is not None
    audience = f"{replica.origin}#{b64encode(link_of(first))}"
    found: str | None = None
    for data in _entries(tree, replica.size, size):
        with suppress(Problem):
            signed = parse(parse_entry(data).statement)
            claims = signed.claims
            body = claims.get("body")
            named = body.get("logKey") if isinstance(body, dict) else None
            if claims.get("kind") != LedgerAmended.NAME or named is None or claims.get("aud") != audience:
                continue
            if signed.kid.partition("#")[0] == claims.get("iss") == charter.governance:
                verify(signed)
                found = named
    return None if found is None else parse_vkey(found)


def _entries(tree: Proven, start: int, stop: int) -> Iterator[bytes]:
    for number in range(start // WIDTH_MAX, -(-stop // WIDTH_MAX)):
        first = number * WIDTH_MAX
        yield from tree.entries(Tile(0, number, min(WIDTH_MAX, stop - first)))[max(0, start - first) :]
