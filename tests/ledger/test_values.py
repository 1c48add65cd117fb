"""Values: one spelling each, and what lies outside is refused."""

from hashlib import sha256
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from identity.canonical import b64encode
from ledger.values import (
    CROCKFORD,
    CURRENCIES,
    AssetId,
    Did,
    Digest,
    Form,
    Hidden,
    MediaType,
    Money,
    PartyId,
    Private,
    Seconds,
    Text,
    Uri,
    is_hidden,
    is_of,
    pointer_of,
    statement_key,
    subject_id,
    type_of,
)

DID = "did:key:z6MktKwz7Ge1Yxzr4JHavN33wiwa8y81QdcMRLXQsrH9T53b"
DIGEST = b64encode(sha256(b"").digest())


def accepts(type_: Any, value: object) -> bool:
    try:
        TypeAdapter(type_).validate_python(value, strict=True)
    except ValidationError:
        return False
    return True


# -- subject ids -----------------------------------------------------------------------------------------------


def test_an_id_spells_the_first_128_bits_of_the_statement_id() -> None:
    assert subject_id("asset", bytes(32)) == "asset_" + "0" * 26
    assert subject_id("asset", bytes(15) + b"\x01" + b"\xff" * 16) == "asset_" + "0" * 25 + "1"
    assert subject_id("asset", b"\xff" * 32) == "asset_7" + "z" * 25
    assert statement_key("asset_7" + "z" * 25) == b"\xff" * 16
    assert statement_key("party_" + "0" * 25 + "1") == bytes(15) + b"\x01"


@given(st.binary(min_size=32, max_size=32))
def test_a_subject_id_leads_back_to_half_of_the_statement_id(statement: bytes) -> None:
    assert statement_key(subject_id("asset", statement)) == statement[:16]


@pytest.mark.parametrize(
    "wrong", ["", "asset", "asset_" + "0" * 25, "asset_8" + "0" * 25, "asset_" + "u" * 26, "0" * 26]
)
def test_what_is_no_subject_id_leads_to_no_statement(wrong: str) -> None:
    with pytest.raises(ValueError, match="is not a subject id"):
        statement_key(wrong)


@given(st.binary(min_size=32, max_size=32))
def test_an_id_can_be_read_back(statement: bytes) -> None:
    subject = subject_id("party", statement)
    bits = 0
    for letter in subject.removeprefix("party_"):
        bits = bits * 32 + CROCKFORD.index(letter)
    assert bits.to_bytes(16, "big") == statement[:16]
    assert type_of(subject) == "party"
    assert accepts(PartyId, subject)
    assert not accepts(AssetId, subject)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "asset",
        "asset_",
        "asset_" + "0" * 25,
        "asset_" + "0" * 27,
        "asset_8" + "0" * 25,  # 129 bits
        "asset_" + "0" * 25 + "l",  # not a letter of Crockford's alphabet
        "asset_" + "0" * 25 + "A",
        "Asset_" + "0" * 26,
        "_" + "0" * 26,
        "asset_" + "0" * 26 + "\n",
    ],
)
def test_what_is_not_the_spelling_of_an_id(text: str) -> None:
    assert type_of(text) == ""
    assert not accepts(AssetId, text)


@pytest.mark.parametrize(
    ("form", "good", "bad"),
    [
        (
            "asset",
            "asset_" + "0" * 26,
            ["", "asset", "party_" + "0" * 26, "asset_" + "0" * 26 + " ", "Asset_" + "0" * 26],
        ),
        ("digest", "A" * 43, ["", "A" * 42, "A" * 42 + "B", "A" * 43 + "=", "A" * 43 + "\n", "A" * 42 + "+"]),
        (
            "did",
            DID,
            ["", DID[:-1], f"{DID} ", f"{DID}\n", DID.upper(), "did:key:z6Mk", "did:web:a.example", f"{DID}#x"],
        ),
    ],
)
def test_a_value_is_of_its_form_in_one_spelling(form: str, good: str, bad: list[str]) -> None:
    assert is_of(form, good)
    assert not [text for text in bad if is_of(form, text)]


# -- digests ---------------------------------------------------------------------------------------------------


@given(st.binary(min_size=32, max_size=32))
def test_a_digest_has_one_spelling(data: bytes) -> None:
    text = b64encode(data)
    assert accepts(Digest, text)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    same = [text[:-1] + letter for letter in alphabet if alphabet.index(letter) >> 2 == alphabet.index(text[-1]) >> 2]
    assert [other for other in same if accepts(Digest, other)] == [text]


@pytest.mark.parametrize("text", ["", DIGEST[:-1], DIGEST + "A", DIGEST + "=", DIGEST[:-1] + "+", DIGEST + "\n"])
def test_what_is_not_a_digest(text: str) -> None:
    assert not accepts(Digest, text)


# -- text ------------------------------------------------------------------------------------------------------

Title = Annotated[str, Text(1, 20, "title")]


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "two words",
        "two\nlines",
        "主轴振动",
        "é",
        "می\u200cخواهم",
        "क्\u200dष",
        "😀",
        "x" * 20,
        "\U0001f468\u200d\U0001f469",
    ],
)
def test_readable_text_is_accepted(text: str) -> None:
    assert accepts(Title, text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x" * 21,
        " a",
        "a ",
        "a\n",
        "主 ",
        "\u3000主",
        "a\tb",
        "a\rb",
        "a\x00b",
        "a\x7fb",
        "a\x85b",
        "e\u0301",  # not NFC
        "a\u202eb",  # right-to-left override
        "a\u2066b",
        "a\u200bb",  # zero-width space
        "a\ufeffb",
        "a\u2028b",
        "a\ue000b",  # private use
        "a\ud800b",  # lone surrogate
        "a\u0378b",  # not assigned
        1,
        None,
        b"a",
    ],
)
def test_text_people_cannot_read_is_refused(text: object) -> None:
    assert not accepts(Title, text)


# -- money -----------------------------------------------------------------------------------------------------


def test_all_currencies_with_a_minor_unit_are_known_and_no_other() -> None:
    assert len(CURRENCIES) == 165  # ISO 4217, list one of 2026-01-01: 178 codes, 13 of them without minor unit
    assert not CURRENCIES & {"XAU", "XAG", "XPT", "XPD", "XDR", "XSU", "XUA", "XTS", "XXX", "XBA", "XBB", "XBC", "XBD"}
    assert {"EUR", "CNY", "JPY", "BHD", "CLF"} <= CURRENCIES


@pytest.mark.parametrize("amount", [0, 1, 2**53 - 1])
def test_money_is_an_integer_of_minor_units(amount: int) -> None:
    assert Money(amount=amount, currency="EUR").amount == amount


@pytest.mark.parametrize(
    "money",
    [
        {"amount": -1, "currency": "EUR"},
        {"amount": 2**53, "currency": "EUR"},
        {"amount": 1.0, "currency": "EUR"},
        {"amount": "1", "currency": "EUR"},
        {"amount": True, "currency": "EUR"},
        {"amount": 1, "currency": "eur"},
        {"amount": 1, "currency": "XXX"},
        {"amount": 1},
        {"amount": 1, "currency": "EUR", "scale": 2},
    ],
)
def test_what_is_not_money(money: dict[str, object]) -> None:
    assert not accepts(Money, money)


# -- the rest --------------------------------------------------------------------------------------------------

OTHERS: list[tuple[Any, list[object], list[object]]] = [
    (Seconds, [0, 1_760_000_000, 2**38 - 1], [-1, 2**38, 1.5, "1", True]),
    (
        MediaType,
        ["text/csv", "application/vnd.apache.parquet", "application/asset-administration-shell-package+xml"],
        ["text", "Text/CSV", "text/csv; header=present", "text/", "/csv", "text/csv "],
    ),
    (
        Uri,
        ["urn:samm:io.catenax.pcf:7.0.0#Pcf", "https://example.com/a?b#c"],
        ["example.com", "https:", "https://a b", "https://ü.example", "1a:b", "a:" + "b" * 512],
    ),
    (Did, ["did:key:z6Mk", "did:web:example.com"], ["did:", "did:KEY:z", "key:z", "did:key:", "did:key:z z"]),
]


@pytest.mark.parametrize(("type_", "good", "bad"), OTHERS)
def test_other_values(type_: Any, good: list[object], bad: list[object]) -> None:
    assert [value for value in good if not accepts(type_, value)] == []
    assert [value for value in bad if accepts(type_, value)] == []


class Priced(Form):
    price: Private[Money]


def test_a_private_field_is_shown_or_hidden() -> None:
    shown = Priced.model_validate({"price": {"amount": 1, "currency": "EUR"}})
    hidden = Priced.model_validate({"price": {"_sd": [DIGEST]}})
    assert isinstance(shown.price, Money)
    assert isinstance(hidden.price, Hidden)
    assert not is_hidden(shown.price)
    assert is_hidden(hidden.price)
    assert is_hidden({"_sd": [DIGEST]})
    assert not is_hidden({"amount": 1})
    assert not is_hidden(None)


@pytest.mark.parametrize(
    ("price", "pointer"),
    [
        ({"_sd": []}, "/price/_sd"),
        ({"_sd": [DIGEST, DIGEST]}, "/price/_sd"),
        ({"_sd": ["short"]}, "/price/_sd/0"),
        ({"_sd": [DIGEST], "amount": 1}, "/price/amount"),
        ({"amount": "1", "currency": "EUR"}, "/price/amount"),
        (None, "/price"),
    ],
)
def test_a_malformed_private_field_is_refused_at_its_place(price: object, pointer: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Priced.model_validate({"price": price})
    assert pointer_of(caught.value.errors()[0]["loc"]) == pointer


def test_pointers_escape_what_rfc_6901_reserves_and_drop_the_marks_of_unions() -> None:
    assert pointer_of(("a/b", "~", 0, "·hidden", "@type")) == "/a~1b/~0/0/@type"
    assert pointer_of(()) == ""


def test_forms_are_closed_strict_and_unchangeable() -> None:
    money = Money(amount=1, currency="EUR")
    with pytest.raises(ValidationError):
        money.amount = 2  # type: ignore[misc]
