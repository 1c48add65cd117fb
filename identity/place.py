"""Where the documents of a did:web or did:webvh are: the part of the DID that is a host, a port and a path.

    example.com                    https://example.com/.well-known/did.jsonl
    example.com%3A3000:org:acme    https://example.com:3000/org/acme/did.jsonl

After did:webvh v1.0, "Method-Specific Identifier" and "The DID to HTTPS Transformation", and did:web. A host is a
name of two labels or more and never an address, however it is written; percent-encoding is undone once, and every rule
holds for what comes out. Whether a host's addresses may be asked at all is for whoever fetches.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import quote, unquote_to_bytes

from identity.errors import Malformed, declare

declare(
    "malformed",
    did_place_malformed=(
        "the DID does not name a place on the web",
        "write a host name with a dot in it, %3A and a port if need be, and path segments after colons",
    ),
)

_PORT = re.compile(r"(.*?)(?:%3[Aa]([0-9]{1,5}))?", re.DOTALL)
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")  # as its last label this makes a host an IPv4 address (URL standard)
_HOST_MAX = 253  # letters (RFC 1035)


class Place(NamedTuple):
    """``host`` in ASCII and lower case, ``port`` if it is named, ``path`` segments as they read."""

    host: str
    port: int | None
    path: tuple[str, ...]

    @property
    def base(self) -> str:
        """The https URL of the place, ending in a slash."""
        port = "" if self.port is None else f":{self.port}"
        return f"https://{self.host}{port}/" + "".join(quote(segment, safe="") + "/" for segment in self.path)

    @property
    def folder(self) -> str:
        """The https URL of the folder of the DID's own documents: as ``base``, or ``.well-known`` at the root."""
        return self.base if self.path else f"{self.base}.well-known/"


def parse_place(text: str) -> Place:
    """What the part ``host[%3Aport][:segment…]`` of a DID says. Raises ``Malformed``."""
    domain, *segments = text.split(":")
    split = _PORT.fullmatch(domain)
    assert split is not None
    host, port = split.groups()
    if port is not None and not 0 < int(port) < 65_536:
        raise Malformed("did_place_malformed", f"the port {port} is none")
    return Place(_host(_decoded(host)), int(port) if port else None, tuple(_segment(_decoded(one)) for one in segments))


def format_place(host: str, path: Sequence[str] = (), port: int | None = None) -> str:
    """The part of a DID that ``parse_place`` reads as this place; ``%3A`` in capitals. Raises ``Malformed``."""
    place = Place(_host(host), port, tuple(path))
    text = ":".join([_idchars(host) if port is None else f"{_idchars(host)}%3A{port}", *map(_idchars, path)])
    if parse_place(text) != place:
        raise Malformed("did_place_malformed", f"{text[:80]!a} would be read otherwise")
    return text


def _idchars(segment: str) -> str:
    """idchar of DID Core section 3.1 knows no tilde, which ``quote`` leaves."""
    return quote(segment, safe="").replace("~", "%7E")


def _decoded(text: str) -> str:
    if re.search(r"%(?![0-9A-Fa-f]{2})", text):
        raise Malformed("did_place_malformed", f"{text[:80]!a} is not percent-encoded")
    try:
        return unquote_to_bytes(text).decode("utf-8")
    except UnicodeError:  # of bytes that are none, or of half of a surrogate pair
        raise Malformed("did_place_malformed", f"{text[:80]!a} is not UTF-8") from None


def _host(name: str) -> str:
    if not name.isascii() or "xn--" in name.lower():
        name = _ascii(name)
    name = name.lower()
    labels = name.split(".")
    if len(labels) < 2 or len(name) > _HOST_MAX or not all(_LABEL.fullmatch(label) for label in labels):
        raise Malformed("did_place_malformed", f"{name[:80]!a} is no host name with a dot in it")
    if _NUMBER.fullmatch(labels[-1]):
        raise Malformed("did_place_malformed", f"{name[:80]!a} is an address, not a name")
    return name


def _ascii(name: str) -> str:
    import idna  # its tables are large, and nearly every host is ASCII

    try:
        return idna.encode(name, uts46=True, std3_rules=True).decode("ascii")
    except idna.IDNAError as error:
        raise Malformed("did_place_malformed", f"{name[:80]!a}: {error}"[:160]) from None


def _segment(text: str) -> str:
    if text in ("", ".", "..") or re.search(r"[/\\\x00]", text) or text != text.strip():
        raise Malformed("did_place_malformed", f"{text[:80]!a} is no segment of a path")
    return text
