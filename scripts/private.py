"""Private fields on the command line: which a statement has, what of them was erased, and how they are named."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import typer

from api.client import Client, Erasure
from ledger.errors import Absent
from ledger.statement import Statement, stated_in
from ledger.values import is_hidden
from scripts.session import Session, index_named

Tombstones = Callable[[str], list[Erasure]]


class Private(NamedTuple):
    """The private fields of an entry: pointer within the body -> digest. ``party`` is whose statement it is."""

    entry: int
    statement: Statement
    party: str
    fields: dict[str, str]

    def chosen(self, fields: list[str] | None) -> dict[str, str]:
        """Those of them that are named; all, if none is. Raises ``typer.BadParameter``."""
        for field in fields or ():
            if field not in self.fields:
                known = ", ".join(sorted(self.fields)) or "none"
                raise typer.BadParameter(f"{field!r} is not private in entry {self.entry}; there are: {known}")
        return {field: self.fields[field] for field in fields} if fields else self.fields

    def named(self) -> dict[str, Any]:
        """What an act about this entry says to name it."""
        return {"entry": self.entry, "party": self.party, "subject": self.statement.about}


def private_of(at: Session, what: str) -> Private:
    """The private fields of an entry that is proven to be in the ledger."""
    index = index_of(at, what)
    statement = at.proven(index)
    stated = stated_in(statement)
    return Private(index, statement, at.party_id(statement.claims.iss), {} if stated is None else stated.fields)


def index_of(at: Session, what: str) -> int:
    """The index that is named; of a subject, that of the entry which states its terms, or else opened it."""
    if index_named(what) is None and "statedIn" in (state := at.client.subject(what).state):
        return int(state["statedIn"])
    return at.index_of(what)


def tombstones(client: Client) -> Tombstones:
    """Asks a ledger for the erasures of digests, once each. A ledger that knows of none has none."""

    @cache
    def asked(digest: str) -> list[Erasure]:
        try:
            return client.erasures(digest)
        except Absent:
            return []

    return asked


def marked(value: Any, erased: Callable[[str], bool]) -> Any:
    """A copy of what people are shown, with ``erased`` in place of private fields that were."""
    if is_hidden(value):
        return "erased" if erased(value["_sd"][0]) else value
    if isinstance(value, dict):
        return {name: marked(one, erased) for name, one in value.items()}
    return [marked(one, erased) for one in value] if isinstance(value, list) else value
