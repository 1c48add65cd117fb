"""The fork server: forked from a service without threads, or started from scratch, and replaced when it is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from api import forks
from api.process import Beside
from tests.api.house import JOSE, House
from tests.api.running import client_of, running
from tests.processes import children, end_soon, seen_through_proc
from tests.waiting import eventually

pytestmark = seen_through_proc

PREPARED = """
import os, sys
from api import forks
forks.prepare()
assert not {"fastapi", "starlette", "uvicorn", "httpx"} & set(sys.modules)
from api.process import Beside
import api
api.mark = "after the fork"
beside = [Beside(eval, "lambda code: eval(code)") for _ in range(2)]
for one in beside:
    one.ready()
parents = {one.ask_now("__import__('os').getppid()") for one in beside}
assert len(parents) == 1 and parents != {os.getpid()}
assert beside[0].ask_now("hasattr(__import__('api'), 'mark')") is False
print(*parents, *(one.pid for one in beside))
sys.stdout.flush()
os._exit(3)
"""


def test_a_prepared_one_shares_what_was_imported_and_ends_with_the_service() -> None:
    done = subprocess.run([sys.executable, "-c", PREPARED], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (3, "")
    pids = [int(word) for word in done.stdout.split()]
    assert len(set(pids)) == 3
    end_soon(pids)


def test_what_it_forks_holds_no_line_but_its_own() -> None:
    first, second = Beside(descriptors), Beside(descriptors)
    for one in (first, second):
        one.ready()
        sockets = [name for name in one.ask_now(None) if name.startswith("socket:")]
        assert len(sockets) == 1
    first.end()
    second.end()


def descriptors() -> Callable[[object], list[str]]:
    return lambda _: [str(file.readlink()) for file in Path("/proc/self/fd").iterdir() if file.is_symlink()]


def test_one_that_was_killed_is_replaced() -> None:
    before = Beside(parent)
    before.ready()
    killed = before.ask_now(None)
    os.kill(killed, signal.SIGKILL)
    assert forks._process is not None
    forks._process.wait()
    after = Beside(parent)
    after.ready()
    assert after.ask_now(None) != killed
    after.end()
    before.end()


def parent() -> Callable[[object], int]:
    return lambda _: os.getppid()


def test_a_service_whose_fork_server_and_writer_were_killed_goes_on(house: House) -> None:
    house.play.join("factory")
    with running(house, workers=1, publish_seconds=0) as service, client_of(service) as client:
        (server,) = children(service.process.pid)
        below = children(server)
        assert len(below) == 2  # the writer and a verifier
        for pid in (server, *below):
            os.kill(pid, signal.SIGKILL)
        answer = client.post("/v1/statements", content=house.play.entries[-1].sent, headers=JOSE)
        assert answer.status_code == 201, answer.text
        (server,) = children(service.process.pid)  # and no zombie
        below = [server, *children(server)]
        assert service.stop() == 0
        end_soon(below)


def test_threads_are_not_forked() -> None:
    before = forks._server
    with ThreadPoolExecutor(1) as pool:
        pool.submit(int).result()
        forks.prepare()
    assert forks._server is before


def test_what_ended_leaves_no_zombie() -> None:
    process = Beside(parent)
    process.ready()
    server = process.ask_now(None)
    process.end()
    eventually(lambda: process.pid not in children(server), "it waits to be buried")
