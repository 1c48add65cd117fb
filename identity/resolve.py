"""From a DID to its document, and from a DID URL to a key: did:key, did:web and did:webvh (DID Resolution 0.3).

    resolve("did:webvh:Qm…:ledger.example:org:acme?versionNumber=2", fetch, now)      Resolved, or an error
    resolver(fetch, now)(did_url, "assertionMethod")                                  the key it names for this purpose
    resolve_log(did_jsonl, now, witness=did_witness_json)                             the same from files, offline

A did:key is resolved from itself, and nothing is fetched. A did:web is what its host says at this moment: it has no
history, and whoever has the host has the DID. A did:webvh is what its whole log says, which is verified, so a host can
do no more than withhold the end of it.

``fetch`` is ``identity.fetch.Fetcher``, or anything that gets bytes; what it raises passes through. ``failure`` tells
an error in the form and by the names of the specifications (``invalidDid``, ``notFound`` …).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import unquote

from identity import webvh
from identity.did import MAX_DID_URL, key_named, method_of, split
from identity.documents import DOCUMENT_BYTES_MAX, key_document, key_in, method_for, read_document, web_location
from identity.errors import Absent, Malformed, Problem, Unverifiable, declare
from identity.keys import PublicKey
from identity.webvh.log import LOG_BYTES_MAX
from identity.webvh.resolution import read_standings
from identity.webvh.witness import FILE_BYTES_MAX

CONTEXT = "https://w3id.org/did-resolution/v1"
MEDIA_TYPE = "application/did"
METHODS = ("key", "web", "webvh")

Fetch = Callable[[str, int], bytes | None]
"""The bytes at an https URL, at most so many; None if nothing is there."""

declare(
    "malformed",
    did_query_unsupported=(
        "the DID URL asks for something that is not supported",
        "ask for a versionId, versionTime or versionNumber of a did:webvh, or for nothing",
    ),
)
declare("absent", did_absent=("nothing is published for this DID", "check the DID; ask whose it is where it went"))
declare("unverifiable", did_deactivated=("the DID is deactivated", "ask for the DID that came in its place"))

_DID_URL = re.compile(
    r"(?P<did>[^/?#]*)(?P<path>/[^?#]*)?(?:\?(?P<query>[A-Za-z0-9._~!$&'()*+,;=:@/?%-]*))?(?:#(?P<fragment>.*))?",
    re.DOTALL,
)
_WITNESSED = re.compile(rb'"witness"\s*:\s*\{\s*"')  # as a log names witnesses; {} names none
_ASKED = ("versionId", "versionTime", "versionNumber")


class Asked(NamedTuple):
    """Which version of a did:webvh is wanted: at most one of these, or the last."""

    version_id: str | None = None
    version_time: str | None = None
    version_number: int | None = None


LAST = Asked()


@dataclass(frozen=True, slots=True)
class Resolved:
    """``document`` is None for a DID that is deactivated; ``metadata`` is that of the document."""

    document: dict[str, Any] | None
    metadata: dict[str, Any]

    def result(self) -> dict[str, Any]:
        """The DID resolution result, as JSON."""
        return _result(self.document, {"contentType": MEDIA_TYPE}, self.metadata)

    def method(self, did_url: str, purpose: str | None = None) -> dict[str, Any]:
        """The verification method that ``did_url`` names, for this purpose if there is one.

        Raises ``Malformed``, and ``Unverifiable``: ``did_deactivated``, ``did_key_unknown``, ``did_key_purpose``.
        """
        if self.document is None:
            raise Unverifiable("did_deactivated", did_url)
        return method_for(self.document, did_url, purpose)


def resolve(did_url: str, fetch: Fetch, now: int, asked: Asked = LAST, *, encryption: bool = False) -> Resolved:
    """The document of a DID, or of the DID in a DID URL, whose query may ask for a version; fragments are passed over.

    ``now`` in POSIX seconds. ``encryption``: derive the X25519 key of a did:key, too. Raises ``Malformed``,
    ``Unverifiable``, ``Absent`` (``did_absent``), and what ``fetch`` raises.
    """
    did, asked = read_did_url(did_url, asked)
    method = method_of(did)
    if method not in METHODS:
        raise Malformed("did_method_unsupported", f"did:{method}")
    if method == "webvh":
        at = webvh.location(did)
        log = _fetched(fetch, at.log, LOG_BYTES_MAX)
        witness = fetch(at.witness, FILE_BYTES_MAX) if _WITNESSED.search(log) else None
        found = webvh.resolve(log, did, now, witness=witness, **asked._asdict())
        return Resolved(found.document, found.metadata)
    if asked != LAST:
        raise Malformed("did_query_unsupported", f"a did:{method} has no versions")
    if method == "key":
        return Resolved(key_document(did, encryption=encryption), {})
    return Resolved(read_document(_fetched(fetch, web_location(did), DOCUMENT_BYTES_MAX), did), {})


def resolve_log(log: bytes, now: int, asked: Asked = LAST, *, witness: bytes | None = None) -> Resolved:
    """The document that a did.jsonl says, of whichever DID it is the log. Raises ``Malformed`` and ``Unverifiable``."""
    standings, broken = read_standings(log.partition(b"\n")[0], now)
    if not standings:
        raise broken or Malformed("webvh_log_malformed", "no entry")
    found = webvh.resolve(log, standings[0].did, now, witness=witness, **asked._asdict())
    return Resolved(found.document, found.metadata)


def resolver(fetch: Fetch, now: int) -> Callable[[str, str], PublicKey]:
    """What finds the key that a DID URL names, if the DID uses it for the purpose (``assertionMethod`` …).

    Those of did:key are their own; others are resolved, each once: a presentation names hundreds of keys, if whoever
    shows it likes. It raises as ``resolve`` and ``Resolved.method`` do.
    """
    known: dict[str, Resolved] = {}

    def key_for(did_url: str, purpose: str) -> PublicKey:
        if did_url.startswith("did:key:"):
            return key_named(did_url)
        did, _ = split(did_url)
        if did not in known:
            known[did] = resolve(did, fetch, now)
        return key_in(known[did].method(did_url, purpose))

    return key_for


def failure(problem: Problem) -> dict[str, Any]:
    """The DID resolution result of what did not resolve, as JSON; ``code`` is this software's own name for it."""
    name = error_of(problem)
    said = {"type": _TYPES.get(name, "about:blank"), "title": problem.title, "code": problem.code}
    if problem.detail:
        said["detail"] = problem.detail + (f" (at {problem.pointer})" if problem.pointer else "")
    metadata = {"deactivated": True} if problem.code == "did_deactivated" else {}
    return _result(None, {"error": name, "problemDetails": said}, metadata)


def error_of(problem: Problem) -> str:
    """The name that DID Resolution, or the specification of the method, has for a problem."""
    named = _ERRORS.get(problem.code)
    if named is None and problem.code.startswith(("fetch_", "allow_")):
        named = "internalError"
    return named or _FAMILIES.get(problem.family, "internalError")


_ERRORS = {
    "did_url_malformed": "invalidDidUrl",
    "did_method_unsupported": "methodNotSupported",
    "did_key_type_unsupported": "unsupportedPublicKeyType",
    "public_key_length": "invalidPublicKeyLength",
    "public_key_invalid": "invalidPublicKey",
    "did_key_unknown": "notFound",
    "did_key_purpose": "notFound",
    "did_document_malformed": "invalidDidDocument",
    "did_document_other": "invalidDidDocument",
    "did_query_unsupported": "featureNotSupported",
    "webvh_asked_twice": "invalidOptions",
    "webvh_version_absent": "notFound",
}
_FAMILIES = {"malformed": "invalidDid", "unverifiable": "invalidDid", "absent": "notFound"}
_TYPES = {
    name: "https://www.w3.org/ns/did#" + re.sub("([A-Z])", r"_\1", name).upper()
    for name in {*_ERRORS.values(), *_FAMILIES.values(), "internalError"}
    if not name.endswith(("PublicKey", "PublicKeyLength", "PublicKeyType"))  # names of did:key's own
}


def _result(document: dict[str, Any] | None, metadata: dict[str, Any], of_document: dict[str, Any]) -> dict[str, Any]:
    return {
        "@context": CONTEXT,
        "didDocument": document,
        "didResolutionMetadata": metadata,
        "didDocumentMetadata": of_document,
    }


def _fetched(fetch: Fetch, url: str, most: int) -> bytes:
    data = fetch(url, most)
    if data is None:
        raise Absent("did_absent", url)
    return data


def read_did_url(did_url: str, asked: Asked = LAST) -> tuple[str, Asked]:
    """The DID, and the version that its query asks for, unless ``asked`` says one. Raises ``Malformed``."""
    found = _DID_URL.fullmatch(did_url) if len(did_url) <= MAX_DID_URL else None
    if found is None or found["path"] is not None:
        raise Malformed("did_url_malformed", ascii(did_url[:200]))
    if found["fragment"] is not None:
        split(f"{found['did']}#{found['fragment']}")
    if not found["query"]:
        return found["did"], asked
    pairs = [pair.partition("=") for pair in found["query"].split("&")]
    query = {name: unquote(value) for name, _, value in pairs}
    if len(query) < len(pairs) or asked != LAST:
        raise Malformed("webvh_asked_twice", found["query"][:200])
    if other := [name for name in query if name not in _ASKED]:
        raise Malformed("did_query_unsupported", other[0][:80])
    number = query.get("versionNumber")
    if number is not None and not re.fullmatch("[1-9][0-9]{0,8}", number):
        raise Malformed("did_query_unsupported", f"versionNumber {number[:80]!a}")
    return found["did"], Asked(query.get("versionId"), query.get("versionTime"), int(number) if number else None)
