"""A witness of one log."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ledger.witness.room import Room


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    built = Room.build(tmp_path / "witness")
    yield built
    built.witness.close()
