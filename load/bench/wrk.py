"""wrk (github.com/wg/wrk), the load generator: run with one of our scripts, whose last line says what happened.

wrk spends some 30 µs of a core on a request, an order less than the service. Its latencies are corrected for the
requests a stalled connection did not send (coordinated omission).
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from load.bench.errors import Failed

HERE = Path(__file__).parent
APPEND = HERE / "append.lua"
RECEIPTS = HERE / "receipts.lua"
ABSENT = "wrk is not installed (Debian: apt install wrk): rates under many connections were not measured"


class Outcome(BaseModel):
    """What wrk saw. ``p50`` and ``p99`` are microseconds; ``created``, ``repeated``, ``other`` count 201, 200, rest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    requests: int
    microseconds: int
    p50: int
    p99: int
    lost: int
    sent: int = 0
    exhausted: bool = False
    created: int = 0
    repeated: int = 0
    other: int = 0

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.requests * 1e6 / self.microseconds


def installed() -> bool:
    return shutil.which("wrk") is not None


def run(script: Path, url: str, argument: str, *, connections: int, seconds: int) -> Outcome:
    """Load ``url`` through one of the scripts. Raises ``Failed`` where wrk does."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout=10s", f"-s{script}", url, "--", argument]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60, check=False)
    if finished.returncode:
        raise Failed(f"wrk ended with {finished.returncode}: {finished.stderr.strip() or finished.stdout.strip()}")
    return parse(finished.stdout)


def parse(output: str) -> Outcome:
    """What the last line of wrk's output says. Raises ``Failed``."""
    lines = output.strip().splitlines()
    try:
        return Outcome.model_validate_json(lines[-1] if lines else "")
    except ValidationError:
        raise Failed(f"wrk said: {output.strip() or 'nothing'}") from None
