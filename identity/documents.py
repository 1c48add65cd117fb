"""DID documents: that of a did:key, which follows from the key; that of a did:web, as read; and the keys in any.

    key_document(did)                       the document of a did:key (its method's specification; CID 1.0, Multikey)
    draft_document(did, keys)               one for a DID whose document is made: with keys that sign statements
    web_location(did), read_document(…)     where a did:web's document is, and what came from there
    method_for(document, did_url, purpose)  the verification method that a DID URL names
    key_in(method)                          its key

Documents of others hold what they like. What is used of them is looked at when it is used, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from identity.canonical import b64decode
from identity.did import key_of, key_spelled, multibase_of, split
from identity.errors import Malformed, Unverifiable, declare
from identity.jcs import decode_any
from identity.keys import PublicKey
from identity.place import parse_place

CONTEXT = "https://www.w3.org/ns/did/v1.1"  # of DIDs 1.1; has all terms of a Multikey
CONTEXTS = ("https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1")  # those that every resolver knows
DOCUMENT_BYTES_MAX = 64 * 1024
PURPOSES = ("authentication", "assertionMethod", "capabilityDelegation", "capabilityInvocation")
_X25519 = "z6LS"  # as Multikeys begin that agree on keys, and sign nothing

declare(
    "malformed",
    did_document_malformed=(
        "this is not a DID document",
        "publish a JSON object with the DID as id; verificationMethod lists objects, each with an id and a key",
    ),
)
declare(
    "unverifiable",
    did_document_other=("the document is of another DID", "its id must be the very DID it is published for"),
    did_key_purpose=("the DID does not use this key for that", "name the key where the DID document lists purposes"),
)


def key_document(did: str, *, encryption: bool = False) -> dict[str, Any]:
    """The document of a did:key. Raises ``Malformed``.

    With ``encryption``, that of Ed25519 has the X25519 key that is derived from it, to which things may be sealed.
    """
    key = key_of(did)
    document = with_keys({"@context": [CONTEXT], "id": did}, [key])
    if encryption and key.alg == "Ed25519":
        from identity.recipient import parse_recipient  # its library takes time that most need not wait

        document["keyAgreement"] = [_multikey(did, str(parse_recipient(did)))]
    return document


def draft_document(did: str, keys: Sequence[PublicKey]) -> dict[str, Any]:
    """A document by which ``did`` signs with these keys; each is named by its Multikey."""
    return with_keys({"@context": list(CONTEXTS), "id": did}, keys)


def with_keys(document: Mapping[str, Any], keys: Sequence[PublicKey]) -> dict[str, Any]:
    """A document that has these keys, each for every purpose of signing, in place of those that ``keys_of`` finds.

    Whatever else it has stays. Raises ``Malformed``.
    """
    did = document["id"]
    gone = {f"{did}#{multibase_of(key)}" for key in keys_of(document)}
    methods = [_multikey(did, multibase_of(key)) for key in keys]
    kept = [method for method in document.get("verificationMethod", []) if str(method.get("id")) not in gone]
    changed = {**document, "verificationMethod": [*kept, *methods]}
    for purpose in PURPOSES:
        others = [one for one in document.get(purpose, []) if isinstance(one, dict) or one not in gone]
        changed[purpose] = [*others, *(method["id"] for method in methods)]
    return changed


def keys_of(document: Mapping[str, Any]) -> list[PublicKey]:
    """The keys that are named by their Multikeys, ``<DID>#<Multikey>``, as those are that sign statements.

    Raises ``Malformed``.
    """
    did, found = document["id"], dict[PublicKey, None]()
    for relation, _, method in _methods(document):
        value = method.get("publicKeyMultibase")
        named = relation is None and method.get("type") == "Multikey" and method.get("id") == f"{did}#{value}"
        if named and type(value) is str and not value.startswith(_X25519):
            found[key_spelled(value)] = None
    return list(found)


def _multikey(did: str, value: str) -> dict[str, Any]:
    return {"id": f"{did}#{value}", "type": "Multikey", "controller": did, "publicKeyMultibase": value}


def web_location(did: str) -> str:
    """The https URL of a did:web's document. Raises ``Malformed``."""
    return f"{parse_place(did.removeprefix('did:web:')).folder}did.json"


def read_document(data: bytes, did: str) -> dict[str, Any]:
    """The document that was published for ``did``. Raises ``Malformed``, and ``Unverifiable`` if it is of another."""
    document = decode_any(data)
    if type(document) is not dict:
        raise Malformed("did_document_malformed", "no object")
    if document.get("id") != did:
        raise Unverifiable("did_document_other", f"{ascii(document.get('id'))[:200]}, not {did}")
    return document


def method_for(document: dict[str, Any], did_url: str, purpose: str | None = None) -> dict[str, Any]:
    """The verification method that ``did_url`` names, its id absolute; one that serves ``purpose`` if there is one.

    Raises ``Malformed``, and ``Unverifiable``: ``did_key_unknown``, ``did_key_purpose``.
    """
    did, named = str(document.get("id")), f"{document.get('id')}#{split(did_url)[1]}"
    for relation, at, method in _methods(document):
        if _absolute(method.get("id"), did) != named:
            continue
        if method.get("controller", did) != did:
            raise Unverifiable("did_key_unknown", f"{did_url}: of {ascii(method['controller'])[:200]}")
        if purpose not in (None, relation) and named not in _references(document, str(purpose), did):
            raise Unverifiable("did_key_purpose", f"{did_url}: {purpose}")
        for name in ("type", "publicKeyMultibase"):
            if type(method.get(name, "")) is not str:
                raise Malformed("did_document_malformed", f"{name} is no text", pointer=at)
        return {**method, "id": named}
    raise Unverifiable("did_key_unknown", did_url)


def key_in(method: dict[str, Any]) -> PublicKey:
    """The key of a verification method: Multikey, Ed25519VerificationKey2020 or JsonWebKey. Raises ``Malformed``."""
    kind = method.get("type")
    if kind in ("Multikey", "Ed25519VerificationKey2020"):
        return key_spelled(str(method.get("publicKeyMultibase", "")))
    if kind in ("JsonWebKey", "JsonWebKey2020"):
        return _key_in_jwk(method.get("publicKeyJwk"))
    raise Malformed("did_key_type_unsupported", ascii(kind)[:80])


def _key_in_jwk(jwk: Any) -> PublicKey:
    """RFC 7518 section 6.2, RFC 8037 section 2."""
    if type(jwk) is not dict or not all(type(jwk.get(name, "")) is str for name in ("kty", "crv", "x", "y")):
        raise Malformed("did_document_malformed", "publicKeyJwk is no JSON Web Key")
    kind, x, y = (jwk.get("kty"), jwk.get("crv")), b64decode(jwk.get("x", "")), b64decode(jwk.get("y", ""))
    if kind == ("OKP", "Ed25519"):
        return PublicKey.ed25519(x)
    if kind == ("EC", "P-256"):
        try:
            point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + x + y)
        except ValueError:
            raise Malformed("public_key_invalid", "not a point on P-256") from None
        return PublicKey.p256(point.public_bytes(Encoding.X962, PublicFormat.CompressedPoint))
    raise Malformed("did_key_type_unsupported", ascii(kind)[:80])


def _methods(document: Mapping[str, Any]) -> Iterator[tuple[str | None, str, dict[str, Any]]]:
    """Every verification method: in which relation it stands if it is embedded there, its place, and itself."""
    for relation in (None, *PURPOSES, "keyAgreement"):
        name = relation or "verificationMethod"
        for place, one in enumerate(_listed(document, name)):
            if type(one) is dict:
                yield relation, f"/{name}/{place}", one
            elif relation is None or type(one) is not str:
                raise Malformed("did_document_malformed", "no verification method", pointer=f"/{name}/{place}")


def _references(document: dict[str, Any], purpose: str, did: str) -> set[str]:
    return {_absolute(one, did) for one in _listed(document, purpose) if type(one) is str}


def _listed(document: Mapping[str, Any], name: str) -> list[Any]:
    listed = document.get(name, [])
    if type(listed) is not list:
        raise Malformed("did_document_malformed", f"{name} is no list", pointer=f"/{name}")
    return listed


def _absolute(name: Any, did: str) -> str:
    """A DID URL as the document means it: one that begins with # is relative to its id."""
    return "" if type(name) is not str else did + name if name.startswith("#") else name
