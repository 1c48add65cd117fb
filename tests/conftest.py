"""What every test shares: Hypothesis runs the same cases on every machine, in bounded time; logging is left alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "cadastre", derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("cadastre")


@pytest.fixture(scope="session", autouse=True)
def _logging_left_alone() -> Iterator[None]:
    """A command that serves sends the log of its process to stderr; here it shares the process with all tests."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("api.logs.configure", lambda _: None)
        yield
