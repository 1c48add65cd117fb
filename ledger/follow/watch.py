"""What is watched: entries that touched a subject, or that a party made or is named in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ledger.follow.alerts import Alert
from ledger.log.chain import parse_entry
from ledger.statement import accept
from ledger.store import Store, read_entry

_PAGE = 1_000


def hits(store: Store, origin: str, watched: Iterable[str], start: int, stop: int) -> Iterator[Alert]:
    """An alert for each entry from ``start`` up to ``stop`` that touched what is watched, in their order.

    ``watched``: ids of subjects, a party among them, or a DID for the party that speaks through it. An id that is not
    there yet touches nothing.
    """
    found = {(index, name) for name in watched for index in _touching(store, name, start, stop)}
    for index, name in sorted(found):
        claims = accept(parse_entry(read_entry(store, index)).statement).claims
        yield Alert(
            "watched",
            origin,
            f"{index} {name}",
            detail=f"{claims.kind} touched {name}",
            size=stop,
            index=index,
            subject=name,
            kind=claims.kind,
            issuer=claims.iss,
        )


def _touching(store: Store, name: str, start: int, stop: int) -> Iterator[int]:
    if name.startswith("did:"):
        name = store.lookup([("did", name)]).get(("did", name), name)
    before = stop
    while page := store.history(name, before, _PAGE):
        for index in page:
            if index < start:
                return
            yield index
        before = page[-1]
