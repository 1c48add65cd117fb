"""``cadastre kinds`` and ``refusals``: what can be said on a ledger, and what its answers mean."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
import typer

from scripts.command import command
from scripts.options import LOCAL, Json, LedgerUrl
from scripts.output import print_json, print_pairs, print_table
from scripts.session import session


@command()
def kinds(
    kind: Annotated[str | None, typer.Argument(metavar="KIND")] = None,
    ledger: LedgerUrl = LOCAL,
    json: Json = False,
) -> None:
    """List the kinds of statements, or show the fields of one."""
    with session(ledger) as at:
        found: Any = at.client.kinds() if kind is None else at.client.kind(kind)
    if json:
        print_json(found)
    elif kind is None:
        print_table([(one["name"], one["signer"], one["doc"]) for one in found])
    else:
        _print_kind(found)


@command()
def refusals(
    code: Annotated[str | None, typer.Argument(metavar="CODE")] = None,
    ledger: LedgerUrl = LOCAL,
    json: Json = False,
) -> None:
    """List the codes of refusals, or say what one means and what to do."""
    with session(ledger) as at:
        found: Any = at.client.refusals() if code is None else at.client.refusal(code)
    if json:
        print_json(found)
    elif code is None:
        print_table([(one["code"], one["family"], one["title"]) for one in found])
    else:
        print_pairs(found.items())


def _print_kind(kind: dict[str, Any]) -> None:
    """A kind and the fields of its body; those that may be left out have a question mark."""
    schema = kind.pop("schema")
    print_pairs(kind.items())
    print("fields")
    required = schema.get("required", [])
    fields = schema.get("properties", {}).items()
    print_pairs([(name + ("" if name in required else "?"), _field(field, schema)) for name, field in fields], indent=2)


def _field(field: dict[str, Any], schema: dict[str, Any]) -> str:
    """A field's description, or failing that its type or schema."""
    reference = field.get("$ref", "").rpartition("/")[2]
    named = schema.get("$defs", {}).get(reference, {})
    said = field.get("description") or named.get("description") or field.get("type") or reference
    return said or orjson.dumps({name: value for name, value in field.items() if name != "title"}).decode()
