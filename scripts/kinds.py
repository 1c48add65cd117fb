"""``cadastre kinds`` and ``refusals``: what can be said on a ledger, and what its answers mean."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated, Any

import typer

from ledger.errors import CATALOGUE, Meaning
from scripts import index
from scripts.command import command
from scripts.forms import SIGNERS, Schema, fields_of, inner_of
from scripts.options import LOCAL, Json, LedgerUrl
from scripts.output import print_columns, print_json, print_pairs, print_table
from scripts.session import session


@command()
def kinds(
    kind: Annotated[str | None, typer.Argument(metavar="KIND", help="Show this one, with its fields.")] = None,
    ledger: LedgerUrl = LOCAL,
    json: Json = False,
) -> None:
    """List the kinds of statements, or show the fields of one; --json gives their JSON Schema."""
    with session(ledger) as at:
        found: Any = at.client.kinds() if kind is None else at.client.kind(kind)
    if json:
        print_json(found)
    elif kind is None:
        print_columns([(one["name"], one["signer"], one["doc"]) for one in found])
    else:
        _print_kind(found)


@command()
def refusals(
    code: Annotated[str | None, typer.Argument(metavar="CODE", help="Say what this one means.")] = None,
    ledger: LedgerUrl = LOCAL,
    json: Json = False,
) -> None:
    """List the codes of refusals, or say what one means and what to do.

    Those of this software are told without asking anybody; the ledger is asked for a code that only a later one knows.
    """
    if code is None:
        _declare_all()
        listed = sorted(CATALOGUE.values(), key=lambda meaning: meaning.code)
        if json:
            print_json([_members(meaning) for meaning in listed])
        else:
            print_table([(meaning.code, meaning.family, meaning.title) for meaning in listed])
        return
    found = _known(code)
    if found is None:
        with session(ledger) as at:
            found = at.client.refusal(code)
            found.pop("status", None)  # HTTP's own, which is nothing here
    if json:
        print_json(found)
    else:
        print_pairs(found.items())


def _known(code: str) -> dict[str, Any] | None:
    """What a code means to this software. Most are known to its commands, which are at hand sooner than the service."""
    for module in index.modules() if code not in CATALOGUE else ():
        import_module(f"scripts.{module}")
    if code not in CATALOGUE:
        _declare_all()
    return _members(CATALOGUE[code]) if code in CATALOGUE else None


def _declare_all() -> None:
    from scripts.docs import declare_all  # imported here: most commands do without it

    declare_all()


def _members(meaning: Meaning) -> dict[str, Any]:
    return {"code": meaning.code, "family": meaning.family, "title": meaning.title, "advice": meaning.advice}


def _print_kind(kind: dict[str, Any]) -> None:
    """A kind, the fields of its body, and those of what they are made of."""
    schema: Schema = kind["schema"]
    print_pairs(
        [
            ("kind", kind["name"]),
            ("says", kind["doc"]),
            ("signed by", SIGNERS.get(kind["signer"], kind["signer"])),
            ("acts on", kind["on"]),
            ("opens", kind["opens"]),
            ("since", f"rules version {kind['since']}"),
        ]
    )
    _print_fields("fields", schema, schema)
    for name, part in inner_of(schema):
        said = " ".join(part.get("description", "").replace("``", "'").split())
        _print_fields(f"{name}: {said}" if said else name, part, schema)


def _print_fields(heading: str, part: Schema, schema: Schema) -> None:
    print(f"\n{heading}")
    fields = [(one.name, one.need, f"{one.form}\n{one.meaning}".strip()) for one in fields_of(part, schema)]
    print_columns(fields or [("none",)], indent=2)
