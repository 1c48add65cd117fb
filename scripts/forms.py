"""The fields of a kind in words, out of its JSON Schema: what is asked for, in what form, within which limits.

    validUntil  required  integer (seconds since 1970, UTC)
                          last second at which the offer can be taken up

The schemas are those that ``ledger.form`` makes; what stands in none of them (``allOf``, say) is not told apart here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

Schema = dict[str, Any]

SIGNERS = {
    "party": "a party",
    "newcomer": "a DID that speaks for nobody yet",
    "controller": "a party, by a key that the act shows to be its own",
    "governance": "the governance key",
    "service": "the service key, by itself",
}
SAFE_END = 2**53  # all integers end below it (``identity.canonical``)
SECONDS_END = 2**38  # instants end below it (``ledger.values``)


@dataclass(frozen=True, slots=True)
class Field:
    """One field: ``form`` in a few words, ``meaning`` as its declaration says it, which may be empty."""

    name: str
    needed: bool
    form: str
    meaning: str

    @property
    def need(self) -> str:
        return "required" if self.needed else "optional"


def fields_of(part: Schema, schema: Schema, *, inline: bool = False) -> Iterator[Field]:
    """The fields of ``part``, an object in ``schema`` or all of it. ``inline`` names the members of inner objects."""
    needed = part.get("required", ())
    for name, form in part.get("properties", {}).items():
        yield Field(name, name in needed, form_of(form, schema, inline=inline), _meaning(name, form))


def inner_of(schema: Schema) -> Iterator[tuple[str, Schema]]:
    """The objects that the fields of a schema are made of, by name, each once, in the order they are met."""
    met: dict[str, Schema] = {}
    waiting = list(_references(schema.get("properties", {})))
    while waiting:
        name = waiting.pop(0)
        target = schema["$defs"][name]
        if name not in met and name != "Hidden":
            met[name] = target
            waiting[:0] = _references(target)
    return ((name, target) for name, target in met.items() if target.get("type") == "object")


def form_of(form: Schema, schema: Schema, *, inline: bool = False) -> str:
    """A form in a few words: ``list of text (1 to 60 letters), at most 32``, ``Money or hidden``."""
    if "$ref" in form:
        name = _named(form["$ref"])
        target = schema["$defs"][name]
        if name == "Hidden":
            return "hidden"
        if target.get("type") != "object":
            return form_of(target, schema, inline=inline)
        return f"{name} {{{', '.join(target.get('properties', {}))}}}" if inline else name
    for choice in ("anyOf", "oneOf"):
        if choice in form:
            some = (form_of(one, schema, inline=inline) for one in form[choice] if one.get("type") != "null")
            return " or ".join(dict.fromkeys(some))
    if "enum" in form:
        return " or ".join(map(_quoted, form["enum"]))
    if "const" in form:
        return _quoted(form["const"])
    if form.get("type") == "array":
        count = _bounds(form.get("minItems"), form.get("maxItems"))
        return f"list of {form_of(form.get('items', {}), schema, inline=inline)}" + (f", {count}" if count else "")
    if form.get("format") == "path":
        return "path"
    if form.get("type") == "string":
        count = _bounds(form.get("minLength"), form.get("maxLength"))
        return f"text ({count} letters)" if count else "text"
    if form.get("type") in ("integer", "number"):
        return f"{form['type']} ({bounds})" if (bounds := _range(form)) else str(form["type"])
    return {"boolean": "true or false", "object": "object"}.get(str(form.get("type")), "JSON")


def _range(form: Schema) -> str:
    """What an integer counts, or its bounds, where they are narrower than those of every integer."""
    end = form.get("exclusiveMaximum")
    if end == SECONDS_END:
        return "seconds since 1970, UTC"
    most = form.get("maximum") if end in (None, SAFE_END) else end - 1
    return _bounds(form.get("minimum"), most, zero="0 or more")


def _bounds(least: int | None, most: int | None, zero: str = "") -> str:
    """``1 to 300``, ``at most 300``, ``at least 1``; ``zero`` where nothing less is meant than zero."""
    if most is None:
        return f"at least {least}" if least else zero if least == 0 else ""
    if least == most:
        return str(most)
    return f"{least} to {most}" if least else f"at most {most}"


def _meaning(name: str, form: Schema) -> str:
    """What a field says beyond its name; of one that may be null, what it says otherwise."""
    said = form.get("description") or (form.get("items") or {}).get("description", "")
    for one in form.get("anyOf", ()):
        said = said or one.get("description", "")
    return "" if said == name else " ".join(str(said).split())


def _references(part: object) -> Iterator[str]:
    """Names of the definitions that a part of a schema refers to, in order."""
    if isinstance(part, dict):
        for name, value in part.items():
            if name == "$ref":
                yield _named(value)
            elif name != "$defs":
                yield from _references(value)
    elif isinstance(part, list):
        for value in part:
            yield from _references(value)


def _named(reference: str) -> str:
    return reference.rpartition("/")[2]


def _quoted(value: object) -> str:
    return orjson.dumps(value).decode()
