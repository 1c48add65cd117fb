"""One error tree: a code has one meaning and one family, and errors survive the way to another process."""

import pickle

import pytest

from identity import canonical, did, disclosure, jws, keys
from identity.errors import CATALOGUE, Malformed, Problem, Unverifiable, declare


def test_a_code_declared_twice_is_our_mistake() -> None:
    with pytest.raises(ValueError, match="declared twice: json_malformed"):
        declare("rule", json_malformed=("another meaning", "none"))
    assert CATALOGUE["json_malformed"].family == "malformed"


def test_an_undeclared_code_is_our_mistake() -> None:
    with pytest.raises(LookupError):
        Malformed("never_declared_anywhere")


def test_a_code_raised_in_another_family_is_our_mistake() -> None:
    with pytest.raises(LookupError, match="declared as unverifiable, raised as malformed"):
        Malformed("signature_invalid")


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Malformed("json_float", "1.5", pointer="/payload/body"), "json_float: 1.5 at /payload/body"),
        (Malformed("json_float"), "json_float: a floating-point number"),
        (Unverifiable("signature_invalid", "64 bytes"), "signature_invalid: 64 bytes"),
    ],
)
def test_the_text_says_code_detail_and_place(problem: Problem, text: str) -> None:
    assert str(problem) == text


def test_title_and_advice_come_from_the_catalogue() -> None:
    problem = Malformed("json_float", "1.5")
    assert problem.title == "a floating-point number"
    assert "integer minor units" in problem.advice


def test_a_problem_crosses_process_borders_whole() -> None:
    sent = Unverifiable("signature_invalid", "detail", pointer="/signature", index=7, subject="asset_1")
    got = pickle.loads(pickle.dumps(sent))
    assert type(got) is Unverifiable
    assert vars(got) == vars(sent)
    assert got.args == sent.args


def test_every_meaning_is_written_for_people() -> None:
    assert {canonical, did, disclosure, jws, keys}  # their import declared the codes judged here
    for code, meaning in CATALOGUE.items():
        assert code == meaning.code
        assert code == code.lower()
        assert code.replace("_", "").isalnum()
        assert meaning.title
        assert meaning.advice
        assert not meaning.title.endswith(".")
        assert not meaning.advice.endswith(".")
