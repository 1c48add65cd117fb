"""The file of alerts: each once, none lost, none half."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from ledger.errors import Corrupt
from ledger.follow.alerts import Alert, AlertFile

ALERT = Alert("watched", "log.example", "41 asset_1", index=41, subject="asset_1")


def ids(path: Path) -> list[str]:
    return [orjson.loads(line)["id"] for line in path.read_bytes().splitlines()]


def test_the_same_is_written_once_whoever_writes_it(tmp_path: Path) -> None:
    path = tmp_path / "alerts"
    for told in (True, False):
        file = AlertFile(path)
        assert (file.write(ALERT, 1) is not None) == told
        assert file.write(ALERT, 2) is None
        file.close()
    assert ids(path) == [ALERT.id]


def test_what_says_something_else_has_another_id() -> None:
    others = [
        Alert("stale", "log.example", "41 asset_1"),
        Alert("watched", "other.example", "41 asset_1"),
        Alert("watched", "log.example", "41 asset_2"),
    ]
    assert len({one.id for one in (ALERT, *others)}) == 4
    assert Alert("watched", "log.example", "41 asset_1", detail="in other words").id == ALERT.id


@pytest.mark.parametrize("torn", range(1, 40, 7))
def test_a_line_that_was_cut_off_is_written_again(tmp_path: Path, torn: int) -> None:
    path = tmp_path / "alerts"
    file = AlertFile(path)
    file.write(Alert("stale", "log.example", "1"), 1)
    whole = path.stat().st_size
    file.write(ALERT, 1)
    file.close()
    path.write_bytes(path.read_bytes()[: whole + torn])
    file = AlertFile(path)
    assert file.write(ALERT, 1) is not None
    file.close()
    assert ids(path)[1:] == [ALERT.id]


def test_an_alert_says_what_it_means_and_leaves_out_what_it_does_not_say() -> None:
    told = Alert("broken", "log.example", "7", "asset_not_yours", "the holder is another", index=7).members(
        1_800_000_000
    )
    assert told.keys() == {"id", "time", "alert", "origin", "code", "detail", "index", "title", "advice"}
    assert not Alert("watched", "log.example", "7").alarming
    assert Alert("newer", "log.example", "7").alarming


@pytest.mark.parametrize("line", [b"garbage", b"{}", b"[]", b'{"id":5}', b"\xff", b""])
def test_lines_that_are_no_alerts_are_told_and_stay(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "alerts.ndjson"
    path.write_bytes(line + b"\ntorn")
    with pytest.raises(Corrupt, match=r"follower_corrupt: .*alerts.ndjson is not"):
        AlertFile(path)
    assert path.read_bytes() == line + b"\ntorn"
