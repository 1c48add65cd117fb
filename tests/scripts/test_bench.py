"""What the command makes of the benchmark: wrong use, and a measurement that fails. The rest is in tests/load."""

from __future__ import annotations

from pathlib import Path

import pytest

from load.bench.errors import Failed
from scripts.bench import Bench
from tests.scripts.house import run


def test_a_part_that_is_none_is_wrong_use_and_all_are_named(tmp_path: Path) -> None:
    measured = run("bench", "--only", "luck", home=tmp_path)
    assert measured.exit_code == 2
    assert "no such part: luck; there are single, batch" in measured.stderr


def test_a_measurement_that_fails_is_told_as_a_refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: Bench) -> None:
        raise Failed("the service ended")

    monkeypatch.setattr(Bench, "run", fails)
    measured = run("bench", "--quick", home=tmp_path)
    assert measured.exit_code == 1
    assert measured.stderr.startswith("refused: bench_failed: the service ended\nnext: ")
