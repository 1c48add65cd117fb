"""A VC-API over ``identity``, for test suites of others: issue and verify credentials, presentations and status lists.

    python -m tests.conformance.server FOLDER     prints its URL and DIDs; in FOLDER it keeps the certificate of its TLS

    POST /credentials/issue       {credential, options}              201 {verifiableCredential}
    POST /credentials/verify      {verifiableCredential, options}    200 or 400, with the problem
    POST /credentials/status      {credentialId, credentialStatus}   200: revoked or suspended
    POST /presentations/prove     {presentation, options}            201 {verifiablePresentation}
    POST /presentations/verify    {verifiablePresentation, options}  200 or 400
    GET  /status/<purpose>        the status list

Options: ``statusPurpose`` puts what is issued on a list, ``envelope`` makes a JWT (``Ed25519``, ``ES256``),
``statusLists`` brings lists along. Its keys are known to everybody, its TLS is for the loopback: nothing but a test.
"""

from __future__ import annotations

import json
import ssl
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from identity.credential.envelope import wrap
from identity.credential.form import BYTES_MAX, an_object, read
from identity.credential.presentation import open_presentation, present, present_jwt
from identity.credential.secured import issue, issue_jwt, open_credential, resolve_did_key
from identity.did import did_of, kid_of
from identity.errors import Problem
from identity.keys import SigningKey
from identity.status import ENTRIES_MIN, check_status, entry_of, make_list, with_value

KEYS = {"Ed25519": SigningKey.from_seed("Ed25519", b"\x07" * 32), "ES256": SigningKey.from_seed("ES256", b"\x07" * 32)}
DIDS = {alg: did_of(key.public) for alg, key in KEYS.items()}


class Lists:
    """The status lists: who has which place on which, and what is set."""

    def __init__(self, base: str) -> None:
        self.base = base
        self._lock = threading.Lock()
        self._bits = {purpose: bytes(ENTRIES_MIN // 8) for purpose in ("revocation", "suspension")}
        self._places: dict[str, int] = {}

    def enter(self, credential_id: str, purpose: str) -> dict[str, Any]:
        with self._lock:
            place = self._places.setdefault(credential_id, (len(self._places) * 40503 + 7) % ENTRIES_MIN)
        return entry_of(purpose, place, f"{self.base}/status/{purpose}")

    def set(self, credential_id: str, purpose: str) -> None:
        with self._lock:
            self._bits[purpose] = with_value(self._bits[purpose], self._places[credential_id], 1)

    def published(self, purpose: str) -> dict[str, Any]:
        made = make_list(
            f"{self.base}/status/{purpose}", DIDS["Ed25519"], purpose, self._bits[purpose], "2025-01-01T00:00:00Z"
        )
        key = KEYS["Ed25519"]
        return issue(made, key, kid_of(key.public), int(time.time()))

    def all(self) -> list[dict[str, Any]]:
        return [self.published(purpose) for purpose in self._bits]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    lists: Lists

    def do_GET(self) -> None:
        purpose = self.path.removeprefix("/status/").partition("?")[0]
        if purpose in ("revocation", "suspension"):
            wanted = "application/vc" in self.headers.get("Accept", "")
            self._answer(200, self.lists.published(purpose), "application/vc" if wanted else "application/ld+json")
        else:
            self._answer(404, {"title": "not found"})

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        try:
            asked = read(self.rfile.read(min(length, BYTES_MAX + 1)))
            serve = getattr(self, self.path.strip("/").replace("/", "_"), None)
            if serve is None or not self.path.startswith(("/credentials/", "/presentations/")):
                self._answer(404, {"title": "not found"})
                return
            options = asked.get("options")
            self._answer(*serve(asked, options if isinstance(options, dict) else {}))
        except (Problem, KeyError) as wrong:
            code = wrong.code if isinstance(wrong, Problem) else "member_missing"
            said = {"type": f"urn:cadastre:problem:{code}", "title": str(wrong)}
            self._answer(400, {"verified": False, "problemDetails": [said], "errors": [said]})

    def credentials_issue(self, asked: dict[str, Any], options: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        credential = an_object(asked["credential"], "/credential")
        if "statusPurpose" in options:
            entry = self.lists.enter(str(credential.get("id")), options["statusPurpose"])
            credential = {**credential, "credentialStatus": entry}
        key = KEYS[options.get("envelope", "Ed25519")]
        method = kid_of(key.public)
        if "envelope" in options:
            return 201, {"verifiableCredential": wrap(issue_jwt(credential, key, method), "vc")}
        return 201, {"verifiableCredential": issue(credential, key, method, int(time.time()))}

    def credentials_verify(self, asked: dict[str, Any], options: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        now = int(time.time())
        secured = asked["verifiableCredential"]
        opened = open_credential(an_object(secured, "/verifiableCredential"), resolve_did_key, now)
        brought = [*self.lists.all(), *options.get("statusLists", [])]
        documents = [open_credential(one, resolve_did_key, now).document for one in brought]
        check_status(opened.document, {document["id"]: document for document in documents})
        return 200, {"verified": True, "credential": opened.document}

    def credentials_status(self, asked: dict[str, Any], options: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.lists.set(asked["credentialId"], asked["credentialStatus"]["statusPurpose"])
        return 200, {}

    def presentations_prove(self, asked: dict[str, Any], options: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        credentials = asked["presentation"]["verifiableCredential"]
        key = KEYS[options.get("envelope", "Ed25519")]
        said = (key, kid_of(key.public), int(time.time()), options["challenge"], options["domain"])
        if "envelope" in options:
            return 201, {"verifiablePresentation": wrap(present_jwt(credentials, *said), "vp")}
        return 201, {"verifiablePresentation": present(credentials, *said)}

    def presentations_verify(self, asked: dict[str, Any], options: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        shown = an_object(asked["verifiablePresentation"], "/verifiablePresentation")
        challenge, domain = options.get("challenge"), options.get("domain")
        opened = open_presentation(shown, resolve_did_key, int(time.time()), challenge, domain)
        return 200, {"verified": True, "holder": opened.holder}

    def _answer(self, status: int, said: dict[str, Any], media_type: str = "application/json") -> None:
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Nothing: the suites say what they ask."""


def certified(folder: Path) -> ssl.SSLContext:
    """TLS by a certificate for 127.0.0.1 that is made now, for a day; clients find it in ``folder``."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(days=1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    pem = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "tls.pem").write_bytes(pem)
    (folder / "tls.key").write_bytes(secret)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "tls.pem", folder / "tls.key")
    return context


def main(folder: Path) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.socket = certified(folder).wrap_socket(server.socket, server_side=True)
    base = f"https://127.0.0.1:{server.server_address[1]}"
    Handler.lists = Lists(base)
    sys.stdout.write(f"{base} {DIDS['Ed25519']} {DIDS['ES256']}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
