"""Reading a ledger over HTTP: receipts and searches, as they feel to one who asks, and receipts under load."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from urllib.parse import urlencode

import orjson

from load.bench import wrk
from load.bench.errors import Failed
from load.bench.report import Figure, at_most
from load.bench.wire import Wire

CONNECTIONS = 16
PAIRS = ("振动", "轴承", "温度", "主轴")
"""Two letters each; the first is in one title of eight."""

OTHERS: tuple[dict[str, str], ...] = (
    {"q": "spindle vibration"},
    {"q": "沈阳 压铸机 振动"},
    {"q": "振动", "classification": "important"},
    {"keyword": "振动", "type": "asset"},
    {"q": "无此数据"},  # finds nothing, though each of its letters may
)
"""Longer questions: words, conditions, and one in vain."""


def measure_receipts(url: str, size: int, asked: int) -> list[Figure]:
    """How long one receipt takes while nobody else asks."""
    chosen = random.Random(1)
    with Wire(url) as wire:
        times = [_milliseconds(lambda: wire.get(f"/v1/entries/{chosen.randrange(size)}/receipt")) for _ in range(asked)]
    note = f"one at a time, {asked} of {size:,} at random"
    return [
        Figure("receipt, p50 idle", statistics.median(times), "ms", target=at_most(15), note=note),
        Figure("receipt, p95 idle", percentile(times, 95), "ms"),
    ]


def measure_receipt_rate(url: str, size: int, seconds: int) -> list[Figure]:
    """How many receipts a second the service gives."""
    outcome = wrk.run(wrk.RECEIPTS, url, str(size), connections=CONNECTIONS, seconds=seconds)
    if outcome.lost or outcome.other:
        raise Failed(f"not every receipt was given: {outcome}")
    note = f"{CONNECTIONS} connections, p99 {outcome.p99 / 1e3:.1f} ms"
    return [Figure("receipts", outcome.rate, "/s", rated=True, note=note)]


def measure_search(url: str, assets: int, rounds: int) -> list[Figure]:
    """How long a page of results takes: pairs of letters, and other questions."""
    with Wire(url) as wire:
        _check_found(wire)
        pairs = _times(wire, [{"q": pair} for pair in PAIRS], rounds)
        others = _times(wire, OTHERS, rounds)
    return [
        Figure("search, two letters, p50", statistics.median(pairs), "ms", note=" ".join(PAIRS)),
        Figure(
            "search, two letters, p95",
            percentile(pairs, 95),
            "ms",
            target=at_most(50),
            note=f"{len(pairs)} pages over {assets:,} assets",
        ),
        Figure("search, other, p50", statistics.median(others), "ms", note="words, conditions, in vain"),
        Figure("search, other, p95", percentile(others, 95), "ms"),
    ]


def percentile(values: Sequence[float], per_cent: int) -> float:
    """The smallest of ``values`` that is not below ``per_cent`` of them (nearest rank)."""
    rank = -(-len(values) * per_cent // 100)
    return sorted(values)[rank - 1]


def _times(wire: Wire, questions: Sequence[dict[str, str]], rounds: int) -> list[float]:
    """Milliseconds of each answer; the questions take turns."""
    paths = [f"/v1/search?{urlencode(question)}" for question in questions]
    return [_milliseconds(partial(wire.get, path)) for _ in range(rounds) for path in paths]


def _milliseconds(action: Callable[[], object]) -> float:
    begun = time.perf_counter()
    action()
    return (time.perf_counter() - begun) * 1e3


def _check_found(wire: Wire) -> None:
    """Raises ``Failed`` unless a pair of letters finds titles that hold it: a wrong answer is quickly given."""
    items = orjson.loads(wire.get(f"/v1/search?{urlencode({'q': PAIRS[0], 'type': 'asset'})}"))["items"]
    if not items or any(PAIRS[0] not in item["state"]["title"] for item in items):
        raise Failed(f"a search for {PAIRS[0]} finds {len(items)} assets, not only such as hold it")
