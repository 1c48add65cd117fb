"""Metrics for Prometheus. Numbers only: no statement, no party and no address is named."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from api.writing import Outcome
from ledger.errors import Problem

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_STATEMENTS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000)


def verdict_of(outcome: Outcome) -> tuple[str, str]:
    """The labels an outcome is counted under: verdict and code."""
    if isinstance(outcome, Problem):
        return outcome.family, outcome.code
    return ("again" if outcome.again else "admitted"), ""


class Metrics:
    """The metrics of one service, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.statements = Counter(
            "cadastre_statements", "Statements answered", ["verdict", "code"], registry=self.registry
        )
        self.requests = Counter("cadastre_requests", "Requests answered", ["status"], registry=self.registry)
        self.batches = Histogram(
            "cadastre_batch_statements", "Statements of one append", buckets=_STATEMENTS, registry=self.registry
        )
        self.commits = Histogram(
            "cadastre_append_seconds",
            "Time from a verified batch to its signed checkpoint",
            buckets=_SECONDS,
            registry=self.registry,
        )

    def watch(self, name: str, meaning: str, value: Callable[[], float]) -> None:
        """A gauge that is read when it is asked for."""
        Gauge(name, meaning, registry=self.registry).set_function(value)

    def count(self, told: Mapping[tuple[str, str], int]) -> None:
        """Count statements by verdict and code."""
        for labels, number in told.items():
            self.statements.labels(*labels).inc(number)

    def page(self) -> bytes:
        """What Prometheus reads."""
        return generate_latest(self.registry)
