"""The real service in a process of its own, on a free port of the loopback."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import httpx

from tests.api import service
from tests.api.house import House

STOP_S = 30

_forking = get_context("forkserver")
_forking.set_forkserver_preload(["__main__", service.__name__])


@dataclass
class Running:
    """A service that answers at ``url``."""

    process: ForkServerProcess
    url: str

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.join()

    def stop(self) -> int | None:
        """Ask it to stop; returns its exit code."""
        self.process.terminate()
        self.process.join(STOP_S)
        return self.process.exitcode


@contextmanager
def running(house: House, log: Path | str = os.devnull, **given: object) -> Iterator[Running]:
    """The service of a ledger, with one verifier and a writer of their own unless ``given``."""
    settings = house.settings(**{"workers": 1, **given}).model_dump_json()
    heard, said = _forking.Pipe(duplex=False)
    process = _forking.Process(target=service.live, args=(settings, said, str(log)))
    process.start()
    said.close()
    try:
        yield Running(process, heard.recv())  # raises EOFError if it does not start
    finally:
        process.kill()
        process.join()
        heard.close()


def client_of(service: Running) -> httpx.Client:
    """A client that speaks HTTP over the loopback, and to no proxy."""
    return httpx.Client(base_url=service.url, trust_env=False, timeout=30)
