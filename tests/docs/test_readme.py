"""The README's first screen is true: its commands are run, and give the output shown, names and hashes aside."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError

import pytest

ROOT = Path(__file__).resolve().parents[2]
BLOCKS = re.findall(r"```console\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)

VARYING = [  # what differs from ledger to ledger, and what stands for it when outputs are compared
    (r"did:key:z\w+", "DID"),
    (r"\b(party|asset|ledger)_[0-9a-z]{26}", r"\1_ID"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", "TIME"),
    (r"(id +)[\w-]{43}", r"\1DIGEST"),
    (r"root=[\w+/]{43}=", "root=ROOT"),
    (r"(folder +).*", r"\1FOLDER"),
]


def steps(block: str) -> list[tuple[str, str]]:
    """The commands of a block, each with the output shown below it."""
    return [tuple(step.split("\n", 1)) for step in re.split(r"^\$ ", block, flags=re.MULTILINE) if step]  # type: ignore[misc]


def pattern(shown: str) -> re.Pattern[str]:
    """What the output must look like: … stands for anything."""
    return re.compile(re.escape(masked(shown)).replace("…", ".*"), re.DOTALL)


def masked(output: str) -> str:
    for varying, name in VARYING:
        output = re.sub(varying, name, output)
    return output


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture
def served(tmp_path: Path, port: int) -> Iterator[Path]:
    """``make run``, as the first block says, with a ledger and port of its own; ended by its process group."""
    if not (ROOT / ".venv" / ".installed").exists():
        pytest.skip("make install has not made .venv here, so make run would install")
    output = tmp_path / "output"
    command = ["make", "--no-print-directory", "run", f"LEDGER={tmp_path}/ledger-data", f"PORT={port}"]
    with output.open("w") as log, subprocess.Popen(command, cwd=ROOT, stdout=log, start_new_session=True) as process:
        try:
            _wait(f"http://127.0.0.1:{port}/ready")
            yield output
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)


def _wait(url: str) -> None:
    for _ in range(600):
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except (URLError, TimeoutError, ConnectionError):
            time.sleep(0.1)
    raise AssertionError(f"{url} did not answer within a minute")


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make, as the README says")
def test_the_first_screen_does_what_it_shows(served: Path, tmp_path: Path, port: int) -> None:
    ((run, shown),) = steps(BLOCKS[0])
    assert run == "make run"
    assert pattern(shown).match(masked(served.read_text()))
    home = tmp_path / "home"
    environment = os.environ | {
        "CADASTRE_LEDGER": f"http://127.0.0.1:{port}",
        "CADASTRE_HOME": str(home),
        "PATH": f"{ROOT}/.venv/bin:{os.environ['PATH']}",
    }
    for command, shown in steps(BLOCKS[1]):
        if command.startswith("export PATH"):
            continue  # the one line that is about the reader's shell
        at = command.replace("http://127.0.0.1:8000", f"http://127.0.0.1:{port}")
        done = subprocess.run(
            ["bash", "-c", f"{at} 2>&1"],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}"
        assert pattern(shown).fullmatch(masked(done.stdout)), f"{command}\n{done.stdout}"
