"""States as people read them: what a party's keys, log, trustees and credentials come to, a line each.

What is not told here is printed as it is; ``--json`` has everything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from scripts.times import show_seconds

Named = Callable[[str], str]
"""Gives the id or DID of a party with its name beside it."""

_TIMES = frozenset({"since", "due", "at", "logKeySince"})
_LENGTHS = frozenset({"wait", "validity", "clock", "overlap"})
_PARTIES = frozenset(
    {"party", "holder", "issuer", "to", "by", "provider", "consumer", "trustees", "supporters", "before", "did"}
)
_SPANS = {"d": 86_400, "h": 3_600, "min": 60}


def readable(state: Mapping[str, Any], named: Named = str) -> dict[str, Any]:
    """The state, with lines in place of what has parts, times and spans as people write them, and parties ``named``."""
    return {name: _readable(name, value, named) for name, value in state.items()}


def _readable(name: str, value: Any, named: Named) -> Any:
    if name in _TOLD and (value or value == 0):
        return _TOLD[name](value, named)
    if type(value) is int and name in _TIMES:
        return show_seconds(value)
    if type(value) is int and name in _LENGTHS:
        return show_span(value)
    if name in _PARTIES and isinstance(value, str):
        return named(value)
    if name in _PARTIES and isinstance(value, list):
        return "\n".join(map(named, value))
    return value


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
        f"version {number} of {standing['versionTime']}, stated in entry {log['entry']}",
        f"served at {log['place']}" if log["place"] else "hosted elsewhere",
        f"next keys announced: {'yes' if standing['nextKeyHashes'] else 'no'}; witnesses: {seen}",
    ]
    if log["keyAgreement"]:
        lines.append(f"sealed to {', '.join(log['keyAgreement'])}")
    return "\n".join(lines)


def _trust(one: Mapping[str, Any], named: Named) -> str:
    if not one["trustees"]:
        return f"nobody, from {show_seconds(one['since'])} on"
    trustees = ", ".join(map(named, one["trustees"]))
    return f"{one['threshold']} of {trustees}; {show_span(one['wait'])} to object; from {show_seconds(one['since'])} on"


def _credential(one: Mapping[str, Any], named: Named) -> str:
    role = "" if one["role"] is None else f" as {one['role']}"
    until = "" if one["until"] is None else f" until {show_seconds(one['until'])}"
    return f"{one['credential']}  {one['type']}{role}, by {named(one['issuer'])}{until}"


def _leaving(one: Mapping[str, Any]) -> str:
    return f"by entry {one['index']}, with {one['key']}"


def _alias(one: Mapping[str, Any]) -> str:
    return f"{one['alias']}  {one['status']}" + (f" by {one['attestation']}" if "attestation" in one else "")


def _place(place: Mapping[str, Any]) -> str:
    return f"{place['index']} of status list {place['list']}"


def _depth(depth: int) -> str:
    return "may not be given on" if depth == 0 else f"may be given on {'once' if depth == 1 else f'{depth} times'}"


def _lines(told: Callable[[Mapping[str, Any]], str]) -> Callable[[Any, Named], str]:
    return lambda items, _: "\n".join(map(told, items))


def _lines_named(told: Callable[[Mapping[str, Any], Named], str]) -> Callable[[Any, Named], str]:
    return lambda items, named: "\n".join(told(one, named) for one in items)


def _plain(told: Callable[[Any], Any]) -> Callable[[Any, Named], Any]:
    return lambda value, _: told(value)


_TOLD: dict[str, Callable[[Any, Named], Any]] = {
    "aliases": _lines(_alias),
    "compromised": _plain("from entry {} on".format),
    "contact": _plain(_contact),
    "credentials": _lines_named(_credential),
    "depth": _plain(_depth),
    "dids": _plain("\n".join),
    "keys": _lines(_key),
    "leaving": _plain(_leaving),
    "log": _plain(_log),
    "place": _plain(_place),
    "trust": _lines_named(_trust),
}
