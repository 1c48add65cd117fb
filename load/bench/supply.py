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
CHUNK = 1_000  # statements a process signs at a time


@cache
def signatory(number: int, audience: str) -> Signatory:
    """One of the parties."""
    return Signatory(SigningKey.from_seed("Ed25519", sha256(b"bench party %d" % number).digest()), audience)


def joining(audience: str, now: int) -> list[bytes]:
    """The statements by which the parties join."""
    return [
        signatory(number, audience).sign(
            "party.joined",
            {"name": f"Factory {number:02}", "roles": ["factory"]},
            now=now,
            nonce=_nonce(b"join", number),
        )
        for number in range(PARTIES)
    ]


def registering(audience: str, now: int, numbers: range) -> list[bytes]:
    """The statements by which the parties register the assets of these numbers."""
    return [
        signatory(number % PARTIES, audience).sign(
            "asset.registered", catalogue.asset(number), now=now, nonce=_nonce(b"asset", number)
        )
        for number in numbers
    ]


@dataclass
class Supply:
    """Statements that nobody has sent yet. ``take`` does not sign one twice; what stays unsent is put back."""

    audience: str
    now: int

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
            return registering(self.audience, self.now, numbers)
        with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
            jobs = [pool.submit(registering, self.audience, self.now, part) for part in parts]
            return [statement for job in jobs for statement in job.result()]


def _nonce(purpose: bytes, number: int) -> bytes:
    return sha256(b"%b %d" % (purpose, number)).digest()[:16]
