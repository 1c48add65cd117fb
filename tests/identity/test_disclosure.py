"""Private fields: provable, complete at the door, and hidden from whoever does not hold the disclosure."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.canonical import b64decode, b64encode, encode
from identity.disclosure import (
    MAX_DISCLOSURE,
    MAX_DISCLOSURES,
    check_complete,
    digest,
    hidden,
    hide,
    join,
    reveal,
    show,
    split,
)
from identity.errors import Malformed
from tests.shared import shared

SALT = bytes(range(16))
PRICE = {"amount": 1250000, "currency": "EUR"}
FIELD, DISCLOSURE = hide(PRICE, SALT)
CLAIMS = {"iss": "did:key:z6Mk", "body": {"price": FIELD, "terms": [{"cap": 3}, 7]}}

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc/~", max_size=3), inner, max_size=3),
    max_leaves=8,
)
salts = st.binary(min_size=16, max_size=24)


def fault_of(read: Any, *arguments: Any) -> tuple[str, str | None]:
    with pytest.raises(Malformed) as caught:
        read(*arguments)
    return caught.value.code, caught.value.pointer


# -- hide and show -----------------------------------------------------------------------------------------------------


def test_the_bytes_of_a_disclosure_are_pinned() -> None:
    assert hide("v", SALT) == (
        {"_sd": ["VNLLMhUs5StZQpRJU-lADdiW9t_nIqOxMIhxC07mCGM"]},
        b64encode(b'["AAECAwQFBgcICQoLDA0ODw","value","v"]'),
    )


@given(values, salts)
def test_what_is_hidden_shows_again(value: Any, salt: bytes) -> None:
    field, disclosure = hide(value, salt)
    assert field == {"_sd": [digest(disclosure)]}
    assert show(disclosure) == value


@given(values, salts, salts)
def test_the_same_value_under_two_salts_has_two_digests(value: Any, one: bytes, other: bytes) -> None:
    assert (hide(value, one) == hide(value, other)) == (one == other)


@pytest.mark.parametrize("size", [0, 1, 15])
def test_a_short_salt_is_refused_when_hiding_and_when_showing(size: int) -> None:
    assert fault_of(hide, "v", bytes(size)) == ("salt_short", None)
    assert fault_of(show, b64encode(encode([b64encode(bytes(size)), "value", "v"]))) == ("salt_short", None)


@pytest.mark.parametrize("value", [{"_sd": ["x"]}, [{"a": {"_sd_alg": "sha-256"}}], {"a": [{"...": "x"}]}])
def test_nothing_private_lies_within_a_private_value(value: Any) -> None:
    assert fault_of(hide, value, SALT) == ("disclosure_malformed", None)
    assert fault_of(show, b64encode(encode([b64encode(SALT), "value", value]))) == ("disclosure_malformed", None)


def test_only_canonical_values_can_be_hidden() -> None:
    assert fault_of(hide, 1.5, SALT)[0] == "json_float"


def test_a_long_value_is_refused_when_hiding_and_when_showing() -> None:
    fits = "x" * (MAX_DISCLOSURE * 3 // 4 - len(encode([b64encode(SALT), "value", ""])))
    assert show(hide(fits, SALT)[1]) == fits
    assert fault_of(hide, fits + "x", SALT) == ("disclosure_malformed", None)
    assert fault_of(show, "A" * (MAX_DISCLOSURE + 1)) == ("disclosure_malformed", None)


def spelled(value: Any) -> str:
    return b64encode(encode(value))


@pytest.mark.parametrize(
    ("case", "disclosure", "code"),
    [
        ("nothing", "", "json_malformed"),
        ("not base64url", "a b", "base64url_malformed"),
        ("padding", DISCLOSURE + "=", "base64url_malformed"),
        ("not JSON", b64encode(b"value"), "json_malformed"),
        ("white space", b64encode(b'["AAECAwQFBgcICQoLDA0ODw", "value", 1]'), "json_not_canonical"),
        ("a float", b64encode(b'["AAECAwQFBgcICQoLDA0ODw","value",1.5]'), "json_float"),
        ("not an array", spelled({"salt": "x"}), "disclosure_malformed"),
        ("an array element's form", spelled([b64encode(SALT), 1]), "disclosure_malformed"),
        ("four parts", spelled([b64encode(SALT), "value", 1, 2]), "disclosure_malformed"),
        ("another name", spelled([b64encode(SALT), "price", 1]), "disclosure_malformed"),
        ("a salt that is no text", spelled([1, "value", 1]), "disclosure_malformed"),
        ("a salt that is not base64url", spelled(["A" * 22 + "=", "value", 1]), "base64url_malformed"),
    ],
)
def test_what_is_not_a_disclosure_is_refused(case: str, disclosure: str, code: str) -> None:
    assert fault_of(show, disclosure)[0] == code


@given(st.text("WyJBIsInZ0-_=~", max_size=40) | st.text(max_size=20) | st.binary(max_size=40).map(b64encode))
def test_any_text_ends_in_a_value_or_in_malformed(text: str) -> None:
    try:
        value = show(text)
    except Malformed:
        return
    salt = json.loads(b64decode(text))[0]
    assert spelled([salt, "value", value]) == text


# -- known answers -----------------------------------------------------------------------------------------------------


def test_digests_of_rfc_9901() -> None:
    known = json.loads(shared("vectors/identity/sd-jwt/rfc9901_examples.json").read_bytes())
    pairs = list(_disclosures(known))
    assert len(pairs) > 40
    for one in pairs:
        assert digest(one["disclosure"]) == one["digest"]


def test_the_disclosures_of_rfc_9901_are_not_in_our_one_spelling() -> None:
    known = json.loads(shared("vectors/identity/sd-jwt/rfc9901_examples.json").read_bytes())
    for one in _disclosures(known):
        assert fault_of(show, one["disclosure"])[0] in {"json_not_canonical", "json_float", "disclosure_malformed"}


def _disclosures(value: Any) -> Any:
    if isinstance(value, dict):
        if {"digest", "disclosure"} <= value.keys():
            yield value
        for inner in value.values():
            yield from _disclosures(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _disclosures(inner)


# -- split and join ----------------------------------------------------------------------------------------------------


@given(st.binary(max_size=20).map(b64encode), st.lists(st.text("abc-_", min_size=1, max_size=5), max_size=5))
def test_what_is_joined_splits_again(compact: str, disclosures: list[str]) -> None:
    sent = join(compact.encode(), disclosures)
    assert split(sent) == (compact.encode(), disclosures)
    assert sent.endswith(b"~") == bool(disclosures)


@given(st.binary(max_size=12) | st.text("a~", max_size=12).map(str.encode))
def test_there_is_one_way_to_put_a_statement_and_disclosures_together(sent: bytes) -> None:
    try:
        compact, disclosures = split(sent)
    except Malformed:
        return
    assert join(compact, disclosures) == sent


@pytest.mark.parametrize(
    "sent",
    [
        b"~",
        b"jws~",
        b"jws~~",
        b"jws~a",
        b"jws~a~b",
        b"jws~~a~",
        b"jws~a~~",
        b"jws~a~~b~",
        b"jws~\xc3\xbc~",
        b"jws~a~key.binding.jwt",
    ],
)
def test_another_way_to_put_them_together_is_refused(sent: bytes) -> None:
    assert fault_of(split, sent) == ("disclosures_malformed", None)


def test_as_many_disclosures_as_there_may_be_and_one_more() -> None:
    assert len(split(b"jws~" + b"a~" * MAX_DISCLOSURES)[1]) == MAX_DISCLOSURES
    assert fault_of(split, b"jws~" + b"a~" * (MAX_DISCLOSURES + 1)) == ("disclosures_malformed", None)


# -- which fields are hidden -------------------------------------------------------------------------------------------


def test_every_private_field_is_found_with_its_place() -> None:
    other, _ = hide("x", b"\1" * 16)
    claims = {"body": {"a/b": FIELD, "list": [1, {"x": other}], "open": {"deep": [[]]}}}
    assert hidden(claims) == {
        FIELD["_sd"][0]: "/payload/body/a~1b",
        other["_sd"][0]: "/payload/body/list/1/x",
    }
    assert hidden(claims, pointer="") == {FIELD["_sd"][0]: "/body/a~1b", other["_sd"][0]: "/body/list/1/x"}
    assert hidden({"body": {"open": 1}}) == {}


@pytest.mark.parametrize(
    ("case", "field", "code"),
    [
        ("no digest", {"_sd": []}, "private_field_malformed"),
        ("a decoy", {"_sd": [FIELD["_sd"][0], "A" * 43]}, "private_field_malformed"),
        ("a member beside it", {"_sd": FIELD["_sd"], "amount": 1}, "private_field_malformed"),
        ("another hash", {"_sd": FIELD["_sd"], "_sd_alg": "sha-512"}, "private_field_malformed"),
        ("only the name of a hash", {"_sd_alg": "sha-256"}, "private_field_malformed"),
        ("a hidden array element", {"...": FIELD["_sd"][0]}, "private_field_malformed"),
        ("a digest without its array", {"_sd": FIELD["_sd"][0]}, "private_field_malformed"),
        ("a digest that is no text", {"_sd": [1]}, "private_field_malformed"),
        ("a short digest", {"_sd": ["A" * 42]}, "private_field_malformed"),
        ("a long digest", {"_sd": ["A" * 44]}, "private_field_malformed"),
        ("a digest in another spelling", {"_sd": ["A" * 42 + "B"]}, "base64url_malformed"),
    ],
)
def test_a_private_field_in_another_form_is_refused(case: str, field: dict[str, Any], code: str) -> None:
    claims = {"body": {"list": [{"price": field}]}}
    assert fault_of(hidden, claims) == (code, "/payload/body/list/0/price")
    assert fault_of(check_complete, claims, []) == (code, "/payload/body/list/0/price")
    assert fault_of(reveal, claims, []) == (code, "/payload/body/list/0/price")


def test_a_digest_that_stands_twice_is_refused() -> None:
    claims = {"body": {"first": FIELD, "second": FIELD}}
    with pytest.raises(Malformed, match="/payload/body/first") as caught:
        hidden(claims)
    assert (caught.value.code, caught.value.pointer) == ("disclosure_twice", "/payload/body/second")


# -- complete at the door ----------------------------------------------------------------------------------------------


def hidden_fields(fields: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """A statement's claims with every one of ``fields`` hidden, and the disclosures."""
    body, disclosures = {}, []
    for number, (name, value) in enumerate(fields.items()):
        body[name], disclosure = hide(value, bytes([number]) * 16)
        disclosures.append(disclosure)
    return {"body": body, "kind": "x"}, disclosures


@given(st.dictionaries(st.text("abc", min_size=1, max_size=3), values, max_size=4), st.randoms(use_true_random=False))
def test_all_disclosures_in_any_order_show_all_values(fields: dict[str, Any], random: Any) -> None:
    claims, disclosures = hidden_fields(fields)
    random.shuffle(disclosures)
    assert check_complete(claims, disclosures) == {f"/payload/body/{name}": value for name, value in fields.items()}
    assert reveal(claims, disclosures) == {"body": fields, "kind": "x"}


@given(st.dictionaries(st.text("abc", min_size=1, max_size=3), values, min_size=1, max_size=4), st.data())
def test_one_disclosure_fewer_or_twice_or_foreign_is_refused(fields: dict[str, Any], data: st.DataObject) -> None:
    claims, disclosures = hidden_fields(fields)
    place = data.draw(st.integers(0, len(disclosures) - 1))
    fewer = disclosures[:place] + disclosures[place + 1 :]
    foreign = hide("foreign", b"\xff" * 16)[1]
    name = list(fields)[place]
    assert fault_of(check_complete, claims, fewer) == ("disclosure_missing", f"/payload/body/{name}")
    assert fault_of(check_complete, claims, [*disclosures, disclosures[place]]) == ("disclosure_twice", None)
    assert fault_of(check_complete, claims, [*disclosures, foreign]) == ("disclosure_unknown", None)
    assert fault_of(check_complete, claims, [*fewer, foreign]) == ("disclosure_unknown", None)


def test_a_signed_digest_of_something_else_is_refused_when_it_is_opened() -> None:
    for disclosure, code in [
        (spelled(["AAAA", "value", 1]), "salt_short"),
        (spelled([b64encode(SALT), "other", 1]), "disclosure_malformed"),
        ("not base64url!", "base64url_malformed"),
    ]:
        claims = {"body": {"price": {"_sd": [digest(disclosure)]}}}
        assert fault_of(check_complete, claims, [disclosure])[0] == code
        assert fault_of(reveal, claims, [disclosure])[0] == code


def test_a_disclosure_that_is_not_ascii_is_refused() -> None:
    assert fault_of(check_complete, CLAIMS, ["ü"]) == ("disclosure_malformed", None)


# -- shown to some -----------------------------------------------------------------------------------------------------


def test_what_is_withheld_stays_hidden_and_the_claims_stay_as_they_are() -> None:
    claims, (first, second) = hidden_fields({"price": PRICE, "cap": 3})
    before = encode(claims)
    shown = reveal(claims, [first])
    assert shown == {"body": {"price": PRICE, "cap": claims["body"]["cap"]}, "kind": "x"}
    assert reveal(claims, []) == claims
    assert reveal(claims, [second])["body"]["cap"] == 3
    shown["body"]["cap"]["_sd"].append("scribble")
    assert encode(claims) == before


def test_fields_in_arrays_are_shown_in_their_places() -> None:
    claims = {"body": {"list": [1, FIELD, [{"x": FIELD["_sd"]}]]}}
    assert reveal(claims, [DISCLOSURE]) == {"body": {"list": [1, PRICE, [{"x": FIELD["_sd"]}]]}}


def test_a_foreign_or_repeated_disclosure_shows_nothing() -> None:
    assert fault_of(reveal, CLAIMS, [hide("foreign", SALT)[1]]) == ("disclosure_unknown", None)
    assert fault_of(reveal, CLAIMS, [DISCLOSURE, DISCLOSURE]) == ("disclosure_twice", None)
