"""Fields in words: every form that kinds use, and the limits they have."""

from __future__ import annotations

import pytest

import ledger.circulation
from ledger.statement import KINDS
from scripts.forms import Schema, fields_of, form_of, inner_of

assert ledger.circulation  # imported for its kinds

DEFS: Schema = {
    "$defs": {
        "Hidden": {"type": "object", "properties": {"_sd": {}}},
        "Money": {"type": "object", "properties": {"amount": {"type": "integer"}, "of": {"$ref": "#/$defs/Code"}}},
        "Code": {"type": "string", "maxLength": 3, "minLength": 3},
        "Rule": {"type": "object", "properties": {"next": {"type": "array", "items": {"$ref": "#/$defs/Rule"}}}},
    }
}


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"type": "string"}, "text"),
        ({"type": "string", "minLength": 1, "maxLength": 300}, "text (1 to 300 letters)"),
        ({"type": "string", "minLength": 0, "maxLength": 300}, "text (at most 300 letters)"),
        ({"type": "string", "minLength": 8}, "text (at least 8 letters)"),
        ({"$ref": "#/$defs/Code"}, "text (3 letters)"),
        ({"type": "boolean"}, "true or false"),
        ({"type": "integer"}, "integer"),
        ({"type": "integer", "minimum": 0, "exclusiveMaximum": 2**53}, "integer (0 or more)"),
        ({"type": "integer", "minimum": 1, "exclusiveMaximum": 2**53}, "integer (at least 1)"),
        ({"type": "integer", "minimum": 0, "exclusiveMaximum": 2**38}, "integer (seconds since 1970, UTC)"),
        ({"type": "integer", "minimum": 1, "maximum": 9}, "integer (1 to 9)"),
        ({"type": "integer", "maximum": 9}, "integer (at most 9)"),
        ({"const": "all", "type": "string"}, '"all"'),
        ({"enum": ["a", "b"], "type": "string"}, '"a" or "b"'),
        ({"type": "array", "items": {"type": "string"}}, "list of text"),
        ({"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 8}, "list of text, 1 to 8"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "text"),
        ({"oneOf": [{"$ref": "#/$defs/Money"}, {"$ref": "#/$defs/Hidden"}]}, "Money or hidden"),
        ({"type": "object"}, "object"),
        ({}, "JSON"),
    ],
)
def test_a_form_in_words(form: Schema, words: str) -> None:
    assert form_of(form, DEFS) == words


def test_the_members_of_an_inner_object_can_be_named_in_line() -> None:
    assert form_of({"$ref": "#/$defs/Money"}, DEFS, inline=True) == "Money {amount, of}"


def test_inner_objects_are_told_once_in_the_order_they_are_met() -> None:
    fields = {"rule": {"$ref": "#/$defs/Rule"}, "price": {"$ref": "#/$defs/Money"}, "not": {"$ref": "#/$defs/Hidden"}}
    assert [name for name, _ in inner_of({**DEFS, "properties": fields})] == ["Rule", "Money"]


def test_a_field_that_may_be_null_says_what_it_means_otherwise() -> None:
    schema: Schema = {
        "properties": {
            "from": {"anyOf": [{"type": "integer", "description": "open from\nthen on"}, {"type": "null"}]},
            "title": {"type": "string", "description": "title"},
        },
        "required": ["title"],
    }
    told = [(field.name, field.need, field.meaning) for field in fields_of(schema, schema)]
    assert told == [("from", "optional", "open from then on"), ("title", "required", "")]


@pytest.mark.parametrize("name", sorted(KINDS))
def test_every_field_of_every_kind_has_words(name: str) -> None:
    schema = KINDS[name].model_json_schema(by_alias=True)
    parts = [schema, *(part for _, part in inner_of(schema))]
    assert not [field for part in parts for field in fields_of(part, schema) if "JSON" in field.form]
