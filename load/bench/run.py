"""The order of a benchmark: one ledger grows by single, then by batch appends, is read, restarted and audited.

V, before
single appends      a fresh ledger of 50 parties
batch appends       up to the planned number of entries
receipts, search, memory
restart, proofs of state, bytes, audit
appends lost to commitments, and to chains of delegations, on ledgers of their own
sealing
V, after
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from load import catalogue
from load.bench import wrk
from load.bench.appends import measure_batch, measure_single, post
from load.bench.chains import measure_chains
from load.bench.lifetime import (
    measure_audit,
    measure_bytes,
    measure_memory,
    measure_restart,
    sum_statement_bytes,
)
from load.bench.reads import measure_receipt_rate, measure_receipts, measure_search
from load.bench.report import Figure, Report
from load.bench.sealing import measure_sealing
from load.bench.service import Service, init, serving
from load.bench.states import measure_loss, measure_states
from load.bench.supply import PARTIES, Supply, joining, registering
from load.bench.verification import verifications_per_second
from load.bench.wire import Wire

PARTS = (
    "single",
    "batch",
    "receipts",
    "search",
    "memory",
    "restart",
    "states",
    "bytes",
    "audit",
    "loss",
    "chains",
    "sealing",
)
"""What can be asked for by name. V is always measured; batch appends fill the ledger for the parts after them."""


@dataclass(frozen=True)
class Plan:
    """How much is done. Times in seconds; ``entries`` is what the ledger grows to, ``batch`` the fewest in batches."""

    entries: int
    batch: int
    verify: float
    warmup: int
    seconds: int
    runs: int
    asked: int  # receipts, one at a time
    rounds: int  # of searches
    restarts: int
    pairs: int  # of ledgers that commit and such that do not


FULL = Plan(
    entries=100_000, batch=20_000, verify=3, warmup=3, seconds=5, runs=3, asked=500, rounds=50, restarts=3, pairs=5
)
QUICK = Plan(
    entries=10_000, batch=4_000, verify=1, warmup=1, seconds=1, runs=3, asked=200, rounds=10, restarts=1, pairs=3
)


class Bench:
    """One run. ``command`` is what stands before the arguments of ``cadastre``, ``say`` tells what is under way."""

    def __init__(
        self, command: Sequence[str], folder: Path, plan: Plan, parts: Sequence[str], say: Callable[[str], None]
    ) -> None:
        self._command, self._plan, self._parts, self._say = command, plan, parts, say
        self._room = folder
        self._ledger = folder / "ledger"
        self._figures: list[Figure] = []
        self._skipped: list[str] = []

    def run(self) -> Report:
        """Measure everything asked for. Raises ``Failed`` where the service or a tool does not do its part."""
        busy = os.getloadavg()[0]
        init(self._command, self._ledger)
        with serving(self._command, self._ledger) as service:
            with Wire(service.url) as wire:
                supply = Supply(wire.members("/v1/ledger")["audience"], int(time.time()))
            size = len(registering(supply.audience, supply.now, range(1))[0])
            before = self._verify(size)
            entries, statement_bytes = self._grow_and_read(service, supply)
        self._at_rest(entries, statement_bytes)
        conditions = self._conditions(entries, size, busy)
        return Report(before, self._verify(size), self._figures, conditions, self._skipped)

    def _grow_and_read(self, service: Service, supply: Supply) -> tuple[int, int]:
        """The parts that need a service; returns its number of entries and of their statements' bytes."""
        plan, url = self._plan, service.url
        post(url, joining(supply.audience, supply.now))
        if self._asked("single", needs_wrk=True):
            self._figures += measure_single(
                url, supply, self._room, warmup=plan.warmup, seconds=plan.seconds, runs=plan.runs
            )
        if set(self._parts) <= {"single", "loss", "chains", "sealing"}:  # which need no grown ledger
            return _size(url), 0
        batch = measure_batch(url, supply.take(max(plan.batch, plan.entries - _size(url))))
        if self._asked("batch"):
            self._figures += batch
        entries = _size(url)
        if self._asked("receipts"):
            self._figures += measure_receipts(url, entries, plan.asked)
            if self._asked("receipts", needs_wrk=True):
                self._figures += measure_receipt_rate(url, entries, plan.seconds)
        if self._asked("search"):
            self._figures += measure_search(url, entries - PARTIES - 1, plan.rounds)
        if self._asked("memory"):
            self._figures += measure_memory(service, entries)
        return entries, sum_statement_bytes(url, entries) if "bytes" in self._parts else 0

    def _at_rest(self, entries: int, statement_bytes: int) -> None:
        """The parts that need the ledger's folder to themselves."""
        if self._asked("restart"):
            self._figures += measure_restart(self._command, self._ledger, entries, self._plan.restarts)
        if self._asked("states"):
            self._figures += measure_states(self._command, self._ledger, self._plan.asked)
        if self._asked("bytes"):
            self._figures += measure_bytes(self._ledger, statement_bytes)
        if self._asked("audit"):
            self._figures += measure_audit(self._command, self._ledger, entries)
        if self._asked("loss"):
            self._figures += measure_loss(self._command, self._room, self._plan.batch, self._plan.pairs)
        if self._asked("chains"):
            self._figures += measure_chains(self._command, self._room, self._plan.batch, self._plan.pairs)
        if self._asked("sealing"):
            self._figures += measure_sealing()

    def _asked(self, part: str, needs_wrk: bool = False) -> bool:
        if part not in self._parts:
            return False
        if needs_wrk and not wrk.installed():
            self._skipped.append(f"{part}: {wrk.ABSENT}")
            return False
        self._say(part)
        return True

    def _verify(self, size: int) -> float:
        self._say("bare verification")
        return verifications_per_second(size, self._plan.verify)

    def _conditions(self, entries: int, size: int, busy: float) -> list[str]:
        return [
            f"{os.cpu_count()} cores, shared by the service and its load; one ledger of {entries:,} entries",
            f"load average before: {busy:.2f} (whatever else runs lowers the rates more than it lowers V)",
            f"statements: {catalogue.MIX}",
            f"            about {size:,} bytes each, signed ahead by {PARTIES} parties",
            "service: cadastre serve, default store (SQLite, WAL, synchronous=FULL); rate limits lifted by setting",
        ]


def _size(url: str) -> int:
    """Entries of the ledger."""
    with Wire(url) as wire:
        return int(wire.members("/v1/ledger")["size"])
