"""Entry bytes have one spelling, and an entry follows exactly one other."""

from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.errors import Malformed, Unverifiable
from ledger.log.chain import (
    ENTRY_BYTES_MAX,
    LINK_OF_FIRST,
    Entry,
    check_follows,
    check_origin,
    format_entry,
    link_of,
    parse_entry,
)

FIRST = Entry("example.com/registry", 0, 1_767_139_200_000_000, LINK_OF_FIRST, b"e30.e30.c2ln")
SECOND = Entry("example.com/registry", 1, 1_767_139_200_000_001, link_of(format_entry(FIRST)), b"e30.e30.bmFs")
DATA = (
    b"cadastre/1\n"
    b"example.com/registry\n"
    b"0\n"
    b"1767139200000000\n"
    b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
    b"e30.e30.c2ln\n"
)

origins = st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="+"), min_size=1, max_size=255
)
numbers = st.integers(0, 2**63 - 1)
statements = st.binary(min_size=1, max_size=300).map(lambda data: data.hex().encode())
entries = st.builds(Entry, origins, numbers, numbers, st.binary(min_size=32, max_size=32), statements)


def test_an_entry_is_these_six_lines() -> None:
    assert format_entry(FIRST) == DATA
    assert parse_entry(DATA) == FIRST


@given(entries)
def test_every_entry_comes_back_from_its_bytes(entry: Entry) -> None:
    assert parse_entry(format_entry(entry)) == entry


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        (b"cadastre/1", b"cadastre/2"),
        (b"cadastre/1", b"Cadastre/1"),
        (b"cadastre/1\n", b""),
        (b"cadastre/1", b"\xef\xbb\xbfcadastre/1"),
        (b"\n0\n", b"\n00\n"),
        (b"\n0\n", b"\n-0\n"),
        (b"\n0\n", b"\n+0\n"),
        (b"\n0\n", b"\n 0\n"),
        (b"\n0\n", b"\n0_0\n"),
        (b"\n0\n", b"\n-1\n"),
        (b"\n0\n", b"\n0x0\n"),
        (b"\n0\n", b"\n\n"),
        (b"\n0\n", b"\n9223372036854775808\n"),
        (b"\n0\n", b"\n" + b"1" * 5000 + b"\n"),
        (b"\n0\n", b"\n\xd9\xa3\n"),  # an Arabic-Indic digit
        (b"1767139200000000", b"01767139200000000"),
        (b"1767139200000000", b"1767139200000000.0"),
        (b"1767139200000000", b"-1"),
        (b"1767139200000000", b"9223372036854775808"),
        (b"AAA=\n", b"AAB=\n"),  # spare bits set
        (b"AAA=\n", b"AAA\n"),
        (b"AAA=\n", b"AA==\n"),
        (b"AAA=\n", b"AAAA\n"),
        (b"AAA=\n", b"A AA=\n"),
        (b"AAA=\n", b"AA-=\n"),
        (b"e30.e30.c2ln\n", b"e30.e30.c2ln"),
        (b"e30.e30.c2ln\n", b"e30.e30.c2ln\n\n"),
        (b"e30.e30.c2ln\n", b"e30.e30.c2ln\r\n\n"),
        (b"e30.e30.c2ln\n", b"\n"),
        (b"e30.e30.c2ln\n", b""),
        (b"e30.e30.c2ln", b"e30.e30.\xc3\xa8"),
        (b"\n", b"\r\n"),
        (DATA, b""),
    ],
)
def test_other_spellings_are_refused(was: bytes, becomes: bytes) -> None:
    assert was in DATA
    with pytest.raises(Malformed, match="entry_malformed"):
        parse_entry(DATA.replace(was, becomes))


@given(st.data())
def test_an_altered_byte_gives_another_entry_or_none(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(DATA) - 1))
    altered = bytearray(DATA)
    altered[place] ^= data.draw(st.integers(1, 255))
    try:
        entry = parse_entry(bytes(altered))
    except Malformed:
        return
    assert entry != FIRST
    assert format_entry(entry) == altered


def test_an_entry_has_at_most_65535_bytes() -> None:
    spare = ENTRY_BYTES_MAX - len(DATA)
    longest = replace(FIRST, statement=FIRST.statement + b"a" * spare)
    assert parse_entry(format_entry(longest)) == longest
    with pytest.raises(Malformed, match="more than 65535 bytes"):
        parse_entry(format_entry(replace(longest, statement=longest.statement + b"a")))


@pytest.mark.parametrize("origin", ["a", "example.com", "example.com/a#b", "!" * 255])
def test_names_of_ledgers(origin: str) -> None:
    check_origin(origin)
    assert parse_entry(format_entry(replace(FIRST, origin=origin))).origin == origin


@pytest.mark.parametrize(
    "origin",
    ["", " ", "a b", "a+b", "a\tb", "a\x7f", "a" * 256, "b\u00f6rse.example", "\u0430.example", "a\n"],
)
def test_names_that_no_ledger_may_have(origin: str) -> None:
    with pytest.raises(Malformed, match="origin_malformed"):
        check_origin(origin)
    with pytest.raises(Malformed):
        parse_entry(format_entry(replace(FIRST, origin=origin)))


def test_a_link_is_the_hash_of_the_entry_before() -> None:
    assert link_of(DATA) == sha256(DATA).digest()
    assert bytes(32) == LINK_OF_FIRST


def test_an_entry_follows_the_one_it_links_to() -> None:
    check_follows(FIRST, None, LINK_OF_FIRST)
    check_follows(SECOND, FIRST, link_of(format_entry(FIRST)))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"origin": "example.com/other"}, "entry_origin_wrong"),
        ({"index": 0}, "entry_index_wrong"),
        ({"index": 2}, "entry_index_wrong"),
        ({"time": FIRST.time}, "entry_time_wrong"),
        ({"time": FIRST.time - 1}, "entry_time_wrong"),
        ({"link": LINK_OF_FIRST}, "entry_link_wrong"),
        ({"link": link_of(DATA[:-1])}, "entry_link_wrong"),
        ({"origin": "example.com/other", "index": 2, "link": bytes(32)}, "entry_origin_wrong"),
        ({"index": 2, "time": 0, "link": bytes(32)}, "entry_index_wrong"),
        ({"time": 0, "link": bytes(32)}, "entry_time_wrong"),
    ],
)
def test_what_does_not_follow_is_refused_by_name(change: dict[str, object], code: str) -> None:
    with pytest.raises(Unverifiable, match=code) as caught:
        check_follows(replace(SECOND, **change), FIRST, link_of(DATA))  # type: ignore[arg-type]
    assert caught.value.index == 1


@pytest.mark.parametrize(
    ("change", "code"), [({"index": 1}, "entry_index_wrong"), ({"link": link_of(DATA)}, "entry_link_wrong")]
)
def test_a_first_entry_is_at_index_0_and_links_to_nothing(change: dict[str, object], code: str) -> None:
    with pytest.raises(Unverifiable, match=code):
        check_follows(replace(FIRST, **change), None, LINK_OF_FIRST)  # type: ignore[arg-type]
