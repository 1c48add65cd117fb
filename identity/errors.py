"""The one error tree, and the catalogue that gives every code its meaning.

Whatever a hostile or mistaken input can cause ends in one :class:`Problem` with a code. A code is declared once, in
the file that raises it, by :func:`declare`; an undeclared code is our own mistake and raises ``LookupError``. The
families keep three kinds of no apart:

* *malformed* - the bytes are not of the format (at the door, before anything is looked up);
* *unverifiable* - well formed, but no valid signature of the named key (at the door);
* *rule* - signed and well formed, and a rule of the ledger says no (lawful, replayable);

and *service* (busy, stopped: try again) and *corrupt* (what must never happen) from all of them. *halted* is what a
command stops with on the user's own machine; no service answers it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

Family = Literal["malformed", "unverifiable", "rule", "absent", "service", "corrupt", "halted"]


@dataclass(frozen=True)
class Meaning:
    """What a code says to people: a title that never varies, and what to do next."""

    code: str
    family: Family
    title: str
    advice: str


CATALOGUE: dict[str, Meaning] = {}


def declare(family: Family, **meanings: tuple[str, str]) -> None:
    """Enter codes in the catalogue: ``declare("rule", offer_expired=("the offer has expired", "ask for ..."))``.

    Raises ``ValueError`` if a code is declared twice: one code, one meaning, one place.
    """
    for code, (title, advice) in meanings.items():
        if code in CATALOGUE:
            raise ValueError(f"code declared twice: {code}")
        CATALOGUE[code] = Meaning(code, family, title, advice)


class Problem(Exception):
    """Base of every error that carries a code. Raise a subclass.

    ``detail`` says what is wrong in this very case; ``pointer`` is an RFC 6901 JSON pointer to the place in the
    statement or file (``/payload/body/price``); ``index`` names an entry, ``subject`` a subject, where one helps.
    """

    family: ClassVar[Family]

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        pointer: str | None = None,
        index: int | None = None,
        subject: str | None = None,
    ) -> None:
        meaning = CATALOGUE[code]
        if meaning.family != self.family:
            raise LookupError(f"{code} is declared as {meaning.family}, raised as {self.family}")
        self.code = code
        self.detail = detail
        self.pointer = pointer
        self.index = index
        self.subject = subject
        super().__init__(code, detail, pointer, index, subject)

    @property
    def title(self) -> str:
        return CATALOGUE[self.code].title

    @property
    def advice(self) -> str:
        return CATALOGUE[self.code].advice

    def __str__(self) -> str:
        place = f" at {self.pointer}" if self.pointer else ""
        return f"{self.code}: {self.detail or self.title}{place}"

    def __reduce__(self) -> tuple[object, ...]:
        """Errors cross process borders (the verifiers run beside the writer)."""
        return _rebuild, (type(self), self.code, self.detail, self.pointer, self.index, self.subject)


def _rebuild(
    cls: type[Problem], code: str, detail: str, pointer: str | None, index: int | None, subject: str | None
) -> Problem:
    return cls(code, detail, pointer=pointer, index=index, subject=subject)


class Malformed(Problem):
    """The bytes are not of the format they claim."""

    family = "malformed"


class Unverifiable(Problem):
    """Well formed, but not signed by the key it names, or that key may not be used."""

    family = "unverifiable"


class Halted(Problem):
    """Something of the user's own machine is not as it must be; no statement and no ledger is judged by it."""

    family = "halted"


class Absent(Problem):
    """What was asked for is not there."""

    family = "absent"


class Unavailable(Problem):
    """It cannot be answered now; nothing was lost and the same may be asked again."""

    family = "service"
