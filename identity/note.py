"""Signed notes (C2SP signed-note v1.0.0): a text, an empty line, and one line for each signature.

    example.com/log                          the text: here a checkpoint; it ends with a newline,
    15                                       and every byte of it up to that newline is signed
    rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=
                                             the last empty line
    — example.com/log M9e0luh4jTG+UMBq...    name of the key, base64(key id || signature)

What a signature is over depends on its type (``identity.signature``). A key goes by its name and a four-byte key id.
:class:`Verifier` is a public key (in a file: a *vkey*), :class:`Signer` a private one. :func:`sign_note` and
:func:`open_note` are a pair, as are ``parse_*`` and ``format_*``; every parser accepts exactly one spelling.

What opening promises: each line of a known key was checked and holds, and there was at least one. A line of
an unknown key proves nothing and harms nothing; it is handed on unverified.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from nacl.bindings import crypto_core_ed25519_is_valid_point, crypto_sign, crypto_sign_seed_keypair

from identity.errors import Malformed, Unverifiable, declare
from identity.signature import (
    COSIGNATURE_ED25519,
    COSIGNATURE_MLDSA44,
    ED25519,
    SIGNATURE_TYPES,
    Wrong,
    key_id,
    mldsa44_key,
)

NOTE_BYTES_MAX = 1_000_000
SIGNATURES_MAX = 100  # the specification asks for 16 at least

declare(
    "malformed",
    note_malformed=("the signed note is malformed", "fetch the note again, unaltered to the last byte"),
    vkey_malformed=("the verifier key is malformed", "copy the whole key from where it is published"),
    signing_key_malformed=("the signing key is malformed", "copy the whole key from where it was made"),
)
declare(
    "unverifiable",
    note_unsigned=("no known key signed the note", "check that the verifier keys are those of this log"),
    note_signature_invalid=("a signature on the note does not hold", "do not trust it: altered or forged"),
    note_key_ambiguous=("two known keys have one name and key id", "name each verifier key once"),
    vkey_type_unsupported=(
        "signatures of this type cannot be verified",
        "use a key of type 0x01 or 0x04 (Ed25519) or 0x06 (ML-DSA-44)",
    ),
)


# ---- Keys --------------------------------------------------------------------------------------------------


def check_key_name(name: str) -> None:
    """A key name is UTF-8, not empty, without Unicode spaces, control characters and plus signs.

    Raises ``ValueError``.
    """
    name.encode()
    if name.split() != [name] or "+" in name or min(name) < " ":
        raise ValueError(f"not a key name: {name!r}")


@dataclass(frozen=True)
class Verifier:
    """A public key and the name it goes by: what a reader must already have to trust a note.

    ``public_key`` is raw: 32 bytes for Ed25519, 1,312 for ML-DSA-44. Ed25519 keys outside the prime-order group, the
    small-order ones among them, are refused: under such a key one signature would fit many texts.

    Raises ``vkey_malformed`` or ``vkey_type_unsupported`` when made.
    """

    name: str
    signature_type: int
    public_key: bytes

    def __post_init__(self) -> None:
        try:
            check_key_name(self.name)
        except ValueError as error:
            raise Malformed("vkey_malformed", str(error)) from None
        known = SIGNATURE_TYPES.get(self.signature_type)
        if known is None or known.check is None:
            label = known.label if known else "unknown"
            raise Unverifiable("vkey_type_unsupported", f"type {self.signature_type:#04x} ({label})")
        if known.key_size != len(self.public_key):
            raise Malformed("vkey_malformed", f"the public key has {len(self.public_key)} bytes")
        _check_key(self.signature_type, self.public_key)

    @cached_property
    def key_id(self) -> bytes:
        """Four bytes; tells apart keys of one name, and does not identify a key safely."""
        return key_id(self.name, self.signature_type, self.public_key)

    def check(self, text: bytes, signature: bytes) -> None:
        """Raises ``note_signature_invalid`` unless this key signed exactly ``text``.

        About 60 µs for Ed25519, 150 µs for ML-DSA-44.
        """
        check = SIGNATURE_TYPES[self.signature_type].check
        assert check is not None
        try:
            check(self.name, self.public_key, text, signature)
        except Wrong:
            raise Unverifiable("note_signature_invalid", f"by {self.name}") from None


def _check_key(signature_type: int, key: bytes) -> None:
    """Raises ``vkey_malformed`` for bytes of the right length that are no key."""
    if signature_type in (ED25519, COSIGNATURE_ED25519) and not crypto_core_ed25519_is_valid_point(key):
        raise Malformed("vkey_malformed", "the public key is not a point of the prime-order group")
    if signature_type == COSIGNATURE_MLDSA44:
        try:
            mldsa44_key(key)
        except ValueError as wrong:
            raise Malformed("vkey_malformed", str(wrong)) from None


class Signer:
    """An Ed25519 private key and the name it signs notes under."""

    __slots__ = ("_secret", "name", "verifier")

    def __init__(self, name: str, seed: bytes) -> None:
        """``seed`` is the 32 bytes of RFC 8032, section 5.1.5."""
        public, self._secret = crypto_sign_seed_keypair(seed)
        self.name = name
        self.verifier = Verifier(name, ED25519, public)

    def sign(self, text: bytes) -> Signature:
        """Sign a text that is a note's text; :func:`sign_note` makes the whole note."""
        return Signature(self.name, self.verifier.key_id, crypto_sign(text, self._secret)[:64])

    def __repr__(self) -> str:
        return f"<Signer {self.name}>"


# ---- Keys in files -----------------------------------------------------------------------------------------


def format_vkey(verifier: Verifier) -> str:
    """``<name>+<key id, 8 hex digits>+<base64(type byte || public key)>``."""
    return _format_vkey(verifier.name, verifier.signature_type, verifier.public_key)


def _format_vkey(name: str, code: int, public_key: bytes) -> str:
    key = b64encode(bytes([code]) + public_key).decode()
    return f"{name}+{key_id(name, code, public_key).hex()}+{key}"


def parse_vkey(text: str) -> Verifier:
    """The reverse of :func:`format_vkey`.

    Raises ``vkey_malformed``, or ``vkey_type_unsupported`` for a well-formed key of another type.
    """
    try:
        name, _, key = text.split("+", 2)
        check_key_name(name)
        code, *_ = raw = b64decode(key, validate=True)
    except ValueError:
        raise Malformed("vkey_malformed", "it is not <name>+<8 hex digits>+<base64>") from None
    if code in SIGNATURE_TYPES and _format_vkey(name, code, raw[1:]) != text:
        raise Malformed("vkey_malformed", "the key id is of another name or key, or the spelling of it differs")
    return Verifier(name, code, raw[1:])


def format_signing_key(signer: Signer) -> str:
    """``PRIVATE+KEY+<name>+<key id>+<base64(type byte || seed)>``, as Go's sumdb/note writes it."""
    key = b64encode(bytes([ED25519]) + signer._secret[:32]).decode()
    return f"PRIVATE+KEY+{signer.name}+{signer.verifier.key_id.hex()}+{key}"


def parse_signing_key(text: str) -> Signer:
    """The reverse of :func:`format_signing_key`. Raises ``signing_key_malformed``, without the key in it."""
    try:
        _, _, name, _, key = text.split("+", 4)
        code, *_ = raw = b64decode(key, validate=True)
        signer = Signer(name, raw[1:]) if code == ED25519 and len(raw) == 33 else None
    except (ValueError, Malformed):
        signer = None
    if signer is None or format_signing_key(signer) != text:
        raise Malformed("signing_key_malformed", "it is not PRIVATE+KEY+<name>+<8 hex digits>+<base64>")
    return signer


# ---- Notes -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line: who claims to have signed. ``key_id`` has four bytes, ``signature`` one or more."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A text (UTF-8, ends with a newline) and its signature lines, none of them checked."""

    text: bytes
    signatures: tuple[Signature, ...]


@dataclass(frozen=True, slots=True)
class Opened:
    """A note of which at least one known key signed the text; one line for each such key, the first one."""

    text: bytes
    verified: tuple[Signature, ...]
    unverified: tuple[Signature, ...]


_CONTROL = re.compile(rb"[\x00-\x09\x0b-\x1f]")


def _check_text(text: bytes) -> None:
    if not text.endswith(b"\n"):
        raise Malformed("note_malformed", "the text does not end with a newline")
    if _CONTROL.search(text):
        raise Malformed("note_malformed", "control character")
    try:
        text.decode()
    except UnicodeDecodeError:
        raise Malformed("note_malformed", "not UTF-8") from None


def format_signature(signature: Signature) -> bytes:
    """The line of one signature, newline included."""
    encoded = b64encode(signature.key_id + signature.signature).decode()
    return f"— {signature.name} {encoded}\n".encode()


def parse_signature(line: str) -> Signature:
    """The reverse of :func:`format_signature`, without the newline. Raises ``note_malformed``."""
    try:
        _, name, encoded = line.split(" ")
        check_key_name(name)
        raw = b64decode(encoded, validate=True)
    except ValueError:
        raise Malformed("note_malformed", "a line after the last empty line is not a signature") from None
    signature = Signature(name, raw[:4], raw[4:])
    if not signature.signature or format_signature(signature) != f"{line}\n".encode():
        raise Malformed("note_malformed", "a signature line is empty, or another spelling of the same line")
    return signature


def format_note(note: Note) -> bytes:
    """The bytes of a note. Checks nothing: notes come from :func:`parse_note` and :func:`sign_note`."""
    return b"%b\n%b" % (note.text, b"".join(map(format_signature, note.signatures)))


def parse_note(data: bytes) -> Note:
    """Take a note of at most 1 MB and 100 signatures apart, checking none. Raises ``note_malformed``."""
    if len(data) > NOTE_BYTES_MAX:
        raise Malformed("note_malformed", f"more than {NOTE_BYTES_MAX} bytes")
    _check_text(data)
    split = data.rfind(b"\n\n")  # the text may hold empty lines: the last one ends it
    lines = data[split + 2 : -1].split(b"\n")
    if split < 0:
        raise Malformed("note_malformed", "no empty line between text and signatures")
    if len(lines) > SIGNATURES_MAX:
        raise Malformed("note_malformed", f"more than {SIGNATURES_MAX} signature lines")
    return Note(data[: split + 1], tuple(parse_signature(line.decode()) for line in lines))


def sign_note(text: bytes, *signers: Signer) -> bytes:
    """The note of ``text`` with one line for each signer, in their order.

    Raises ``note_malformed`` if the text is not UTF-8, holds control characters or lacks its last newline.
    """
    _check_text(text)
    return format_note(Note(text, tuple(signer.sign(text) for signer in signers)))


def open_note(data: bytes, verifiers: Iterable[Verifier]) -> Opened:
    """Parse a note and check every line of a known key (C2SP signed-note, "Verification").

    Raises ``note_malformed``; ``note_signature_invalid`` if any line of a known key fails, whatever the others
    say; ``note_key_ambiguous`` if two verifiers answer to one line; ``note_unsigned`` if no known key signed.
    """
    note = parse_note(data)
    known: dict[tuple[str, bytes], list[Verifier]] = {}
    for verifier in verifiers:
        known.setdefault((verifier.name, verifier.key_id), []).append(verifier)
    verified: dict[tuple[str, bytes], Signature] = {}
    unverified: dict[Signature, None] = {}  # a dict keeps their order and drops repetitions
    for line in note.signatures:
        key = (line.name, line.key_id)
        match known.get(key, []):
            case []:
                unverified[line] = None
            case [verifier]:
                verifier.check(note.text, line.signature)
                verified.setdefault(key, line)
            case _:
                raise Unverifiable("note_key_ambiguous", f"{line.name}+{line.key_id.hex()}")
    if not verified:
        raise Unverifiable("note_unsigned", "signed by: " + ", ".join(line.name for line in unverified))
    return Opened(note.text, tuple(verified.values()), tuple(unverified))
