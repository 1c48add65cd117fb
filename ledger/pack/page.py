"""The page of an audit pack: data, script and style in one HTML file that loads nothing and asks nobody.

Its content security policy allows this very script and this very style, by their SHA-256, and nothing else: no image,
no frame, no connection. One pack has one spelling: the page of given data is always the same bytes, so that a page
which is not the one this release makes is known by comparing.
"""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path

from identity.canonical import encode
from identity.errors import Malformed
from ledger import circulation
from ledger.statement import KINDS

assert circulation  # imported for its kinds

SCRIPTS = ("bytes.js", "keys.js", "voices.js", "judge.js", "show.js")  # in the order in which they stand in the page
_OPENS = b'<script id="pack" type="application/json">'
_CLOSES = b"</script>"
_AROUND = b"{{around}}"  # SHA-256 of the page without its data and this: by it, a page knows others of its release
_HERE = Path(__file__).parent


def is_page(data: bytes) -> bool:
    """Whether this means to be the page of a pack."""
    return data[:15].lower() == b"<!doctype html>" and _OPENS in data


def format_page(data: bytes) -> bytes:
    """The page around the data of a pack (``data.format_data``)."""
    head, tail = _parts()
    return head + data + tail


def parse_page(page: bytes) -> bytes:
    """The data in a page, whatever surrounds them. Raises ``pack_malformed`` unless there is one such element."""
    _, *found = page.split(_OPENS)
    if len(found) != 1 or _CLOSES not in found[0]:
        raise Malformed("pack_malformed", f"{len(found)} elements with the data of a pack")
    return found[0].partition(_CLOSES)[0]


def is_ours(page: bytes) -> bool:
    """Whether the page around the data is the one that this release makes. Raises what :func:`parse_page` raises."""
    return format_page(parse_page(page)) == page


def script_digest() -> str:
    """SHA-256 of the script of this release's pages, in hex, as they show it."""
    return sha256(_script()).hexdigest()


@cache
def _parts() -> tuple[bytes, bytes]:
    style, script = _file("page.css"), _script()
    page = _file("page.html")
    filled = {b"style-hash": _csp(style), b"script-hash": _csp(script), b"style": style, b"script": script}
    head, tail = page.split(b"{{pack}}")
    for name, value in filled.items():
        head, tail = (part.replace(b"{{%b}}" % name, value) for part in (head, tail))
    around = sha256(head.replace(_AROUND, b"") + tail).hexdigest()
    return head.replace(_AROUND, around.encode()), tail


@cache
def _script() -> bytes:
    """What the judge must know of each kind is told by the registry, which the next release may add to."""
    script = b"\n" + b"\n".join(map(_file, SCRIPTS))
    kinds = {
        name: {"signer": kind.SIGNER, "personal": kind.PERSONAL, "on": kind.ON, "opens": list(kind.OPENS)}
        for name, kind in KINDS.items()
    }
    return script.replace(b"{{kinds}}", encode(kinds))


def _csp(source: bytes) -> bytes:
    return b"'sha256-%b'" % b64encode(sha256(source).digest())


def _file(name: str) -> bytes:
    return (_HERE / name).read_bytes()
