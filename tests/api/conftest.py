"""Ledgers to try doors on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tests.api.house import House, TestClient


@pytest.fixture(scope="session", autouse=True)
def _plain_log() -> None:
    """Tracebacks as Python writes them: drawn with frames and all variables, one takes seconds."""
    plain = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[structlog.processors.add_log_level, plain])


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A ledger with nothing but its charter."""
    return House.build(tmp_path / "ledger")


@pytest.fixture
def client(house: House) -> Iterator[TestClient]:
    """A client of that ledger, served in this process."""
    with house.served() as client:
        yield client


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A client of a ledger that the tests of a module only read: nothing but its charter."""
    with House.build(tmp_path_factory.mktemp("standing") / "ledger").served() as client:
        yield client
