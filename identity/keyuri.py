"""Names of keys that stay in a token, such as an HSM or a smart card: PKCS #11 URIs (RFC 7512).

    pkcs11:token=works;object=signing?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/etc/works.pin

Before the question mark, joined by ``;``, what the token and the key must be like: ``token`` (its label), ``serial``,
``manufacturer`` and ``model``; ``object`` (the key's label), ``id`` (bytes), ``type=private``. One of ``object`` and
``id`` at least names the key. After it, joined by ``&``: ``module-path``, the library that speaks to the token, and
``pin-source``, a file with the PIN. Letters that RFC 7512 section 2.3 does not allow are spelled ``%20``. What else it
has (slots, libraries by their name, programs that say a PIN) is refused.

A PIN has no place in the URI: others see command lines, and they stay in histories.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, unquote_to_bytes

from identity.errors import Halted, declare

SCHEME = "pkcs11:"

declare(
    "halted",
    hsm_uri_malformed=(
        "this does not name a key in a token",
        "write 'pkcs11:token=LABEL;object=LABEL?module-path=/path/of/library.so' in quotes, with %20 for a space "
        "(RFC 7512)",
    ),
    hsm_pin_in_uri=(
        "the PIN must not stand in the URI, where others see it",
        "leave pin-value out and be asked, or name a file: pin-source=file:/path, or set CADASTRE_PKCS11_PIN; "
        "change the PIN if others saw it",
    ),
)

_TOKEN = {"token": "label", "serial": "serial", "manufacturer": "manufacturer_id", "model": "model"}
_KEY = ("object", "id", "type")
_ASKED = ("module-path", "pin-source")
_PLAIN = r"A-Za-z0-9._~:\[\]@!$'()*+,=\-"  # of RFC 3986, what RFC 7512 section 2.3 allows in both halves
_PATH = re.compile(rf"([a-z-]+)=((?:[{_PLAIN}&]|%[0-9A-Fa-f]{{2}})*)")
_QUERY = re.compile(rf"([a-z-]+)=((?:[{_PLAIN}/?|]|%[0-9A-Fa-f]{{2}})*)")
_FILE = re.compile(r"file:(?://)?(/[^/].*)")
_PIN_VALUE = re.compile(r"[?&;:]\s*pin-value\s*=", re.IGNORECASE)


@dataclass(frozen=True)
class KeyUri:
    """What a URI says. ``token``: label, serial, manufacturer_id, model, as far as they are given."""

    text: str
    token: Mapping[str, str]
    label: str | None
    id: bytes | None
    module: Path | None
    pin_file: Path | None


def is_key_uri(named: str) -> bool:
    """Whether a key is named by a URI of this scheme, and not by its file.

    Also by one that is misspelled: taken for the name of a file it would be repeated, with a PIN that is in it.
    """
    return named.lstrip().lower().startswith(SCHEME)


def parse_key_uri(text: str) -> KeyUri:
    """The key that a URI names. Raises ``Halted``: ``hsm_uri_malformed``, ``hsm_pin_in_uri``."""
    if _PIN_VALUE.search(text):
        raise Halted("hsm_pin_in_uri")
    if not text.startswith(SCHEME):
        raise Halted("hsm_uri_malformed", f"it does not begin with {SCHEME}")
    path, _, query = text.removeprefix(SCHEME).partition("?")
    wanted = dict(_attributes(path, ";", _PATH, (*_TOKEN, *_KEY)))
    asked = dict(_attributes(query, "&", _QUERY, _ASKED))
    if not wanted.get("object") and not wanted.get("id"):
        raise Halted("hsm_uri_malformed", "it names no key: object or id is missing")
    if wanted.get("type", "private") != "private":
        raise Halted("hsm_uri_malformed", "type is not private")
    return KeyUri(
        text,
        {attribute: _text(name, wanted[name]) for name, attribute in _TOKEN.items() if name in wanted},
        _text("object", wanted["object"]) if wanted.get("object") else None,
        unquote_to_bytes(wanted["id"]) if wanted.get("id") else None,
        _absolute("module-path", asked["module-path"]) if "module-path" in asked else None,
        _file("pin-source", asked["pin-source"]) if "pin-source" in asked else None,
    )


def _attributes(part: str, joint: str, form: re.Pattern[str], known: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Names and values, still spelled as they are: each of a name that is known, and once."""
    seen = set()
    for number, attribute in enumerate(part.split(joint) if part else (), 1):
        found = form.fullmatch(attribute)
        if found is None:
            raise Halted(
                "hsm_uri_malformed", f"part {number} between {joint!r} is not name=value with other letters as %XX"
            )
        name, value = found.groups()
        if name not in known:
            raise Halted("hsm_uri_malformed", f"{name} is none of {', '.join(known)}")
        if name in seen:
            raise Halted("hsm_uri_malformed", f"{name} stands twice")
        seen.add(name)
        yield name, value


def _text(name: str, value: str) -> str:
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError:
        raise Halted("hsm_uri_malformed", f"{name} is not UTF-8") from None


def _absolute(name: str, value: str) -> Path:
    path = Path(_text(name, value))
    if not path.is_absolute() or "\0" in str(path):
        raise Halted("hsm_uri_malformed", f"{name} is no absolute path")
    return path


def _file(name: str, value: str) -> Path:
    """The path in file:/path or file:///path (RFC 8089)."""
    if (found := _FILE.fullmatch(value)) is None:
        raise Halted("hsm_uri_malformed", f"{name} is not file:/path")
    return _absolute(name, found[1])
