"""The real service in a process of its own, on a free port of the loopback."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from tests.api.house import House

_SERVICE = """
import sys
from api import forks
forks.prepare()
from api.anchors import addresses
from api.settings import Settings
from api.writing import Apart
settings = Settings.model_validate_json(sys.argv[1])
begun = Apart(settings.folder, settings.log_level, settings.heads, addresses(settings)) if settings.workers else None
from api.app import serve
serve(settings, lambda url: print(url, flush=True), begun)
"""


@dataclass
class Running:
    """A service that answers at ``url``."""

    process: subprocess.Popen[str]
    url: str

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Ask it to stop; returns its exit code."""
        self.process.terminate()
        return self.process.wait(timeout=30)


@contextmanager
def running(house: House, log: Any = subprocess.DEVNULL, **given: Any) -> Iterator[Running]:
    """The service of a ledger, with one verifier and a writer of their own unless ``given``."""
    settings = house.settings(**{"workers": 1, **given}).model_dump_json()
    process = subprocess.Popen(
        [sys.executable, "-c", _SERVICE, settings], stdout=subprocess.PIPE, stderr=log, text=True
    )
    assert process.stdout is not None
    try:
        url = process.stdout.readline().strip()
        assert url, "the service did not start"
        yield Running(process, url)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def client_of(service: Running) -> httpx.Client:
    """A client that speaks HTTP over the loopback, and to no proxy."""
    return httpx.Client(base_url=service.url, trust_env=False, timeout=30)
