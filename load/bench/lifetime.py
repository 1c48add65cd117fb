"""What a grown ledger costs: starting its service again, memory, disk, and an audit of everything."""

from __future__ import annotations

import re
import statistics
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from load.bench.errors import Failed
from load.bench.report import Figure, at_least, at_most
from load.bench.service import Service, init, resident_bytes, serving
from load.bench.wire import BYTES, Wire

MIB = 1 << 20
BUNDLE = 256  # entries read at a time
STATEMENT_LINE = 5  # of an entry (docs/format.md)


def measure_memory(service: Service, entries: int) -> list[Figure]:
    """Memory of the service and its verifiers; nothing where the system does not tell."""
    held = resident_bytes(service.pid)
    note = f"all its processes, after {entries:,} entries"
    return [Figure("memory", held / MIB, "MiB", note=note)] if held is not None else []


def measure_restart(command: Sequence[str], folder: Path, entries: int, times: int) -> list[Figure]:
    """From the start of the process to the first /ready, and what it holds then."""
    seconds: list[float] = []
    held: int | None = None
    for _ in range(times):
        with serving(command, folder) as service:
            seconds.append(service.seconds)
            held = resident_bytes(service.pid)
    note = f"at {entries:,} entries, median of {times}, interpreter included"
    figures = [Figure("restart", statistics.median(seconds), "s", target=at_most(2), note=note)]
    if held is not None:
        figures.append(Figure("memory after restart", held / MIB, "MiB"))
    return figures


def measure_bytes(folder: Path, statement_bytes: int) -> list[Figure]:
    """Bytes of the store at rest for each byte of the statements in it. The service must have stopped."""
    files = [file for file in folder.iterdir() if file.name.startswith("ledger.db")]
    stored = sum(file.stat().st_size for file in files)
    note = f"{stored / MIB:,.0f} MiB of store for {statement_bytes / MIB:,.0f} MiB of statements"
    return [Figure("stored bytes per statement byte", stored / statement_bytes, "", note=note)]


def sum_statement_bytes(url: str, size: int) -> int:
    """Bytes of all statements of the ledger, read entry by entry."""
    total = 0
    with Wire(url) as wire:
        for start in range(0, size, BUNDLE):
            bundle = wire.get(f"/v1/entries?start={start}&count={min(BUNDLE, size - start)}", BYTES)
            while bundle:
                length = int.from_bytes(bundle[:2])
                entry, bundle = bundle[2 : 2 + length], bundle[2 + length :]
                total += len(entry.split(b"\n")[STATEMENT_LINE])
    return total


def measure_audit(command: Sequence[str], folder: Path, size: int) -> list[Figure]:
    """``cadastre audit DIR``, less what the same command takes for a ledger of one entry."""
    empty = folder.with_name("empty")
    init(command, empty)
    start = min(_audit(command, empty, 1) for _ in range(2))
    wall = _audit(command, folder, size)
    note = f"{size:,} entries in {wall:.1f} s, of which {start:.1f} s to start"
    return [
        Figure("audit", size / (wall - start), "/s", rated=True, target=at_least(0.9), note=note),
        Figure("audit, start included", size / wall, "/s", rated=True),
    ]


def _audit(command: Sequence[str], folder: Path, size: int) -> float:
    """Seconds of one audit. Raises ``Failed`` unless it finds a consistent ledger of this size, but for commitments."""
    begun = time.perf_counter()
    finished = subprocess.run(
        [*command, "audit", str(folder)], capture_output=True, text=True, timeout=900, check=False
    )
    seconds = time.perf_counter() - begun
    last = (finished.stdout.strip().splitlines() or [""])[-1]
    found = re.match(r"audit: consistent  size=([0-9]+) ", last)
    if finished.returncode or found is None or int(found[1]) < size:
        raise Failed(f"the audit said: {last} {finished.stderr.strip()[-500:]}")
    return seconds
