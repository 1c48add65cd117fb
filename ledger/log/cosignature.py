"""Cosignatures (C2SP tlog-cosignature): outsiders who saw a checkpoint, and say when.

A cosigner signs each checkpoint of a log that extends the last one it signed, and no other. So two histories of one
log cannot both gather the cosignatures of honest cosigners: whoever asks for some of these is shown the one history
that everybody is shown.

    example.com/registry
    15
    rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=

    — example.com/registry M9e0luh4jTG+UMBq...          the log
    — witness.example.org/w1 jWbPPwAAAABkGFDLEZMH...    a cosigner: time, and signature
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from nacl.bindings import crypto_sign, crypto_sign_seed_keypair

from identity.errors import Unverifiable, declare
from identity.note import Note, Signature, Verifier, format_note, parse_note
from identity.signature import (
    COSIGNATURE_ED25519,
    COSIGNATURE_MLDSA44,
    checkpoint_message,
    split_time,
    timed,
    timed_message,
)
from ledger.log.checkpoint import parse_checkpoint

TIMED = frozenset({COSIGNATURE_ED25519, COSIGNATURE_MLDSA44})
"""Types of signature that carry a time."""
CLOCKS_S = 60  # by which the clocks of honest people differ

declare(
    "unverifiable",
    cosignature_ahead=(
        "a cosigner gives a time that has not come",
        "look at the clock here, and ask the cosigner about its own; the cosignature counts for nothing until then",
    ),
)


class Cosigner:
    """A private key that signs checkpoints under a time: a witness's, a mirror's, or a log's own of type 0x06."""

    __slots__ = ("_ed25519", "_mldsa44", "name", "verifier")

    def __init__(self, name: str, signature_type: int, seed: bytes) -> None:
        """``seed`` is the 32 bytes of RFC 8032, section 5.1.5, or of FIPS 204, section 5.1.

        Raises ``ValueError`` for another type than 0x04 and 0x06.
        """
        if signature_type not in TIMED:
            raise ValueError(f"signatures of type {signature_type:#04x} carry no time")
        self.name = name
        self._ed25519 = self._mldsa44 = None
        if signature_type == COSIGNATURE_ED25519:
            public, self._ed25519 = crypto_sign_seed_keypair(seed)
        else:
            self._mldsa44 = MLDSA44PrivateKey.from_seed_bytes(seed)
            public = self._mldsa44.public_key().public_bytes_raw()
        self.verifier = Verifier(name, signature_type, public)

    def cosign(self, text: bytes, time: int) -> Signature:
        """The signature line for a checkpoint's text; ``time`` in POSIX seconds, above 0.

        Raises ``checkpoint_malformed``. Whether the checkpoint extends the one before is the caller's to know.
        """
        parse_checkpoint(text)
        if self._ed25519 is not None:
            signature = crypto_sign(timed_message(text, time), self._ed25519)[:64]
        else:
            assert self._mldsa44 is not None
            signature = self._mldsa44.sign(checkpoint_message(self.name, time, text))
        return Signature(self.name, self.verifier.key_id, timed(time, signature))

    def __repr__(self) -> str:
        return f"<Cosigner {self.name}>"


@dataclass(frozen=True, slots=True)
class Seen:
    """A cosignature that holds: who saw the checkpoint, and when, in POSIX seconds."""

    verifier: Verifier
    time: int


def cosignatures(data: bytes, verifiers: Iterable[Verifier]) -> list[Seen]:
    """Which of these cosigners signed a checkpoint's note; each once, with the latest time it gave.

    Raises ``note_malformed``, and ``note_signature_invalid`` if a line of any of them does not hold.
    """
    note = parse_note(data)
    known = {(verifier.name, verifier.key_id): verifier for verifier in verifiers if verifier.signature_type in TIMED}
    latest: dict[tuple[str, bytes], Seen] = {}
    for line in note.signatures:
        key = (line.name, line.key_id)
        if (verifier := known.get(key)) is None:
            continue
        verifier.check(note.text, line.signature)
        time, _ = split_time(line.signature)
        if time == 0:
            raise Unverifiable("note_signature_invalid", f"{verifier.name} gives no time")
        if key not in latest or latest[key].time < time:
            latest[key] = Seen(verifier, time)
    return list(latest.values())


def in_time(seen: Iterable[Seen], now: float) -> tuple[list[Seen], list[Seen]]:
    """Those whose time has come ``now`` (POSIX seconds; clocks may differ by 60), and those whose has not.

    Nobody has seen anything at a time that has not come: who counts on times asks this first.
    """
    found = list(seen)
    return [one for one in found if one.time <= now + CLOCKS_S], [one for one in found if one.time > now + CLOCKS_S]


def with_cosignatures(data: bytes, lines: Iterable[Signature]) -> bytes:
    """A checkpoint's note with further lines behind its own; of one key only the last line stays.

    The lines are taken at their word: open them first (:func:`cosignatures`). Raises ``note_malformed``.
    """
    note = parse_note(data)
    merged = {(line.name, line.key_id): line for line in (*note.signatures, *lines)}
    return format_note(Note(note.text, tuple(merged.values())))
