"""``cadastre rotate``, ``succeed``, ``consent`` and ``leave``: who speaks for a party changes, and its id does not.

cadastre did rotate did.jsonl --as second.key --next third.key        the log goes on, on this machine
cadastre rotate --did-log did.jsonl --as second.key                   and now the ledger has it

cadastre succeed --to new.key --as old.key                            from one did:key to another
cadastre succeed --did-log did.jsonl --to new.key --as old.key        or to a did:webvh
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from api.client import Speaker, Subject
from ledger.errors import Absent
from scripts.command import Halted, check_free, command
from scripts.didlog import LogFile
from scripts.files import keep
from scripts.jsonfile import read_object
from scripts.options import LOCAL, Json, Key, LedgerUrl
from scripts.output import print_admitted, print_note
from scripts.session import Session, opened_key, session
from scripts.speaking import Compromised, DidLog, compromises, consent_of, lines_ahead


@command(acts=True)
def rotate(
    key: Key,
    did_log: Annotated[
        Path,
        typer.Option("--did-log", metavar="FILE", exists=True, dir_okay=False, help="did.jsonl with its next lines."),
    ],
    compromised: Compromised = None,
    ledger: LedgerUrl = LOCAL,
    json: Json = False,
) -> None:
    """Go on with the log of the party's did:webvh: keys that change, another host, another document.

    Sign with a key that speaks for the DID, before these lines or after them.
    """
    log, stolen = LogFile(did_log), compromises(compromised)
    with session(ledger, key) as at:
        party = _party_of(at, log)
        body = lines_ahead(log, party.state["log"]) | stolen
        did = party.state["dids"][-1]
        at.client.speak_as(Speaker(did, did))
        print_admitted("party.rotated", at.act("party.rotated", body, party.id), json, did=log.standing.did)


@command(acts=True)
def succeed(
    key: Key,
    to: Annotated[
        str | None, typer.Option("--to", metavar="KEY", help="Key of the DID that is to speak: file, or pkcs11:…")
    ] = None,
    consent: Annotated[
        Path | None,
        typer.Option(metavar="FILE", exists=True, help="Its consent, if its key is elsewhere: cadastre consent."),
    ] = None,
    did_log: DidLog = None,
    compromised: Compromised = None,
    ledger: LedgerUrl = LOCAL,
    json: Json = False,
) -> None:
    """Let another DID speak for the party, in place of its did:key. Its id stays, and all that it holds."""
    if (to is None) == (consent is None):
        raise typer.BadParameter("say either --to KEY or --consent FILE")
    stolen = compromises(compromised)
    with session(ledger, key) as at:
        if consent is not None:
            body = consented(consent, at.party)
        else:
            assert to is not None
            with opened_key(to) as successor:
                log = None if did_log is None else LogFile(did_log)
                body = consent_of(successor, at.client.ledger().audience, at.party, log)
        admitted = at.act("party.succeeded", body | stolen, at.party)
        print_admitted("party.succeeded", admitted, json, did=body["did"])


@command("consent")
def consent_(
    party: Annotated[str, typer.Argument(metavar="PARTY", help="Party id, or a DID through which it speaks.")],
    key: Key,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where to write it; must not be there.")],
    did_log: DidLog = None,
    ledger: LedgerUrl = LOCAL,
) -> None:
    """Agree, with a key of a DID, that this DID may speak for a party: for succeed, and for a recovery."""
    check_free(out)
    log = None if did_log is None else LogFile(did_log)
    with session(ledger, reader=key) as at, opened_key(key) as signer:
        id_ = at.party_id(party)
        given = consent_of(signer, at.client.ledger().audience, id_, log)
    keep(out, orjson.dumps({"party": id_, **given}, option=orjson.OPT_SORT_KEYS) + b"\n")
    print_note(f"{given['did']} consents to speak for {id_}: {out}")


@command(acts=True)
def leave(
    key: Key,
    reason: Annotated[str | None, typer.Option(help="Why, in the open.")] = None,
    ledger: LedgerUrl = LOCAL,
    json: Json = False,
) -> None:
    """Leave the ledger: nobody acts for the party any more. What it signed stays."""
    with session(ledger, key) as at:
        body = {} if reason is None else {"reason": reason}
        print_admitted("party.left", at.act("party.left", body, at.party), json)


def consented(file: Path, party: str | None = None) -> dict[str, Any]:
    """The members of a consent, made for this party if it is named. Raises ``Halted`` (``consent_other``)."""
    members = read_object(file)
    if party is not None and (named := members.pop("party", None)) != party:
        raise Halted("consent_other", f"it is for {named}, not for {party}")
    return members


def _party_of(at: Session, log: LogFile) -> Subject:
    """The party that speaks through the DID of a log, in any place that it had."""
    for did in dict.fromkeys(one.did for one in reversed(log.standings)):
        try:
            return at.subject(did, "party")
        except Absent:
            continue
    raise Absent("party_absent", f"{log.standing.did} has not joined this ledger")
