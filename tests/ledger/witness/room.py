"""A witness in a folder, its clock, and logs that tell it one history or two.

room = Room.build(tmp_path / "witness", LOG.verifier)
room.ask(TRUE.request(0, 5))          # what it answers: lines, or the code or size it refuses with
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from identity.errors import Problem
from identity.note import Note, Signature, Signer, Verifier, format_note, parse_signature
from ledger.log.checkpoint import Checkpoint, sign_checkpoint
from ledger.log.cosignature import Seen, cosignatures
from ledger.log.merkle import consistency_proof, leaf_hash, root_of
from ledger.log.witness import OldOther, Request, format_request, parse_request
from ledger.witness.folder import WitnessFolder
from ledger.witness.memory import Evidence
from ledger.witness.witness import Witness

NAME = "witness.example/w1"
ORIGIN = "ledger.example/works"
LOG = Signer(ORIGIN, b"l" * 32)
THIEF = Signer(ORIGIN, b"t" * 32)  # bears the log's name, and is not its key
START = 1_790_000_000


class History:
    """A log of so many entries, which are their numbers; from ``parting`` on they are others."""

    def __init__(self, size: int = 40, parting: int | None = None, origin: str = ORIGIN, mark: bytes = b"'") -> None:
        self.origin = origin
        parts = [
            b"%d" % number + (mark if parting is not None and number >= parting else b"") for number in range(size)
        ]
        self._leaves = [leaf_hash(part) for part in parts]

    def root(self, size: int) -> bytes:
        return root_of(self._leaves[:size])

    def checkpoint(self, size: int, *signers: Signer) -> bytes:
        return sign_checkpoint(Checkpoint(self.origin, size, self.root(size)), *(signers or (LOG,)))

    def proof(self, old: int, new: int) -> Sequence[bytes]:
        return consistency_proof(old, new, self._node) if 0 < old < new else []

    def request(self, old: int, new: int, *signers: Signer) -> bytes:
        return format_request(Request(old, self.proof(old, new), self.checkpoint(new, *signers)))

    def _node(self, level: int, index: int) -> bytes:
        return root_of(self._leaves[index << level : (index + 1) << level])


TRUE, FORK = History(), History(parting=3)


def numbers() -> Callable[[int], bytes]:
    """Randomness that is the same each time, and other bytes at each call."""
    count = iter(range(1, 255))
    return lambda length: bytes([next(count)]) * length


@dataclass
class Room:
    """A witness's folder and a witness open in it. ``seconds``: its clock."""

    folder: WitnessFolder
    witness: Witness
    alarms: list[Evidence] = field(default_factory=list)
    seconds: int = START

    @classmethod
    def build(cls, path: Path, *logs: Verifier) -> Room:
        folder = WitnessFolder(path)
        folder.create(NAME, numbers())
        folder.add_logs(logs or [LOG.verifier])
        return cls.open(folder)

    @classmethod
    def open(cls, folder: WitnessFolder, seconds: int = START) -> Room:
        alarms: list[Evidence] = []
        room: list[Room] = []
        witness = folder.open(lambda: room[0].seconds if room else seconds, alarms.append)
        room.append(cls(folder, witness, alarms, seconds))
        return room[0]

    def ask(self, request: bytes) -> Sequence[Signature] | str:
        """The signatures of an answer; or the code of a refusal, or ``old is N``."""
        try:
            lines = self.witness.add_checkpoint(request)
        except OldOther as other:
            return f"old is {other.size}"
        except Problem as problem:
            return problem.code
        return [parse_signature(line) for line in lines.decode().removesuffix("\n").split("\n")]

    def times(self, request: bytes) -> list[int]:
        """The times of the cosignatures for a request, which must be given, and hold."""
        answer = self.ask(request)
        assert not isinstance(answer, str), answer
        text = parse_request(request).checkpoint.partition(b"\n\n")[0] + b"\n"
        seen = cosignatures(format_note(Note(text, tuple(answer))), self.witness.verifiers)
        assert [one.verifier for one in seen] == list(self.witness.verifiers)
        return [one.time for one in seen]

    def last(self, origin: str = ORIGIN) -> Seen | tuple[int, bytes] | None:
        """Size and root cosigned last."""
        sight = next(sight for sight in self.witness.seen() if sight.origin == origin)
        return (sight.last.size, sight.last.root) if sight.last else None

    def evidence(self) -> list[tuple[bool, int]]:
        """What is kept: whether proven, and of which size."""
        return [(one.proven, one.size) for sight in self.witness.seen() for one in sight.evidence]
