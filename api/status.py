"""Status lists: which credentials of an issuer are revoked or suspended, as a credential the service signs.

A list is one credential (Bitstring Status List 1.0), with a Data Integrity proof by the service key, or in the envelope
of a JWT where that is a P-256 key. It says which places are set and nothing of whose they are, and holds for a day, so
that nobody can show an old one for long.

What is set is read and packed at most once per size (10 ms, and 20 µs for each place that is set); and where that took
t, a tenth of a second or more, not again for 6 t: so whoever asks for long lists costs at most a seventh of one core.
Signing takes half a millisecond, each time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

import orjson

from identity.credential.secured import issue, issue_jwt
from identity.did import did_of, kid_of
from identity.instant import format_instant
from identity.keys import SigningKey
from identity.status import encode_bits, make_list
from ledger.circulation.credential import PLACES, Credential, list_of
from ledger.read import Reader

Purpose = Literal["revocation", "suspension"]
STATUS_OF: dict[Purpose, str] = {"revocation": "revoked", "suspension": "suspended"}

VC, VC_JWT = "application/vc", "application/vc+jwt"
LIFETIME_S = 86_400
COST_S = 0.1  # of the processor's time, from which on reading what is set is not done again at once,
REST = 6  # but after so many times as long
KEPT = 256  # lists, of 22 kB each at most
STEP = 1_000  # credentials read at a time

Named = tuple[str, Purpose, int]
"""A list: party id of the issuer, purpose, number."""


class Packed(NamedTuple):
    """What is set, as of a size, and until when it is not read again whatever is recorded (monotonic seconds)."""

    encoded: str
    size: int
    rests: float


class StatusLists:
    """What is set in a ledger's lists, and when to read it anew.

    ``clock`` gives monotonic seconds, ``spent`` the processor's time that a thread had.

    May be called from any thread; one reads at a time. So many lists are kept, those that were read last.
    """

    def __init__(
        self,
        reader: Reader,
        clock: Callable[[], float] = time.monotonic,
        spent: Callable[[], float] = time.thread_time,
    ) -> None:
        self._reader = reader
        self._clock = clock
        self._spent = spent
        self._lock = threading.Lock()
        self._kept: dict[Named, Packed] = {}

    def encoded(self, named: Named) -> str:
        """The ``encodedList`` of a list."""
        known = self._kept.get(named)
        if known is None or not self._holds(known):
            with self._lock:
                known = self._kept.get(named)
                if known is None or not self._holds(known):
                    self._kept.pop(named, None)
                    known = self._kept[named] = self._read(named)
                    if len(self._kept) > KEPT:
                        del self._kept[next(iter(self._kept))]
        return known.encoded

    def _holds(self, known: Packed) -> bool:
        return known.size == self._reader.head().size or self._clock() < known.rests

    def _read(self, named: Named) -> Packed:
        begun, size = self._spent(), self._reader.head().size
        bits = bytearray(PLACES // 8)
        for index in self._set(named):
            bits[index // 8] |= 0x80 >> index % 8
        encoded = encode_bits(bytes(bits))
        took = self._spent() - begun
        return Packed(encoded, size, self._clock() + (took * REST if took >= COST_S else 0))

    def _set(self, named: Named) -> Iterator[int]:
        """The places that are set. A credential that came to the list or left it this moment is as its state says."""
        issuer, purpose, number = named
        status = STATUS_OF[purpose]
        before: int | None = 2**53
        while before is not None:
            page = self._reader.search(["credential"], "", [(status, list_of(issuer, number))], before, STEP)
            for subject in page.subjects:
                state = subject.state
                assert isinstance(state, Credential)
                if state.status == status and state.place is not None:
                    yield state.place["index"]
            before = page.before


def signed_list(url: str, purpose: Purpose, encoded: str, key: SigningKey, now: int) -> tuple[bytes, str]:
    """The list at ``url``, issued by the did:key of the service key at ``now`` (POSIX seconds), and its media type."""
    method = kid_of(key.public)
    said = make_list(url, did_of(key.public), purpose, bytes(PLACES // 8), format_instant(now))
    said["credentialSubject"]["encodedList"] = encoded
    said["validUntil"] = format_instant(now + LIFETIME_S)
    if key.alg == "Ed25519":
        return orjson.dumps(issue(said, key, method, now)), VC
    return issue_jwt(said, key, method).encode(), VC_JWT
