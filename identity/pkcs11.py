"""Keys that stay in a token: an HSM, a smart card, SoftHSM; spoken to by PKCS #11 (OASIS PKCS #11 v2.40 and 3.0).

    with open_key(parse_key_uri("pkcs11:token=works;object=signing?module-path=…"), ask_pin) as key:
        key.sign(message)                               # meets ``signer.StatementSigner``

The token signs, and nothing here ever holds a private key. P-256 keys sign by CKM_ECDSA over a SHA-256 made here (what
every token can), Ed25519 keys by CKM_EDDSA. Each signature is verified before it is given away.

A login is the process's: PKCS #11 knows one for each token and process. The first key that is opened logs in, others of
the same token share its session, the last one that is closed logs out. A wrong PIN is given once and never again, since
tokens count. A process that forks must not use the key in both.

python-pkcs11 speaks to the token's library; it is an extra (``hsm``), imported when a key is first opened.
"""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from identity.errors import Halted, Malformed, Unverifiable, declare
from identity.keys import Algorithm, PublicKey
from identity.keyuri import KeyUri

if TYPE_CHECKING:
    from pkcs11 import Session, Token
    from pkcs11._pkcs11 import lib as Library  # noqa: N812 - a class

declare(
    "halted",
    hsm_extra_missing=(
        "keys in tokens need the extra hsm, which is not installed",
        "run: pip install 'cadastre[hsm]'",
    ),
    hsm_module_failed=(
        "the library of the token cannot be loaded",
        "name the PKCS #11 library of its maker by its absolute path: module-path=/path/of/library.so in the URI, or "
        "CADASTRE_PKCS11_MODULE",
    ),
    hsm_token_missing=(
        "there is no such token",
        "check that it is connected, and its label: pkcs11-tool --module LIBRARY -L",
    ),
    hsm_token_ambiguous=("several tokens are like this", "add serial=SERIAL to the URI"),
    hsm_pin_unreadable=(
        "the file with the PIN cannot be used",
        "put the PIN, and nothing else, into a file that only you can read (chmod 600)",
    ),
    hsm_pin_wrong=(
        "the token refuses the PIN",
        "check it before you try again: after a few wrong ones a token locks itself",
    ),
    hsm_pin_locked=(
        "the token has locked the PIN",
        "too many were wrong; its security officer can set another",
    ),
    hsm_key_missing=(
        "the token has no such private key",
        "see what it has: pkcs11-tool --module LIBRARY -l -O; or make one: cadastre key new 'pkcs11:…'",
    ),
    hsm_key_ambiguous=("several private keys in the token are like this", "add id=%XX to the URI"),
    hsm_key_type=(
        "keys of this type sign no statements",
        "name a P-256 or an Ed25519 key, or make one: cadastre key new 'pkcs11:…' --type p256",
    ),
    hsm_key_exists=(
        "the token has a key of this label or id already",
        "choose another; a key is never replaced",
    ),
    hsm_public_missing=(
        "the token does not show one sound public half of this key",
        "write its public key into the token, under its id: pkcs11-tool --module LIBRARY -l -w FILE -y pubkey -d ID",
    ),
    hsm_signature_wrong=(
        "the token made a signature that its public key does not verify",
        "do not use this key: the two halves in the token do not belong together, or the token is defective",
    ),
    hsm_failed=("the token did not do what it was asked", "see its own log; try again, or reconnect it"),
)

PIN_BYTES = 1_024  # of a file with a PIN, at most
P256 = bytes.fromhex("06082a8648ce3d030107")  # DER of its OID 1.2.840.10045.3.1.7 (RFC 5480 section 2.1.1.1)
EDWARDS25519 = b"\x13\x0cedwards25519"  # DER of its name (PKCS #11 Current Mechanisms 3.0 section 2.3.10)
_ED25519 = {
    EDWARDS25519,
    bytes.fromhex("06032b6570"),  # its OID (RFC 8410)
    bytes.fromhex("06092b06010401da470f01"),  # the OID it had before
}
_PIN_WRONG = {"PinIncorrect", "PinInvalid", "PinLenRange"}


@dataclass
class _Login:
    session: Session
    keys: int = 0


_LOGINS: dict[tuple[str, int], _Login] = {}  # by library and slot
_LOCK = threading.Lock()  # one call at a time: libraries are not told of threads


class TokenKey:
    """A private key in a token, as long as :func:`open_key` lasts. Its text form shows the public half only."""

    __slots__ = ("_private", "alg", "public")

    def __init__(self, private: Any, public: PublicKey) -> None:
        self._private = private
        self.alg: Algorithm = public.alg
        self.public = public

    def sign(self, message: bytes) -> bytes:
        """64 bytes; of P-256 others each time. Raises ``Halted``: ``hsm_failed``, ``hsm_signature_wrong``."""
        from pkcs11.mechanisms import Mechanism

        with _LOCK, _told():
            if self.alg == "ES256":
                signature: bytes = self._private.sign(sha256(message).digest(), mechanism=Mechanism.ECDSA)
            else:
                signature = self._private.sign(message, mechanism=Mechanism.EDDSA)
        try:
            self.public.verify(message, signature)
        except Unverifiable:
            raise Halted("hsm_signature_wrong") from None
        return signature

    def __repr__(self) -> str:
        return f"TokenKey({self.public!r})"


@contextmanager
def open_key(uri: KeyUri, pin: Callable[[], str], module: Path | None = None) -> Iterator[TokenKey]:
    """The key that ``uri`` names, until the context ends.

    ``pin`` is asked unless the URI has a ``pin-source`` or the process is logged in to the token; ``module`` is the
    library where the URI names none. Raises ``Halted`` with an ``hsm_*`` code for everything that can be wrong.
    """
    with _entered(uri, pin, module) as session:
        with _LOCK, _told():
            key = _found(session, uri.label, uri.id)
        yield key


def make_key(uri: KeyUri, alg: Algorithm, pin: Callable[[], str], module: Path | None = None) -> PublicKey:
    """Have the token make a key that never leaves it, under the label (and id) of ``uri``; its public half.

    The id is the label, if none is given: it ties the halves together. Raises ``Halted`` as :func:`open_key`, and
    ``hsm_key_exists``.
    """
    if uri.label is None:
        raise Halted("hsm_uri_malformed", "a key is made under a label: object is missing")
    id_ = uri.id or uri.label.encode()
    with _entered(uri, pin, module) as session, _LOCK, _told():
        _check_free(session, uri.label, id_)
        with session.token.open(rw=True) as writing:  # shares the login
            _generate(writing, alg, uri.label, id_)
        return _found(session, uri.label, id_).public


def _generate(session: Session, alg: Algorithm, label: str, id_: bytes) -> None:
    from pkcs11.constants import Attribute, MechanismFlag
    from pkcs11.mechanisms import KeyType

    kind, curve = (KeyType.EC, P256) if alg == "ES256" else (KeyType.EC_EDWARDS, EDWARDS25519)
    session.generate_keypair(
        kind,
        id=id_,
        label=label,
        store=True,
        capabilities=MechanismFlag.SIGN | MechanismFlag.VERIFY,
        public_template={Attribute.EC_PARAMS: curve},
        private_template={Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False},
    )


@contextmanager
def _told() -> Iterator[None]:
    """What the token refuses within is raised as ``Halted``."""
    from pkcs11.exceptions import PKCS11Error

    try:
        yield
    except PKCS11Error as fault:
        name = type(fault).__name__
        if name in _PIN_WRONG:
            raise Halted("hsm_pin_wrong") from None
        raise Halted("hsm_pin_locked" if name == "PinLocked" else "hsm_failed", f"{name} {fault}".strip()) from None


@contextmanager
def _entered(uri: KeyUri, pin: Callable[[], str], module: Path | None) -> Iterator[Session]:
    """A session with the token of ``uri`` that is logged in, shared with all who have one."""
    library = _load(uri.module or module)
    with _LOCK, _told():
        token = _token(library, uri)
        place = (library.so, token.slot.slot_id)
        if (login := _LOGINS.get(place)) is None:
            login = _LOGINS[place] = _Login(token.open(user_pin=_read_pin(uri.pin_file) if uri.pin_file else pin()))
        login.keys += 1
    try:
        yield login.session
    finally:
        with _LOCK:
            login.keys -= 1
            if not login.keys:
                del _LOGINS[place]
                _close(login.session)


def _close(session: Session) -> None:
    """Log out; a token that is gone has done so itself."""
    from pkcs11.exceptions import PKCS11Error

    with suppress(PKCS11Error):
        session.close()


def _load(module: Path | None) -> Library:
    try:
        from pkcs11 import lib
        from pkcs11.exceptions import PKCS11Error
    except ImportError as missing:
        raise Halted("hsm_extra_missing", str(missing)) from None
    if module is None:
        raise Halted("hsm_module_failed", "none is named")
    if not module.is_absolute() or not module.is_file():  # a bare name would be looked for in many places
        raise Halted("hsm_module_failed", f"{module} is no absolute path of a file")
    try:
        return lib(str(module))
    except PKCS11Error as fault:
        raise Halted("hsm_module_failed", f"{module}: {fault or type(fault).__name__}") from None


def _token(library: Library, uri: KeyUri) -> Token:
    """The one token that ``uri`` means."""
    from pkcs11.constants import TokenFlag

    there = [token for token in library.get_tokens() if TokenFlag.TOKEN_INITIALIZED in token.flags]
    found = [token for token in there if uri.token.items() <= _described(token).items()]
    if not found:
        labels = ", ".join(sorted(ascii(token.label) for token in there))
        raise Halted("hsm_token_missing", f"there are: {labels}" if labels else "there is none at all")
    if len(found) > 1:
        serials = ", ".join(sorted(_described(token)["serial"] for token in found))
        raise Halted("hsm_token_ambiguous", f"of the serials {serials}")
    return found[0]


def _described(token: Token) -> dict[str, str]:
    """What a URI says about tokens, of this one."""
    serial = token.serial.decode(errors="replace").rstrip()
    return {
        "label": token.label,
        "serial": serial,
        "manufacturer_id": token.manufacturer_id,
        "model": token.model,
    }


def _read_pin(path: Path) -> str:
    """The PIN in a file, which may end with a line break. Others must not be able to read it."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(PIN_BYTES + 1)
        pin = data.decode().removesuffix("\n").removesuffix("\r")
    except OSError as fault:
        raise Halted("hsm_pin_unreadable", f"{path}: {fault.strerror}") from None
    except UnicodeDecodeError:
        raise Halted("hsm_pin_unreadable", f"{path}: it is not UTF-8") from None
    if stat.S_IMODE(mode) & 0o077:
        raise Halted("hsm_pin_unreadable", f"{path}: others may read it")
    if not pin or "\n" in pin or len(data) > PIN_BYTES:
        raise Halted("hsm_pin_unreadable", f"{path}: it holds no PIN of one line")
    return pin


def _check_free(session: Session, label: str, id_: bytes) -> None:
    from pkcs11.constants import Attribute, ObjectClass

    for half in (ObjectClass.PRIVATE_KEY, ObjectClass.PUBLIC_KEY):
        for name in ({Attribute.LABEL: label}, {Attribute.ID: id_}):
            if any(True for _ in session.get_objects({Attribute.CLASS: half, **name})):
                raise Halted("hsm_key_exists", f"label {label}, id {_spelled(id_)}")


def _found(session: Session, label: str | None, id_: bytes | None) -> TokenKey:
    """The one private key of this name, with its public half: that of the same id, or label where it has no id."""
    from pkcs11.constants import Attribute, ObjectClass

    named = {Attribute.LABEL: label, Attribute.ID: id_}
    asked = {name: value for name, value in named.items() if value is not None}
    privates = list(session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY, **asked}))
    if not privates:
        raise Halted("hsm_key_missing")
    if len(privates) > 1:
        raise Halted("hsm_key_ambiguous", f"of the ids {', '.join(_spelled(one[Attribute.ID]) for one in privates)}")
    (private,) = privates
    own = private[Attribute.ID]
    tie = {Attribute.ID: own} if own else {Attribute.LABEL: private[Attribute.LABEL]}
    type_ = private[Attribute.KEY_TYPE]
    publics = session.get_objects({Attribute.CLASS: ObjectClass.PUBLIC_KEY, Attribute.KEY_TYPE: type_, **tie})
    return TokenKey(private, _public(type_, list(publics)))


def _public(type_: Any, publics: list[Any]) -> PublicKey:
    """The public key that these objects, of which there should be one, are."""
    from pkcs11.constants import Attribute
    from pkcs11.mechanisms import KeyType

    if type_ not in (KeyType.EC, KeyType.EC_EDWARDS):
        raise Halted("hsm_key_type", f"it is of type {getattr(type_, 'name', type_)}")
    if len(publics) != 1:
        raise Halted("hsm_public_missing", f"there are {len(publics)}")
    curve, point = publics[0][Attribute.EC_PARAMS], publics[0][Attribute.EC_POINT]
    if curve != P256 and curve not in _ED25519:
        raise Halted("hsm_key_type", f"it is on the curve {curve.hex()}")
    try:
        return _p256(point) if curve == P256 else PublicKey.ed25519(_bare(point, 32))
    except (ValueError, Malformed) as fault:
        raise Halted("hsm_public_missing", f"its point is unsound: {fault}") from None


def _p256(point: bytes) -> PublicKey:
    size = 33 if len(point) < 65 else 65  # compressed or not
    sound = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _bare(point, size))
    return PublicKey.p256(sound.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint))


def _bare(point: bytes, size: int) -> bytes:
    """A point of this size without the DER that tokens put around it: an OCTET STRING, a BIT STRING, or nothing."""
    for around in (b"", bytes([4, size]), bytes([3, size + 1, 0])):
        if len(point) == len(around) + size and point.startswith(around):
            return point[len(around) :]
    raise ValueError(f"{len(point)} bytes")


def _spelled(id_: bytes) -> str:
    """An id as a URI has it."""
    return "".join(f"%{byte:02x}" for byte in id_) or "none"
