"""Both stores behind one fixture; a store without entries is migrated once and copied for each test."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ledger.store import Store
from ledger.store.memory import MemoryStore
from ledger.store.sql import SqlStore

Copy = Callable[[Path], Path]


@pytest.fixture(scope="session")
def copy_empty(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """Puts a store without entries into a folder and returns its path."""
    template = tmp_path_factory.mktemp("store") / "ledger.db"
    SqlStore.create(template).close()
    return lambda folder: Path(shutil.copy(template, folder / "ledger.db"))


@pytest.fixture
def path(tmp_path: Path, copy_empty: Copy) -> Path:
    """The file of a store without entries."""
    return copy_empty(tmp_path)


@pytest.fixture
def sql(path: Path) -> Iterator[SqlStore]:
    store = SqlStore.open(path)
    yield store
    store.close()


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest) -> Store:
    """Each store in turn, without entries."""
    found: Store = MemoryStore() if request.param == "memory" else request.getfixturevalue("sql")
    return found
