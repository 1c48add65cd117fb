"""Erasing what the log says is erased: a tombstone is an entry, and what it is of lies beside the log.

The writer carries out each erasure once its entry is durable, and when it takes up a store every one that there is, so
that none is left undone by a crash. Whoever reads what lies beside an entry reads it by :func:`kept`: what is erased is
not shown from the moment of its entry on, whatever a copy or a store that was interrupted still holds.
"""

from __future__ import annotations

from collections.abc import Iterator

from identity.disclosure import digest
from ledger.circulation.disclosure import DisclosureErased, Erasure, gone
from ledger.errors import Malformed
from ledger.statement import Statement
from ledger.store import Store

Gone = tuple[int, str]
"""The index of an entry and the digest of a private value that was erased of it."""

_PAGE = 500


def erased_by(statement: Statement) -> list[Gone]:
    """What an admitted statement erases."""
    body = statement.body
    return [(body.entry, one) for one in body.digests] if isinstance(body, DisclosureErased) else []


def all_erased(store: Store) -> Iterator[Gone]:
    """Everything that was erased in a ledger. Cost: a read for every 500 erasures."""
    before = 2**53
    while page := store.search(["erasure"], [], [], before, _PAGE):
        for one in page:
            assert isinstance(one.state, Erasure)
            yield from ((one.state.entry, name) for name in one.state.digests)
        before = page[-1].no


def erasures_of(store: Store, gone_: list[Gone]) -> dict[Gone, str]:
    """The ids of the erasures of these values, where there are any."""
    keys = {("gone", gone(*one)): one for one in gone_}
    return {keys[key]: id_ for key, id_ in store.lookup(list(keys)).items()} if keys else {}


def kept(store: Store, index: int) -> list[str]:
    """The disclosures kept beside an entry, but for those of what was erased."""
    texts = store.disclosures(index)
    names = {text: _name_of(text) for text in texts}
    erased = erasures_of(store, [(index, name) for name in names.values()])
    return [text for text in texts if (index, names[text]) not in erased]


def _name_of(text: str) -> str:
    try:
        return digest(text)
    except Malformed:  # damaged: it fits no field, and whoever reads it finds that out
        return ""
