"""``cadastre act``, ``sign`` and ``submit``: any kind of statement; signed offline, handed in later, one or many.

    cadastre sign asset.retired --body reason.json --sub asset_… --audience A --prev asset_…=LAST --as KEY --out FILE
    cadastre sign asset.retired --body reason.json --sub asset_… --ledger URL --as KEY --out FILE
    cadastre submit FILE …

``sign`` needs no network: what it would ask a ledger is given, the audience and the last act of each pinned subject.
Where there is a network, ``--ledger`` has it ask for what is not given.

A file to submit holds statements, one a line: as sent (a JWS, followed by its disclosures), or as a line of NDJSON
``{"statement":"<as sent>"}``.
"""

from __future__ import annotations

import secrets
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from api.client import Admitted, Verdict, conceal, sign_statement
from api.client.signing import pins_of
from identity.errors import Malformed, Problem, declare
from ledger.statement import receive
from scripts.command import Halted, check_free, command
from scripts.jsonfile import read_object
from scripts.options import LOCAL, Json, Key, LedgerUrl
from scripts.output import bar, print_admitted, print_note
from scripts.private import Hide, pointers
from scripts.refused import check_refusal, keep_refusal, kept_at, signed_refusal
from scripts.session import opened_key, session
from scripts.times import parse_span
from scripts.trust import Home

declare(
    "halted",
    nothing_to_submit=("there is no statement in these files", "make one with: cadastre sign"),
    batch_refused=("not all statements were admitted", "each line names its code: cadastre refusals CODE"),
)

KindName = Annotated[str, typer.Argument(metavar="KIND", help="See: cadastre kinds")]
Body = Annotated[Path, typer.Option(metavar="FILE", help="JSON of the body; - for stdin.", allow_dash=True)]
Sub = Annotated[str | None, typer.Option(metavar="ID", help="What it is about, unless it opens a subject.")]


@command(acts=True)
def act(
    kind: KindName,
    body: Body,
    key: Key,
    sub: Sub = None,
    hide: Hide = None,
    ledger: LedgerUrl = LOCAL,
    json: Json = False,
) -> None:
    """Sign an act of any kind and hand it in."""
    stated = read_object(body)
    with session(ledger, key) as at:
        print_admitted(kind, at.act(kind, stated, sub, hide=pointers(kind, hide)), json)


@command()
def sign(
    kind: KindName,
    body: Body,
    key: Key,
    sub: Sub = None,
    hide: Hide = None,
    audience: Annotated[
        str | None, typer.Option(metavar="ORIGIN#HASH", help="[default: that of the only ledger met so far]")
    ] = None,
    prev: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID=LAST", help="Last act of a pinned subject: its 'last' in cadastre show ID; may be repeated."
        ),
    ] = None,
    ledger: Annotated[
        str | None,
        typer.Option("--ledger", metavar="URL", help="Ask this ledger for the audience and for last acts not given."),
    ] = None,
    valid_for: Annotated[str, typer.Option(metavar="SPAN", help="How long it can be handed in.")] = "24h",
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write it; must not be there.  [default: stdout]")
    ] = None,
) -> None:
    """Sign an act without a network, to be submitted later. Prints what it opens on stderr."""
    if out is not None:
        check_free(out)
    stated, disclosures = conceal(read_object(body), pointers(kind, hide), secrets.token_bytes)
    pins = dict(map(_pin, prev or []))
    missing = [id_ for id_ in pins_of(kind, stated, sub) if id_ not in pins]
    if ledger is not None:
        with session(ledger) as at:
            audience = audience or at.client.ledger().audience
            pins |= {id_: at.client.subject(id_).last for id_ in missing}
    elif missing:
        raise Malformed("pins_not_fitting", f"{kind} also pins {' and '.join(missing)}", pointer="/payload/prev")
    with opened_key(key) as signing:
        sent = sign_statement(
            signing,
            audience=audience or _only_audience(),
            kind=kind,
            body=stated,
            sub=sub,
            prev=pins,
            now=int(time.time()),
            lifetime=parse_span(valid_for),
            disclosures=disclosures,
            randomness=secrets.token_bytes,
        )
    if out is None:
        print(sent.decode())
    else:
        with out.open("xb") as file:
            file.write(sent + b"\n")
    statement = receive(sent)
    print_note(f"statement {statement.id}")
    for opened in statement.opened.values():
        print_note(f"opens     {opened}")


@command(acts=True)
def submit(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE…", help="Signed statements; - for stdin.", allow_dash=True)
    ],
    ledger: LedgerUrl = LOCAL,
    json: Json = False,
) -> None:
    """Hand in signed statements: one verdict for each, in their order. The same ones again do no harm.

    Of several statements the refusal of each is kept in a file of its own: FILE.1, FILE.2, by its line.
    """
    statements = [statement for file in files for statement in _statements(file)]
    if not statements:
        raise Halted("nothing_to_submit", ", ".join(map(str, files)))
    with session(ledger) as at:
        if len(statements) == 1:
            admitted = at.submit(statements[0])
            print_admitted(_kind_of(statements[0]), admitted, json)
            return
        refused = 0
        for line, _ in enumerate(statements, 1):
            if (place := kept_at(line)) is not None:
                check_free(place)
        with bar("submitting", len(statements)) as progress:
            for verdict in at.client.submit_batch(statements):
                if not isinstance(verdict.outcome, Admitted):
                    refused += 1
                    check_refusal(verdict.outcome, statements[verdict.line - 1])
                _print_verdict(verdict, json)
                progress.advance(progress.task_ids[0])
    if refused:
        raise Halted("batch_refused", f"{refused} of {len(statements)} statements")


def _only_audience() -> str:
    known = Home.here().charters()
    if len(known) != 1:
        hint = f"{len(known)} ledgers were met from here; name one: --audience ORIGIN#HASH, or --ledger URL to ask it"
        raise typer.BadParameter(hint, param_hint="--audience")
    return known[0]


def _pin(text: str) -> tuple[str, str]:
    subject, equals, last = text.partition("=")
    if not equals or not subject or not last:
        raise typer.BadParameter(f"{text!r} is not ID=LAST", param_hint="--prev")
    return subject, last


def _statements(file: Path) -> Iterator[bytes]:
    """The statements in a file, as sent."""
    data = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    for number, line in enumerate(data.splitlines(), 1):
        if not line.strip():
            continue
        if not line.startswith(b"{"):
            yield line.strip()
            continue
        try:
            yield str(orjson.loads(line)["statement"]).encode("ascii")
        except (ValueError, KeyError):
            raise typer.BadParameter(f'{file}, line {number}: not {{"statement":"<as sent>"}}') from None


def _kind_of(sent: bytes) -> str:
    return receive(sent).claims.kind


def _print_verdict(verdict: Verdict, json: bool) -> None:
    outcome = verdict.outcome
    if isinstance(outcome, Admitted):
        shown: dict[str, Any] = {
            "line": verdict.line,
            "index": outcome.index,
            "time": outcome.time,
            "id": outcome.id,
            "subject": outcome.subject,
            "again": outcome.again,
        }
        text = (
            f"{verdict.line}  {'recorded before' if outcome.again else 'recorded'}  {outcome.index}  {outcome.subject}"
        )
    else:
        shown = {"line": verdict.line, "code": outcome.code, "detail": outcome.detail, "advice": outcome.advice}
        shown |= {"refusal": signed.decode()} if (signed := signed_refusal(outcome)) else {}
        text = f"{verdict.line}  refused  {outcome.code}: {outcome.detail or outcome.title}"
    print(orjson.dumps(shown).decode() if json else text)
    if isinstance(outcome, Problem) and signed_refusal(outcome) and kept_at(verdict.line) is not None:
        print_note(keep_refusal(outcome, verdict.line) or "")
