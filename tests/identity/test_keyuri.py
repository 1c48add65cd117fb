"""Names of keys in tokens: what RFC 7512 allows, and what is refused of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from identity.errors import Halted
from identity.keyuri import KeyUri, is_key_uri, parse_key_uri

KEY = "pkcs11:object=signing"


def test_a_uri_says_which_token_which_key_which_library_and_where_the_pin_is() -> None:
    text = (
        "pkcs11:token=Blade%20Works;serial=e139;manufacturer=Snake%20Oil,%20Inc.;model=1.0;object=m%C3%BCller;id=%00%ffa"
        ";type=private?module-path=/usr/lib/hsm.so&pin-source=file:/etc/works.pin"
    )
    token = {"label": "Blade Works", "serial": "e139", "manufacturer_id": "Snake Oil, Inc.", "model": "1.0"}
    module, pin = Path("/usr/lib/hsm.so"), Path("/etc/works.pin")
    assert parse_key_uri(text) == KeyUri(text, token, "müller", b"\x00\xffa", module, pin)


@pytest.mark.parametrize(
    ("text", "label", "id_"),
    [
        (KEY, "signing", None),
        ("pkcs11:id=%01", None, b"\x01"),
        ("pkcs11:object=a&b=c", "a&b=c", None),  # section 2.3: & and = are plain before the question mark
        ("pkcs11:object=a%3Bb", "a;b", None),
        ("pkcs11:object=100%25", "100%", None),
        ("pkcs11:object=signing?", "signing", None),
    ],
)
def test_little_is_enough(text: str, label: str | None, id_: bytes | None) -> None:
    assert parse_key_uri(text) == KeyUri(text, {}, label, id_, None, None)


@pytest.mark.parametrize("spelled", ["file:/etc/a%20b", "file:///etc/a%20b"])
def test_a_file_is_spelled_in_two_ways(spelled: str) -> None:
    assert parse_key_uri(f"{KEY}?pin-source={spelled}").pin_file == Path("/etc/a b")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("works.key", "does not begin with pkcs11:"),
        ("PKCS11:object=signing", "does not begin with pkcs11:"),
        ("pkcs11:", "it names no key"),
        ("pkcs11:token=works", "it names no key"),
        ("pkcs11:object=", "it names no key"),
        ("pkcs11:object=signing;type=public", "type is not private"),
        ("pkcs11:object=signing;object=other", "object stands twice"),
        ("pkcs11:object=two words", "part 1"),
        ("pkcs11:token=works;object=a/b", "part 2"),
        ("pkcs11:object=signing;", "part 2"),
        ("pkcs11:object=%zz", "part 1"),
        ("pkcs11:object=%ff", "object is not UTF-8"),
        ("pkcs11:object=müller", "part 1"),
        ("pkcs11:object=signing;slot-id=1", "slot-id is none of"),
        ("pkcs11:object=signing;library-manufacturer=x", "library-manufacturer is none of"),
        (f"{KEY}?module-name=softhsm2", "module-name is none of"),
        (f"{KEY}?module-path=softhsm2.so", "module-path is no absolute path"),
        (f"{KEY}?module-path=/a%00b", "module-path is no absolute path"),
        (f"{KEY}?module-path=/a&module-path=/b", "module-path stands twice"),
        (f"{KEY}?pin-source=|/usr/bin/pin", "pin-source is not file:/path"),
        (f"{KEY}?pin-source=/etc/pin", "pin-source is not file:/path"),
        (f"{KEY}?pin-source=file:pin", "pin-source is not file:/path"),
        (f"{KEY}?pin-source=file://host/pin", "pin-source is not file:/path"),
        (f"{KEY}?a=1?b=2", "a is none of"),
        (f"{KEY}#fragment", "part 1"),
    ],
)
def test_anything_else_is_refused_and_said(text: str, said: str) -> None:
    with pytest.raises(Halted, match="hsm_uri_malformed") as caught:
        parse_key_uri(text)
    assert said in caught.value.detail


@pytest.mark.parametrize("text", [f"{KEY}?pin-value=2468", f"{KEY}?x&pin-value=2468", "pkcs11:pin-value=2468;object=a"])
def test_a_pin_in_the_uri_is_refused_by_name_and_not_repeated(text: str) -> None:
    with pytest.raises(Halted) as caught:
        parse_key_uri(text)
    assert caught.value.code == "hsm_pin_in_uri"
    assert "2468" not in str(caught.value)
    assert "pin-source=file:" in caught.value.advice


@pytest.mark.parametrize(
    "text", ["PKCS11:object=a;pin-value=2468", " pkcs11:object=a?pin-value=2468", f"{KEY}?Pin-Value=2468"]
)
def test_a_pin_in_a_misspelled_uri_is_not_repeated_as_the_name_of_a_file(text: str) -> None:
    assert is_key_uri(text)
    with pytest.raises(Halted, match="hsm_pin_in_uri") as caught:
        parse_key_uri(text)
    assert "2468" not in str(caught.value)


def test_a_file_is_no_uri() -> None:
    assert [name for name in ("pkcs11:object=a", "a.key", "./pkcs11:a") if is_key_uri(name)] == ["pkcs11:object=a"]
