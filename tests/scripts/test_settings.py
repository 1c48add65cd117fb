"""The list of settings: all of them, each with what it sets."""

from __future__ import annotations

from api.settings import PREFIX, Settings
from scripts.settings import GIVEN
from tests.scripts.house import Hands


def test_every_setting_is_listed_with_what_it_sets(hands: Hands) -> None:
    listed = hands.json("settings")
    names = [f"{PREFIX}{name.upper()}" for name in Settings.model_fields if name not in GIVEN]
    assert [one["variable"] for one in listed] == names
    assert all(one["form"] != "JSON" and one["meaning"] for one in listed)
    said = hands.done("settings")
    assert all(name in said for name in names)


def test_the_default_of_a_setting_is_told_where_it_has_one(hands: Hands) -> None:
    defaults = {one["variable"]: one["default"] for one in hands.json("settings")}
    assert defaults["CADASTRE_SERVE_PORT"] == "8000"
    assert defaults["CADASTRE_SERVE_POLICY"] == ""
