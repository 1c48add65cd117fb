"""States as people read them: what a party's keys, log, trustees and credentials come to, a line each.

What is not told here is printed as it is; ``--json`` has everything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from scripts.times import show_seconds

_SPANS = {"d": 86_400, "h": 3_600, "min": 60}


def readable(state: Mapping[str, Any]) -> dict[str, Any]:
    """The state, with lines in place of what has parts."""
    return {name: _TOLD[name](value) if name in _TOLD and value else value for name, value in state.items()}


def show_span(seconds: int) -> str:
    """``7 d``, ``36 h``, ``90 s``: in the largest unit that leaves nothing over."""
    unit, length = next(((unit, of) for unit, of in _SPANS.items() if seconds % of == 0), ("s", 1))
    return f"{seconds // length} {unit}"


def _contact(contact: Any) -> Any:
    """The ways to reach somebody; as it is, where it is withheld."""
    if not isinstance(contact, dict) or "_sd" in contact:
        return contact
    return "\n".join(f"{way} {value}" for way, value in contact.items() if value is not None)


def _key(one: Mapping[str, Any]) -> str:
    told = f"{one['key']}  since entry {one['index']}"
    if "ended" in one:
        told += f", until entry {one['ended']}"
    if "compromised" in one:
        return f"{told}: doubtful from entry {one['compromised']} on"
    return f"{told}: replaced" if "ended" in one else told


def _log(log: Mapping[str, Any]) -> str:
    standing = log["standing"]
    number = standing["versionId"].partition("-")[0]
    witness = standing["witness"]
    seen = f"{witness['threshold']} of {len(witness['witnesses'])}" if witness.get("witnesses") else "none"
    lines = [
        f"version {number} of {standing['versionTime']}, in entries {', '.join(map(str, log['entries']))}",
        f"served at {log['place']}" if log["place"] else "hosted elsewhere",
        f"next keys announced: {'yes' if standing['nextKeyHashes'] else 'no'}; witnesses: {seen}",
    ]
    if log["keyAgreement"]:
        lines.append(f"sealed to {', '.join(log['keyAgreement'])}")
    return "\n".join(lines)


def _trust(one: Mapping[str, Any]) -> str:
    if not one["trustees"]:
        return f"nobody, from {show_seconds(one['since'])} on"
    trustees = ", ".join(one["trustees"])
    return f"{one['threshold']} of {trustees}; {show_span(one['wait'])} to object; from {show_seconds(one['since'])} on"


def _credential(one: Mapping[str, Any]) -> str:
    role = "" if one["role"] is None else f" as {one['role']}"
    until = "" if one["until"] is None else f" until {show_seconds(one['until'])}"
    return f"{one['credential']}  {one['type']}{role}, by {one['issuer']}{until}"


def _leaving(one: Mapping[str, Any]) -> str:
    return f"by entry {one['index']}, with {one['key']}"


def _alias(one: Mapping[str, Any]) -> str:
    return f"{one['alias']}  {one['status']}" + (f" by {one['attestation']}" if "attestation" in one else "")


def _lines(told: Callable[[Mapping[str, Any]], str]) -> Callable[[Any], str]:
    return lambda items: "\n".join(map(told, items))


_TOLD: dict[str, Callable[[Any], Any]] = {
    "aliases": _lines(_alias),
    "contact": _contact,
    "credentials": _lines(_credential),
    "dids": "\n".join,
    "keys": _lines(_key),
    "leaving": _leaving,
    "log": _log,
    "trust": _lines(_trust),
}
