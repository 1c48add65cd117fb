"""Aliases: identifiers as they were published, each digit and letter of them read wrongly, and every other spelling."""

from __future__ import annotations

import string
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.iso7064 import mod_97_10

from identity.alias import ALIAS_MAX, SCHEMES, check_alias, fits_mod_1271_36, is_alias, named_by, read_alias
from identity.errors import Malformed

PUBLISHED = (
    "lei:506700GE1G29325QX363",  # GLEIF
    "lei:HWUPKR0MPOU8FGXBT394",  # Apple Inc.
    "lei:INR2EJN1ERAN0W5ZP974",  # Microsoft Corporation
    "lei:213800KUD8LAJWSQ9D15",  # python-stdnum's own example
    "lei:529900T8BM49AURSDO55",
    "gln:0614141000012",  # GS1 EPCIS: urn:epc:id:sgln:0614141.00001.0
    "gln:4012345000009",
    "gtin:09506000134352",  # GS1 Digital Link
    "gtin:04012345123456",
    "bpn:BPNL000000000065",  # Tractus-X BPDM, issued over all letters
    "bpn:BPNL00000000024R",
    "bpn:BPNS0000000002V9",
    "bpn:BPNA00000000028I",
    "bpn:BPNL00000003AYRE",  # Tractus-X test beds: issued before, over the last twelve
    "bpn:BPNL00000007RVTB",
    "uscc:91350100M000100Y43",
    "uscc:91110000600037341L",  # python-stdnum's own example
    "uscc:914403001922038216",  # 华为技术有限公司
    "uscc:9144030071526726XG",  # 深圳市腾讯计算机系统有限公司
)


def misread(value: str, *alphabets: str) -> Iterator[str]:
    """The value with one letter or digit taken for another of the same alphabet."""
    for place, letter in enumerate(value):
        for alphabet in alphabets:
            if letter in alphabet:
                yield from (value[:place] + other + value[place + 1 :] for other in alphabet if other != letter)


def taken(alias: str) -> bool:
    try:
        check_alias(alias)
    except Malformed:
        return False
    return True


@pytest.mark.parametrize("alias", PUBLISHED)
def test_what_was_published_is_an_alias_in_one_spelling(alias: str) -> None:
    check_alias(alias)
    assert read_alias(alias) == alias
    assert is_alias(alias)


@pytest.mark.parametrize("alias", [one for one in PUBLISHED if not one.startswith("bpn:")])
def test_every_digit_and_letter_that_is_read_wrongly_is_noticed(alias: str) -> None:
    scheme, _, value = alias.partition(":")
    wrong = [f"{scheme}:{other}" for other in misread(value, string.digits, string.ascii_uppercase)]
    assert len(wrong) >= 9 * len(value)
    assert [one for one in wrong if taken(one)] == []


@pytest.mark.parametrize("alias", [one for one in PUBLISHED if one.startswith("bpn:")])
def test_a_bpn_that_is_read_wrongly_is_noticed_but_where_the_other_rule_takes_it(alias: str) -> None:
    value = alias.removeprefix("bpn:")
    rules = (fits_mod_1271_36(value), fits_mod_1271_36(value[4:]))
    assert sum(rules) == 1
    wrong = list(misread(value, string.digits + string.ascii_uppercase))
    by_the_same = [one for one in wrong if fits_mod_1271_36(one if rules[0] else one[4:]) and one[4:] != value[4:]]
    assert by_the_same == []
    assert len([one for one in wrong if taken(f"bpn:{one}")]) <= 3  # of 560; with the older rule, the type is not seen


def test_mod_1271_36_as_its_standard_shows_it() -> None:
    assert fits_mod_1271_36("ISO793W")  # ISO/IEC 7064:2003, 8.2
    assert [c for c in string.ascii_uppercase + string.digits if fits_mod_1271_36(f"ISO793{c}")] == ["W"]


def test_check_digits_have_one_spelling_each() -> None:
    for number in range(200):
        body = f"5299{number:014}"
        fitting = [f"{check:02}" for check in range(100) if taken(f"lei:{body}{check:02}")]
        assert fitting == [mod_97_10.calc_check_digits(body)]
    letters = string.digits + string.ascii_uppercase
    zero = next(body for body in (f"BPNL{number:010}" for number in range(9_999)) if fits_mod_1271_36(f"{body}00"))
    fitting = [a + b for a in letters for b in letters if fits_mod_1271_36(zero + a + b)]
    assert fitting == ["00"]  # ZB would do as well


@pytest.mark.parametrize(
    "text",
    [
        "",
        "lei",
        "lei:",
        "LEI:529900T8BM49AURSDO55",
        "lei:529900t8bm49aursdo55",
        "lei:5299 00T8 BM49 AURS DO55",
        "lei: 529900T8BM49AURSDO55",
        "lei:529900T8BM49AURSDO55\n",
        "lei:529900T8BM49AURSDO5",
        "lei:529900T8BM49AURSDO5５",  # a digit of another script
        "gln:04012345000009",
        "gtin:4012345123456",
        "gtin:00000000",
        "bpn:BPNX000000000065",
        "bpn:000000000065",
        "uscc:91350100M000100Y4",
        "uscc:91350100I000100Y43",
        "handle:88.118.8",
        "handle:88.118.8/",
        "handle:86.118.8/abc",
        "handle:88/abc",
        "handle:88.118.8/a b",
        "handle:88.118.8/" + "a" * 129,
        "88.118.8/abc",
        "vat:DE136695976",
        "duns:123456789",
        "did:key:z6Mk",
    ],
)
def test_anything_else_is_none(text: str) -> None:
    with pytest.raises(Malformed, match="alias_malformed"):
        check_alias(text)


def test_letters_of_other_scripts_are_not_read_as_capitals() -> None:
    for text in ("lei:5299000000000000ßXX", "uscc:9135010０M000100Y43", "bpn:BPNL0000000000６5"):
        with pytest.raises(Malformed, match="alias_malformed"):
            read_alias(text)


@pytest.mark.parametrize(
    ("text", "alias"),
    [
        (" LEI:5299 00T8 BM49 AURS DO55 ", "lei:529900T8BM49AURSDO55"),
        ("gtin:4012345123456", "gtin:04012345123456"),
        ("GTIN: 96385074", "gtin:00000096385074"),
        ("gtin:614141999996", "gtin:00614141999996"),
        ("gln:0614141-00001-2", "gln:0614141000012"),
        ("bpn:BPNL 0000 0000 0065", "bpn:BPNL000000000065"),
        ("uscc:91350100m000100y43", "uscc:91350100M000100Y43"),
        ("88.118.8/abc", "handle:88.118.8/abc"),
        ("Handle:88.118.A/Abc-7", "handle:88.118.a/Abc-7"),
    ],
)
def test_people_write_an_alias_in_several_spellings(text: str, alias: str) -> None:
    assert is_alias(text.strip())
    assert read_alias(text) == alias
    check_alias(alias)


@given(st.sampled_from([*SCHEMES, "88.1"]), st.text(max_size=24) | st.from_regex("[0-9A-Z]{8,20}", fullmatch=True))
def test_what_is_read_is_an_alias_or_refused(scheme: str, text: str) -> None:
    try:
        alias = read_alias(f"{scheme}:{text}")
    except Malformed:
        return
    check_alias(alias)
    assert read_alias(alias) == alias
    assert len(alias) <= ALIAS_MAX


def test_a_scheme_names_parties_or_assets() -> None:
    found = {scheme: sorted(named_by(f"{scheme}:x")) for scheme in SCHEMES}
    assert found == {
        "lei": ["party"],
        "gln": ["party"],
        "gtin": ["asset"],
        "bpn": ["party"],
        "uscc": ["party"],
        "handle": ["asset", "party"],
    }
