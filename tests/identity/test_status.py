"""Status lists: the known answers, every bit of a short string, and lists made to harm or to pass for others."""

from __future__ import annotations

import gzip
import json
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.canonical import b64encode
from identity.credential.form import check_credential
from identity.status import (
    BYTES_MAX,
    ENTRIES_MIN,
    Entry,
    Status,
    bits_of,
    check_status,
    encode_bits,
    entries_of,
    entry_of,
    expand,
    make_list,
    read_status,
    value_at,
    with_value,
)
from tests.identity.credential.house import credential, refusal
from tests.shared import shared

URL = "https://works.example/status/3"
ISSUER = credential()["issuer"]
EMPTY = bytes(ENTRIES_MIN // 8)


def known() -> dict[str, Any]:
    folder = shared("vectors/identity/bitstring-status-list")
    return json.loads((folder / "bitstring_status_list.json").read_text())


def listed(bits: bytes = EMPTY, purpose: str = "revocation", issuer: str = ISSUER) -> dict[str, Any]:
    return make_list(URL, issuer, purpose, bits, "2026-09-01T00:00:00Z")


def holding(*entries: dict[str, Any]) -> dict[str, Any]:
    return credential(credentialStatus=list(entries))


# What is known.


def test_the_known_lists_expand_to_their_bits() -> None:
    lists = [known()["specification_list"], *known()["made_for_this_file"]]
    assert len(lists) == 5
    for one in lists:
        bits = expand(one["encodedList"])
        assert len(bits) == one["expanded_bytes"]
        assert sha256(bits).hexdigest() == one["expanded_sha256"]
        size = one.get("statusSize", 1)
        values = {int(place): value for place, value in one.get("values", {}).items()}
        values |= dict.fromkeys(one.get("bits_set", []), 1)
        made = bytes(len(bits))
        for place, value in values.items():
            assert value_at(bits, place, size) == value
            made = with_value(made, place, value, size)
        assert made == bits == expand(encode_bits(made))


@pytest.mark.parametrize(
    ("place", "code"),
    [(0, "status_list_short"), (1, "status_list_malformed"), (2, "status_list_malformed")],
)
def test_the_known_bad_lists_are_refused(place: int, code: str) -> None:
    bad = known()["made_for_this_file_bad"][place]
    document = listed() | {"credentialSubject": listed()["credentialSubject"] | {"encodedList": bad["encodedList"]}}
    said = refusal(read_status, Entry("revocation", 0, URL), document, {ISSUER})
    assert said == f"{code} at /credentialSubject/encodedList"


def test_the_examples_of_the_specification_are_read() -> None:
    examples = known()["specification_examples"]
    entries = entries_of(examples[0])
    assert entries == [
        Entry("revocation", 94567, "https://example.com/credentials/status/3"),
        Entry("suspension", 23452, "https://example.com/credentials/status/4"),
    ]
    check_credential(examples[1])
    assert bits_of(examples[1]) == EMPTY
    assert read_status(entries[0], examples[1], {"did:example:12345"}) == Status("revocation", 0, "unset")


# Bits.


@pytest.mark.parametrize("size", range(1, 9))
def test_each_entry_of_a_short_string_holds_each_value_and_touches_no_other(size: int) -> None:
    entries = 3 * 8 // size
    for filled in (bytes(3), b"\xff" * 3):
        for place in range(entries):
            for value in {0, 1, (1 << size) - 1, 1 << size - 1}:
                bits = with_value(filled, place, value, size)
                assert value_at(bits, place, size) == value
                others = [value_at(bits, other, size) for other in range(entries) if other != place]
                assert others == [value_at(filled, other, size) for other in range(entries) if other != place]
    assert refusal(value_at, bytes(3), entries, size) == "status_index_outside"


@given(st.binary(min_size=1, max_size=64), st.integers(0, 600), st.sampled_from([1, 2, 3, 8]))
def test_a_value_is_the_slice_of_the_string_of_bits(bits: bytes, place: int, size: int) -> None:
    spelled = "".join(f"{byte:08b}" for byte in bits)
    meant = spelled[place * size : (place + 1) * size]
    if len(meant) < size:
        assert refusal(value_at, bits, place, size) == "status_index_outside"
    else:
        assert value_at(bits, place, size) == int(meant, 2)


def test_a_value_that_has_no_place_is_our_own_mistake() -> None:
    with pytest.raises(ValueError, match="no place"):
        with_value(EMPTY, 0, 2)


@given(st.binary(max_size=300))
def test_bits_come_back_from_what_is_published(bits: bytes) -> None:
    assert expand(encode_bits(bits)) == bits


# Hostile lists.


def packed(data: bytes) -> str:
    return "u" + b64encode(data)


def zipped(bits: bytes) -> bytes:
    """The same bytes at any hour: a case is named by its value, and two runners must name it alike."""
    return gzip.compress(bits, mtime=0)


@pytest.mark.parametrize(
    ("encoded", "code"),
    [
        (None, "status_list_malformed"),
        ("", "status_list_malformed"),
        ("z" + encode_bits(EMPTY)[1:], "status_list_malformed"),
        (encode_bits(EMPTY) + "=", "base64url_malformed"),
        (packed(b""), "status_list_malformed"),
        (packed(zipped(EMPTY)[:-1]), "status_list_malformed"),
        (packed(zipped(EMPTY)[:-5] + b"\0\0\0\0\0"), "status_list_malformed"),
        (packed(zipped(EMPTY) + b"\0"), "status_list_malformed"),
        (packed(zipped(EMPTY) * 2), "status_list_malformed"),
        (packed(zipped(bytes(BYTES_MAX + 1))), "status_list_large"),
    ],
)
def test_what_is_no_whole_list_is_refused(encoded: Any, code: str) -> None:
    assert refusal(expand, encoded) == f"{code} at /credentialSubject/encodedList"


def test_the_largest_list_is_read_and_a_bomb_unpacks_to_no_more() -> None:
    import tracemalloc

    assert len(expand(packed(zipped(bytes(BYTES_MAX))))) == BYTES_MAX
    bomb = packed(zipped(bytes(64 << 20)))  # 64 MiB in 64 kB
    tracemalloc.start()
    assert refusal(expand, bomb).startswith("status_list_large")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * BYTES_MAX


# Entries.


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"statusListCredential": "status/3"}, "credential_malformed at /credentialStatus/0/statusListCredential"),
        ({"id": URL}, "status_entry_malformed at /credentialStatus/0/id"),
        ({"statusPurpose": ["revocation"]}, "status_entry_malformed at /credentialStatus/0/statusPurpose"),
        ({"statusListIndex": 5}, "status_entry_malformed at /credentialStatus/0/statusListIndex"),
        ({"statusListIndex": "-1"}, "status_entry_malformed at /credentialStatus/0/statusListIndex"),
        ({"statusListIndex": "٥"}, "status_entry_malformed at /credentialStatus/0/statusListIndex"),
        ({"statusListIndex": "9" * 5000}, "status_entry_malformed at /credentialStatus/0/statusListIndex"),
        ({"statusSize": 0}, "status_entry_malformed at /credentialStatus/0/statusSize"),
        ({"statusSize": True}, "status_entry_malformed at /credentialStatus/0/statusSize"),
        ({"statusSize": 64}, "status_entry_malformed at /credentialStatus/0/statusSize"),
        ({"statusSize": 2}, "status_entry_malformed at /credentialStatus/0/statusMessage"),
        ({"statusMessage": [{"status": "0x0"}]}, "status_entry_malformed at /credentialStatus/0/statusMessage"),
        (
            {"statusMessage": [{"status": "0x0", "message": "a"}, {"status": "0x00", "message": "b"}]},
            "status_entry_malformed at /credentialStatus/0/statusMessage",
        ),
        (
            {"statusMessage": [{"status": "0x0", "message": "a"}, {"status": "0xg", "message": "b"}]},
            "status_entry_malformed at /credentialStatus/0/statusMessage",
        ),
        ({"statusMessage": ["a", "b"]}, "status_entry_malformed at /credentialStatus/0/statusMessage"),
        ({"statusReference": [URL, "x"]}, "credential_malformed at /credentialStatus/0/statusReference"),
    ],
)
def test_an_entry_that_breaks_a_must_is_refused_by_its_place(changes: dict[str, Any], code: str) -> None:
    assert refusal(entries_of, holding(entry_of("revocation", 5, URL) | changes)) == code


def test_statuses_of_other_types_are_passed_over() -> None:
    entry = entry_of("revocation", 5, URL) | {"id": URL + "#5", "statusReference": URL}
    assert entries_of(holding({"type": "Other", "id": URL}, entry)) == [Entry("revocation", 5, URL)]
    assert entries_of(credential()) == []


# Judging.


def test_revoked_suspended_or_neither() -> None:
    for purpose, code in [("revocation", "credential_revoked"), ("suspension", "credential_suspended")]:
        holder = holding(entry_of(purpose, 94567, URL))
        assert check_status(holder, {URL: listed(purpose=purpose)}) == [Status(purpose, 0, "unset")]
        neighbours = with_value(with_value(EMPTY, 94566, 1), 94568, 1)
        assert check_status(holder, {URL: listed(neighbours, purpose)})[0].value == 0
        assert refusal(check_status, holder, {URL: listed(with_value(EMPTY, 94567, 1), purpose)}) == code


def test_a_message_and_a_refresh_are_told_and_refuse_nothing() -> None:
    words = ["pending", "accepted", "rejected", "undefined"]
    messages = [{"status": f"0x{value}", "message": word} for value, word in enumerate(words)]
    entry = entry_of("message", 94567, URL) | {"statusSize": 2, "statusMessage": messages}
    bits = with_value(bytes(ENTRIES_MIN // 4), 94567, 2, 2)
    assert check_status(holding(entry), {URL: listed(bits, "message")}) == [Status("message", 2, "rejected")]
    refresh = holding(entry_of("refresh", 7, URL))
    assert check_status(refresh, {URL: listed(with_value(EMPTY, 7, 1), "refresh")}) == [Status("refresh", 1, "set")]


def test_a_list_counts_only_if_it_is_the_one_that_was_named() -> None:
    holder = holding(entry_of("revocation", 5, URL))
    assert refusal(check_status, holder, {}) == "status_list_missing at /credentialStatus"
    for document in (
        listed() | {"id": URL + "0"},
        {name: value for name, value in listed().items() if name != "id"},
        listed(purpose="suspension"),
        listed(issuer="did:example:other"),
    ):
        assert refusal(check_status, holder, {URL: document}) == "status_list_other"
    other = listed(issuer="did:example:other")
    assert check_status(holder, {URL: other}, ["did:example:other"])[0].value == 0
    two = listed() | {"credentialSubject": listed()["credentialSubject"] | {"statusPurpose": ["message", "revocation"]}}
    assert check_status(holder, {URL: two})[0].value == 0


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"type": ["VerifiableCredential"]}, "status_list_malformed at /type"),
        ({"credentialSubject": []}, "status_list_malformed at /type"),
        (
            {"credentialSubject": listed()["credentialSubject"] | {"type": "List"}},
            "credential_malformed at /credentialSubject/type",
        ),
        (
            {"credentialSubject": listed()["credentialSubject"] | {"statusPurpose": [1]}},
            "status_list_malformed at /credentialSubject/statusPurpose",
        ),
    ],
)
def test_another_credential_is_no_list(changes: dict[str, Any], code: str) -> None:
    assert refusal(check_status, holding(entry_of("revocation", 5, URL)), {URL: listed() | changes}) == code


def test_an_entry_beyond_the_list_is_refused() -> None:
    holder = holding(entry_of("revocation", ENTRIES_MIN, URL))
    assert refusal(check_status, holder, {URL: listed()}) == "status_index_outside"


def test_a_list_is_long_enough_for_others_to_hide_in() -> None:
    assert refusal(listed, EMPTY[:-1]) == "status_list_short at /credentialSubject/encodedList"
    entry = entry_of("revocation", 5, URL)
    messages = [{"status": f"0x{value}", "message": "x"} for value in range(4)]
    large = entry | {"statusSize": 2, "statusMessage": messages}
    code = "status_list_short at /credentialSubject/encodedList"
    assert refusal(check_status, holding(large), {URL: listed()}) == code


def test_what_is_made_is_a_credential_in_order() -> None:
    check_credential(listed())
    check_credential(credential(credentialStatus=entry_of("revocation", 5, URL)))
