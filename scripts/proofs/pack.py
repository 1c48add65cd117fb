"""Audit packs (``ledger.pack``): a page with an entry, its history, and all that proves them.

The data are taken out of the page and judged here (``ledger.pack.judge``), under the policy of this machine or of
--policy, never that of the pack: no script of the page runs. Its checkpoint must be signed by a key that is trusted
so, and its charter be the one that this machine has met, if it has. That the page around the data is another one than
this release makes is told, since it may show its reader something else.
"""

from __future__ import annotations

from base64 import b64encode

import typer

from ledger.errors import CATALOGUE
from ledger.pack.judge import Act, Judged, digest_of_charter
from ledger.pack.judge import judge as judge_data
from ledger.pack.page import is_ours, is_page, parse_page
from ledger.pack.voices import Mandate
from scripts.command import tell_of
from scripts.output import print_json, print_note, print_pairs
from scripts.proofs import Asked
from scripts.times import show_micros
from scripts.trust import Home
from scripts.witnessed import members_of, pairs_of

ALTERED = "the page is another one than this release makes: do not believe what it shows, but what is said here"


def recognises(data: bytes) -> bool:
    return is_page(data)


def judge(data: bytes, asked: Asked) -> None:
    judged = judge_data(parse_page(data), asked.trusted())
    if judged.proven or judged.word == "diverged":
        _check_met(judged, asked)
    ours = is_ours(data)
    if asked.json:
        print_json(members(judged) | {"page": "ours" if ours else "another"})
    if not ours:
        print_note(ALTERED)
    if asked.policy is None and judged.pack is not None and judged.pack.policy is not None:
        print_note("the policy that came along counts for nothing here: name one that you trust by --policy FILE")
    if judged.proven and not asked.json:
        _print(judged)
        tell_remarks(judged)
    if judged.reason is not None:
        tell_verdict(judged)
    if not asked.json:
        print(judged.line())
    if judged.reason is not None:
        raise typer.Exit(1)


def _check_met(judged: Judged, asked: Asked) -> None:
    """Its log is known here, and by this charter if by any.

    Raises ``Unverifiable``: ``log_key_unknown``, ``charter_changed``.
    """
    charter = digest_of_charter(judged)
    origin = charter.rpartition("#")[0]
    asked.log_keys(origin)
    Home.here().check_charter(origin, charter)


def tell_remarks(judged: Judged) -> None:
    for remark in judged.remarks():
        print_note(remark)


def tell_verdict(judged: Judged) -> None:
    """Tell why it is not proven, or not witnessed although witnesses are asked for, in the words of the catalogue."""
    meaning = CATALOGUE[judged.reason or ""]
    at = "" if judged.index is None or judged.proven else f"entry {judged.index}: "
    tell_of(
        "disproven",
        code=meaning.code,
        title=meaning.title,
        detail=at + (judged.detail or meaning.title),
        index=judged.index,
        advice=meaning.advice,
    )


def members(judged: Judged) -> dict[str, object]:
    """The verdict for programs. ``remarks``: what it does not say."""
    return {
        "verdict": judged.word,
        "size": judged.size,
        "root": b64encode(judged.root).decode(),
        "index": judged.index,
        "reason": judged.reason,
        "detail": judged.detail,
        "witnesses": members_of(judged.seen),
        "remarks": judged.remarks(),
    }


def _print(judged: Judged) -> None:
    act = next(act for act in judged.acts if act.entry.index == judged.index)
    entry, claims = act.entry, act.statement.claims
    print(f"proven: entry {entry.index} of {entry.origin}")
    print_pairs(
        [
            ("recorded", f"{show_micros(entry.time)}, at index {entry.index} of the {judged.size} that the log signed"),
            *pairs_of(judged.seen),
            *_signed(judged, act),
            ("kind", claims.kind),
            ("subject", claims.sub or next(iter(act.statement.opened.values()))),
            ("id", act.statement.id),
            ("charter", digest_of_charter(judged)),
            ("history", f"{len(judged.acts)} entries, the charter's and the signers' among them"),
            *_disclosed(act),
        ],
        indent=2,
    )


def _signed(judged: Judged, act: Act) -> list[tuple[str, object]]:
    """Who signed, by which key, as far as the pack shows what became of it, and under which delegations."""
    statement, voices = act.statement, judged.voices
    found: list[tuple[str, object]] = [("signed", f"by {statement.key[0]}")]
    if (key := voices.key(statement, act.entry.index)) is not None:
        ended = f", until entry {key['ended']}" if "ended" in key else ""
        doubt = f", said to be compromised since entry {key['compromised']}" if "compromised" in key else ""
        found.append(("key", f"{key['key']}, from entry {key['index']}{ended}{doubt}"))
    if chain := voices.under(statement):
        found.append(("for", statement.claims.iss))
        found += [("under", f"{one.id}, of entry {one.index}, given to {one.to}{_ended(one)}") for one in chain]
    return found


def _ended(mandate: Mandate) -> str:
    doubt = "" if mandate.compromised is None else f", doubtful from entry {mandate.compromised} on"
    return "" if mandate.revoked is None else f", revoked by entry {mandate.revoked}{doubt}"


def _disclosed(act: Act) -> list[tuple[str, object]]:
    return [(f"disclosed {pointer}", value) for pointer, value in act.shown.items()]
