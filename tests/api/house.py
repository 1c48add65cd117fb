"""A ledger on disk that plays can be told to: the cast's keys, the machine's clock, the real store.

    house = House.build(tmp_path / "ledger")
    with house.served() as client:
        house.play.join("factory")       # played in memory …
        house.tell(client)               # … and handed in over HTTP: the same acts, the same subjects

The play signs for the served ledger: its world has the ledger's audience. Its clock stands at the present, so it must
not be told to move.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.app import create_app
from api.keyring import FolderKeyring
from api.settings import Settings
from identity.keys import SigningKey, write_key
from ledger.append import Admitted, Writer
from ledger.log.chain import link_of
from ledger.statement import receive
from ledger.store.files import Folder
from ledger.store.heads import Heads
from ledger.store.sql import SqlStore
from tests.cast import ORIGIN, Play, charter, seed
from tests.ledger.written import SetClock

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it speaks of the next major version of its client
    from starlette.testclient import TestClient

JOSE = {"Content-Type": "application/jose"}


@dataclass
class House:
    """A ledger's folder, and a play that goes on where the ledger stands. ``told``: acts of the play handed in."""

    folder: Folder
    play: Play
    told: int = 1

    @classmethod
    def build(cls, path: Path, **changes: Any) -> House:
        """Make a ledger; ``changes`` are of its charter."""
        folder = Folder.create(path)
        write_key(folder.key("log"), SigningKey.from_seed("Ed25519", seed("log")))
        play = Play(founding=None)
        play.seconds = int(time.time())
        opened = play.act("ledger.opened", by="governance", body=charter(**changes))
        at_the_play = SetClock(opened.time)  # the charter's state holds the time of its entry
        writer = Writer.open(SqlStore.create(folder.store), ORIGIN, at_the_play, FolderKeyring(folder.keys))
        outcome = writer.append([receive(opened.sent)])[0]
        writer.close()
        assert isinstance(outcome, Admitted)
        with closing(Heads(folder.heads)) as heads:
            heads.record(outcome.checkpoint)
        play.world.opened(link_of(outcome.entry))
        return cls(folder, play)

    def settings(self, **given: Any) -> Settings:
        """Settings to serve it in this process, without limits on rates, unless ``given``."""
        plain = {"folder": self.folder.path, "port": 0, "workers": 0, "address_rate": 0, "signer_rate": 0}
        return Settings.model_validate(plain | given)

    @contextmanager
    def served(self, **given: Any) -> Iterator[TestClient]:
        """A client of the app, which runs as long as the context lasts."""
        with TestClient(create_app(self.settings(**given))) as client:
            yield client

    def tell(self, client: TestClient) -> list[dict[str, Any]]:
        """Hand in what was played since, one by one; returns the answers, all of them 201."""
        answers = []
        for played in self.play.entries[self.told :]:
            answer = client.post("/v1/statements", content=played.sent, headers=JOSE)
            assert answer.status_code == 201, answer.text
            answers.append(answer.json())
            self.told += 1
        return answers


def code_of(answer: Any) -> str:
    """The code of a problem; fails for any other answer."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    members = answer.json()
    assert members["status"] == answer.status_code
    assert members["type"] == f"/v1/refusals/{members['code']}"
    return str(members["code"])
