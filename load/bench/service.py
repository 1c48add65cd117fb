"""The service under test: the real command in a process of its own, with its default store, ended by its own id."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from load.bench.errors import Failed
from load.bench.wire import Wire

ORIGIN = "bench.localhost/cadastre"
LIFTED = {"CADASTRE_SERVE_ADDRESS_RATE": "0", "CADASTRE_SERVE_SIGNER_RATE": "0"}
"""Rate limits are off: all load comes from one address and few signers. Nothing else differs from the defaults."""

START_S = 60.0
STOP_S = 60.0
POLL_S = 0.005


@dataclass(frozen=True)
class Service:
    """A service that answers. ``seconds`` passed from the start of its process until it was ready."""

    url: str
    pid: int
    seconds: float


def init(command: Sequence[str], folder: Path) -> None:
    """Make a ledger. ``command`` is what stands before the arguments of ``cadastre``. Raises ``Failed``."""
    init = [*command, "init", str(folder), "--origin", ORIGIN]
    finished = subprocess.run(init, capture_output=True, text=True, timeout=START_S, check=False)
    if finished.returncode:
        raise Failed(f"no ledger could be made: {finished.stderr.strip()[-500:]}")


@contextmanager
def serving(command: Sequence[str], folder: Path, **settings: str) -> Iterator[Service]:
    """The service of a ledger for as long as the context lasts. Raises ``Failed`` if it does not start or stop.

    ``settings`` are variables of its environment.
    """
    log = folder.with_suffix(".log")
    port = _free_port()
    with log.open("ab") as output:
        begun = time.perf_counter()
        process = subprocess.Popen(
            [*command, "serve", str(folder), "--port", str(port)],
            env=os.environ | LIFTED | settings,
            stdout=output,
            stderr=output,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            _await_ready(process, url, begun, log)
            yield Service(url, process.pid, time.perf_counter() - begun)
        finally:
            _stop(process)


def resident_bytes(pid: int) -> int | None:
    """Memory that a process and its descendants hold (Linux: Pss, which counts shared pages once); else None."""
    try:
        total = 0
        for member in _family(pid):
            rollup = Path(f"/proc/{member}/smaps_rollup").read_text()
            line = next(line for line in rollup.splitlines() if line.startswith("Pss:"))
            total += int(line.split()[1]) * 1024
    except (OSError, StopIteration):
        return None
    return total


def _family(pid: int) -> Iterator[int]:
    yield pid
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield from _family(int(child))


def _await_ready(process: subprocess.Popen[bytes], url: str, begun: float, log: Path) -> None:
    while time.perf_counter() - begun < START_S:
        if process.poll() is not None:
            raise Failed(f"the service ended with {process.returncode}: {_last_lines(log)}")
        with suppress(Failed), Wire(url) as wire:
            wire.get("/ready")
            return
        time.sleep(POLL_S)
    raise Failed(f"the service was not ready after {START_S:.0f} s: {_last_lines(log)}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise Failed(f"the service did not stop within {STOP_S:.0f} s") from None


def _last_lines(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-5:])


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
