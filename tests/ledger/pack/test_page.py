"""The page of a pack: the same bytes for the same data, and every other byte is seen."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256

import pytest

from ledger.errors import Malformed
from ledger.pack.data import format_data
from ledger.pack.page import format_page, is_ours, is_page, parse_page, script_digest
from tests.ledger.pack.pressed import honest

DATA = format_data(honest(1))
PAGE = format_page(DATA)


def test_the_data_come_out_as_they_went_in() -> None:
    assert parse_page(PAGE) == DATA
    assert is_page(PAGE)
    assert is_ours(PAGE)
    assert not is_page(DATA)
    assert not is_page(b"<!doctype html><title>another page</title>")


def test_every_part_is_filled_in_and_nothing_is_loaded() -> None:
    assert b"{{" not in PAGE.replace(DATA, b"")
    assert not re.search(rb"\b(?:src|href|url|import)\s*[=(]", PAGE.replace(DATA, b""))
    assert PAGE.replace(DATA, b"").count(b"</script>") == 2


def test_its_policy_allows_its_own_script_and_style_and_nothing_else() -> None:
    script = re.search(rb'<script id="verify">(.*?)</script>', PAGE, re.DOTALL)
    style = re.search(rb"<style>(.*?)</style>", PAGE, re.DOTALL)
    policy = re.search(rb'http-equiv="Content-Security-Policy" content="([^"]*)"', PAGE)
    assert script
    assert style
    assert policy
    allowed = [f"'sha256-{b64encode(sha256(part[1]).digest()).decode()}'" for part in (script, style)]
    assert policy[1].decode() == (
        f"default-src 'none'; script-src {allowed[0]}; style-src {allowed[1]}; base-uri 'none'; form-action 'none'"
    )
    assert script_digest() == sha256(script[1]).hexdigest()


def test_a_page_tells_by_its_own_digest_what_surrounds_its_data() -> None:
    found = re.search(rb'<meta name="around" content="([0-9a-f]{64})">', PAGE)
    assert found
    assert sha256(PAGE.replace(DATA, b"").replace(found[1], b"")).hexdigest().encode() == found[1]


def test_a_page_that_differs_in_any_byte_outside_the_data_is_not_ours() -> None:
    start, stop = PAGE.index(DATA), PAGE.index(DATA) + len(DATA)
    for at in [*range(0, start, 97), *range(stop, len(PAGE), 97), len(PAGE) - 1]:
        other = PAGE[:at] + bytes([PAGE[at] ^ 1]) + PAGE[at + 1 :]
        assert not is_page(other) or not ours(other), at
    assert not is_ours(PAGE + b"\n")


def ours(page: bytes) -> bool:
    """Whether it is ours; a page in which no data are found is not."""
    try:
        return is_ours(page)
    except Malformed:
        return False


@pytest.mark.parametrize("page", [b"", DATA, PAGE + PAGE, PAGE[: PAGE.index(DATA) + 10]])
def test_a_page_with_no_data_or_with_two_is_none(page: bytes) -> None:
    with pytest.raises(Malformed) as wrong:
        parse_page(page)
    assert wrong.value.code == "pack_malformed"
