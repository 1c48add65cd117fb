"""The forms of files that ``cadastre verify`` judges, one module each. What is here is a form: nothing lists them.

A module has two functions:

    recognises(data)      whether these bytes mean to be of this form, by how they begin
    judge(data, asked)    prints what the file proves, or raises the ``Problem`` that disproves it

All are judged offline, by keys that the reader trusts and the file does not bring along.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Protocol, cast

from identity.errors import Malformed, Unverifiable, declare
from identity.note import Verifier
from ledger.log.policy import Policy, parse_policy
from scripts.trust import Home

declare(
    "malformed",
    form_unknown=(
        "the file is of no form that can be verified",
        "such files are made by: cadastre receipt, prove, pack, follow; see cadastre verify --help",
    ),
)


@dataclass(frozen=True)
class Asked:
    """What the reader said beside the file itself. ``policy``: None for the ledgers this machine has met.

    ``key``: name of a member's key, for the address of a ledger whose members alone may read.
    """

    file: Path
    policy: Path | None = None
    source: str | None = None
    entry: Path | None = None
    json: bool = False
    key: str | None = None

    def trusted(self) -> Policy:
        """Whose keys count, and whose word. Raises ``Malformed``: ``policy_malformed``."""
        return Home.here().read_policy() if self.policy is None else parse_policy(self.policy.read_bytes())

    def log_keys(self, origin: str) -> list[Verifier]:
        """The keys trusted to sign for this ledger. Raises ``Unverifiable`` (``log_key_unknown``) if there is none."""
        found = self.trusted().log_keys(origin)
        if not found:
            raise Unverifiable("log_key_unknown", f"{origin} is not in {self.policy or Home.here().policy}")
        return found


class Form(Protocol):
    """A module beside this one."""

    def recognises(self, data: bytes) -> bool: ...
    def judge(self, data: bytes, asked: Asked) -> None: ...


def form_of(data: bytes) -> Form:
    """The form that these bytes mean to be of. Raises ``Malformed``: ``form_unknown``."""
    for form in _forms():
        if form.recognises(data):
            return form
    raise Malformed("form_unknown")


def _forms() -> Iterator[Form]:
    for found in iter_modules(__path__):
        yield cast(Form, import_module(f"{__name__}.{found.name}"))
