"""``cadastre delegate``, ``enrol`` and ``revoke``: others act for a party, within bounds, until it says no.

cadastre delegate did:key:z6Mk… --kind 'asset.*' --until 90d --as org.key        one person, machine or agent
cadastre enrol devices.csv --kind asset.registered --until 52w --as org.key      thousands of devices
CADASTRE_FOR=delegation_… cadastre register data.csv --as device.key             an act under a delegation
"""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import orjson
import typer

from api.client import Admitted, Subject
from identity.did import check_did
from identity.errors import Problem, declare
from ledger.circulation.party import Nature
from ledger.statement import receive
from scripts.command import Halted, check_free, command
from scripts.money import Price, parse_price
from scripts.options import LOCAL, Json, Key, LedgerUrl, Until
from scripts.output import bar, print_admitted, print_note
from scripts.refused import check_refusal
from scripts.session import Session, session
from scripts.times import parse_end, parse_start, show_seconds

declare(
    "halted",
    enrolment_malformed=("a line of the file names no DID", "write DID or DID,NAME: one a line"),
    enrolment_refused=("not all were enrolled", "each line names its code; run it again with the lines left over"),
)

NOTES_MAX = 20  # lines of a file that are told to be enrolled twice

Kinds = Annotated[
    list[str],
    typer.Option("--kind", metavar="KIND", help="What may be done: asset.registered, 'asset.*', '*'; may be repeated."),
]
Subjects = Annotated[
    list[str] | None, typer.Option("--subject", metavar="ID", help="On these subjects alone; may be repeated.")
]
Amounts = Annotated[
    list[Price] | None,
    typer.Option(
        "--amount", parser=parse_price, metavar="'AMOUNT CODE'", help="No act may name more; may be repeated."
    ),
]
From = Annotated[str | None, typer.Option("--from", metavar="WHEN", help="[default: at once]", show_default=False)]
Depth = Annotated[int, typer.Option(min=0, max=3, help="How many times it may be given on.")]
NatureOption = Annotated[Nature, typer.Option("--nature", help="What acts under it.")]


@command(acts=True)
def delegate(
    to: Annotated[str, typer.Argument(metavar="DID", help="A did:key, or the DID of a party of this ledger.")],
    key: Key,
    kind: Kinds,
    until: Until,
    subject: Subjects = None,
    amount: Amounts = None,
    valid_from: From = None,
    depth: Depth = 0,
    nature: NatureOption = "person",
    name: Annotated[str | None, typer.Option(help="What it is called.")] = None,
    private: Annotated[bool, typer.Option("--private", help="Hide the name behind a digest.")] = False,
    ledger: LedgerUrl = LOCAL,
    json: Json = False,
) -> None:
    """Let a DID act for the party, within these bounds. Under a delegation with depth left, give it on."""
    body = _body(kind, until, subject, amount, valid_from, depth, nature)
    hide = ["/name"] if private and name else []
    with session(ledger, key) as at:
        if not to.startswith("did:key:"):
            at.party_id(to)
        before = _in_force(at, at.party, to)
        admitted = at.act("party.delegated", _named(body, to, name), hide=hide)
        print_admitted("party.delegated", admitted, json, to=to)
    for one in before:
        print_note(f"{to} has another delegation that stays in force: {_told(one)}")


@command()
def enrol(
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="DID or DID,NAME a line.")],
    key: Key,
    kind: Kinds,
    until: Until,
    subject: Subjects = None,
    amount: Amounts = None,
    valid_from: From = None,
    nature: NatureOption = "device",
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write DID,DELEGATION of each; must not be there.")
    ] = None,
    ledger: LedgerUrl = LOCAL,
    json: Json = False,
) -> None:
    """Let many devices act for the party: a delegation each, which can be revoked by itself."""
    if out is not None:
        check_free(out)
    body = _body(kind, until, subject, amount, valid_from, 0, nature)
    enrolled = list(_enrolled(file))
    refused = 0
    with session(ledger, key) as at, bar("enrolling", len(enrolled)) as progress:
        _note_twice(enrolled, _in_force(at, at.party))
        sent = [at.client.compose("party.delegated", _named(body, one.did, one.name)) for one in enrolled]
        at.tell_for_whom()
        lines = []
        for one, statement, verdict in zip(enrolled, sent, at.client.submit_batch(sent), strict=True):
            outcome = verdict.outcome
            if isinstance(outcome, Admitted):
                lines.append(f"{one.did},{receive(statement).opened['delegation']}\n")
            else:
                check_refusal(outcome, statement)
                refused += 1
                _tell(one.line, outcome, json)
            progress.advance(progress.task_ids[0])
    if out is not None:
        out.write_text("".join(lines), "utf-8")
    shown = {"enrolled": len(lines), "refused": refused}
    print(orjson.dumps(shown).decode() if json else f"enrolled: {len(lines)} of {len(enrolled)}")
    if refused:
        raise Halted("enrolment_refused", f"{refused} of {len(enrolled)}")


@command(acts=True)
def revoke(
    delegation: Annotated[str, typer.Argument(metavar="DELEGATION", help="Id of the delegation.")],
    key: Key,
    compromised: Annotated[
        bool, typer.Option("--compromised", help="Others may have used the key: what it signed is doubtful.")
    ] = False,
    since: Annotated[int | None, typer.Option(metavar="INDEX", min=0, help="First entry that is doubtful.")] = None,
    ledger: LedgerUrl = LOCAL,
    json: Json = False,
) -> None:
    """End a delegation, and with it all that go back to it."""
    if since is not None and not compromised:
        raise typer.BadParameter("it goes with --compromised", param_hint="--since")
    body: dict[str, Any] = {"reason": "compromised" if compromised else "retired"}
    if since is not None:
        body["since"] = since
    with session(ledger, key) as at:
        state = at.subject(delegation, "delegation").state
        print_admitted("delegation.revoked", at.act("delegation.revoked", body, delegation), json)
        for one in _in_force(at, state["party"], state["to"]):
            if one.id != delegation and delegation not in one.state["chain"]:
                print_note(f"{state['to']} still has another in force: {_told(one)}; end it: cadastre revoke {one.id}")


def _in_force(at: Session, party: str, to: str | None = None) -> list[Subject]:
    """The delegations that a party gave, to one DID if it is named, which nobody revoked and no time has ended."""
    now = int(time.time())
    given = at.client.search(type="delegation", delegator=party, delegate=to, limit=100)
    return [one for one in given if one.state["status"] == "active" and one.state["until"] >= now]


def _told(given: Subject) -> str:
    return f"{given.id}, {' '.join(given.state['kinds'])}, until {show_seconds(given.state['until'])}"


def _note_twice(enrolled: list[_Enrolled], before: list[Subject]) -> None:
    """Say which devices have a delegation in force, or stand in the file twice."""
    met = {one.state["to"]: f"has another delegation that stays in force: {_told(one)}" for one in reversed(before)}
    notes = []
    for one in enrolled:
        if one.did in met:
            notes.append(f"line {one.line}: {one.did} {met[one.did]}")
        met[one.did] = f"stands on line {one.line} as well"
    for note in notes[:NOTES_MAX]:
        print_note(note)
    if len(notes) > NOTES_MAX:
        print_note(f"… and {len(notes) - NOTES_MAX} more have two delegations")


class _Enrolled(NamedTuple):
    line: int
    did: str
    name: str | None


def _enrolled(file: Path) -> Iterator[_Enrolled]:
    """The lines of a file. Raises ``Halted``."""
    with file.open(encoding="utf-8", newline="") as text:
        for line, row in enumerate(csv.reader(text), 1):
            if not row:
                continue
            try:
                check_did(row[0])
            except Problem as wrong:
                raise Halted("enrolment_malformed", f"line {line}: {wrong}") from None
            yield _Enrolled(line, row[0], row[1] if len(row) > 1 and row[1] else None)


def _body(
    kinds: list[str],
    until: str,
    subjects: list[str] | None,
    amounts: list[Price] | None,
    valid_from: str | None,
    depth: int,
    nature: str,
) -> dict[str, Any]:
    powers: dict[str, Any] = {"kinds": kinds}
    if subjects:
        powers["subjects"] = subjects
    if amounts:
        powers["amounts"] = [one.json() for one in amounts]
    body: dict[str, Any] = {"nature": nature, "powers": powers, "until": parse_end(until, int(time.time()))}
    if depth:
        body["depth"] = depth
    if valid_from is not None:
        body["since"] = parse_start(valid_from, int(time.time()))
    return body


def _named(body: dict[str, Any], to: str, name: str | None) -> dict[str, Any]:
    return {**body, "to": to} if name is None else {**body, "to": to, "name": name}


def _tell(line: int, outcome: Problem, json: bool) -> None:
    if json:
        print(orjson.dumps({"line": line, "code": outcome.code, "detail": outcome.detail}).decode())
    else:
        print_note(f"line {line}: refused: {outcome.code}: {outcome.detail or outcome.title}")
