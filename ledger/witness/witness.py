"""How a witness answers: ``ledger.log.witness`` judges, ``memory`` remembers, and nothing is signed but what is there.

    request → which log? → signed by it? → [its turn: judge by what was cosigned last → sign → remember → commit] → send

What is asked before the turn needs no memory, so that nobody without a log's signature makes the witness write. The
signatures are made before the commit, since they are remembered, and leave after it: a witness that dies in between has
cosigned what nobody heard of, and the log learns so by the size in the next answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from identity.errors import Problem
from identity.note import Note, Signature, Verifier, format_note, format_signature, open_note, parse_note
from ledger.errors import Absent, declare
from ledger.log.checkpoint import Checkpoint, parse_checkpoint
from ledger.log.cosignature import Cosigner
from ledger.log.merkle import EMPTY_ROOT
from ledger.log.witness import NOTHING, OldOther, Request, Seen, format_request, judge, origin_of, parse_request
from ledger.witness.logs import LogList
from ledger.witness.memory import Cosigned, Evidence, Kept, Last, Memory, Turn

declare(
    "absent",
    checkpoint_uncosigned=(
        "this witness has cosigned no checkpoint there",
        "the address is /<lower-case hex SHA-256 of the log's origin>/checkpoint",
    ),
    evidence_absent=("this witness keeps no such evidence", "list it: GET /seen"),
)


@dataclass(frozen=True, slots=True)
class Sight:
    """What a witness has seen of a log. ``known``: it would cosign the log's next checkpoint."""

    origin: str
    known: bool
    last: Last | None
    evidence: Sequence[Kept]


class Witness:
    """A witness at work; for any number of threads, and of processes with one memory.

    ``clock`` gives POSIX seconds. ``alarm`` is called with each piece of evidence once it is kept.
    """

    def __init__(
        self,
        cosigners: Sequence[Cosigner],
        logs: LogList,
        memory: Memory,
        clock: Callable[[], int],
        alarm: Callable[[Evidence], None],
    ) -> None:
        self.name = cosigners[0].name
        self.verifiers: Sequence[Verifier] = [cosigner.verifier for cosigner in cosigners]
        self._cosigners = cosigners
        self._logs = logs
        self._memory = memory
        self._clock = clock
        self._alarm = alarm

    def add_checkpoint(self, data: bytes) -> bytes:
        """The cosignature lines for a request (C2SP tlog-witness, "add-checkpoint"). Cost: 3 ms and an fsync.

        Raises, looked at in this order: ``witness_request_malformed``, ``witness_log_unknown`` and
        ``witness_logs_unreadable``; what ``ledger.log.witness.judge`` raises; ``witness_memory_failed``.
        """
        request = parse_request(data)
        origin = origin_of(request)
        keys = self._logs.keys_of(origin)
        note = _signed_by(request.checkpoint, keys)
        request = replace(request, checkpoint=format_note(note))
        with self._memory.turn(origin) as turn:
            last = turn.last()
            try:
                checkpoint = judge(request, keys, Seen(last.size, last.root) if last else NOTHING)
            except (Problem, OldOther) as no:
                answer: Sequence[Signature] | Problem | OldOther = no
                kept = self._refused(turn, request, no, last)
            else:
                answer, kept = self._cosigned(turn, checkpoint, note, last)
        for evidence in kept:
            self._alarm(evidence)
        if isinstance(answer, Exception):
            raise answer
        return b"".join(map(format_signature, answer))

    def _cosigned(
        self, turn: Turn, checkpoint: Checkpoint, note: Note, last: Cosigned | None
    ) -> tuple[Sequence[Signature], Sequence[Evidence]]:
        """Sign and remember; and what evidence of former days this completes."""
        time = max(1, self._clock(), last.time if last else 0)
        lines = [cosigner.cosign(note.text, time) for cosigner in self._cosigners]
        signed = format_note(Note(note.text, (*note.signatures, *lines)))
        cosigned = Cosigned(checkpoint.origin, checkpoint.size, checkpoint.root, time, signed)
        turn.put(cosigned)
        return lines, turn.prove(cosigned)

    def _refused(
        self, turn: Turn, request: Request, no: Problem | OldOther, last: Cosigned | None
    ) -> Sequence[Evidence]:
        """What the log's signature on a checkpoint that was refused is evidence of, if it is of anything; kept."""
        checkpoint = parse_checkpoint(parse_note(request.checkpoint).text)
        against = turn.contrary(checkpoint.size, checkpoint.root)
        proven = against is not None or (checkpoint.size == 0 and checkpoint.root != EMPTY_ROOT)
        if not proven:
            if not isinstance(no, Problem) or no.code != "witness_proof_wrong":
                return ()
            against = last.checkpoint if last else None
        evidence = Evidence(
            0,
            checkpoint.origin,
            proven,
            checkpoint.size,
            checkpoint.root,
            max(1, self._clock()),
            format_request(request),
            request.checkpoint,
            against,
        )
        return (evidence,) if turn.keep(evidence) else ()

    def checkpoint(self, log: str) -> bytes:
        """The checkpoint cosigned last of a log (by its ``log_id``), with the log's signatures and the witness's.

        Raises ``checkpoint_uncosigned``, ``witness_memory_failed``.
        """
        if (found := self._memory.checkpoint(log)) is None:
            raise Absent("checkpoint_uncosigned", log)
        return found

    def evidence(self, number: int) -> Evidence:
        """Raises ``evidence_absent``, ``witness_memory_failed``."""
        if (found := self._memory.evidence(number)) is None:
            raise Absent("evidence_absent", str(number))
        return found

    def seen(self) -> list[Sight]:
        """All logs known now or cosigned ever, by origin.

        Raises ``witness_logs_unreadable``, ``witness_memory_failed``.
        """
        known = self._logs.all()
        last = {one.origin: one for one in self._memory.last()}
        kept: dict[str, list[Kept]] = {}
        for one in self._memory.kept():
            kept.setdefault(one.origin, []).append(one)
        origins = sorted({*known, *last, *kept})
        return [Sight(name, name in known, last.get(name), kept.get(name, ())) for name in origins]

    def check_ready(self) -> None:
        """The list of logs and the memory can be read. Raises what says that they cannot."""
        self._logs.all()
        self._memory.vkeys()

    def close(self) -> None:
        """Let go of the memory."""
        self._memory.close()


def _signed_by(data: bytes, keys: Sequence[Verifier]) -> Note:
    """The note with the lines of these keys alone. Raises ``note_unsigned``, ``note_signature_invalid``."""
    opened = open_note(data, keys)
    return Note(opened.text, opened.verified)
