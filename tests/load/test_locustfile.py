"""The three kinds of users, for a few seconds against a real service: each does all it can, and nothing fails.

In a process of its own, since locust replaces the standard library's sockets and threads by its own.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from load.bench.service import Service

LOCUSTFILE = Path(__file__).parents[2] / "load" / "locustfile.py"
DONE = {
    "/checkpoint",
    "/v1/consistency",
    "/v1/entries/[index]/receipt",
    "/v1/ledger",
    "/v1/search",
    "/v1/statements agreement.requested",
    "/v1/statements asset.registered",
    "/v1/statements asset.revised",
    "/v1/statements offer.opened",
    "/v1/statements party.joined",
    "/v1/subjects/[id]",
    "/v1/subjects/[id]/history",
}


def test_factories_partners_and_auditors_do_all_they_can_and_nothing_fails(service: Service) -> None:
    command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--host", service.url, "--headless", "--json"]
    command += ["--users", "20", "--spawn-rate", "20", "--run-time", "8s", "--stop-timeout", "5"]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert finished.returncode == 0, finished.stderr[-3000:]
    done = {line["name"]: line for line in json.loads(finished.stdout)}
    assert done.keys() == DONE
    assert sum(line["num_failures"] for line in done.values()) == 0
    assert "Traceback" not in finished.stderr


def test_a_receipt_that_does_not_verify_is_a_failure_under_the_name_of_its_request(service: Service) -> None:
    """The same users, told another log key: every receipt and checkpoint must count as failed."""
    program = f"""
import runpy, sys
import load.proofs as proofs
good = proofs.open_head
def other(note, verifier):
    return good(note.replace(b"\\n", b"\\n\\n", 1), verifier)
proofs.open_head = other
sys.argv = ["locust", "-f", {str(LOCUSTFILE)!r}, "--host", {service.url!r}, "--headless", "--json", "--users", "10",
            "--spawn-rate", "10", "--run-time", "2s", "--stop-timeout", "5"]
runpy.run_module("locust", run_name="__main__")
"""
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert finished.returncode == 1
    done = {line["name"]: line for line in json.loads(finished.stdout)}
    for name in ("/checkpoint", "/v1/statements party.joined"):
        assert done[name]["num_failures"] == done[name]["num_requests"] > 0
    assert "not proven: checkpoint" in finished.stderr


@pytest.fixture(autouse=True)
def _at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(LOCUSTFILE.parents[1])
