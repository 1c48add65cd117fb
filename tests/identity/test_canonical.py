"""One value, one spelling: RFC 8785 on the subset, everything else refused by name."""

import base64
import json
import re
from contextlib import suppress
from decimal import Decimal
from enum import StrEnum
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from identity.canonical import MAX_DEPTH, b64decode, b64encode, check_subset, decode, encode
from identity.errors import Malformed
from tests.shared import shared

LIMIT = 2**53
ASCII = st.text(st.characters(max_codepoint=0x7F), max_size=8)
SCALARS = st.none() | st.booleans() | st.integers(-LIMIT + 1, LIMIT - 1) | st.text(max_size=12)
SUBSET = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ASCII, inner, max_size=4), max_leaves=24
)
ANYTHING = st.recursive(
    SCALARS | st.floats() | st.integers() | st.text(st.characters(categories=None), max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


def nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth - 1):
        value = [value]
    return value


# -- encode and decode against an implementation that is not ours ------------------------------------------------------


@given(SUBSET)
def test_on_the_subset_the_spelling_is_that_of_rfc_8785_and_reads_back(value: Any) -> None:
    spelled = encode(value)
    assert spelled == rfc8785.dumps(value)
    assert decode(spelled) == value


@given(ANYTHING)
def test_outside_the_subset_it_refuses_and_never_differs_from_rfc_8785(value: Any) -> None:
    try:
        spelled = encode(value)
    except Malformed:
        return
    assert spelled == rfc8785.dumps(value)


@given(SUBSET, st.data())
def test_of_all_spellings_only_the_canonical_one_is_read(value: Any, data: st.DataObject) -> None:
    canonical = encode(value)
    other = json.dumps(
        value,
        ensure_ascii=data.draw(st.booleans()),
        indent=data.draw(st.none() | st.just(1)),
        separators=data.draw(st.sampled_from([(",", ":"), (", ", ": ")])),
    ).encode()
    if other == canonical:
        assert decode(other) == value
    else:
        with pytest.raises(Malformed, match="json_not_canonical"):
            decode(other)


@given(SUBSET.map(encode), st.data())
def test_a_changed_byte_is_refused_or_spells_another_value(spelled: bytes, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(spelled) - 1))
    changed = spelled[:place] + bytes([data.draw(st.integers(0, 255))]) + spelled[place + 1 :]
    try:
        value = decode(changed)
    except Malformed:
        return
    assert encode(value) == changed


@given(st.binary(max_size=40))
def test_any_bytes_end_in_a_value_or_in_malformed(data: bytes) -> None:
    try:
        value = decode(data)
    except Malformed:
        return
    assert encode(value) == data


# -- known answers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["arrays", "structures", "unicode"])
def test_documents_of_the_scheme_s_author_inside_the_subset(name: str) -> None:
    output = shared(f"vectors/jcs/output/{name}.json").read_bytes()
    value = decode(output)
    assert encode(value) == output
    assert value == json.loads(shared(f"vectors/jcs/input/{name}.json").read_bytes())


@pytest.mark.parametrize(
    ("name", "code", "pointer"),
    [
        ("french", "json_key_not_ascii", ""),
        ("values", "json_float", "/numbers/0"),
        ("weird", "json_key_not_ascii", ""),
    ],
)
def test_documents_of_the_scheme_s_author_outside_the_subset(name: str, code: str, pointer: str) -> None:
    with pytest.raises(Malformed) as caught:
        decode(shared(f"vectors/jcs/output/{name}.json").read_bytes())
    assert (caught.value.code, caught.value.pointer) == (code, pointer)


def test_of_ten_thousand_numbers_exactly_the_safe_integers_are_read() -> None:
    lines = shared("vectors/jcs/es6_numbers_10000.txt").read_text("ascii").split()
    read = 0
    for line in lines:
        text = line.partition(",")[2]
        if re.fullmatch(r"-?[0-9]+", text) and abs(int(text)) < LIMIT:
            assert decode(text.encode()) == int(text)
            read += 1
        else:
            with pytest.raises(Malformed, match=r"json_float|json_integer_range|json_not_canonical"):
                decode(text.encode())
    assert 0 < read < len(lines)


# -- each refusal by name ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("case", "data", "code", "pointer"),
    [
        ("nothing", b"", "json_malformed", "/payload"),
        ("a byte order mark", b"\xef\xbb\xbf{}", "json_malformed", "/payload"),
        ("not UTF-8", b'"\xff"', "json_malformed", "/payload"),
        ("UTF-8 of a surrogate", b'"\xed\xa0\x80"', "json_malformed", "/payload"),
        ("an escaped lone surrogate", b'"\\ud800"', "json_malformed", "/payload"),
        ("NaN", b'{"a":NaN}', "json_malformed", "/payload"),
        ("infinity by another name", b'{"a":1e400}', "json_malformed", "/payload"),
        ("two values", b"1 2", "json_malformed", "/payload"),
        ("100,000 levels", b"[" * 100_000 + b"]" * 100_000, "json_malformed", "/payload"),
        ("33 levels", b"[" * 33 + b"]" * 33, "json_too_deep", "/payload" + "/0" * 32),
        (
            "33 levels beside others",
            b'{"a":[],"b":' + b"[" * 32 + b"]" * 32 + b"}",
            "json_too_deep",
            "/payload/b" + "/0" * 31,
        ),
        ("a float", b'{"a":[1,{"b":1.5}]}', "json_float", "/payload/a/1/b"),
        ("an integer with a fraction of nought", b"[1.0]", "json_float", "/payload/0"),
        ("an exponent", b"[1e3]", "json_float", "/payload/0"),
        ("negative nought as a float", b"[-0.0]", "json_float", "/payload/0"),
        ("an integer beyond 64 bits", b"[18446744073709551616]", "json_float", "/payload/0"),
        ("2^53", b'{"a":9007199254740992}', "json_integer_range", "/payload/a"),
        ("-2^53", b'{"a":-9007199254740992}', "json_integer_range", "/payload/a"),
        ("a key with an umlaut", '{"a":[{"ü":1}]}'.encode(), "json_key_not_ascii", "/payload/a/0"),
        ("a key with pointer signs", b'{"a/b~c":1.5}', "json_float", "/payload/a~1b~0c"),
        ("an empty key", b'{"":1.5}', "json_float", "/payload/"),
        ("negative nought", b"-0", "json_not_canonical", "/payload"),
        ("a duplicate key, equal values", b'{"a":1,"a":1}', "json_not_canonical", "/payload"),
        ("a duplicate key, different values", b'{"a":1,"a":2}', "json_not_canonical", "/payload"),
        ("keys out of order", b'{"b":1,"a":2}', "json_not_canonical", "/payload"),
        ("white space within", b'{"a": 1}', "json_not_canonical", "/payload"),
        ("white space after", b"{}\n", "json_not_canonical", "/payload"),
        ("an escape without need", b'"\\u0041"', "json_not_canonical", "/payload"),
        ("an escaped solidus", b'"\\/"', "json_not_canonical", "/payload"),
        ("a long escape for a short one", b'"\\u000a"', "json_not_canonical", "/payload"),
        ("capital hexadecimal", b'"\\u001F"', "json_not_canonical", "/payload"),
        ("an escaped letter beyond ASCII", b'"\\u00fc"', "json_not_canonical", "/payload"),
    ],
)
def test_bytes_refused(case: str, data: bytes, code: str, pointer: str) -> None:
    with pytest.raises(Malformed) as caught:
        decode(data, pointer="/payload")
    assert (caught.value.code, caught.value.pointer) == (code, pointer)


def test_the_first_differing_byte_is_named() -> None:
    with pytest.raises(Malformed, match="byte 2 differs"):
        decode(b'{"b":1,"a":2}')
    with pytest.raises(Malformed, match="byte 2 differs"):
        decode(b"{}\n")


class Colour(StrEnum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "code", "pointer"),
    [
        ({"a": (1, 2)}, "json_type", "/a"),
        ([b"bytes"], "json_type", "/0"),
        ([Decimal("1.5")], "json_type", "/0"),
        ([Colour.RED], "json_type", "/0"),
        (float("nan"), "json_float", ""),
        ([float("inf")], "json_float", "/0"),
        ({"a": {1: 2}}, "json_key_not_ascii", "/a"),
        ({"a": {Colour.RED: 2}}, "json_malformed", ""),
        ({"a": {"\ud800": 2}}, "json_key_not_ascii", "/a"),
        ({"a": "\ud800"}, "json_malformed", ""),
        (LIMIT, "json_integer_range", ""),
        ([-(2**70_000)], "json_integer_range", "/0"),
    ],
)
def test_values_refused(value: Any, code: str, pointer: str) -> None:
    with pytest.raises(Malformed) as caught:
        encode(value)
    assert (caught.value.code, caught.value.pointer) == (code, pointer)


def test_a_value_that_contains_itself_is_too_deep() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(Malformed, match="json_too_deep"):
        encode(value)


def test_the_deepest_and_largest_that_pass() -> None:
    assert decode(encode(nested(MAX_DEPTH))) == nested(MAX_DEPTH)
    assert encode([LIMIT - 1, 1 - LIMIT]) == b"[9007199254740991,-9007199254740991]"
    check_subset({"a": nested(MAX_DEPTH - 1)})
    with pytest.raises(Malformed, match="json_too_deep"):
        check_subset({"a": nested(MAX_DEPTH)})


# -- base64url ---------------------------------------------------------------------------------------------------------


@given(st.binary(max_size=70))
def test_base64url_is_that_of_the_standard_library_without_padding(data: bytes) -> None:
    text = b64encode(data)
    assert text == base64.urlsafe_b64encode(data).rstrip(b"=").decode()
    assert b64decode(text) == data
    assert b64decode(text.encode()) == data


def test_of_all_two_letter_texts_exactly_256_are_read() -> None:
    read = {}
    for number in range(2**16):
        text = number.to_bytes(2, "big")
        with suppress(Malformed):
            read[text] = b64decode(text)
    assert sorted(read.values()) == [bytes([value]) for value in range(256)]
    assert all(b64encode(data).encode() == text for text, data in read.items())


@given(st.text("AQgw-_+/= \n.Z", max_size=9) | st.binary(max_size=9))
def test_base64url_has_one_spelling(text: str | bytes) -> None:
    try:
        data = b64decode(text)
    except Malformed:
        return
    assert b64encode(data) == (text if isinstance(text, str) else text.decode("ascii"))


@pytest.mark.parametrize(
    "text",
    [
        "A",
        "AAAAA",
        "AA=",
        "AA==",
        "AAA=",
        "AB",
        "AAB",
        "+A",
        "/A",
        "A A",
        "AA\n",
        "\nAA",
        "AA=A",
        "====",
        "=",
        "ÄA",
        "\ud800A",
    ],
)
def test_base64url_refused(text: str) -> None:
    with pytest.raises(Malformed) as caught:
        b64decode(text, pointer="/signature")
    assert (caught.value.code, caught.value.pointer) == ("base64url_malformed", "/signature")
