"""Ledgers to try doors on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.house import House, TestClient


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A ledger with nothing but its charter."""
    return House.build(tmp_path / "ledger")


@pytest.fixture
def client(house: House) -> Iterator[TestClient]:
    """A client of that ledger, served in this process."""
    with house.served() as client:
        yield client
