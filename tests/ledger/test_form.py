"""Building a form again gives what validating it gave: for every statement of a life in which every kind is used."""

import pytest

from ledger.form import Form, rebuild
from ledger.statement import KINDS, Claims, accept
from tests.cast import Play
from tests.ledger.committed import committed_life


@pytest.fixture(scope="module")
def play() -> Play:
    return committed_life()


def test_a_life_uses_every_kind(play: Play) -> None:
    assert {played.statement.claims.kind for played in play.entries} == set(KINDS)


def test_what_is_rebuilt_is_what_was_validated(play: Play) -> None:
    for played in play.entries:
        claims = played.statement.signed.claims
        for form, values in ((Claims, claims), (KINDS[claims["kind"]], claims["body"])):
            validated = form.model_validate(values)
            assert_alike(rebuild(form, values), validated)


def test_an_accepted_statement_is_the_one_received(play: Play) -> None:
    for played in play.entries:
        assert accept(played.sent) == played.statement


def assert_alike(one: object, other: object) -> None:
    """The same type all the way down: equality of models alone would let a dict stand for none, or a list of both."""
    assert type(one) is type(other)
    if isinstance(one, Form) and isinstance(other, Form):
        assert one.model_fields_set == other.model_fields_set
        assert one.__dict__.keys() == other.__dict__.keys()
        for name, value in one.__dict__.items():
            assert_alike(value, other.__dict__[name])
    elif isinstance(one, list) and isinstance(other, list):
        assert len(one) == len(other)
        for left, right in zip(one, other, strict=True):
            assert_alike(left, right)
    else:
        assert one == other
