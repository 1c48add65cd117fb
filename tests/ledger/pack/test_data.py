"""The data of packs: one spelling, and no letter in it by which they could end."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest

from ledger.errors import Malformed
from ledger.pack.data import KNOWN_MAX, format_data, parse_data, spell
from tests.ledger.pack.cases import cases
from tests.ledger.pack.pressed import POLICY, honest


@pytest.mark.parametrize("index", [0, 4, 19])
def test_what_is_spelt_is_read_again(index: int) -> None:
    pack = replace(honest(index), policy=POLICY, known=(honest(index).checkpoint,))
    assert parse_data(format_data(pack)) == pack


def test_no_text_can_end_the_element_the_data_lie_in() -> None:
    pack = replace(honest(0), policy="# </script><!-- \\u003c \\\\< \u2028 主轴")
    data = format_data(pack)
    assert b"<" not in data
    assert parse_data(data) == pack
    assert orjson.loads(data)["policy"] == pack.policy


def test_another_spelling_of_the_same_is_refused() -> None:
    data = format_data(replace(honest(0), policy="a < b"))
    for other in (
        data.replace(b"\\u003c", b"<"),
        data.replace(b"\\u003c", b"\\u003C"),
        data + b"\n",
        b"\xef\xbb\xbf" + data,
    ):
        with pytest.raises(Malformed) as wrong:
            parse_data(other)
        assert wrong.value.code == "pack_malformed"


@pytest.mark.parametrize("name", [name for name, case in cases().items() if case.word == "newer" and "ersion" in name])
def test_a_later_version_is_told_from_damage(name: str) -> None:
    if name.startswith("rules"):
        parse_data(cases()[name].data)
        return
    with pytest.raises(Malformed) as wrong:
        parse_data(cases()[name].data)
    assert wrong.value.code == "pack_newer"


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("checkpoint", None),
        ("entries", [None]),
        ("entries", [{"disclosures": [], "entry": "x", "proof": ["AAAA"]}]),
        ("entries", [{"disclosures": [7], "entry": "x", "proof": []}]),
        ("entries", [{"disclosures": [], "entry": 7, "proof": []}]),
        ("index", True),
        ("index", -1),
        ("known", ["x"] * (KNOWN_MAX + 1)),
        ("origin", 7),
        ("policy", 7),
        ("subjects", "asset"),
    ],
)
def test_a_member_of_another_form_is_refused(member: str, value: object) -> None:
    members = orjson.loads(format_data(honest(0)))
    with pytest.raises(Malformed) as wrong:
        parse_data(spell({**members, member: value}))
    assert wrong.value.code == "pack_malformed"
