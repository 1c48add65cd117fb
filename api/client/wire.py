"""Requests on the wire: sent again while that can help, and problems read back as the errors they were raised as.

Every request of this client may be repeated: reading changes nothing, and the same statement gives the same entry. So
whatever passes by itself (no connection, a busy or restarting service) is tried again a bounded number of times.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Container, Mapping
from typing import Any

import httpx
import orjson

import ledger.append
import ledger.read
from identity.errors import Problem
from ledger.errors import (
    CATALOGUE,
    Absent,
    Corrupt,
    Malformed,
    Refused,
    Unavailable,
    Unverifiable,
    declare,
)

assert ledger.append, ledger.read  # imported for the codes they declare: what a ledger answers is known by them

ATTEMPTS = 6
FIRST_PAUSE_S = 0.1  # doubled each time: 3.1 s in all, unless the service asks for more
PAUSE_MAX_S = 5.0
LEDGER = "/v1/ledger"  # open to everybody; a token needs what it says
ANSWER_BYTES_MAX = 128 << 20  # as many entries as one answer has are 64 MiB
_PLAIN = {"Accept-Encoding": "identity"}  # a small answer may unpack into a large one
WANTED = frozenset({"readers_members", "token_wanted"})  # answers that a token is asked for
PASSING = frozenset({429, 502, 503, 504})  # answers that pass by themselves

declare(
    "service",
    ledger_unreachable=("the ledger cannot be reached", "check the address, and that it runs: cadastre serve DIR"),
    answer_strange=("what answered is not a ledger of this version", "check the address"),
)

_FAMILIES: dict[str, type[Problem]] = {
    kind.family: kind for kind in (Malformed, Unverifiable, Refused, Absent, Unavailable, Corrupt)
}

_HOST = re.compile(rb"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")  # names and addresses of either version

Params = Mapping[str, str | int | None]


class ServerProblem(Problem):
    """A problem whose code this software does not know: the service is of another version, or not the service."""

    family = "service"
    refusal: bytes = b""  # as of ``Refused``, where a rule of a later release says no

    def __init__(self, code: str, title: str, detail: str = "", advice: str = "") -> None:
        self.code, self.detail = code, detail
        self.pointer = self.index = self.subject = None
        self._title, self._advice = title, advice
        Exception.__init__(self, code, title, detail, advice)

    @property
    def title(self) -> str:
        return self._title

    @property
    def advice(self) -> str:
        return self._advice

    def __reduce__(self) -> tuple[object, ...]:
        return ServerProblem, (self.code, self._title, self.detail, self._advice), {"refusal": self.refusal}


class Wire:
    """One ledger's address. Closes its connections with ``close``. Raises ``Unavailable`` if it is no address.

    ``token`` makes a token for one request (``identity.token``), or None; it is asked once the ledger wants tokens, and
    told whether what it knows of the ledger is stale.
    """

    def __init__(
        self,
        url: str,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        token: Callable[[bool], str | None] = lambda _: None,
    ) -> None:
        self.url = url.rstrip("/")
        check_address(url)
        self._sleep = sleep
        self._token = token
        self._known = False  # that the ledger wants tokens
        self._http = httpx.Client(base_url=self.url, transport=transport, timeout=httpx.Timeout(30, connect=5))

    def get(
        self, path: str, params: Params | None = None, accept: str = "application/json", told: Container[int] = ()
    ) -> bytes:
        """The body of a successful answer, or of one with a status that is ``told`` of in the same form.

        Raises the ``Problem`` of any other.
        """
        return self._send("GET", path, params, {"Accept": accept}, None, told).content

    def post(self, path: str, content: bytes, media_type: str, params: Params | None = None) -> httpx.Response:
        """A successful answer. Raises the ``Problem`` of any other."""
        return self._send("POST", path, params, {"Content-Type": media_type}, content)

    def close(self) -> None:
        self._http.close()

    def pause(self, attempt: int, asked: str | None = None) -> None:
        """Wait before the next attempt, as long as the service asks for if it does (RFC 9110 section 10.2.3)."""
        seconds = float(asked) if asked is not None and asked.isdecimal() else FIRST_PAUSE_S * 2**attempt
        self._sleep(min(seconds, PAUSE_MAX_S))

    def _send(
        self,
        method: str,
        path: str,
        params: Params | None,
        headers: dict[str, str],
        content: bytes | None,
        told: Container[int] = (),
    ) -> httpx.Response:
        asked = {name: value for name, value in (params or {}).items() if value is not None}
        failure: Problem = Unavailable("ledger_unreachable", self.url)
        stale = False
        for attempt in range(ATTEMPTS):
            try:
                given = headers | _PLAIN | self._authorization(path, stale)
                with self._http.stream(method, path, params=asked, headers=given, content=content) as coming:
                    answer = _whole(coming)
            except httpx.HTTPError as error:
                failure = Unavailable("ledger_unreachable", f"{self.url}: {str(error) or type(error).__name__}")
                after = None
            else:
                if answer.is_success or answer.status_code in told:
                    return answer
                failure = problem_in(answer)
                if failure.code in WANTED and not self._known:
                    self._known = True
                    continue
                if failure.code == "token_stale" and not stale:  # the service was started again
                    stale = True
                    continue
                if answer.status_code not in PASSING:
                    break
                after = answer.headers.get("Retry-After")
            if attempt + 1 < ATTEMPTS:
                self.pause(attempt, after)
        raise failure

    def _authorization(self, path: str, stale: bool) -> dict[str, str]:
        """A token for this request alone, where the ledger wants one and there is a key to sign it."""
        token = self._token(stale) if self._known and path != LEDGER else None
        return {} if token is None else {"Authorization": f"Bearer {token}"}


def check_address(url: str) -> None:
    """An address of a host, by HTTP or HTTPS. Raises ``Unavailable`` (``ledger_unreachable``)."""
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError):
        parsed = httpx.URL()
    if parsed.scheme not in ("http", "https") or not _HOST.fullmatch(parsed.raw_host):
        raise Unavailable("ledger_unreachable", f"{url!r} is not an address such as http://127.0.0.1:8000")


def _whole(coming: httpx.Response) -> httpx.Response:
    """The answer with its body, which is bounded. Raises ``Unavailable`` (``answer_strange``)."""
    if (packed := coming.headers.get("Content-Encoding", "identity")) != "identity":
        raise Unavailable("answer_strange", f"it answers packed ({packed[:40]}), which nobody asked for")
    content = bytearray()
    for piece in coming.iter_bytes():
        content += piece
        if len(content) > ANSWER_BYTES_MAX:
            raise Unavailable("answer_strange", f"it answers with more than {ANSWER_BYTES_MAX} bytes")
    after = {name: coming.headers[name] for name in ("Retry-After",) if name in coming.headers}
    return httpx.Response(coming.status_code, headers=after, content=bytes(content), request=coming.request)


def problem_in(answer: httpx.Response) -> Problem:
    """The error that a problem+json answer (RFC 9457) tells of."""
    try:
        members = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        members = None
    if isinstance(members, dict) and isinstance(members.get("code"), str):
        return problem_of(members)
    detail = f"{answer.request.method} {answer.request.url} answered {answer.status_code} {answer.reason_phrase}"
    return Unavailable("answer_strange", detail)


def problem_of(members: Mapping[str, Any]) -> Problem:
    """The error that the members of a problem (RFC 9457) tell of, in the family its code is declared in."""
    problem = _problem_of(members)
    if isinstance(problem, (Refused, ServerProblem)):
        problem.refusal = _text(members.get("refusal")).encode()
    return problem


def _problem_of(members: Mapping[str, Any]) -> Problem:
    code, detail = members["code"], _text(members.get("detail"))
    meaning = CATALOGUE.get(code)
    if meaning is None:
        return ServerProblem(code, _text(members.get("title")), detail, _text(members.get("advice")))
    pointer, index, subject = members.get("pointer"), members.get("index"), members.get("subject")
    return _FAMILIES[meaning.family](
        code,
        detail,
        pointer=pointer if isinstance(pointer, str) else None,
        index=index if isinstance(index, int) else None,
        subject=subject if isinstance(subject, str) else None,
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
