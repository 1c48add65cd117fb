"""Private fields on the command line: how they are named and hidden, which a statement has, what of them was erased."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Annotated, Any, NamedTuple

import typer

from api.client import Client, Erasure
from identity import disclosure
from ledger.errors import Absent, Refused, Unverifiable
from ledger.statement import KINDS, Statement, stated_in
from ledger.values import is_hidden
from scripts.session import Session, index_named

Hide = Annotated[
    list[str] | None,
    typer.Option("--hide", metavar="FIELD", help="Private field of the body, such as /price; may be repeated."),
]
Tombstones = Callable[[str], list[Erasure]]


class Private(NamedTuple):
    """The private fields of an entry: pointer within the body -> digest. ``party`` is whose statement it is."""

    entry: int
    statement: Statement
    party: str
    fields: dict[str, str]

    def chosen(self, fields: list[str] | None) -> dict[str, str]:
        """Those of them that are named; all, if none is.

        Raises ``typer.BadParameter``, and ``Refused`` (``field_not_private``) where the entry has none at all.
        """
        if not self.fields:
            detail = f"entry {self.entry}, {self.statement.claims.kind} of {self.party}, has no private values"
            raise Refused("field_not_private", detail, index=self.entry)
        for field in fields or ():
            if field not in self.fields:
                known = ", ".join(sorted(self.fields))
                raise typer.BadParameter(f"{field!r} is not private in entry {self.entry}; there are: {known}")
        return {field: self.fields[field] for field in fields} if fields else self.fields

    def named(self) -> dict[str, Any]:
        """What an act about this entry says to name it."""
        return {"entry": self.entry, "party": self.party, "subject": self.statement.about}


def pointers(kind: str, named: list[str] | None) -> list[str]:
    """The JSON pointers of the fields that --hide names: ``price`` is /price, or /terms/price where the kind has that.

    Raises ``typer.BadParameter`` for what a kind cannot hide.
    """
    if not named or kind not in KINDS:
        return list(named or ())  # an unknown kind is told as such
    schema = KINDS[kind].model_json_schema(by_alias=True)
    possible = list(_hideable(schema, schema))
    found = []
    for field in named:
        fitting = [one for one in possible if one.endswith(f"/{field.removeprefix('/')}")]
        if not fitting:
            known = ", ".join(possible) or "nothing"
            raise typer.BadParameter(f"{field!r} cannot be private in {kind}; what can: {known}", param_hint="--hide")
        found.append(fitting[0])
    return found


def _hideable(part: dict[str, Any], schema: dict[str, Any], above: str = "") -> Iterator[str]:
    """JSON pointers of the fields that may be private, in an object of a kind's JSON Schema."""
    for name, form in part.get("properties", {}).items():
        named = list(_referred(form))
        if "Hidden" in named:
            yield f"{above}/{name}"
        else:
            for one in named:
                yield from _hideable(schema["$defs"][one], schema, f"{above}/{name}")


def _referred(form: dict[str, Any]) -> Iterator[str]:
    """Names of the definitions that a field, whatever it may be, is one of."""
    if "$ref" in form:
        yield form["$ref"].rpartition("/")[2]
    for one in (*form.get("anyOf", ()), *form.get("oneOf", ())):
        yield from _referred(one)


def compared(statement: Statement, texts: Sequence[str]) -> dict[str, str]:
    """Pointer -> disclosure of what was handed out of a statement, whose digests it has.

    Raises ``Malformed`` (``disclosure_unknown``).
    """
    disclosure.reveal(statement.signed.claims["body"], texts)
    at = statement.private()
    return {at[disclosure.digest(text)]: text for text in texts}


def seen(at: Session, index: int, statement: Statement) -> tuple[str, ...]:
    """The disclosures of those private values of an entry that the key may see; none where it may see none."""
    if not statement.private():
        return ()
    try:
        return tuple(compared(statement, at.client.disclosures(index)).values())
    except Unverifiable as denied:
        if denied.code not in ("disclosure_denied", "reader_unknown"):
            raise
        return ()


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
