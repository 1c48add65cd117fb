"""Where the fault lies when an entry does not hold: in it, in its neighbour, or in what this software knows."""

from __future__ import annotations

from identity.jws import parse, verify
from ledger.audit.source import Source
from ledger.audit.verdict import Finding
from ledger.circulation.charter import LedgerAmended, LedgerOpened
from ledger.errors import Problem
from ledger.log.chain import link_of, parse_entry
from ledger.log.merkle import leaf_hash
from ledger.world import RULES, World


def damaged(source: Source, index: int, reason: str) -> tuple[int, str]:
    """The entry to be named, and the reason, when the entry at ``index`` was found wrong for ``reason``.

    Time and link compare two neighbours, so the fault may be the other's.
    """
    if reason in ("entry_time_wrong", "entry_link_wrong") and index > 0 and _is_altered(source, index - 1):
        return index - 1, "entry_altered"
    return index, reason


def _is_altered(source: Source, index: int) -> bool:
    """Whether an entry is another than it was when its follower was entered.

    It is if the follower does not link to it, and its leaf in the stored tree stands for another; where no tree is
    shown, if the entry after the follower still links to the follower as it is.
    """
    try:
        entry, follower, third = (source.entry(index + step) for step in range(3))
        if entry is None or follower is None or parse_entry(follower).link == link_of(entry):
            return False
        if (leaf := source.leaf(index)) is not None:
            return leaf != leaf_hash(entry)
        return third is not None and parse_entry(third).link == link_of(follower)
    except Problem:  # what lies about is damaged too: the entry that was found stays named
        return False


def check_known_rules(source: Source, index: int, world: World) -> None:
    """Raise ``Finding`` (newer) if the entry raises the ledger to rules that this software does not know."""
    try:
        entry = source.entry(index)
    except Problem:
        return
    if entry is not None and (rules := rules_raised(entry, index, world)) is not None:
        raise Finding("newer", "rules_unknown", f"rules version {rules}; the newest known is {RULES}", index=index)


def rules_raised(entry: bytes, index: int, world: World) -> int | None:
    """The rules version to which an entry raises the ledger, if this software does not know it.

    Only if governance signed it: nobody else can stop an audit. From there on, and with that very entry, any kind,
    field or algorithm may be one that a later release defines.
    """
    try:
        signed = parse(parse_entry(entry).statement)
        verify(signed)
    except Problem:
        return None
    claims = signed.claims
    body = claims.get("body")
    if not isinstance(body, dict) or not isinstance(rules := body.get("rules"), int) or rules <= RULES:
        return None
    kind = LedgerAmended.NAME if index else LedgerOpened.NAME
    governance = world.charter.governance if index else body.get("governance")
    raised = claims.get("kind") == kind and signed.kid.partition("#")[0] == claims.get("iss") == governance
    return rules if raised else None
