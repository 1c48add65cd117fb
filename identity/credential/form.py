"""The form of credentials and presentations: what the data model demands before anybody looks at a signature.

W3C Verifiable Credentials Data Model 2.0, section 4. Documents are JSON objects as ``read`` gives them. Nothing is
fetched: JSON-LD contexts are names here, of which the first has to be the model's own. Where all contexts of a document
are known (``_KNOWN``), so are all terms it may use, and others are refused: a reader that processes JSON-LD would drop
them without a word (section 5.2). Who needs terms of no vocabulary puts ``UNDEFINED_TERMS`` last.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from identity.canonical import escape
from identity.errors import Malformed, declare
from identity.instant import parse_instant
from identity.jcs import check_depth, decode_any

CONTEXT = "https://www.w3.org/ns/credentials/v2"
UNDEFINED_TERMS = "https://www.w3.org/ns/credentials/undefined-terms/v2"
CREDENTIAL, PRESENTATION = "VerifiableCredential", "VerifiablePresentation"
BYTES_MAX = 4 << 20  # of a document; one with a status list of eight million random bits has 1.4 MB

declare(
    "malformed",
    credential_too_large=("the document is too large", f"send at most {BYTES_MAX} bytes"),
    credential_context=(
        "the contexts are not those of a credential of version 2.0",
        f"let @context be a list that begins with {CONTEXT}",
    ),
    credential_malformed=(
        "the credential is not of the form the data model asks for",
        "see the W3C's Verifiable Credentials Data Model 2.0, section 4",
    ),
    credential_old=("a property of version 1.1 of the data model", "use validFrom and validUntil"),
    credential_period=("the credential ends before it begins", "let validFrom be no later than validUntil"),
    credential_term=(
        "a term that no context of the document defines",
        f"add a context that defines it, or {UNDEFINED_TERMS} as the last one",
    ),
)

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`\x00-\x20]+")
_OFFSET = re.compile(r"(?:Z|[+-]\d\d:\d\d)\Z")
_OLD = ("issuanceDate", "expirationDate")
_LANGUAGE = frozenset({"@value", "@language", "@direction"})
# Properties whose objects name their type, and whether an id is asked for, too.
_PARTS = {
    "credentialStatus": False,
    "credentialSchema": True,
    "refreshService": False,
    "termsOfUse": False,
    "evidence": False,
    "confidenceMethod": False,
    "renderMethod": False,
}

_KNOWN = frozenset({CONTEXT, "https://w3id.org/security/data-integrity/v2"})
_BASE_TYPES = """
    BitstringStatusList BitstringStatusListCredential BitstringStatusListEntry DataIntegrityProof
    EnvelopedVerifiableCredential EnvelopedVerifiablePresentation JsonSchema JsonSchemaCredential VerifiableCredential
    VerifiablePresentation
"""
_BASE_TERMS = """
    ... _sd _sd_alg aud challenge cnf confidenceMethod created credentialSchema credentialStatus credentialSubject
    cryptosuite description digestMultibase digestSRI domain encodedList evidence exp expires holder iat id iss issuer
    jku jsonSchema jwk kid mediaType message name nbf nonce previousProof proof proofPurpose proofValue refreshService
    relatedResource renderMethod status statusListCredential statusListIndex statusMessage statusPurpose statusReference
    statusSize sub termsOfUse ttl type validFrom validUntil verifiableCredential verificationMethod x5u
"""
_TYPES = frozenset(_BASE_TYPES.split())
_TERMS = frozenset(_BASE_TERMS.split()) | _LANGUAGE  # all that the context of version 2.0 defines, wherever it does


def read(data: bytes) -> dict[str, Any]:
    """The JSON object that ``data`` spells, in any spelling, each name once. Raises ``Malformed``."""
    if len(data) > BYTES_MAX:
        raise Malformed("credential_too_large", f"{len(data)} bytes")
    return an_object(decode_any(data), "")


def check_credential(credential: dict[str, Any]) -> None:
    """Return if this is the form of a credential, whether secured or not; raise ``Malformed`` if not."""
    _check_common(credential, CREDENTIAL)
    for name in _OLD:
        if name in credential:
            raise Malformed("credential_old", f"{name} is of version 1.1", pointer=f"/{name}")
    issuer_of(credential)
    _check_subjects(credential)
    _check_period(credential)
    for name, identified in _PARTS.items():
        for part, at in objects_in(credential, name):
            check_types(part.get("type"), f"{at}/type")
            if identified or "id" in part:
                check_url(part.get("id"), f"{at}/id")
    _check_related(credential)
    _check_terms(credential)


def check_presentation(presentation: dict[str, Any]) -> None:
    """Return if this is the form of a presentation; the credentials in it are not looked into. Raises ``Malformed``."""
    _check_common(presentation, PRESENTATION)
    if "holder" in presentation:
        holder_of(presentation)
    for _ in objects_in(presentation, "verifiableCredential"):
        pass
    for part, at in objects_in(presentation, "termsOfUse"):
        check_types(part.get("type"), f"{at}/type")
    _check_terms({name: value for name, value in presentation.items() if name != "verifiableCredential"})


def issuer_of(credential: dict[str, Any]) -> str:
    """The URL of who issued it; of a list of names and a logo beside it nothing is said. Raises ``Malformed``."""
    return _named(credential, "issuer")


def holder_of(presentation: dict[str, Any]) -> str:
    """The URL of who presents. Raises ``Malformed``."""
    return _named(presentation, "holder")


def types_of(document: dict[str, Any]) -> list[str]:
    """The types of a document whose form was checked."""
    types = document["type"]
    return types if isinstance(types, list) else [types]


def period_of(credential: dict[str, Any]) -> tuple[Decimal | None, Decimal | None]:
    """From when and until when it is valid, in POSIX seconds; None where it does not say. Raises ``Malformed``."""
    since, until = (_instant(credential, name) for name in ("validFrom", "validUntil"))
    return since, until


def check_offsets(credential: dict[str, Any]) -> None:
    """Return if the times say their offset from UTC, as they must when they are written. Raises ``Malformed``."""
    for name in ("validFrom", "validUntil"):
        if name in credential and not _OFFSET.search(credential[name]):
            raise _wrong("without an offset from UTC; write Z at its end", f"/{name}")


def check_url(value: object, pointer: str) -> str:
    """``value``, if it is an absolute URL. Raises ``Malformed``."""
    if not isinstance(value, str) or not _URL.fullmatch(value):
        raise _wrong("no absolute URL", pointer)
    return value


def check_types(value: object, pointer: str, *needed: str) -> None:
    """Return if ``value`` is one type or a list of some, with all that are ``needed``. Raises ``Malformed``."""
    types = value if isinstance(value, list) else [value]
    if not types or not all(isinstance(one, str) and one and not re.search(r"\s", one) for one in types):
        raise _wrong("no type, and no list of types", pointer)
    for one in needed:
        if one not in types:
            raise _wrong(f"{one} is missing", pointer)


def objects_in(document: dict[str, Any], name: str) -> Iterator[tuple[dict[str, Any], str]]:
    """The object or objects that a property holds, if it is there, each with its pointer. Raises ``Malformed``."""
    if name not in document:
        return
    value = document[name]
    if not isinstance(value, list):
        yield an_object(value, f"/{name}"), f"/{name}"
        return
    if not value:
        raise _wrong("an empty list", f"/{name}")
    for place, one in enumerate(value):
        yield an_object(one, f"/{name}/{place}"), f"/{name}/{place}"


def an_object(value: object, pointer: str) -> dict[str, Any]:
    """``value``, if it is an object of JSON. Raises ``Malformed``."""
    if not isinstance(value, dict):
        raise _wrong("no object", pointer)
    return value


def _check_common(document: dict[str, Any], type_: str) -> None:
    """What credentials and presentations share: contexts, types, an id, a name, a description."""
    contexts = document.get("@context")
    if not isinstance(contexts, list) or contexts[:1] != [CONTEXT]:
        raise Malformed("credential_context", pointer="/@context")
    for place, one in enumerate(contexts):
        if not isinstance(one, dict) and not (isinstance(one, str) and _URL.fullmatch(one)):
            raise Malformed("credential_context", "neither a URL nor an object", pointer=f"/@context/{place}")
    check_types(document.get("type"), "/type", type_)
    if "id" in document:
        check_url(document["id"], "/id")
    for name in ("name", "description"):
        if name in document:
            _check_text(document[name], f"/{name}")


def _check_text(value: object, pointer: str) -> None:
    """A string, a string in a language, or a list of such (section 11.1)."""
    for one in value if isinstance(value, list) else [value]:
        spoken = isinstance(one, dict) and isinstance(one.get("@value"), str) and one.keys() <= _LANGUAGE
        if not isinstance(one, str) and not spoken:
            raise _wrong("no text, and no text in a language", pointer)


def _check_subjects(credential: dict[str, Any]) -> None:
    if "credentialSubject" not in credential:
        raise _wrong("missing", "/credentialSubject")
    for subject, at in objects_in(credential, "credentialSubject"):
        if not subject:
            raise _wrong("nothing is said of the subject", at)
        if "id" in subject:
            check_url(subject["id"], f"{at}/id")


def _check_period(credential: dict[str, Any]) -> None:
    since, until = period_of(credential)
    if since is not None and until is not None and since > until:
        raise Malformed("credential_period", pointer="/validUntil")


def _check_related(credential: dict[str, Any]) -> None:
    """Related files are named once each, with a digest (section 5.3)."""
    seen = set()
    for part, at in objects_in(credential, "relatedResource"):
        url = check_url(part.get("id"), f"{at}/id")
        if url in seen:
            raise _wrong("named twice", f"{at}/id")
        seen.add(url)
        if not any(isinstance(part.get(name), str) for name in ("digestSRI", "digestMultibase")):
            raise _wrong("without digestSRI and digestMultibase", at)


def _check_terms(document: dict[str, Any]) -> None:
    """Every term is defined, if all contexts are known here. A proof is a graph of its own, with terms of its own."""
    check_depth(document)
    if not all(isinstance(one, str) and one in _KNOWN for one in document["@context"]):
        return
    bare = {name: value for name, value in document.items() if name not in ("@context", "proof")}
    inner: list[tuple[Any, str]] = [(bare, "")]
    while inner:
        value, at = inner.pop()
        if isinstance(value, list):
            inner += [(one, f"{at}/{place}") for place, one in enumerate(value)]
        elif isinstance(value, dict) and "@context" not in value:
            _check_names(value, at)
            inner += [(one, f"{at}/{escape(name)}") for name, one in value.items() if name != "jsonSchema"]


def _check_names(part: dict[str, Any], at: str) -> None:
    for name in part:
        if name not in _TERMS and not _URL.fullmatch(name):
            raise Malformed("credential_term", ascii(name)[:80], pointer=f"{at}/{escape(name)}")
    types = part.get("type", [])
    for one in types if isinstance(types, list) else [types]:
        if not isinstance(one, str) or (one not in _TYPES and not _URL.fullmatch(one)):
            raise Malformed("credential_term", ascii(one)[:80], pointer=f"{at}/type")


def _named(document: dict[str, Any], name: str) -> str:
    value = document.get(name)
    if isinstance(value, dict):
        return check_url(value.get("id"), f"/{name}/id")
    return check_url(value, f"/{name}")


def _instant(credential: dict[str, Any], name: str) -> Decimal | None:
    """A time without an offset is read as one of UTC (section 4.9)."""
    if name not in credential:
        return None
    text = credential[name]
    if not isinstance(text, str):
        raise _wrong("no time such as 2030-12-31T23:59:59Z", f"/{name}")
    return parse_instant(text if _OFFSET.search(text) else text + "Z", pointer=f"/{name}")


def _wrong(detail: str, pointer: str) -> Malformed:
    return Malformed("credential_malformed", detail, pointer=pointer)
