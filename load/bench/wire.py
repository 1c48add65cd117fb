"""A connection that stays open and costs little, so that what is measured is the service: the standard library's."""

from __future__ import annotations

from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import orjson

from load.bench.errors import Failed

JOSE = {"Content-Type": "application/jose"}
NDJSON = {"Content-Type": "application/x-ndjson"}
BYTES = {"Accept": "application/octet-stream"}
TIMEOUT_S = 60.0


class Wire:
    """One connection to a service. Not thread-safe."""

    def __init__(self, url: str) -> None:
        self._http = HTTPConnection(urlsplit(url).netloc, timeout=TIMEOUT_S)

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._http.close()

    def get(self, path: str, headers: Mapping[str, str] = {}) -> bytes:
        """The body of a 200 answer. Raises ``Failed``."""
        return self._send("GET", path, None, headers, (200,))

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
        """The body of a 200 or 201 answer. Raises ``Failed``."""
        return self._send("POST", path, body, headers, (200, 201))

    def members(self, path: str) -> dict[str, Any]:
        """The JSON object at a path."""
        found: dict[str, Any] = orjson.loads(self.get(path))
        return found

    def _send(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], good: tuple[int, ...]
    ) -> bytes:
        try:
            self._http.request(method, path, body, dict(headers))
            answer = self._http.getresponse()
            content = answer.read()
        except (OSError, HTTPException) as error:
            self._http.close()
            raise Failed(f"{method} {path}: {error!r}") from None
        if answer.status not in good:
            raise Failed(f"{method} {path}: {answer.status} {content[:300].decode(errors='replace')}")
        return content
