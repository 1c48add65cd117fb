"""A ledger of 2,000 entries, made once, and the processes that help to audit it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.audit import Workers
from tests.cast import Play
from tests.ledger.written import busy, write_folder


@pytest.fixture(scope="package")
def workers() -> Iterator[Workers]:
    with Workers(1) as workers:
        yield workers


@pytest.fixture(scope="package")
def play() -> Play:
    return busy(2_000)


@pytest.fixture(scope="package")
def folder(play: Play, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the ledger. Copy it before you harm it."""
    return write_folder(play, tmp_path_factory.mktemp("ledger") / "busy").path
