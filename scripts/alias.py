"""``cadastre alias``: names that others gave a party or an asset, claimed and withdrawn, attested and disputed.

cadastre alias add lei:529900T8BM49AURSDO55 88.118.8/abc --as KEY                of the party that signs
cadastre alias add gtin:4012345123456 --of ASSET --as KEY                        of an asset it holds
cadastre alias attest PARTY lei:529900T8BM49AURSDO55 --evidence FILE --as KEY    by a registrar of the charter
cadastre alias dispute PARTY lei:529900T8BM49AURSDO55 --reason TEXT --as KEY
cadastre show lei:529900T8BM49AURSDO55                                           who has it, with a proof
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Any

import typer

from api.client import Subject
from identity.alias import read_alias
from identity.canonical import b64encode
from identity.errors import declare
from scripts.command import Halted, app, command
from scripts.help import ExplainedGroup
from scripts.options import LOCAL, Json, Key, LedgerUrl
from scripts.output import print_admitted
from scripts.session import Session, session

declare(
    "halted",
    alias_not_attested=("this alias of the subject is not attested", "see for whom it is: cadastre show ALIAS"),
)

aliases = typer.Typer(
    cls=ExplainedGroup,
    help="Claim names that others gave a party or an asset (LEI, GLN, GTIN, BPN, USCC, 88.x), and attest them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(aliases, name="alias")

Aliases = Annotated[
    list[str],
    typer.Argument(metavar="ALIAS…", help="SCHEME:VALUE of lei, gln, gtin, bpn, uscc, handle; or a handle 88.…/…"),
]
AliasName = Annotated[str, typer.Argument(metavar="ALIAS", help="As it was claimed.")]
Of = Annotated[
    str | None, typer.Option("--of", metavar="ASSET", help="Of an asset you hold.  [default: of your party]")
]
Named = Annotated[str, typer.Argument(metavar="ID|DID", help="The party or asset that has claimed it.")]


@command(into=aliases, acts=True)
def add(named: Aliases, key: Key, of: Of = None, ledger: LedgerUrl = LOCAL, json: Json = False) -> None:
    """Claim aliases. A registrar of the charter can attest them."""
    _change("claimed", named, key, of, ledger, json)


@command(into=aliases, acts=True)
def remove(named: Aliases, key: Key, of: Of = None, ledger: LedgerUrl = LOCAL, json: Json = False) -> None:
    """Withdraw aliases, attested or not."""
    _change("withdrawn", named, key, of, ledger, json)


@command(into=aliases, acts=True)
def attest(
    subject: Named,
    alias: AliasName,
    key: Key,
    evidence: Annotated[
        Path,
        typer.Option(metavar="FILE", exists=True, dir_okay=False, help="What shows it; its digest goes on record."),
    ],
    ledger: LedgerUrl = LOCAL,
    json: Json = False,
) -> None:
    """Attest, as a registrar, that an alias is the subject's own. It can be so for one subject at a time."""
    spelt = read_alias(alias)
    with evidence.open("rb") as file:
        digest = b64encode(hashlib.file_digest(file, "sha256").digest())
    with session(ledger, key) as at:
        body = {"subject": _subject(at, subject).id, "alias": spelt, "evidence": digest}
        print_admitted("alias.attested", at.act("alias.attested", body), json, alias=spelt, evidence=digest)


@command(into=aliases, acts=True)
def dispute(
    subject: Named,
    alias: AliasName,
    key: Key,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why, for everybody to read.")],
    ledger: LedgerUrl = LOCAL,
    json: Json = False,
) -> None:
    """Take an attestation back, as the registrar who gave it or another: the alias is only claimed again."""
    spelt = read_alias(alias)
    with session(ledger, key) as at:
        found = _subject(at, subject)
        attestation = next(
            (one["attestation"] for one in found.state["aliases"] if one["alias"] == spelt and "attestation" in one),
            None,
        )
        if attestation is None:
            raise Halted("alias_not_attested", f"{spelt} of {found.id}")
        body = {"subject": found.id, "reason": reason}
        print_admitted("alias.disputed", at.act("alias.disputed", body, attestation), json, alias=spelt, of=found.id)


def _change(word: str, named: list[str], key: str, of: str | None, ledger: str, json: bool) -> None:
    body: dict[str, Any] = {word: [read_alias(one) for one in named]}
    with session(ledger, key) as at:
        sub = at.party if of is None else at.subject(of, "asset").id
        kind = "party.aliased" if of is None else "asset.aliased"
        print_admitted(kind, at.act(kind, body, sub), json, **{word: body[word]})


def _subject(at: Session, named: str) -> Subject:
    return at.subject(named, "party", "asset")
