"""Three kinds of users on a running ledger: factories, partners and auditors. (``make load``, or locust's own page)

    5  factories   register assets, revise them, offer them
    4  partners    search, read, ask for licences
    1  auditor     fetches receipts, checkpoints and consistency proofs, and verifies each offline

Every user who signs makes a key and joins first. A proof that does not hold counts as a failure of its request, under
the name it was fetched by; so does a refusal, since these users do nothing that a rule forbids.
"""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable
from typing import Any, TypeVar

from locust import HttpUser, between, task
from locust.exception import RescheduleTask

from identity.keys import SigningKey
from identity.note import Verifier, parse_vkey
from load import catalogue
from load.proofs import Head, Unproven, check_consistency, open_head, open_receipt, read_consistency
from load.signing import Signatory

DAY_S = 86_400
HELD_MAX = 50  # assets a factory remembers

T = TypeVar("T")


class Member(HttpUser):
    """Somebody who reads the ledger; knows its name and its log key from the first request."""

    abstract = True
    wait_time = between(0.1, 1)
    audience: str
    verifier: Verifier

    def on_start(self) -> None:
        about = self.fetch("/v1/ledger")
        self.audience, self.verifier = about["audience"], parse_vkey(about["vkey"])

    def fetch(self, path: str, name: str | None = None, **params: str | int) -> Any:
        """The JSON at a path. Raises ``RequestFailed``, which ends the task; the failure is counted already."""
        with self.client.get(path, params=params, name=name or path, catch_response=True) as answer:
            if answer.status_code != 200:
                answer.failure(f"{answer.status_code} {answer.text[:200]}")
                raise RequestFailed(path)
            return answer.json()

    def prove(self, path: str, name: str, check: Callable[[bytes], T]) -> T:
        """Fetch the text at a path and check it. Raises ``RequestFailed``; the failure is counted already."""
        with self.client.get(path, name=name, catch_response=True) as answer:
            if answer.status_code != 200:
                answer.failure(f"{answer.status_code} {answer.text[:200]}")
                raise RequestFailed(path)
            try:
                return check(answer.content)
            except Unproven as unproven:
                answer.failure(f"not proven: {unproven}")
                raise RequestFailed(path) from None


class RequestFailed(RescheduleTask):
    """A request that failed and was counted as such: the task ends, the user goes on to the next."""


class Party(Member):
    """Somebody who signs."""

    abstract = True
    roles: tuple[str, ...] = ()

    def on_start(self) -> None:
        super().on_start()
        self.signatory = Signatory(SigningKey.generate("Ed25519"), self.audience)
        name = f"{type(self).__name__} {self.signatory.did[-6:]}"
        self.party = self.act("party.joined", {"name": name, "roles": list(self.roles)})

    def act(
        self, kind: str, body: dict[str, Any], *, sub: str | None = None, prev: dict[str, str] | None = None
    ) -> str:
        """Sign, hand in, and verify the receipt; returns the subject's id. Raises ``RequestFailed``."""
        now = int(time.time())
        sent = self.signatory.sign(kind, body, sub=sub, prev=prev, now=now, nonce=secrets.token_bytes(16))
        headers = {"Content-Type": "application/jose"}
        name = f"/v1/statements {kind}"
        with self.client.post("/v1/statements", data=sent, headers=headers, name=name, catch_response=True) as answer:
            if answer.status_code != 201:
                answer.failure(f"{answer.status_code} {answer.text[:200]}")
                raise RequestFailed(kind)
            members = answer.json()
            try:
                proven = open_receipt(members["receipt"].encode(), members["index"], self.verifier)
                if proven.compact != sent:
                    raise Unproven("receipt: for another statement than the one sent")
            except Unproven as unproven:
                answer.failure(f"not proven: {unproven}")
                raise RequestFailed(kind) from None
            return str(members["subject"])

    def subject(self, subject_id: str) -> dict[str, Any]:
        """A subject as it stands."""
        found: dict[str, Any] = self.fetch(f"/v1/subjects/{subject_id}", name="/v1/subjects/[id]")
        return found


class Factory(Party):
    """Registers what its machines produce, and offers it."""

    weight = 5
    roles = ("factory",)

    def on_start(self) -> None:
        super().on_start()
        self.assets: list[str] = []
        self.register()

    @task(6)
    def register(self) -> None:
        asset = self.act("asset.registered", catalogue.asset(_any_number()))
        self.assets = [*self.assets[-HELD_MAX + 1 :], asset]

    @task(2)
    def revise(self) -> None:
        asset = self.subject(random.choice(self.assets))
        # A revision never lowers the classification.
        body = catalogue.asset(_any_number()) | {"classification": asset["state"]["classification"]}
        self.act("asset.revised", body, sub=asset["id"], prev={asset["id"]: asset["last"]})

    @task(3)
    def offer(self) -> None:
        asset = self.subject(random.choice(self.assets))
        body = catalogue.offer(asset["id"], asset["state"]["version"], int(time.time()) + 30 * DAY_S)
        self.act("offer.opened", body, prev={asset["id"]: asset["last"]})


class Partner(Party):
    """Looks for data, and asks for licences."""

    weight = 4
    roles = ("integrator",)

    @task(6)
    def search(self) -> None:
        what, what_en = random.choice(catalogue.QUANTITIES)
        page = self.fetch("/v1/search", name="/v1/search", q=random.choice((what, what_en)), type="asset")
        for found in page["items"][:1]:
            self.subject(found["id"])

    @task(2)
    def history(self) -> None:
        self.fetch(f"/v1/subjects/{self.party}/history", name="/v1/subjects/[id]/history")

    @task(3)
    def request(self) -> None:
        page = self.fetch("/v1/search", name="/v1/search", type="offer", status="open")
        if page["items"]:
            offer = self.subject(random.choice(page["items"])["id"])
            body = catalogue.request(offer["id"], offer["state"]["assets"], int(time.time()) + DAY_S)
            self.act("agreement.requested", body, prev={offer["id"]: offer["last"]})


class Auditor(Member):
    """Believes nothing that is not proven, and remembers the last checkpoint it has seen."""

    weight = 1

    def on_start(self) -> None:
        super().on_start()
        self.head = self.checkpoint()

    @task(6)
    def receipt(self) -> None:
        index = random.randrange(self.head.size)
        path = f"/v1/entries/{index}/receipt"
        self.prove(path, "/v1/entries/[index]/receipt", lambda data: open_receipt(data, index, self.verifier))

    @task(3)
    def consistency(self) -> None:
        old, new = self.head, self.checkpoint()
        path = f"/v1/consistency?old={old.size}&new={new.size}"

        def check(data: bytes) -> None:
            check_consistency(old, new, read_consistency(data))

        self.prove(path, "/v1/consistency", check)
        self.head = new

    def checkpoint(self) -> Head:
        return self.prove("/checkpoint", "/checkpoint", lambda data: open_head(data, self.verifier))


def _any_number() -> int:
    """The number of an asset: what is registered twice is only alike, since each act has a nonce of its own."""
    return random.randrange(1_000_000)
