"""The ledger's own errors: refusals and corruption, beside those of ``identity.errors``, with tree and catalogue."""

from __future__ import annotations

from identity.errors import CATALOGUE, Absent, Malformed, Meaning, Problem, Unavailable, Unverifiable, declare

__all__ = [
    "CATALOGUE",
    "Absent",
    "Corrupt",
    "Malformed",
    "Meaning",
    "Newer",
    "Problem",
    "Refused",
    "Unavailable",
    "Unverifiable",
    "declare",
]


class Refused(Problem):
    """A lawful no: the statement is signed and well formed, and a rule of the ledger forbids it.

    ``refusal`` is the file by which the ledger answers for it (``ledger.log.refusal``), empty where it signed none.
    """

    family = "rule"
    refusal: bytes = b""

    def __reduce__(self) -> tuple[object, ...]:
        return (*super().__reduce__(), {"refusal": self.refusal})


class Corrupt(Problem):
    """What must never happen: stored bytes contradict themselves, a signature or a rule."""

    family = "corrupt"


class Newer(Exception):
    """The ledger holds to rules this software does not know. Not an accusation: a newer release can judge it."""

    def __init__(self, index: int, detail: str) -> None:
        self.index = index
        self.detail = detail
        super().__init__(index, detail)
