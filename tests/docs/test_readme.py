"""The README is true: what its consoles show is typed in their order, and gives that output, names and hashes aside."""

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
    (r"\b(party|asset|ledger|credential)_[0-9a-z]{26}", r"\1_ID"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", "TIME"),
    (r"(id +)[\w-]{43}", r"\1DIGEST"),
    (r"root=[\w+/]{43}=", "root=ROOT"),
    (r"(folder +).*", r"\1FOLDER"),
]


def steps(block: str) -> list[tuple[str, str]]:
    """The commands of a block, each with the output shown below it; what is typed into one ends with END."""
    found = []
    for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, shown = step.partition("\n")
        if command.endswith("<<END"):
            typed, _, shown = shown.partition("END\n")
            command += f"\n{typed}END"
        found.append((command, shown))
    return found


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
def test_whoever_types_what_is_shown_sees_what_is_shown(served: Path, tmp_path: Path, port: int) -> None:
    ((run, shown),) = steps(BLOCKS[0])
    assert run == "make run"
    assert pattern(shown).match(masked(served.read_text()))
    environment = os.environ | {
        "CADASTRE_LEDGER": f"http://127.0.0.1:{port}",
        "CADASTRE_HOME": str(tmp_path / "home"),
        "PATH": f"{ROOT}/.venv/bin:{os.environ['PATH']}",
    }
    typed = [step for block in BLOCKS[1:] for step in steps(block)]
    lines = [
        f"{'! ' * shown.startswith('disproven: ')}{{ {command}\n}} >{number}.told 2>&1 || exit"
        for number, (command, shown) in enumerate(typed)
    ]
    script = "\n".join(lines).replace("http://127.0.0.1:8000", f"http://127.0.0.1:{port}")
    subprocess.run(["bash", "-c", script], cwd=tmp_path, env=environment, check=False, timeout=300)
    for number, (command, shown) in enumerate(typed):
        file = tmp_path / f"{number}.told"
        assert file.exists(), f"{typed[number - 1][0]}\n{(tmp_path / f'{number - 1}.told').read_text()}"
        told = file.read_text()
        assert not shown or pattern(shown).fullmatch(masked(told)), f"{command}\n{told}"
