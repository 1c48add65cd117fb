"""The demo refuses what it cannot play with, before it plays; a whole play is the README's own test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scripts.house import run


@pytest.mark.parametrize("data", ["nothing.csv", "."])
def test_data_that_are_no_file_are_wrong_use(tmp_path: Path, data: str) -> None:
    played = run("demo", tmp_path / data, home=tmp_path)
    assert (played.exit_code, played.stdout) == (2, "")
    assert str(tmp_path) in played.stderr.replace("\n", "")


def test_a_folder_that_is_there_is_not_played_in(tmp_path: Path) -> None:
    played = run("demo", "--keep", tmp_path, home=tmp_path)
    assert (played.exit_code, played.stdout) == (1, "")
    assert played.stderr.startswith(f"refused: file_exists: {tmp_path}")


def test_a_step_that_fails_ends_the_play_with_what_it_said(tmp_path: Path) -> None:
    played = run("demo", "--keep", tmp_path / ("x" * 300), home=tmp_path)  # longer than names of files may be
    assert played.exit_code == 1
    assert played.stderr.startswith("refused: demo_failed: cadastre init: refused: ")
