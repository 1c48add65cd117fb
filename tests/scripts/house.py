"""A real ledger behind a real service on the loopback, and hands that work it through the command line.

    hands = Hands(url, tmp_path)
    hands.key("factory")
    out = hands.done("join", "--name", "Blade Works", by="factory")      # exit code 0, stdout
    hands.refused("party_known", "join", "--name", "Twice", by="factory")

Every machine has its own CADASTRE_HOME. Commands run in this process (``CliRunner``), the service in one of its own.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import typer.testing
from typer.testing import CliRunner, Result

import scripts.main
from ledger.audit import open_folder
from ledger.pack.evidence import size_of
from ledger.publish import PUBLIC
from scripts.command import app
from tests.waiting import eventually

assert scripts.main  # imported for the commands

# Where all commands are declared, building them takes a sixth of a second: the runner would do it for each one it runs.
built = typer.testing._get_command = cache(typer.testing._get_command)

ROOT = Path(__file__).resolve().parents[2]
ORIGIN = "house.example/ledger"
START_S = 60


def run(*arguments: str | Path, home: Path, typed: str | None = None, **environment: str) -> Result:
    """Run one command in this process; it sees no CADASTRE_* but what is given."""
    empty: dict[str, str | None] = {name: None for name in os.environ if name.startswith("CADASTRE_")}
    given = {**empty, "CADASTRE_HOME": str(home), "COLUMNS": "200", "NO_COLOR": "1", **environment}
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=typed, env=given)


def found(folder: Path) -> Path:
    """Make a ledger in a folder, as ``cadastre init`` does."""
    made = run("init", folder, "--origin", ORIGIN, home=folder.parent / "home")
    assert made.exit_code == 0, made.output
    return folder


@contextmanager
def spoken(*arguments: str | Path, **given: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """The process of a command that serves, and the URL it says; killed when the context ends, if it runs yet.

    Its environment has no setting but those ``given``.
    """
    command = [sys.executable, "-m", "scripts.main", *map(str, arguments), "--port", "0"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CADASTRE_")} | given
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout is not None
    watch = threading.Timer(START_S, process.kill)
    watch.start()
    said = b""
    try:
        for line in process.stdout:
            said += line
            if found := re.search(rb"http://127\.0\.0\.1:[0-9]+", line):
                break
        else:
            raise AssertionError(f"it did not start: {said.decode()}")
        watch.cancel()
        threading.Thread(target=process.stdout.read, daemon=True).start()
        yield process, found[0].decode()
    finally:
        watch.cancel()
        process.kill()
        process.wait()


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The URL of the ledger in a folder, served by a process of its own until the context ends."""
    lifted = {"CADASTRE_SERVE_ADDRESS_RATE": "0", "CADASTRE_SERVE_SIGNER_RATE": "0"}
    lifted["CADASTRE_SERVE_COMMIT_SECONDS"] = "0"  # no entries but those that tests make
    with spoken("serve", folder, "--workers", "0", **lifted) as (service, url):
        yield url
        service.terminate()
        service.wait(20)


def checkpoint_covers(folder: Path, size: int) -> None:
    """Wait until the folder's checkpoint covers so many entries: it follows the service within a second."""

    def covers() -> bool:
        with open_folder(folder) as source:
            return source.checkpoint is not None and size_of(source.checkpoint) >= size

    eventually(covers, "the checkpoint file stays behind")


def published_covers(folder: Path, size: int) -> None:
    """Wait until what the folder publishes as files covers so many entries, and so its own checkpoint."""
    file = folder / PUBLIC / "checkpoint"
    eventually(lambda: file.exists() and size_of(file.read_bytes()) >= size, "what is published stays behind")


class Hands:
    """Everybody at one machine: their keys, one home, one ledger."""

    def __init__(self, url: str, room: Path) -> None:
        self.url = url
        self.room = room
        self.home = room / "home"

    def key(self, name: str) -> Path:
        """The key file of somebody, made when first asked for."""
        path = self.room / f"{name}.key"
        if not path.exists():
            made = run("key", "new", path, home=self.home)
            assert made.exit_code == 0, made.output
        return path

    def run(self, *arguments: str | Path, by: str | None = None, typed: str | None = None) -> Result:
        signer = {} if by is None else {"CADASTRE_KEY": str(self.key(by))}
        return run(*arguments, home=self.home, typed=typed, CADASTRE_LEDGER=self.url, **signer)

    def start(self, *arguments: str, by: str) -> subprocess.Popen[str]:
        """Start a command in a process of its own, for those that wait for each other."""
        environment = {**os.environ, "CADASTRE_HOME": str(self.home), "CADASTRE_LEDGER": self.url}
        environment["CADASTRE_KEY"] = str(self.key(by))
        command = [sys.executable, "-m", "scripts.main", *arguments]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=pipe, stderr=pipe, text=True)

    def done(self, *arguments: str | Path, by: str | None = None, typed: str | None = None) -> str:
        """Stdout of a command that must succeed."""
        result = self.run(*arguments, by=by, typed=typed)
        assert result.exit_code == 0, (arguments, result.output, result.exception)
        return result.stdout

    def json(self, *arguments: str | Path, by: str | None = None) -> Any:
        """What a command prints with ``--json``."""
        return orjson.loads(self.done(*arguments, "--json", by=by))

    def refused(self, code: str, *arguments: str | Path, by: str | None = None, typed: str | None = None) -> str:
        """Stderr of a command that must exit with 1 and name this code, and say what to do next."""
        result = self.run(*arguments, by=by, typed=typed)
        assert result.exit_code == 1, (arguments, result.output, result.exception)
        assert re.search(rf"\b(refused|disproven): {code}: ", result.stderr), result.stderr
        assert re.search(r"^next: \S", result.stderr, re.MULTILINE), result.stderr
        return result.stderr

    def misused(self, *arguments: str | Path, by: str | None = None) -> str:
        """Stderr of a command that must exit with 2."""
        result = self.run(*arguments, by=by)
        assert result.exit_code == 2, (arguments, result.output, result.exception)
        return result.stderr

    # -- what most stories begin with ------------------------------------------------------------------------

    def join(self, name: str, *more: str) -> str:
        return str(self.json("join", "--name", f"{name} Works", *more, by=name)["subject"])

    def register(self, name: str, file: Path, *more: str) -> str:
        plain = ("--classification", "general", "--not-personal", "--source", "measured by ourselves")
        return str(self.json("register", file, *plain, *more, by=name)["subject"])

    def offer(self, name: str, asset: str, *more: str) -> str:
        plain = more or ("--price", "100.00 EUR")
        made = self.json("offer", asset, "--purpose", "maintenance", "--until", "30d", *plain, by=name)
        return str(made["subject"])
