"""Settings: what is set takes effect or is refused; nothing is ignored."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.settings import PREFIX, Settings, settings_from
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
    ("environment", "place"),
    [
        ({"POTR": "9000"}, "potr"),
        ({"PORT": "65536"}, "port"),
        ({"PORT": "http"}, "port"),
        ({"WORKERS": "-1"}, "workers"),
        ({"ADDRESS_RATE": "nan"}, "address_rate"),
        ({"SIGNER_RATE": "-1"}, "signer_rate"),
        ({"LOG_LEVEL": "loud"}, "log_level"),
        ({"BATCH": "0"}, "batch"),
    ],
)
def test_what_is_unknown_or_out_of_bounds_is_refused_by_name(environment: dict[str, str], place: str) -> None:
    with pytest.raises(Malformed, match=f"setting_malformed: {place}: "):
        settings_from({PREFIX + name: value for name, value in environment.items()}, folder="ledger")


def test_the_folder_must_be_named() -> None:
    with pytest.raises(Malformed, match="folder"):
        settings_from({})


def test_every_setting_says_what_it_is_for() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
