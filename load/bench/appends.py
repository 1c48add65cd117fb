"""Durable appends over HTTP: one statement a request from many connections, and many statements a request.

An append counts when its answer says 201: then it is on the disk and under a signed checkpoint.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import orjson

from load.bench import wrk
from load.bench.errors import Failed
from load.bench.report import Figure, at_least, at_most
from load.bench.supply import Supply
from load.bench.wire import JOSE, NDJSON, Wire

CONNECTIONS = 64
FIRST_RATE = 8_000  # statements a second to sign for the warm-up; for the rest its own rate says how many
RESERVE = 2.0  # times as many statements are signed as are expected to be sent
BATCH = 1_000  # statements of a batch request
IN_FLIGHT = 3  # batch requests


def post(url: str, statements: Sequence[bytes]) -> None:
    """Append these, one after the other. Raises ``Failed``."""
    with Wire(url) as wire:
        for statement in statements:
            wire.post("/v1/statements", statement, JOSE)


def measure_single(url: str, supply: Supply, folder: Path, *, warmup: int, seconds: int, runs: int) -> list[Figure]:
    """Single appends: the median of ``runs`` of ``seconds``, after ``warmup`` seconds that count for nothing."""
    rate = _append(url, supply, folder, warmup, FIRST_RATE).rate
    outcomes = [_append(url, supply, folder, seconds, rate) for _ in range(runs)]
    rates = ", ".join(f"{outcome.rate:,.0f}" for outcome in outcomes)
    return [
        Figure(
            "single appends",
            statistics.median(outcome.rate for outcome in outcomes),
            "/s",
            rated=True,
            target=at_least(0.15),
            note=f"{CONNECTIONS} connections, median of {rates}",
        ),
        Figure("single appends, p50", statistics.median(outcome.p50 for outcome in outcomes) / 1e3, "ms"),
        Figure(
            "single appends, p99",
            statistics.median(outcome.p99 for outcome in outcomes) / 1e3,
            "ms",
            target=at_most(60),
        ),
    ]


def measure_batch(url: str, statements: Sequence[bytes]) -> list[Figure]:
    """Batch appends: these statements, in full requests, a few of them in flight."""
    bodies = [_body(statements[start : start + BATCH]) for start in range(0, len(statements), BATCH)]
    begun = time.perf_counter()
    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        answers = list(pool.map(lambda share: _send(url, share), [bodies[n::IN_FLIGHT] for n in range(IN_FLIGHT)]))
    seconds = time.perf_counter() - begun
    _check_admitted([verdict for share in answers for answer in share for verdict in answer.splitlines()], statements)
    note = f"{len(statements):,} in requests of {BATCH:,}, {IN_FLIGHT} in flight"
    return [Figure("batch appends", len(statements) / seconds, "/s", rated=True, target=at_least(0.4), note=note)]


def _append(url: str, supply: Supply, folder: Path, seconds: int, expected: float) -> wrk.Outcome:
    """Append singly for so many seconds, at most ``RESERVE`` times ``expected`` statements a second."""
    statements = supply.take(int(seconds * expected * RESERVE))
    file = folder / "statements"
    file.write_bytes(b"\n".join(statements))
    outcome = wrk.run(wrk.APPEND, url, str(file), connections=CONNECTIONS, seconds=seconds)
    file.unlink()
    supply.put_back(statements[outcome.sent :])
    if outcome.exhausted:
        raise Failed(f"{len(statements):,} statements did not last {seconds} s: too few were signed ahead")
    if outcome.lost or outcome.repeated or outcome.other:
        raise Failed(f"not every append was answered 201: {outcome}")
    return outcome


def _body(statements: Sequence[bytes]) -> bytes:
    return b"".join(b'{"statement":"%b"}\n' % statement for statement in statements)


def _send(url: str, bodies: Sequence[bytes]) -> list[bytes]:
    with Wire(url) as wire:
        return [wire.post("/v1/statements/batch", body, NDJSON) for body in bodies]


def _check_admitted(verdicts: Sequence[bytes], statements: Sequence[bytes]) -> None:
    """Raises ``Failed`` unless there is one verdict for each statement, and each is 201."""
    others = [verdict for verdict in verdicts if orjson.loads(verdict)["status"] != 201]
    if others or len(verdicts) != len(statements):
        first = others[0].decode() if others else "none"
        raise Failed(f"{len(statements)} statements, {len(verdicts)} verdicts; first that is not 201: {first}")
