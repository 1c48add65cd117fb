"""Statements signed ahead, so that signing is no part of what is measured: as many as are asked for, all distinct.

Fifty parties register assets (``load.catalogue``) in turn. Keys, nonces and bodies follow from the statement's number.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from multiprocessing import get_context

from identity.keys import SigningKey
from load import catalogue
from load.signing import Signatory

PARTIES = 50
DEPTH = 3  # of the chains of delegations, where there are some
CHUNK = 1_000  # statements a process signs at a time


@cache
def signatory(number: int, audience: str) -> Signatory:
    """One of the parties."""
    return Signatory(SigningKey.from_seed("Ed25519", sha256(b"bench party %d" % number).digest()), audience)


@cache
def delegate(number: int, level: int, audience: str) -> Signatory:
    """Who acts for a party, on a level of its chain."""
    seed = sha256(b"bench delegate %d of %d" % (level, number)).digest()
    return Signatory(SigningKey.from_seed("Ed25519", seed), audience)


def joining(audience: str, now: int) -> list[bytes]:
    """The statements by which the parties join."""
    return [
        signatory(number, audience).sign(
            "party.joined",
            {"name": f"Factory {number:02}", "roles": ["factory"]},
            now=now,
            nonce=nonce(b"join", number),
        )
        for number in range(PARTIES)
    ]


def registering(audience: str, now: int, numbers: range, leaves: Sequence[str] | None = None) -> list[bytes]:
    """The statements by which the parties register the assets of these numbers.

    ``leaves`` are the delegations, one of each party, under which others do it for them.
    """
    return [
        _signer(number % PARTIES, audience, leaves).sign(
            "asset.registered",
            catalogue.asset(number),
            now=now,
            nonce=nonce(b"asset", number),
            principal=None if leaves is None else signatory(number % PARTIES, audience).did,
            via=None if leaves is None else leaves[number % PARTIES],
        )
        for number in numbers
    ]


def _signer(party: int, audience: str, leaves: Sequence[str] | None) -> Signatory:
    return signatory(party, audience) if leaves is None else delegate(party, DEPTH - 1, audience)


@dataclass
class Supply:
    """Statements that nobody has sent yet. ``take`` does not sign one twice; what stays unsent is put back."""

    audience: str
    now: int
    leaves: tuple[str, ...] | None = None  # delegations under which others sign for the parties

    def __post_init__(self) -> None:
        self._signed = 0
        self._ready: list[bytes] = []

    def take(self, count: int) -> list[bytes]:
        """The next statements, signed on all cores where they are many."""
        missing = count - len(self._ready)
        if missing > 0:
            self._ready += self._sign(range(self._signed, self._signed + missing))
            self._signed += missing
        taken, self._ready = self._ready[:count], self._ready[count:]
        return taken

    def put_back(self, unsent: Sequence[bytes]) -> None:
        """Return what was taken and not sent: it is taken first next time."""
        self._ready = [*unsent, *self._ready]

    def _sign(self, numbers: range) -> list[bytes]:
        parts = [numbers[start : start + CHUNK] for start in range(0, len(numbers), CHUNK)]
        if len(parts) < 2:
            return registering(self.audience, self.now, numbers, self.leaves)
        with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
            jobs = [pool.submit(registering, self.audience, self.now, part, self.leaves) for part in parts]
            return [statement for job in jobs for statement in job.result()]


def nonce(purpose: bytes, number: int) -> bytes:
    """16 bytes that only this statement has."""
    return sha256(b"%b %d" % (purpose, number)).digest()[:16]
