"""Servers on the loopback that answer as they are told, with and without TLS, and an authority for their certificates.

with serving(reply(b"hello")) as server:
    Fetcher(server.allowed(), look_up=server.look_up)("https://outside.test/a", 100)
    server.requests[0]                                                     # the head that came
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from identity.addresses import Allowed

HOST = "outside.test"
Answer = Callable[[socket.socket], None]


@dataclass
class Server:
    """Where it listens, and the heads of the requests that came."""

    port: int
    requests: list[str] = field(default_factory=list)

    def allowed(self, *, tls: bool = False) -> Allowed:
        return Allowed.parse(f"{HOST}:{self.port}" if tls else f"http://{HOST}:{self.port}")

    def look_up(self, host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    def url(self, path: str = "/") -> str:
        return f"https://{HOST}:{self.port}{path}"


@contextmanager
def serving(answer: Answer | Mapping[str, bytes], tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """A server that answers every connection in a thread of its own: by a function, or with files by their paths."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = Server(listening.getsockname()[1])

    def serve() -> None:
        while True:
            try:
                peer, _ = listening.accept()
            except OSError:
                return
            Thread(target=talk, args=(peer,), daemon=True).start()

    def talk(peer: socket.socket) -> None:
        with suppress(OSError), peer if tls is None else tls.wrap_socket(peer, server_side=True) as connection:
            head = b""
            while b"\r\n\r\n" not in head and (piece := connection.recv(65_536)):
                head += piece
            server.requests.append(head.decode("latin-1"))
            if callable(answer):
                answer(connection)
                return
            found = answer.get(head.split(b" ")[1].decode("latin-1"))
            (reply(b"", "404 Not Found") if found is None else reply(found))(connection)

    thread = Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)  # wakes accept
        listening.close()
        thread.join()


def reply(content: bytes, status: str = "200 OK", *headers: str) -> Answer:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(content)}", *headers, "", ""]
    return lambda peer: peer.sendall("\r\n".join(lines).encode() + content)


def trickle(first: bytes, each: bytes, pause: float, times: int) -> Answer:
    """Begin, and go on very slowly."""

    def send(peer: socket.socket) -> None:
        peer.sendall(first)
        for _ in range(times):
            time.sleep(pause)
            peer.sendall(each)

    return send


class Authority:
    """Makes certificates, in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")])
        self.file = folder / "authority.pem"
        self.file.write_bytes(self._certificate(self._name, self._key.public_key(), None, days=1))

    def client(self) -> ssl.SSLContext:
        """What believes this authority alone."""
        return ssl.create_default_context(cafile=str(self.file))

    def server(self, host: str, days: int = 1) -> ssl.SSLContext:
        """What shows a certificate for this host."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        file = self._folder / f"{host}-{days}.pem"
        file.write_bytes(pem + self._certificate(name, key.public_key(), host, days))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _certificate(self, name: x509.Name, key: ec.EllipticCurvePublicKey, host: str | None, days: int) -> bytes:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=3))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=host is None, path_length=None), critical=True)
        )
        if host is not None:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
