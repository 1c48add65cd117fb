"""The verdict of an audit, and its one line.

    audit: consistent  size=2000 root=rKbDipCv...83cs=
    audit: corrupt  size=1204 root=9ypRq7cV...dDo4=  index=1204 reason=entry_link_wrong
    audit: corrupt  size=2000 root=rKbDipCv...83cs=  index=17 reason=state_other subject=asset_0w9k...

``size`` and ``root`` are those of the entries that hold: all of them, or those before the first that does not.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import Literal

from ledger.errors import Problem, declare

Word = Literal["consistent", "witnessed", "diverged", "corrupt", "newer"]
"""What an audit comes to:

* *consistent* - every entry and everything derived from them holds, and they are what the log key signed;
* *witnessed* - and so say outsiders, by checkpoints kept elsewhere or by cosignatures: all are told the same history;
* *diverged* - what is there holds together, but it is not, or not all, of what the log key signed;
* *corrupt* - bytes contradict each other, a signature or a rule;
* *newer* - from this entry on the ledger holds to rules this software does not know. No accusation.
"""

declare(
    "corrupt",
    statement_repeated=("a statement is entered twice", "keep both entries: no statement takes effect twice"),
    state_other=(
        "what is stored does not follow from the entries",
        "make it again from the entries: cadastre restore DIR --from DIR",
    ),
    index_other=(
        "an index of the store does not lead to a row",
        "make the store again from the entries: cadastre restore DIR --from DIR",
    ),
    leaf_other=("the stored tree has another hash for this entry", "compare the entry with a mirror's, or a receipt"),
    disclosure_other=("a stored disclosure fits no private field of its entry", "erase it, or restore a copy"),
    row_other=("the entry's row contradicts its entry", "fill the store again: cadastre restore DIR --from SOURCE"),
    entry_missing=("the entry is missing", "take it from a mirror or a copy: cadastre restore DIR --from SOURCE"),
    entry_time_beyond=(
        "witnesses had seen the entry before the time it bears",
        "ask the operator about the writer's clock, and the witnesses about theirs",
    ),
    checkpoint_absent=("no checkpoint says that this is all", "compare size and root with a checkpoint you kept"),
    checkpoint_beyond=("the log signed more entries than are here", "keep this copy and fetch the rest elsewhere"),
    checkpoint_other=("the log signed another history", "keep both: they prove that the log told two histories"),
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an audit found. ``reason`` is a code of the catalogue, ``detail`` says more about this very case."""

    word: Word
    size: int
    root: bytes  # 32 bytes
    index: int | None = None
    reason: str | None = None
    subject: str | None = None
    detail: str = ""
    evidence: bytes | None = None  # of a fork (``ledger.log.fork``), where what is known proves one

    @property
    def proven(self) -> bool:
        """Whether the command exits with 0: everything that is there holds."""
        return self.word in ("consistent", "witnessed")

    def line(self) -> str:
        """The last line of every audit; a fixed point for those who read it by program."""
        named = {"index": self.index, "reason": self.reason, "subject": self.subject}
        tail = " ".join(f"{name}={value}" for name, value in named.items() if value is not None)
        root = b64encode(self.root).decode()
        return f"audit: {self.word}  size={self.size} root={root}" + (f"  {tail}" if tail else "")


class Finding(Exception):
    """The audit ends here. Raised within the audit only; :func:`ledger.audit.audit` makes the verdict of it."""

    def __init__(
        self,
        word: Word,
        reason: str,
        detail: str = "",
        *,
        index: int | None = None,
        subject: str | None = None,
        evidence: bytes | None = None,
    ) -> None:
        self.word: Word = word
        self.reason = reason
        self.detail = detail
        self.index = index
        self.subject = subject
        self.evidence = evidence
        super().__init__(word, reason, detail, index, subject)

    @classmethod
    def of(cls, problem: Problem, *, index: int | None = None, subject: str | None = None) -> Finding:
        """Corrupt for the reason that a problem names, at the place it names or else at the one given."""
        index = index if problem.index is None else problem.index
        subject = subject if problem.subject is None else problem.subject
        return cls("corrupt", problem.code, problem.detail or problem.title, index=index, subject=subject)
