"""A small store that speaks as much S3 as publishing needs, on a port of the loopback, and breaks off when told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any
from urllib.parse import unquote, urlsplit

import boto3
from botocore.config import Config

from ledger.publish.bucket import BucketTarget

BUCKET, PREFIX = "bucket", "logs/one"


class Bucket:
    """The keys of one bucket. ``conditions``: whether it knows If-Match and If-None-Match.

    ``crash_at``: the request (of any method) with which it goes away; ``kept``: whether a put in it takes effect first.
    """

    def __init__(self, conditions: bool = True) -> None:
        self.conditions = conditions
        self.data: dict[str, bytes] = {}
        self.headers: dict[str, dict[str, str]] = {}
        self.puts: list[str] = []
        self.requests = 0
        self.crash_at: int | None = None
        self.kept = False
        self.port = 0
        self.lock = Lock()

    def files(self) -> dict[str, bytes]:
        """What a reader sees below the prefix."""
        return {key.removeprefix(f"{PREFIX}/"): data for key, data in self.data.items()}

    def target(self, name: str = BUCKET) -> BucketTarget:
        """A target that asks once and waits for nothing."""
        config = Config(
            retries={"total_max_attempts": 1},
            s3={"addressing_style": "path"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            connect_timeout=5,
            read_timeout=5,
        )
        client: Any = boto3.client(
            "s3",
            config=config,
            endpoint_url=f"http://127.0.0.1:{self.port}",
            region_name="eu-central-1",
            aws_access_key_id="key",
            aws_secret_access_key="secret",
        )
        return BucketTarget(client, name, PREFIX)


def tag_of(data: bytes) -> str:
    return f'"{sha256(data).hexdigest()[:32]}"'


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    bucket: Bucket

    def log_message(self, *_: object) -> None:
        """Says nothing."""

    def _answer(self, status: int, body: bytes = b"", code: str = "", **headers: str) -> None:
        if code and self.command != "HEAD":
            body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _begin(self) -> str | None:
        """The key that is asked for; None where there is no answer."""
        bucket = self.bucket
        name, _, key = unquote(urlsplit(self.path).path).removeprefix("/").partition("/")
        bucket.requests += 1
        if bucket.crash_at is not None and bucket.requests >= bucket.crash_at:
            if bucket.requests == bucket.crash_at and bucket.kept and self.command == "PUT":
                self._put(key, quiet=True)
            self.close_connection = True
            return None
        if name != BUCKET:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self._answer(404, code="NoSuchBucket")
            return None
        return key

    def do_GET(self) -> None:
        with self.bucket.lock:
            key = self._begin()
            if key is None:
                return
            data = self.bucket.data.get(key)
            if data is None:
                self._answer(404, code="NoSuchKey")
            else:
                self._answer(200, data, ETag=tag_of(data))

    do_HEAD = do_GET

    def do_PUT(self) -> None:
        with self.bucket.lock:
            key = self._begin()
            if key is not None:
                self._put(key)

    def _put(self, key: str, quiet: bool = False) -> None:
        bucket = self.bucket
        data = self.rfile.read(int(self.headers["Content-Length"]))
        none, match = self.headers.get("If-None-Match"), self.headers.get("If-Match")
        found = bucket.data.get(key)
        status, code = 200, ""
        if (none or match) and not bucket.conditions:
            status, code = 501, "NotImplemented"
        elif none and found is not None:
            status, code = 412, "PreconditionFailed"
        elif match and found is None:
            status, code = 404, "NoSuchKey"
        elif match and found is not None and match != tag_of(found):
            status, code = 412, "PreconditionFailed"
        else:
            bucket.data[key] = data
            bucket.puts.append(key)
            bucket.headers[key] = dict(self.headers.items())
        if not quiet:
            self._answer(status, code=code, **({} if code else {"ETag": tag_of(data)}))


@contextmanager
def served(bucket: Bucket) -> Iterator[Bucket]:
    """The bucket answers on ``bucket.port`` as long as the context lasts."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"bucket": bucket}))
    server.daemon_threads = True
    bucket.port = server.server_address[1]
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield bucket
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
