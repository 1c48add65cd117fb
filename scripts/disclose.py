"""``cadastre disclose``, ``grant``, ``inspect`` and ``erase``: private values, for those who may see them.

    cadastre disclose 17 --as org.key                             what I may see of entry 17, or of a subject: its ID
    cadastre grant 17 --to party_… --field /name --until 30d      let others see it; cadastre withdraw GRANT ends that
    cadastre inspect 17 --code audit --ground 'Art. 58 GDPR, case 4711'     an authority looks, and says why
    cadastre erase 17 --all --code gdpr-17 --ground 'consent was withdrawn'

Whatever the service hands out fits a digest in the statement, which is proven to be in the ledger, or it is not shown.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

import ledger.sight
from identity import disclosure
from scripts.command import check_free, command
from scripts.files import made_whole
from scripts.options import LOCAL, Json, Key, LedgerUrl
from scripts.output import print_admitted, print_json, print_note, print_pairs
from scripts.private import Private, compared, private_of, tombstones
from scripts.session import Session, index_named, session
from scripts.times import parse_end

assert ledger.sight  # imported for its codes

What = Annotated[
    str, typer.Argument(metavar="INDEX|ID", help="An entry, or a subject, whose terms or opening are meant.")
]
Fields = Annotated[
    list[str] | None,
    typer.Option("--field", metavar="/FIELD", help="Private field, by its pointer in the body; may be repeated."),
]
Out = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Keep statement and disclosures, as for pack --disclosure; must not be there."),
]
Code = Annotated[str, typer.Option(metavar="CODE", help="The ground for programs: gdpr-17, pipl-47, court-order …")]
Reason = Annotated[str, typer.Option("--ground", metavar="TEXT", help="The ground in words: law, order, case.")]


@command()
def disclose(
    what: What,
    key: Key,
    field: Fields = None,
    out: Out = None,
    ledger: LedgerUrl = LOCAL,
    json: Json = False,
) -> None:
    """Show the private values of an entry that the key's party may see, or lets its delegate see."""
    if out is not None:
        check_free(out)
    with session(ledger, key) as at:
        private = private_of(at, what)
        private.chosen(field)
        _show(at, private, field, at.client.disclosures(private.entry), out, json)


@command(acts=True)
def grant(
    what: Annotated[
        str, typer.Argument(metavar="INDEX|ID", help="An entry of one's own, or a subject: all one states about it.")
    ],
    key: Key,
    to: Annotated[list[str], typer.Option(metavar="PARTY", help="Who may see it; may be repeated.")],
    field: Fields = None,
    until: Annotated[str | None, typer.Option(metavar="WHEN", help="[default: until withdrawn]")] = None,
    ledger: LedgerUrl = LOCAL,
    json: Json = False,
) -> None:
    """Let other parties see private fields of the party's own statements."""
    with session(ledger, key) as at:
        body: dict[str, Any] = {"to": [at.party_id(one) for one in to]}
        if (index := index_named(what)) is None:
            body |= {"subject": at.subject(what).id} | ({"fields": field} if field else {})
        else:
            private = private_of(at, what)
            body |= {"subject": private.statement.about, "entry": index}
            body |= {"fields": list(private.chosen(field))} if field else {}
        if until is not None:
            body["until"] = parse_end(until, int(time.time()))
        print_admitted("disclosure.granted", at.act("disclosure.granted", body), json)


@command(acts=True)
def inspect(
    what: What,
    key: Key,
    code: Code,
    ground: Reason,
    field: Fields = None,
    out: Out = None,
    ledger: LedgerUrl = LOCAL,
    json: Json = False,
) -> None:
    """State as an authority that it looks at private fields, and show them: once."""
    if out is not None:
        check_free(out)
    with session(ledger, key) as at:
        private = private_of(at, what)
        body = private.named() | {"code": code, "ground": ground}
        body |= {"fields": list(private.chosen(field))} if field else {}
        look = at.act("disclosure.inspected", body)
        if not json:
            print_admitted("disclosure.inspected", look, json)
        _show(at, private, field, at.client.disclosures(private.entry, look.subject), out, json, look.subject)


@command(acts=True)
def erase(
    what: What,
    key: Key,
    code: Code,
    ground: Reason,
    field: Fields = None,
    every: Annotated[bool, typer.Option("--all", help="All private fields of the entry.")] = False,
    ledger: LedgerUrl = LOCAL,
    json: Json = False,
) -> None:
    """Have private values of an entry erased, for good; what was signed stays, and so do all proofs."""
    if every == bool(field):
        raise typer.BadParameter("say either --field /FIELD or --all")
    with session(ledger, key) as at:
        private = private_of(at, what)
        erased = tombstones(at.client)
        chosen = private.chosen(field).values()
        left = [one for one in chosen if not any(each.entry == private.entry for each in erased(one))]
        body = private.named() | {"digests": left or list(chosen), "code": code, "ground": ground}
        print_admitted("disclosure.erased", at.act("disclosure.erased", body), json, entry=private.entry)


def _show(
    at: Session,
    private: Private,
    fields: list[str] | None,
    texts: Sequence[str],
    out: Path | None,
    json: bool,
    look: str | None = None,
) -> None:
    """Print what was handed out, once each value fits its digest. Raises ``Malformed`` (``disclosure_unknown``)."""
    shown = {field: disclosure.show(text) for field, text in compared(private.statement, texts).items()}
    chosen = private.chosen(fields)
    values = {field: shown[field] for field in chosen if field in shown}
    erased_by = tombstones(at.client)
    missing = {field: digest for field, digest in chosen.items() if field not in values}
    erased = [field for field, one in missing.items() if any(e.entry == private.entry for e in erased_by(one))]
    withheld = [field for field in missing if field not in erased]
    if out is not None:
        kept = [text for text in texts if disclosure.digest(text) in {chosen[field] for field in values}]
        with made_whole(out) as file:  # for its owner alone to read
            file.write(disclosure.join(private.statement.signed.compact, kept))
    if json:
        named = {"index": private.entry, "id": private.statement.id} | ({"inspection": look} if look else {})
        print_json({**named, "values": values, "withheld": withheld, "erased": erased})
        return
    print(f"entry {private.entry}: {private.statement.claims.kind} of {private.party}")
    told = {**values, **dict.fromkeys(withheld, "withheld"), **dict.fromkeys(erased, "erased")}
    print_pairs([(field, told[field]) for field in chosen], indent=2)
    if out is not None and values:
        print_note(f"private values in {out}: {len(values)}; whoever has the file can read them")
