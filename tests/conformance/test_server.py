"""The server that the suites of others ask, asked by ourselves; and that what is committed beside it stays in order."""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from identity.credential.form import CONTEXT
from tests.conformance.explained import EXPLAINED

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[httpx.Client, str]]:
    folder = tmp_path_factory.mktemp("conformance")
    command = [sys.executable, "-m", "tests.conformance.server", str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            base, did, _ = process.stdout.readline().split()
            trusted = ssl.create_default_context(cafile=str(folder / "tls.pem"))
            with httpx.Client(base_url=base, verify=trusted, trust_env=False) as client:
                yield client, did
        finally:
            process.kill()


def issued(server: tuple[httpx.Client, str], **options: Any) -> dict[str, Any]:
    client, did = server
    said = {"@context": [CONTEXT], "id": "urn:uuid:1", "type": ["VerifiableCredential"], "issuer": did}
    said |= {"credentialSubject": {"id": "did:example:1"}}
    answer = client.post("/credentials/issue", json={"credential": said, "options": options})
    assert answer.status_code == 201, answer.text
    secured: dict[str, Any] = answer.json()["verifiableCredential"]
    return secured


def verified(server: tuple[httpx.Client, str], secured: dict[str, Any]) -> tuple[int, bool]:
    answer = server[0].post("/credentials/verify", json={"verifiableCredential": secured, "options": {}})
    return answer.status_code, answer.json()["verified"]


def test_it_issues_verifies_and_revokes(server: tuple[httpx.Client, str]) -> None:
    plain, sealed = issued(server), issued(server, envelope="Ed25519")
    assert verified(server, plain) == verified(server, sealed) == (200, True)
    assert verified(server, plain | {"name": "x"}) == (400, False)
    entered = issued(server, statusPurpose="revocation")
    assert verified(server, entered) == (200, True)
    revoking = {"credentialId": "urn:uuid:1", "credentialStatus": {"statusPurpose": "revocation"}}
    assert server[0].post("/credentials/status", json=revoking).status_code == 200
    assert verified(server, entered) == (400, False)
    assert server[0].get("/status/revocation").json()["type"][1] == "BitstringStatusListCredential"


def test_it_proves_and_verifies_presentations(server: tuple[httpx.Client, str]) -> None:
    asked = {"challenge": "1", "domain": "bank.example"}
    said = {"presentation": {"verifiableCredential": [issued(server)]}, "options": asked}
    shown = server[0].post("/presentations/prove", json=said).json()
    assert server[0].post("/presentations/verify", json=shown | {"options": asked}).status_code == 200
    other = shown | {"options": asked | {"challenge": "2"}}
    assert server[0].post("/presentations/verify", json=other).status_code == 400


def test_what_it_cannot_read_is_refused(server: tuple[httpx.Client, str]) -> None:
    assert server[0].post("/credentials/verify", content=b"[]").status_code == 400
    assert server[0].post("/credentials/verify", json={"verifiableCredential": None}).status_code == 400
    assert server[0].post("/credentials/verify", json={}).status_code == 400
    assert server[0].post("/credentials/derive", json={}).status_code == 404
    assert server[0].get("/status/other").status_code == 404


def test_the_lock_names_versions_and_digests_and_nowhere_to_fetch_from() -> None:
    lock = json.loads((HERE / "package-lock.json").read_text())
    packages = {name: said for name, said in lock["packages"].items() if name}
    assert packages
    assert [name for name, said in packages.items() if "resolved" in said or "integrity" not in said] == []


def test_the_page_shows_every_failure_with_its_reason() -> None:
    lines = (ROOT / "docs" / "conformance.md").read_text().splitlines()
    failed = [line for line in lines if line.startswith("|") and "**failed**" in line]
    reasons = [(part, why) for parts in EXPLAINED.values() for part, why in parts.items()]
    assert len(failed) == len(reasons)
    assert [part for part, why in reasons if not any(part in line and why in line for line in failed)] == []
