"""The README is true: what its consoles show is typed in their order, and gives that output, names and hashes aside."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.waiting import eventually

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
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """``make run``, as the first block says, with a ledger and a free port: what it prints, and its address.

    Ended by its process group.
    """
    if not (ROOT / ".venv" / ".installed").exists():
        pytest.skip("make install has not made .venv here, so make run would install")
    output, logged = tmp_path / "output", tmp_path / "logged"
    command = ["make", "--no-print-directory", "run", f"LEDGER={tmp_path}/ledger-data", "PORT=0"]
    with (
        output.open("w") as out,
        logged.open("w") as log,
        subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=log, start_new_session=True) as process,
    ):
        try:
            eventually(lambda: _address(logged) is not None, logged.read_text)
            yield output, str(_address(logged))
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)


def _address(log: Path) -> str | None:
    """Where it says that it is served, once it does."""
    found = re.search(r"http://127\.0\.0\.1:[1-9][0-9]*", log.read_text())
    return None if found is None else found[0]


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make, as the README says")
def test_whoever_types_what_is_shown_sees_what_is_shown(served: tuple[Path, str], tmp_path: Path) -> None:
    output, url = served
    ((run, shown),) = steps(BLOCKS[0])
    assert run == "make run"
    assert pattern(shown).match(masked(output.read_text()))
    environment = os.environ | {
        "CADASTRE_LEDGER": url,
        "CADASTRE_HOME": str(tmp_path / "home"),
        "PATH": f"{ROOT}/.venv/bin:{os.environ['PATH']}",
    }
    typed = [step for block in BLOCKS[1:] for step in steps(block)]
    lines = [
        f"{'! ' * shown.startswith('disproven: ')}{{ {command}\n}} >{number}.told 2>&1 || exit"
        for number, (command, shown) in enumerate(typed)
    ]
    script = "\n".join(lines).replace("http://127.0.0.1:8000", url)
    subprocess.run(["bash", "-c", script], cwd=tmp_path, env=environment, check=False, timeout=300)
    for number, (command, shown) in enumerate(typed):
        file = tmp_path / f"{number}.told"
        assert file.exists(), f"{typed[number - 1][0]}\n{(tmp_path / f'{number - 1}.told').read_text()}"
        told = file.read_text()
        assert not shown or pattern(shown).fullmatch(masked(told)), f"{command}\n{told}"
