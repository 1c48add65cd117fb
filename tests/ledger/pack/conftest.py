"""A real Chromium for the tests of this folder, for one module at a time: where it runs, a thread has an event loop."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.ledger.pack.reader import Reader, chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Skips where there is no Chromium."""
    with chromium() as running:
        yield running


@pytest.fixture
def reader(browser: Browser, tmp_path: Path) -> Iterator[Reader]:
    """Somebody who opens packs in that browser."""
    with Reader.at(browser, tmp_path) as somebody:
        yield somebody
