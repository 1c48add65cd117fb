"""Asking witnesses to cosign a checkpoint (C2SP tlog-witness, the log's side).

Each witness of a policy is asked on its own, at its own pace: one that is down, slow or confused holds up no other.
What it remembers is learnt from it: a witness that was last asked by another copy of this service, or never, answers
with the size it cosigned last, and is asked again from there. Nothing it says is believed but a signature that holds.

    round = await Witnesses(policy, clock).ask(head, prove)     # cosignature lines, and what went wrong where
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf

import httpx
import structlog

from api.outside import get
from identity.errors import Problem
from identity.note import Note, Signature, format_note, parse_note, parse_signature
from ledger.errors import Unavailable, declare
from ledger.log.checkpoint import SignedHead, parse_checkpoint
from ledger.log.cosignature import cosignatures, in_time, with_cosignatures
from ledger.log.policy import Policy, Witness
from ledger.log.witness import Request, format_request
from ledger.witness.memory import log_id

ANSWER_BYTES_MAX = 64 * 1024
REQUEST_BYTES_MAX = 16 * 1024  # what a widespread witness takes
TIMEOUT_S = 5.0
PAUSE_FIRST_S = 1.0  # after a failure; doubled after each further one
PAUSE_MAX_S = 600.0
TRIES = 3  # requests a round: a witness may answer with the size it knows, and have moved on meanwhile
SIZE_TYPE = "text/x.tlog.size"
CONTRADICTING = frozenset({"witness_ahead", "witness_forked"})  # either this ledger or the witness is wrong

Prove = Callable[[int, int], Sequence[bytes]]
"""The consistency proof between two sizes of this log, 32 bytes each."""

declare(
    "service",
    witness_unreachable=("a witness cannot be reached", "check its address in the policy, and that it runs"),
    witness_refuses=("a witness does not cosign", "ask its operator whether it knows this log's key"),
    witness_ahead=("a witness has cosigned more than this ledger has", "stop: see who else signs as this ledger"),
    witness_forked=(
        "a witness has cosigned another history",
        "stop, keep what it shows: see who else signs as this log",
    ),
    witness_answer_strange=("a witness answers what no witness should", "check its address and key in the policy"),
)

log = structlog.get_logger("cadastre.witnesses")


@dataclass(slots=True)
class _Asked:
    """What is known of one witness. ``old``: the size it cosigned last, ``done``: the checkpoint, as far as we know."""

    witness: Witness
    old: int = 0
    done: bytes = b""
    at: float = 0.0  # when it cosigned that
    failures: int = 0
    not_before: float = 0.0
    trouble: Problem | None = None


@dataclass(frozen=True, slots=True)
class Round:
    """What came of asking for one checkpoint: lines that hold, and the troubles by the witnesses' names.

    ``others`` are the checkpoints that witnesses show which say to have cosigned more, or another history: for the
    caller to see who signed them.
    """

    lines: list[Signature] = field(default_factory=list)
    troubles: dict[str, Problem] = field(default_factory=dict)
    others: list[bytes] = field(default_factory=list)


class Witnesses:
    """The witnesses of a policy that have an address, asked from one event loop."""

    def __init__(
        self,
        policy: Policy,
        clock: Callable[[], float],
        transport: httpx.AsyncBaseTransport | None = None,
        again: float = inf,
        now: Callable[[], float] = time.time,
    ) -> None:
        """``clock`` counts seconds, for the pauses after failures, and for those ``again`` after which a checkpoint
        that was cosigned is shown once more: so that readers see a log on which nothing happens is not held back.
        ``now`` gives POSIX seconds, for the times that witnesses give.
        """
        self.policy = policy
        self._again = again
        self._clock = clock
        self._now = now
        self._verifiers = [witness.verifier for witness in policy.witnesses.values()]
        self._asked = [_Asked(witness) for witness in policy.witnesses.values() if witness.url is not None]
        limits = httpx.Limits(max_connections=max(1, len(self._asked)))
        self._http = httpx.AsyncClient(
            transport=transport, timeout=TIMEOUT_S, follow_redirects=False, trust_env=False, limits=limits
        )

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    @property
    def troubles(self) -> dict[str, Problem]:
        """What keeps which witness from cosigning, by their names in the policy."""
        return {one.witness.name: one.trouble for one in self._asked if one.trouble is not None}

    async def ask(self, head: SignedHead, prove: Prove) -> Round:
        """Ask all that have not cosigned it lately and are not being given a pause.

        Never raises for what a witness does.
        """
        checkpoint = _own_lines(head.checkpoint)
        now = self._clock()
        due = [one for one in self._asked if one.not_before <= now and self._is_due(one, checkpoint, now)]
        answers = await asyncio.gather(*(self._ask(one, head, checkpoint, prove) for one in due))
        round_ = Round(troubles=self.troubles)
        for lines in answers:
            round_.lines.extend(lines)
        contradict = [one for one in due if one.trouble is not None and one.trouble.code in CONTRADICTING]
        found = await asyncio.gather(*(self._shown_by(one.witness, checkpoint) for one in contradict))
        round_.others.extend(note for note in found if note is not None)
        return round_

    def _is_due(self, one: _Asked, checkpoint: bytes, now: float) -> bool:
        return one.done != checkpoint or now - one.at >= self._again

    async def _ask(self, one: _Asked, head: SignedHead, checkpoint: bytes, prove: Prove) -> list[Signature]:
        try:
            lines = await self._cosigned(one, head, checkpoint, prove)
        except Problem as trouble:
            if one.trouble is None or one.trouble.code != trouble.code:
                log.warning(
                    "a witness did not cosign", witness=one.witness.name, code=trouble.code, detail=trouble.detail
                )
            one.trouble = trouble
            one.not_before = self._clock() + min(PAUSE_FIRST_S * 2**one.failures, PAUSE_MAX_S)
            one.failures += 1
            return []
        if one.trouble is not None:
            log.info("a witness cosigns again", witness=one.witness.name)
        one.old, one.done, one.failures, one.trouble = head.size, checkpoint, 0, None
        one.at = self._clock()
        return lines

    async def _cosigned(self, one: _Asked, head: SignedHead, checkpoint: bytes, prove: Prove) -> list[Signature]:
        for _ in range(TRIES):
            proof = prove(one.old, head.size) if 0 < one.old < head.size else []
            body = format_request(Request(one.old, proof, checkpoint))
            status, content = await self._post(one.witness, body)
            if status == httpx.codes.OK:
                return self._opened(one.witness, checkpoint, content)
            if status != httpx.codes.CONFLICT:
                raise _refusal(status, content)
            one.old = _size_in(content, one.old, head.size)
        raise Unavailable("witness_answer_strange", f"it named another size {TRIES} times")

    async def _shown_by(self, witness: Witness, checkpoint: bytes) -> bytes | None:
        """What a witness says to have cosigned last of this log; None if it does not show that at this address."""
        assert witness.url is not None
        name = log_id(parse_checkpoint(parse_note(checkpoint).text).origin)
        try:
            async with asyncio.timeout(TIMEOUT_S):
                return await get(self._http, f"{witness.url.rstrip('/')}/{name}/checkpoint", ANSWER_BYTES_MAX)
        except (Problem, TimeoutError) as silent:
            log.info("a witness does not show what it cosigned", witness=witness.name, detail=str(silent))
            return None

    async def _post(self, witness: Witness, body: bytes) -> tuple[int, bytes]:
        if len(body) > REQUEST_BYTES_MAX:
            raise Unavailable("witness_refuses", f"the request has {len(body)} bytes")
        assert witness.url is not None
        url = f"{witness.url.rstrip('/')}/add-checkpoint"
        try:
            sent = self._http.stream("POST", url, content=body, headers={"Accept-Encoding": "identity"})
            async with asyncio.timeout(2 * TIMEOUT_S), sent as answer:
                if "Content-Encoding" in answer.headers:  # a small one may unpack into a large one
                    raise Unavailable("witness_answer_strange", "it is packed, which was not asked for")
                content = b""
                async for piece in answer.aiter_bytes():
                    content += piece
                    if len(content) > ANSWER_BYTES_MAX:
                        raise Unavailable("witness_answer_strange", f"more than {ANSWER_BYTES_MAX} bytes")
                return answer.status_code, content
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError) as error:
            raise Unavailable("witness_unreachable", f"{witness.url}: {type(error).__name__} {error}") from None

    def _opened(self, witness: Witness, checkpoint: bytes, content: bytes) -> list[Signature]:
        """The lines of an answer that are of cosigners of the policy, the witness asked among them.

        One of a time that has not come would be of no use to readers, and stand in the way of those that are.
        """
        try:
            lines = [parse_signature(line) for line in content.decode().removesuffix("\n").split("\n")]
            found = cosignatures(with_cosignatures(checkpoint, lines), self._verifiers)
        except (Problem, UnicodeDecodeError) as wrong:
            raise Unavailable("witness_answer_strange", str(wrong)) from None
        seen, ahead = in_time(found, self._now())
        if witness.verifier in [one.verifier for one in ahead]:
            raise Unavailable("witness_answer_strange", "it gives a time that has not come")
        if witness.verifier not in [one.verifier for one in seen]:
            raise Unavailable("witness_answer_strange", "no line of its own key")
        known = {(one.verifier.name, one.verifier.key_id) for one in seen}
        return [line for line in lines if (line.name, line.key_id) in known]


def _own_lines(checkpoint: bytes) -> bytes:
    """A checkpoint with no other lines than those under the log's own name."""
    note = parse_note(checkpoint)
    origin = note.text.split(b"\n", 1)[0].decode()
    return format_note(Note(note.text, tuple(line for line in note.signatures if line.name == origin)))


def _refusal(status: int, content: bytes) -> Problem:
    said = f"{status} {content[:200].decode(errors='replace')!r}"
    if status in (httpx.codes.TOO_MANY_REQUESTS, 500, 502, 503, 504):
        return Unavailable("witness_unreachable", said)
    if status == httpx.codes.UNPROCESSABLE_ENTITY:
        return Unavailable("witness_forked", said)
    return Unavailable("witness_refuses", said)


def _size_in(content: bytes, old: int, size: int) -> int:
    """The size a witness cosigned last, out of its answer 409."""
    text = content.decode("ascii", "replace").strip()
    if not text and old:  # so some say that they know another root at this size
        raise Unavailable("witness_forked", f"it has another root at size {old}")
    if not text.isdecimal() or len(text) > 19 or int(text) == old:
        raise Unavailable("witness_answer_strange", f"409 {text[:100]!r}")
    if int(text) > size:
        raise Unavailable("witness_ahead", f"it cosigned {text} entries, the ledger has signed {size}")
    return int(text)
