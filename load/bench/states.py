"""State that is proven: how long a proof takes, and how long it is; what committing to the state costs appending."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

import orjson

from load.bench.appends import measure_batch, post
from load.bench.errors import Failed
from load.bench.reads import percentile
from load.bench.report import Figure, at_most
from load.bench.service import init, serving
from load.bench.supply import Supply, joining
from load.bench.wire import Wire

COMMIT_S = "0.5"  # between commitments: so the first one comes soon
SECONDS = {"on": COMMIT_S, "off": "0"}
LOSS_MAX = 15.0  # per cent of batch appends
WAIT_S = 300.0  # for the first map of a ledger that never had one
ABSENT = "asset_{:026}"
MAP_PART = 1  # of the parts of a proof, which empty lines part


def measure_states(command: Sequence[str], folder: Path, asked: int) -> list[Figure]:
    """Proofs of subjects at random, and of the absence of others, one at a time."""
    chosen = random.Random(1)
    with serving(command, folder, CADASTRE_SERVE_COMMIT_SECONDS=COMMIT_S) as service, Wire(service.url) as wire:
        waited = _await_commitment(wire)
        count = wire.members("/v1/ledger")["size"]
        there = [_some(wire, chosen.randrange(count)) for _ in range(asked)]
        gone = [ABSENT.format(chosen.randrange(10**20)) for _ in range(asked)]
        times, sizes = _asked(wire, there)
        absent_times, absent_sizes = _asked(wire, gone)
    note = f"one at a time, {asked} of some {2 * count:,} subjects at random"
    return [
        Figure("first commitment", waited, "s", note="from the start of the service: the map of all subjects"),
        Figure("proof of state, p50", statistics.median(times), "ms", note=note),
        Figure("proof of state, p99", percentile(times, 99), "ms", target=at_most(5)),
        Figure("proof of state, bytes of the map", percentile(sizes, 99), "", target=at_most(4_096), note="p99"),
        Figure("proof of absence, p99", percentile(absent_times, 99), "ms", target=at_most(5)),
        Figure("proof of absence, bytes of the map", percentile(absent_sizes, 99), "", target=at_most(4_096)),
    ]


def measure_loss(command: Sequence[str], folder: Path, statements: int, pairs: int) -> list[Figure]:
    """How much of the rate of batch appends committing takes, if it never rests longer than it must (``COMMIT_S``).

    Each pair is two ledgers made anew, one that commits and one that does not; the median of their ratios counts.
    """
    ratios = []
    for pair in range(pairs):
        order = ("on", "off") if pair % 2 else ("off", "on")
        rates = {one: _batch_rate(command, folder / f"{pair}-{one}", statements, SECONDS[one]) for one in order}
        ratios.append(rates["on"] / rates["off"])
    note = f"{pairs} pairs of {statements:,} statements, rates on/off {', '.join(f'{one:.2f}' for one in ratios)}"
    lost = 100 * (1 - statistics.median(ratios))
    return [Figure("batch appends lost to commitments", lost, "%", target=at_most(LOSS_MAX), note=note)]


def _batch_rate(command: Sequence[str], folder: Path, statements: int, commit_seconds: str) -> float:
    init(command, folder)
    with serving(command, folder, CADASTRE_SERVE_COMMIT_SECONDS=commit_seconds) as service:
        with Wire(service.url) as wire:
            supply = Supply(wire.members("/v1/ledger")["audience"], int(time.time()))
        post(service.url, joining(supply.audience, supply.now))
        return measure_batch(service.url, supply.take(statements))[0].value


def _await_commitment(wire: Wire) -> float:
    begun = time.perf_counter()
    while b"cadastre_committed_entries 0.0" in wire.get("/metrics"):
        if time.perf_counter() - begun > WAIT_S:
            raise Failed(f"no state was committed to within {WAIT_S:.0f} s")
        time.sleep(0.1)
    return time.perf_counter() - begun


def _some(wire: Wire, number: int) -> str:
    """The id of a subject by its number."""
    found = orjson.loads(wire.get(f"/v1/subjects?after={number - 1}&limit=1"))
    return str(found[0]["id"])


def _asked(wire: Wire, ids: Sequence[str]) -> tuple[list[float], list[int]]:
    """Milliseconds of each proof, and bytes of the way through the map in it."""
    times, sizes = [], []
    for one in ids:
        begun = time.perf_counter()
        proof = wire.get(f"/v1/subjects/{one}/proof")
        times.append((time.perf_counter() - begun) * 1e3)
        sizes.append(len(proof.split(b"\n\n")[MAP_PART]) + 1)
    return times, sizes
