"""Policies (C2SP tlog-policy): which logs are believed, and which cosigners must have seen what they sign.

    log example.com/registry+4d7a1c5f+AVm2...
    witness works-council witness.example.org/w1+8d66cf3f+BPkq...
    witness customs witness.example.net/w7+2f0b9a11+BKz3...
    witness insurer witness.example.net/w8+a0cf44d2+BHQt...
    group outsiders 2 works-council customs insurer
    quorum outsiders

A witness stands for one organisation, a group for some of its members: so a quorum counts organisations, whatever
number of keys each has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from identity.errors import Malformed, Problem, Unverifiable, declare
from identity.note import Verifier, parse_vkey
from ledger.log.checkpoint import LOG_TYPES
from ledger.log.cosignature import TIMED, Seen, cosignatures

LINES_MAX = 1_000

declare(
    "malformed",
    policy_malformed=("the policy is malformed", "compare it with c2sp.org/tlog-policy, or name another: --policy"),
)
declare(
    "unverifiable",
    quorum_not_met=("too few cosigners have seen this checkpoint", "fetch it again later, or ask the log's operator"),
)


@dataclass(frozen=True, slots=True)
class Log:
    """A log that is believed. ``url``: where it is found."""

    verifier: Verifier
    url: str | None


@dataclass(frozen=True, slots=True)
class Witness:
    """A cosigner by its name in the policy. ``url``: where checkpoints are submitted to it."""

    name: str
    verifier: Verifier
    url: str | None


@dataclass(frozen=True, slots=True)
class Group:
    """Met when at least ``least`` of its members (witnesses or groups) are."""

    name: str
    least: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """``quorum`` names a witness or a group; None asks for nobody."""

    logs: Sequence[Log]
    witnesses: Mapping[str, Witness]
    groups: Mapping[str, Group]
    quorum: str | None

    def log_keys(self, origin: str) -> list[Verifier]:
        """The keys of the log of this name."""
        return [log.verifier for log in self.logs if log.verifier.name == origin]

    def is_met(self, seen: Iterable[Seen]) -> bool:
        """Whether these cosigners make up the quorum."""
        if self.quorum is None:
            return True
        keys = {one.verifier for one in seen}
        met = {name: witness.verifier in keys for name, witness in self.witnesses.items()}
        for group in self.groups.values():  # each names only what stands before it
            met[group.name] = sum(met[member] for member in group.members) >= group.least
        return met[self.quorum]


EMPTY = Policy((), {}, {}, None)
"""Believes no log."""


def check_witnessed(data: bytes, policy: Policy) -> list[Seen]:
    """The quorum of a policy has seen a checkpoint, whose own signature is checked elsewhere; returns who has.

    Raises what ``cosignatures`` raises, and ``quorum_not_met``.
    """
    seen = cosignatures(data, [witness.verifier for witness in policy.witnesses.values()])
    if not policy.is_met(seen):
        names = ", ".join(one.verifier.name for one in seen) or "nobody"
        raise Unverifiable("quorum_not_met", f"seen by {names}; {policy.quorum} is asked for")
    return seen


_COUNT = re.compile(r"[1-9][0-9]{0,5}")


def parse_policy(data: bytes) -> Policy:
    """Raises ``policy_malformed``, naming the line."""
    return _Parser().parse(data)


class _Parser:
    def __init__(self) -> None:
        self.logs: list[Log] = []
        self.witnesses: dict[str, Witness] = {}
        self.groups: dict[str, Group] = {}
        self.quorum: list[str | None] = []
        self._keys: set[tuple[bytes, bool]] = set()  # (raw key, of a log)
        self._members: set[str] = set()

    def parse(self, data: bytes) -> Policy:
        try:
            lines = data.decode().split("\n")
        except UnicodeDecodeError:
            raise Malformed("policy_malformed", "not UTF-8") from None
        if len(lines) > LINES_MAX:
            raise Malformed("policy_malformed", f"more than {LINES_MAX} lines")
        for number, line in enumerate(lines, 1):
            words = [word for word in re.split("[ \t]+", line) if word]
            if not words or words[0].startswith("#"):
                continue
            try:
                self._line(words)
            except (ValueError, Problem) as wrong:
                raise Malformed("policy_malformed", f"line {number}: {wrong}") from None
        if len(self.quorum) != 1:
            raise Malformed("policy_malformed", "it has not exactly one quorum line")
        return Policy(self.logs, self.witnesses, self.groups, self.quorum[0])

    def _line(self, words: list[str]) -> None:
        if any(not word.isprintable() for word in words):
            raise ValueError("control characters")
        match words:
            case ["log", vkey, *url] if len(url) <= 1:
                verifier = self._key(vkey, of_log=True)
                if verifier.signature_type not in LOG_TYPES:
                    raise ValueError(f"{vkey} is not the key of a log (type 0x01 or 0x06)")
                self.logs.append(Log(verifier, url[0] if url else None))
            case ["witness", name, vkey, *url] if len(url) <= 1:
                self._name(name)
                verifier = self._key(vkey, of_log=False)
                if verifier.signature_type not in TIMED:
                    raise ValueError(f"{name} is not the key of a cosigner (type 0x04 or 0x06)")
                self.witnesses[name] = Witness(name, verifier, url[0] if url else None)
            case ["group", name, least, first, *others]:
                self._name(name)
                members = (first, *others)
                self.groups[name] = Group(name, self._least(least, len(members)), self._take(members))
            case ["quorum", "none"]:
                self.quorum.append(None)
            case ["quorum", name]:
                self._known(name)
                self.quorum.append(name)
            case _:
                raise ValueError(f"not a line of a policy: {' '.join(words)[:100]!r}")

    def _key(self, vkey: str, *, of_log: bool) -> Verifier:
        verifier = parse_vkey(vkey)
        key = verifier.public_key, of_log
        if key in self._keys:
            raise ValueError(f"the key of {verifier.name} is there already")
        self._keys.add(key)
        return verifier

    def _name(self, name: str) -> None:
        if name == "none" or name in self.witnesses or name in self.groups:
            raise ValueError(f"the name {name!r} is taken")

    def _known(self, name: str) -> None:
        if name not in self.witnesses and name not in self.groups:
            raise ValueError(f"{name!r} is not named on an earlier line")

    def _take(self, members: tuple[str, ...]) -> tuple[str, ...]:
        for member in members:
            self._known(member)
            if member in self._members:
                raise ValueError(f"{member!r} is a member twice")
            self._members.add(member)
        return members

    def _least(self, word: str, count: int) -> int:
        if word in ("any", "all"):
            return 1 if word == "any" else count
        if not _COUNT.fullmatch(word) or int(word) > count:
            raise ValueError(f"{word!r} of {count} members")
        return int(word)
