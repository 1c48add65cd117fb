"""The processes that help an audit end with it, also where it is killed and can tell them nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import end_soon

AUDIT = """
import os, signal, threading
from ledger.audit import Workers
if {threads}:
    threading.Thread(target=threading.Event().wait, daemon=True).start()
if __name__ == "__main__":
    workers = Workers(2)
    pids = {{workers.pool.submit(os.getpid).result() for _ in range(20)}} | set(workers.pool._processes)
    print(workers.pool._mp_context.get_start_method(), *pids, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="forks on Linux, and looks at processes through /proc")
@pytest.mark.parametrize(("threads", "method"), [(False, "fork"), (True, "spawn")])
def test_no_process_outlives_an_audit_that_was_killed(threads: bool, method: str, tmp_path: Path) -> None:
    file = tmp_path / "audit.py"
    file.write_text(AUDIT.format(threads=threads))
    root = Path(__file__).resolve().parents[3]
    told = subprocess.run(
        [sys.executable, str(file)], env={"PYTHONPATH": str(root)}, stdout=subprocess.PIPE, check=False
    )
    started, *pids = told.stdout.decode().split()
    assert started == method
    assert pids
    end_soon(map(int, pids))
