"""Examples: every kind has one, made from its form alone."""

from __future__ import annotations

import pytest

import ledger.circulation
from api.examples import body_of, claims_of, statement_of
from ledger.statement import KINDS, receive

assert ledger.circulation  # imported for its kinds


@pytest.mark.parametrize("name", sorted(KINDS))
def test_the_example_of_a_kind_passes_the_door(name: str) -> None:
    """If this fails for a kind of yours, give the field it names an example: ``Field(examples=[...])``."""
    statement = receive(statement_of(name).encode())
    assert statement.claims.kind == name
    assert statement.signed.claims == claims_of(KINDS[name])


def test_examples_are_as_short_as_the_form_allows() -> None:
    assert body_of(KINDS["party.joined"]) == {"name": "legal name"}
    assert body_of(KINDS["offer.withdrawn"]) == {}
