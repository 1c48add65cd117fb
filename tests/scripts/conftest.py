"""One ledger with its service for all tests of this folder, and one of their own for those that count entries."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scripts.house import Hands, found, served


@pytest.fixture(scope="session")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the ledger that all share."""
    with served(found(tmp_path_factory.mktemp("shared") / "ledger")) as address:
        yield address


@pytest.fixture(scope="module")
def hands(url: str, tmp_path_factory: pytest.TempPathFactory) -> Hands:
    """Everybody at a machine that has not met the ledger yet; it is one that other tests use as well."""
    return Hands(url, tmp_path_factory.mktemp("hands"))


@pytest.fixture(scope="module")
def own_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a ledger that only this module uses."""
    return found(tmp_path_factory.mktemp("own") / "ledger")


@pytest.fixture(scope="module")
def own_hands(own_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hands]:
    """Everybody at a machine, with a ledger that only this module uses."""
    with served(own_folder) as address:
        yield Hands(address, tmp_path_factory.mktemp("hands"))
