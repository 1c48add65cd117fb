"""``cadastre demo [FILE]``: the life of one data set among a factory, a partner, a second factory and an auditor.

Everything is real: a ledger in a folder of its own, the service over HTTP, each party signing with its own key, the
offline proof, the audit. At the end one byte is flipped in a copy of the store, to show that the audit names it.
"""

from __future__ import annotations

import hashlib
import math
import mimetypes
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from api.client import Admitted, Client
from identity.canonical import b64encode
from identity.errors import Problem, declare
from identity.keys import Algorithm, SigningKey
from identity.note import parse_vkey
from ledger.circulation.agreement import digest_of_terms
from ledger.log.receipt import open_receipt
from scripts.command import Halted, check_free, command

declare("halted", demo_failed=("the demo cannot go on", "see that the machine has room and the loopback address"))

ORIGIN = "demo.localhost/cadastre"
START_S = 60  # a slow machine may take that long to answer for the first time

POLICY = {
    "@type": "Offer",
    "permission": [
        {
            "action": "use",
            "constraint": [
                {"leftOperand": "purpose", "operator": "eq", "rightOperand": "predictive maintenance of own machines"}
            ],
        }
    ],
}


@command()
def demo(
    data: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE", exists=True, dir_okay=False, help="Data to play with; without it, they are made up."
        ),
    ] = None,
    keep: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep the ledger in this folder, which must not be there.")
    ] = None,
) -> None:
    """Play the life of a data set through the real service, audit it, then damage a copy and see it found."""
    if keep is not None:
        check_free(keep)
    with ExitStack() as stack:
        room = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cadastre-demo-")))
        file = data if data is not None else _made_up(room / "spindle-vibration.csv")
        folder = keep if keep is not None else room / "ledger"
        os.environ["CADASTRE_HOME"] = str(room / "home")  # this ledger is none that the reader's own commands know
        _command("init", str(folder), "--origin", ORIGIN)
        story = Story(file, room)
        with _service(folder) as url:
            story.play(url)
            story.export(url)
        audited = _audit("the folder", folder)
        _audit("the exported bundle", story.bundle)
        _flip_a_byte(folder, room / "damaged", story.registered)
    raise typer.Exit(audited)


class Story:
    """The acts, in order. Each line says who did what, and where it is recorded."""

    def __init__(self, file: Path, room: Path) -> None:
        self.file = file
        self.bundle = room / "ledger.bundle"
        self.registered = 0  # index of the entry that registered the asset
        self._room = room
        self._step = 0

    def play(self, url: str) -> None:
        algorithms: dict[str, Algorithm] = {
            "factory": "Ed25519",
            "partner": "ES256",
            "second": "Ed25519",
            "stranger": "Ed25519",
        }
        with ExitStack() as stack:
            self._people = {
                name: stack.enter_context(Client(url, key=SigningKey.generate(algorithm)))
                for name, algorithm in algorithms.items()
            }
            self._join()
            self._register()
            self._offer()
            self._negotiate()
            self._refuse_a_stranger()
            self._revise()
            self._transfer()
            self._terminate()
            self._receipt()

    def export(self, url: str) -> None:
        _command("export", url, str(self.bundle))
        self._say("auditor", f"exports the ledger: {self.bundle.name}, {self.bundle.stat().st_size:,} bytes")

    # -- the acts --------------------------------------------------------------------------------------------

    def _join(self) -> None:
        self._parties = {}
        for name, legal, role in (
            ("factory", "Shenyang Blade Works 沈阳叶片厂", "factory"),
            ("partner", "Rhein Antriebstechnik", "machine-builder"),
            ("second", "Xi'an Turbine", "factory"),
        ):
            admitted = self._act(name, f"joins as {legal}", "party.joined", {"name": legal, "roles": [role]})
            self._parties[name] = admitted.subject

    def _register(self) -> None:
        self._description: dict[str, Any] = {
            "title": f"{self.file.stem} 主轴振动数据",
            "description": "Sensor data of a production machine, as recorded.",
            "keywords": ["sensor", "machine", "maintenance"],
            "content": _content(self.file.read_bytes(), self.file.name),
            "source": {"basis": "produced", "statement": "Recorded by our own sensors on our own machine."},
            "classification": "general",
            "personal": False,
        }
        admitted = self._act("factory", f"registers {self.file.name}", "asset.registered", self._description)
        self.registered, self._asset = admitted.index, admitted.subject

    def _offer(self) -> None:
        found = [asset.id for asset in self._people["partner"].search("振动", type="asset")]
        assert self._asset in found
        self._say("partner", f"searches 振动 and finds {self._asset}")
        self._offered = self._open_offer("factory", 1_250_000)

    def _negotiate(self) -> None:
        """Requested, countered, accepted, agreed, verified, finalized: the Dataspace Protocol's words."""
        asked = self._terms(self._offered, 900_000)
        body = {"offer": self._offered, "terms": asked, "validUntil": _in_days(7)}
        admitted = self._act("partner", "requests a licence for 9,000.00 EUR", "agreement.requested", body)
        agreement = admitted.subject
        terms = self._terms(self._offered, 1_100_000)
        body = {"offer": self._offered, "terms": terms, "validUntil": _in_days(7), "consumer": self._parties["partner"]}
        self._act("factory", "counters with 11,000.00 EUR", "agreement.offered", body, agreement)
        digest = digest_of_terms(agreement, self._parties["factory"], self._parties["partner"], self._offered, terms)
        self._act("partner", "accepts", "agreement.accepted", {"digest": digest}, agreement)
        self._act("factory", "signs the terms", "agreement.agreed", {"terms": terms, "digest": digest}, agreement)
        self._act("partner", "countersigns them", "agreement.verified", {"digest": digest}, agreement)
        self._act("factory", "finalizes", "agreement.finalized", {"digest": digest, "assets": [self._asset]}, agreement)

    def _refuse_a_stranger(self) -> None:
        self._refused("stranger", "tries to retire the asset", "asset.retired", {"reason": "mine"}, self._asset)
        self._refused("partner", "tries to revise it", "asset.revised", self._description, self._asset)

    def _revise(self) -> None:
        content = self.file.read_bytes() + b"\n# calibrated\n"
        body = self._description | {"content": _content(content, self.file.name)}
        self._act("factory", "revises it: version 2", "asset.revised", body, self._asset)

    def _transfer(self) -> None:
        body: dict[str, Any] = {"asset": self._asset, "to": self._parties["second"], "validUntil": _in_days(7)}
        admitted = self._act("factory", "proposes to transfer it to Xi'an Turbine", "transfer.proposed", body)
        licences = self._people["second"].subject(self._asset).state["licences"]
        body = {"asset": self._asset, "licences": licences}
        self._act("second", f"accepts it, with its {licences} licence", "transfer.accepted", body, admitted.subject)
        holder = self._people["second"].subject(self._asset).state["holder"]
        assert holder == self._parties["second"]
        body = {"offer": self._offered, "terms": self._terms(self._offered, 1_250_000), "validUntil": _in_days(7)}
        self._refused("partner", "asks for more on the old offer", "agreement.requested", body)

    def _terminate(self) -> None:
        offer = self._open_offer("second", 2_000_000)
        body = {"offer": offer, "terms": self._terms(offer, 100_000), "validUntil": _in_days(7)}
        admitted = self._act("partner", "requests it for 1,000.00 EUR", "agreement.requested", body)
        body = {"reason": "The price does not cover our cost."}
        self._act("second", "terminates the negotiation", "agreement.terminated", body, admitted.subject)

    def _receipt(self) -> None:
        path = self._room / "registration.receipt"
        client = self._people["partner"]
        path.write_bytes(client.receipt(self.registered))
        entry, checkpoint = open_receipt(path.read_bytes(), [parse_vkey(client.ledger().vkey)])
        self._say(
            "partner", f"holds a receipt: entry {entry.index} is proven in {checkpoint.size} entries, offline", ""
        )

    # -- how acts are said -----------------------------------------------------------------------------------

    def _open_offer(self, by: str, amount: int) -> str:
        version = self._people[by].subject(self._asset).state["version"]
        body = {
            "assets": [{"asset": self._asset, "version": version}],
            "policy": POLICY,
            "price": {"amount": amount, "currency": "EUR"},
            "validUntil": _in_days(30),
            "to": "all",
        }
        return self._act(by, f"offers it for {amount / 100:,.2f} EUR", "offer.opened", body).subject

    def _terms(self, offer: str, amount: int) -> dict[str, Any]:
        """Terms for exactly what was offered, at this price."""
        offered = self._people["partner"].subject(offer).state["assets"]
        assets = [{name: one[name] for name in ("asset", "version", "sha256")} for one in offered]
        return {"assets": assets, "policy": POLICY, "price": {"amount": amount, "currency": "EUR"}}

    def _act(self, by: str, says: str, kind: str, body: dict[str, Any], sub: str | None = None) -> Admitted:
        admitted = self._people[by].act(kind, body, sub)
        self._say(by, says, f"{kind} recorded as entry {admitted.index}: {admitted.subject}")
        return admitted

    def _refused(self, by: str, says: str, kind: str, body: dict[str, Any], sub: str | None = None) -> None:
        try:
            admitted = self._people[by].act(kind, body, sub)
        except Problem as refusal:
            self._say(by, says, f"refused: {refusal.code}: {refusal.title}")
        else:
            raise AssertionError(f"entry {admitted.index} should have been refused")

    def _say(self, by: str, says: str, outcome: str = "") -> None:
        self._step += 1
        print(f"{self._step:>2}  {by:<9}{says}" + (f"\n{'':>13}{outcome}" if outcome else ""))


def _content(data: bytes, name: str) -> dict[str, Any]:
    media = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return {"sha256": b64encode(hashlib.sha256(data).digest()), "size": len(data), "mediaType": media}


def _in_days(days: int) -> int:
    return int(time.time()) + days * 86_400


def _made_up(path: Path) -> Path:
    """An hour of vibration of a spindle with a bearing that begins to fail: one line a second."""
    chance = random.Random(20)  # noqa: S311 - sensor noise, the same for everybody
    lines = ["seconds,rms_mm_s,temperature_c"]
    for second in range(3_600):
        wear = max(0, second - 2_400) / 1_200
        rms = 1.8 + 0.1 * math.sin(second / 9) + 2.5 * wear**2 + chance.gauss(0, 0.05)
        lines.append(f"{second},{rms:.3f},{41 + 6 * wear + chance.gauss(0, 0.2):.2f}")
    path.write_text("\n".join(lines) + "\n")
    return path


# -- processes -------------------------------------------------------------------------------------------------


def _command(*arguments: str) -> str:
    """What a ``cadastre`` command prints. It must succeed."""
    done = subprocess.run(
        [sys.executable, "-m", "scripts.main", *arguments], capture_output=True, text=True, check=False, timeout=600
    )
    if done.returncode:
        raise Halted("demo_failed", f"cadastre {arguments[0]}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


@contextmanager
def _service(folder: Path) -> Iterator[str]:
    """``cadastre serve`` on a free port of the loopback address, ended by its process id."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    arguments = [sys.executable, "-m", "scripts.main", "serve", str(folder), "--port", str(port)]
    with tempfile.TemporaryFile() as log, subprocess.Popen(arguments, stdout=log, stderr=log) as process:
        try:
            _wait_until_ready(process, url)
            yield url
        finally:
            process.terminate()
            process.wait(30)


def _wait_until_ready(process: subprocess.Popen[bytes], url: str) -> None:
    for _ in range(START_S * 20):
        if process.poll() is not None:
            raise Halted("demo_failed", "the service ended at once", "run it by hand to see why: cadastre serve DIR")
        try:
            if httpx.get(f"{url}/ready", timeout=1, trust_env=False).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise Halted("demo_failed", f"the service was not ready within {START_S} s")


def _audit(what: str, source: Path) -> int:
    """Audit, show the audit's own last line, and give its exit code."""
    done = subprocess.run(
        [sys.executable, "-m", "scripts.main", "audit", str(source)],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    print(f"\nauditor audits {what}:\n{(done.stdout or done.stderr).strip().splitlines()[-1]}")
    return done.returncode


def _flip_a_byte(folder: Path, damaged: Path, index: int) -> None:
    """Flip one bit of one byte of the entry at ``index``, in a copy of the store, and audit the copy."""
    shutil.copytree(folder, damaged)
    store = damaged / "ledger.db"
    data = bytearray(store.read_bytes())
    place = data.find(f"cadastre/1\n{ORIGIN}\n{index}\n".encode()) + 400  # in the middle of the statement
    data[place] ^= 1
    store.write_bytes(data)
    code = _audit(f"a copy with one bit flipped at byte {place} of ledger.db", damaged)
    assert code == 1, "the audit did not find the flipped bit"
