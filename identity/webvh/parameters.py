"""The parameters of a did:webvh log entry: which there are, and what each may be.

Read into the fields of ``Standing``; what an entry does not state is not in the answer, and stays as it was. Whether
an entry may state it is for ``rules``. After did:webvh v1.0, "did:webvh DID Method Parameters".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from identity.did import key_of, key_spelled
from identity.errors import Malformed, declare
from identity.keys import PublicKey
from identity.multihash import check_multihash
from identity.webvh.standing import TTL_S, Witness

METHOD = "did:webvh:1.0"
LIST_MAX = 64  # members of any list
TTL_MAX = 2**31
_TEXT_MAX = 1024  # letters of a hash or URI
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]+")

declare(
    "malformed",
    webvh_parameter_unknown=(
        "the log entry states a parameter that did:webvh 1.0 does not have",
        "state method, scid, updateKeys, nextKeyHashes, witness, watchers, portable, deactivated and ttl only",
    ),
    webvh_parameter_malformed=(
        "a parameter of the log entry is not what it should be",
        "write it as the did:webvh specification has it; lists name nothing twice",
    ),
    webvh_method_unsupported=("the log is of a method that is not supported", f"make it by {METHOD}"),
    webvh_key_malformed=(
        "an update key is no sound Ed25519 Multikey",
        "log entries are signed with Ed25519; write the keys as z6Mk…",
    ),
    webvh_witness_malformed=(
        "the witness parameter is not what it should be",
        "state a threshold of 1 up to the number of witnesses, and each witness once as {id: did:key of Ed25519}",
    ),
)


def read_parameters(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """What an entry states, under the names of ``Standing``, with ``method`` beside them. Raises ``Malformed``.

    ``null`` is read as the default that it stood for in early logs, as the specification asks of resolvers.
    """
    stated: dict[str, Any] = {}
    for name, value in parameters.items():
        if name not in _READERS:
            raise Malformed("webvh_parameter_unknown", ascii(name)[:80], pointer="/parameters")
        field, read = _READERS[name]
        stated[field] = read(_NULL[name] if value is None and name in _NULL else value, f"/parameters/{name}")
    return stated


def _method(value: Any, pointer: str) -> str:
    if value != METHOD or type(value) is not str:
        raise Malformed("webvh_method_unsupported", ascii(value)[:80], pointer=pointer)
    return value


def _scid(value: Any, pointer: str) -> str:
    if type(value) is not str:
        raise Malformed("webvh_parameter_malformed", "no string", pointer=pointer)
    check_multihash(value, pointer=pointer)
    return value


def _texts(value: Any, pointer: str) -> tuple[str, ...]:
    """A list of short texts, none of them twice."""
    if type(value) is not list or len(value) > LIST_MAX:
        raise Malformed("webvh_parameter_malformed", f"no list of at most {LIST_MAX} texts", pointer=pointer)
    for place, one in enumerate(value):
        if type(one) is not str or not 0 < len(one) <= _TEXT_MAX:
            raise Malformed("webvh_parameter_malformed", "not a short text", pointer=f"{pointer}/{place}")
    if len(set(value)) < len(value):
        raise Malformed("webvh_parameter_malformed", "the same text twice", pointer=pointer)
    return tuple(value)


def _keys(value: Any, pointer: str) -> tuple[str, ...]:
    keys = _texts(value, pointer)
    for place, one in enumerate(keys):
        _ed25519(key_spelled, one, "webvh_key_malformed", f"{pointer}/{place}")
    return keys


def _ed25519(read: Callable[[str], PublicKey], text: str, code: str, pointer: str) -> None:
    """Only Ed25519 can sign here (eddsa-jcs-2022), so another key is refused where it is named, not when it is used."""
    try:
        alg = read(text).alg
    except Malformed as wrong:
        raise Malformed(code, str(wrong), pointer=pointer) from None
    if alg != "Ed25519":
        raise Malformed(code, f"a key of {alg}", pointer=pointer)


def _witness(value: Any, pointer: str) -> Witness | None:
    if value == {} and type(value) is dict:
        return None
    if type(value) is not dict or value.keys() != {"threshold", "witnesses"}:
        raise Malformed("webvh_witness_malformed", "not threshold and witnesses", pointer=pointer)
    threshold, witnesses = value["threshold"], value["witnesses"]
    if type(witnesses) is not list or not 0 < len(witnesses) <= LIST_MAX:
        raise Malformed("webvh_witness_malformed", f"not 1 to {LIST_MAX} witnesses", pointer=pointer)
    for place, one in enumerate(witnesses):
        if type(one) is not dict or one.keys() != {"id"} or type(one["id"]) is not str:
            raise Malformed("webvh_witness_malformed", "not an id alone", pointer=f"{pointer}/witnesses/{place}")
        _ed25519(key_of, one["id"], "webvh_witness_malformed", f"{pointer}/witnesses/{place}/id")
    ids = tuple(one["id"] for one in witnesses)
    if len(set(ids)) < len(ids):
        raise Malformed("webvh_witness_malformed", "a witness is named twice", pointer=f"{pointer}/witnesses")
    if type(threshold) is not int or not 0 < threshold <= len(ids):
        raise Malformed("webvh_witness_malformed", f"not 1 to {len(ids)}", pointer=f"{pointer}/threshold")
    return Witness(threshold, ids)


def _watchers(value: Any, pointer: str) -> tuple[str, ...]:
    watchers = _texts(value, pointer)
    for place, one in enumerate(watchers):
        if not _URI.fullmatch(one):
            raise Malformed("webvh_parameter_malformed", "not a URI", pointer=f"{pointer}/{place}")
    return watchers


def _flag(value: Any, pointer: str) -> bool:
    if type(value) is not bool:
        raise Malformed("webvh_parameter_malformed", "neither true nor false", pointer=pointer)
    return value


def _ttl(value: Any, pointer: str) -> int:
    if type(value) is not int or not 0 <= value <= TTL_MAX:
        raise Malformed("webvh_parameter_malformed", f"not 0 to {TTL_MAX}", pointer=pointer)
    return value


_READERS: dict[str, tuple[str, Callable[[Any, str], Any]]] = {
    "method": ("method", _method),
    "scid": ("scid", _scid),
    "updateKeys": ("update_keys", _keys),
    "nextKeyHashes": ("next_key_hashes", _texts),
    "witness": ("witness", _witness),
    "watchers": ("watchers", _watchers),
    "portable": ("portable", _flag),
    "deactivated": ("deactivated", _flag),
    "ttl": ("ttl", _ttl),
}
_NULL: dict[str, Any] = {"updateKeys": [], "nextKeyHashes": [], "witness": {}, "watchers": [], "ttl": TTL_S}
