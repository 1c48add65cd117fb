"""A real service of its own process, for the tests of what speaks to one."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from load.bench.service import Service, init, serving

CADASTRE = (sys.executable, "-m", "scripts.main")


@pytest.fixture(scope="package")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder: Path = tmp_path_factory.mktemp("load") / "ledger"
    init(CADASTRE, folder)
    with serving(CADASTRE, folder) as served:
        yield served
