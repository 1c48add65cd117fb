"""JSON of others: RFC 8785 whatever the keys and numbers, read strictly."""

import json
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from identity.canonical import MAX_DEPTH
from identity.errors import Malformed
from identity.jcs import check_depth, decode_any, encode_any

NUMBERS = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False).filter(
    lambda number: not 2**53 <= abs(number) < 1e21
)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def code_of(value: Any) -> str:
    with pytest.raises(Malformed) as caught:
        decode_any(value) if isinstance(value, bytes) else encode_any(value)
    return caught.value.code


@given(VALUES)
def test_every_value_has_the_spelling_of_rfc_8785_and_reads_back_to_it(value: Any) -> None:
    spelled = encode_any(value)
    assert spelled == rfc8785.dumps(value)
    assert encode_any(decode_any(spelled)) == spelled


@given(VALUES)
def test_spaces_and_escapes_do_not_matter(value: Any) -> None:
    assert encode_any(decode_any(json.dumps(value, indent=1).encode())) == encode_any(value)


def test_keys_sort_by_utf_16_and_numbers_are_those_of_ecmascript() -> None:
    assert encode_any({"\ufb33": 1, "\U0001f600": 2, "\u20ac": 3}) == '{"\u20ac":3,"\U0001f600":2,"\ufb33":1}'.encode()
    assert encode_any([1e21, -1e300, 1e-7, 0.000001, -0.0, 333333333.33333329]) == (
        b"[1e+21,-1e+300,1e-7,0.000001,0,333333333.3333333]"
    )


def test_a_number_that_is_whole_is_an_integer_however_it_is_spelled() -> None:
    assert [type(one) for one in decode_any(b"[2.0, 2e0, -0.0, 2.5, 1e300]")] == [int, int, int, float, float]


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (b"", "json_malformed"),
        (b"{", "json_malformed"),
        (b"{} {}", "json_malformed"),
        (b"\xef\xbb\xbf{}", "json_malformed"),
        ("{}".encode("utf-16"), "json_malformed"),
        (b'"\xff"', "json_malformed"),
        (b"NaN", "json_malformed"),
        (b"-Infinity", "json_malformed"),
        (b"1e400", "json_malformed"),
        (b'{"a":1,"b":[{"a":1,"a":1}]}', "json_key_twice"),
        (b'{"a":1,"\\u0061":1}', "json_key_twice"),
        (b"9007199254740992", "json_integer_range"),
        (b"1e20", "json_integer_range"),
        ([-1e20], "json_integer_range"),
        (b"-" + b"9" * 5000, "json_integer_range"),
        (b"[" * 100_000, "json_too_deep"),
        (b"[" * 33 + b"]" * 33, "json_too_deep"),
        ([2**53, 0.5], "json_integer_range"),
        ([0.5, nested(MAX_DEPTH)], "json_too_deep"),
        (nested(MAX_DEPTH + 1), "json_too_deep"),
        ([0.5, float("nan")], "json_malformed"),
        (b'["\\ud800"]', "json_malformed"),
        (b'{"\\uDC00":1}', "json_malformed"),
        (b'["\\ude00\\ud83d"]', "json_malformed"),
        (["\ud800"], "json_malformed"),
        ({"é": "\ud800"}, "json_malformed"),
        ({"\ud800": 1}, "json_malformed"),
        ([0.5, b"x"], "json_malformed"),
        ({1: 2}, "json_malformed"),
        ((1,), "json_type"),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_what_readers_would_take_differently_is_refused(value: Any, code: str) -> None:
    assert code_of(value) == code


def test_a_whole_pair_of_surrogates_is_a_letter() -> None:
    assert decode_any(b'["\\ud83d\\ude00"]') == ["\U0001f600"]


def test_as_deep_as_it_may_be() -> None:
    check_depth(nested(MAX_DEPTH))
    assert decode_any(encode_any([0.5, nested(MAX_DEPTH - 1)])) == [0.5, nested(MAX_DEPTH - 1)]
