"""Settings: what is set takes effect or is refused; nothing is ignored."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.settings import PREFIX, Settings, parted, settings_from
from ledger.errors import Malformed


def test_a_folder_is_enough() -> None:
    settings = settings_from({}, folder="ledger")
    assert settings.folder == Path("ledger")
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.workers >= 1


def test_the_environment_sets_and_the_command_line_overrides() -> None:
    environment = {PREFIX + "PORT": "9000", PREFIX + "QUEUE": "16", "CADASTRE_KEY": "other", "PATH": "/bin"}
    settings = settings_from(environment, folder="ledger", port=9001)
    assert (settings.port, settings.queue) == (9001, 16)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("POTR", "9000", "there is no such setting"),
        ("Potr", "9000", "there is no such setting"),
        ("PORT", "65536", "it must be at most 65535, not '65536'"),
        ("PORT", "http", "it must be a whole number, not 'http'"),
        ("WORKERS", "-1", "it must be at least 0, not '-1'"),
        ("ADDRESS_RATE", "nan", "it must be a finite number, not 'nan'"),
        ("SIGNER_RATE", "-1", "it must be at least 0, not '-1'"),
        ("BODY_SECONDS", "0", "it must be more than 0, not '0'"),
        ("BODY_SECONDS", "soon", "it must be a number, not 'soon'"),
        ("LOG_LEVEL", "loud", "it must be 'debug', 'info', 'warning' or 'error', not 'loud'"),
        ("BATCH", "0", "it must be at least 1, not '0'"),
    ],
)
def test_what_is_unknown_or_out_of_bounds_is_refused_by_the_name_it_was_given(name: str, value: str, told: str) -> None:
    with pytest.raises(Malformed) as raised:
        settings_from({PREFIX + name: value}, folder="ledger")
    assert (raised.value.code, raised.value.detail) == ("setting_malformed", f"{PREFIX}{name}: {told}")
    assert "cadastre settings" in raised.value.advice


def test_an_option_that_overrides_a_variable_is_refused_by_its_own_name() -> None:
    with pytest.raises(Malformed, match="setting_malformed: port: it must be at most 65535, not '70000'"):
        settings_from({PREFIX + "PORT": "80"}, folder="ledger", port=70_000)


@pytest.mark.parametrize(
    "mirrors",
    ["/srv/mirror", "mirror.example", "file:///srv/mirror", "http://", "https://m.example:port", "https://m example"],
)
def test_a_mirror_that_has_no_address_is_refused(mirrors: str) -> None:
    settings = settings_from({PREFIX + "MIRRORS": "http://[::1]:8080/log, https://w.example/{log}/,"}, folder="ledger")
    assert parted(settings.mirrors) == ["http://[::1]:8080/log", "https://w.example/{log}"]
    with pytest.raises(Malformed, match="CADASTRE_SERVE_MIRRORS: it must be addresses that begin with http:// or"):
        settings_from({PREFIX + "MIRRORS": f"https://m.example,{mirrors}"}, folder="ledger")


def test_the_folder_must_be_named() -> None:
    with pytest.raises(Malformed, match="folder"):
        settings_from({})


def test_every_setting_says_what_it_is_for() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
