"""``cadastre settings``: what can be set when a ledger, or a witness, is served."""

from __future__ import annotations

from collections.abc import Iterator

from scripts.command import command
from scripts.forms import fields_of
from scripts.options import Json
from scripts.output import print_columns, print_json

GIVEN = frozenset({"folder"})  # an argument of the command, not a variable


@command()
def settings(json: Json = False) -> None:
    """List what can be set for cadastre serve, and how: variables of the environment, their defaults and bounds."""
    rows = list(listed())
    if json:
        names = ("variable", "default", "form", "meaning")
        print_json([dict(zip(names, row, strict=True)) for row in rows])
    else:
        print_columns([(variable, default or "-", f"{form}\n{meaning}") for variable, default, form, meaning in rows])


def listed() -> Iterator[tuple[str, str, str, str]]:
    """Of each setting the variable, its default (empty for none), its form and its meaning, as declared."""
    from api.settings import PREFIX, Settings  # imported here: most commands do without it

    schema = Settings.model_json_schema()
    for field in fields_of(schema, schema):
        if field.name not in GIVEN:
            default = schema["properties"][field.name].get("default")
            yield f"{PREFIX}{field.name.upper()}", "" if default is None else str(default), field.form, field.meaning
