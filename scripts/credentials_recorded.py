"""``cadastre credential place``, ``record``, ``suspend``, ``reinstate`` and ``revoke``: credentials on a ledger.

    cadastre credential place --as KEY                                 a free place in the status lists of this ledger
    cadastre credential issue --body FILE --status URL --index N --as KEY --out FILE
    cadastre credential record FILE --as KEY                           its digest, holder, type and time; not itself
    cadastre credential verify FILE --ledger URL                       by its record, and the list that it publishes

The place comes first, since it stands in what is signed.
"""

from __future__ import annotations

import math
import secrets
import time
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from identity.credential.form import CREDENTIAL, period_of, types_of
from identity.credential.presentation import Secured
from identity.credential.secured import Opened, open_credential
from identity.errors import declare
from identity.status import Entry, entries_of, entry_of
from ledger.circulation.credential import LISTS_MAX, PLACES, digest_of
from scripts.command import Halted, command
from scripts.credential import UNSEEN, DidLogs, credentials, key_finder, read_secured
from scripts.options import LOCAL, Json, Key, LedgerUrl
from scripts.output import print_admitted, print_json, print_note, print_pairs
from scripts.published import PURPOSES, finder_at, list_at, named_by
from scripts.recorded import check_recordable
from scripts.session import Session, session

TRIES = 8  # places of a list; one that is half full has all of them taken once in 256 times

declare(
    "halted",
    credential_not_yours=(
        "the credential was issued by somebody else than the party that signs",
        "let its issuer put it on record",
    ),
    status_places_differ=(
        "the credential has two places in this ledger's status lists",
        "issue it anew, with one place for both purposes: cadastre credential place",
    ),
    status_lists_full=("no free place was found", "ask the ledger's operator"),
)

CredentialId = Annotated[str, typer.Argument(metavar="CREDENTIAL", help="Its id on the ledger.")]
Reason = Annotated[str | None, typer.Option(metavar="TEXT", help="Why, for everybody to read.")]


@command(into=credentials)
def place(key: Key, ledger: LedgerUrl = LOCAL, json: Json = False) -> None:
    """Find a free place in the status lists that the ledger publishes for you: picked at random, not kept.

    --json prints the credentialStatus of a body, for revocation and suspension.
    """
    with session(ledger, key) as at:
        number, index = free_place(at)
        urls = {purpose: list_at(at, (at.party, purpose, number)).document["id"] for purpose in PURPOSES}
    if json:
        print_json({"credentialStatus": [entry_of(purpose, index, url) for purpose, url in urls.items()]})
    else:
        print_pairs([("--status", urls["revocation"]), ("--index", index)])


@command(into=credentials, acts=True)
def record(
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="A credential you issued.")],
    key: Key,
    holder: Annotated[
        str | None, typer.Option(metavar="PARTY", help="Party id or DID.  [default: whom the credential is about]")
    ] = None,
    type_: Annotated[
        str | None, typer.Option("--type", metavar="TYPE", help="Which of its types rules go by, if it has several.")
    ] = None,
    role: Annotated[str | None, typer.Option(metavar="TAG", help="Role that it attests.")] = None,
    did_log: DidLogs = None,
    ledger: LedgerUrl = LOCAL,
    json: Json = False,
) -> None:
    """Put a credential on record that you issued: its digest, holder, type and time. It is verified, and not sent."""
    now = int(time.time())
    secured = read_secured(file)
    with session(ledger, key) as at:
        opened = open_credential(secured, finder_at(at, key_finder(did_log or [], now), now), now)
        if opened.issuer not in at.client.subject(at.party).state["dids"]:
            raise Halted("credential_not_yours", f"{opened.issuer} issued it")
        check_recordable(secured, opened)
        body = _described(at, secured, opened, type_)
        body["holder"] = at.party_id(_about(opened.document) if holder is None else holder)
        if role is not None:
            body["role"] = role
        admitted = at.act("credential.recorded", body)
    if "place" not in body:
        _note_unseen()
    print_admitted("credential.recorded", admitted, json, holder=body["holder"], digest=body["digest"])


@command(into=credentials, acts=True)
def revoke(
    credential: CredentialId, key: Key, reason: Reason = None, ledger: LedgerUrl = LOCAL, json: Json = False
) -> None:
    """Revoke a credential that you issued, for good."""
    _end("revoked", credential, key, reason, ledger, json)


@command(into=credentials, acts=True)
def suspend(
    credential: CredentialId, key: Key, reason: Reason = None, ledger: LedgerUrl = LOCAL, json: Json = False
) -> None:
    """Suspend a credential that you issued, until it is reinstated."""
    _end("suspended", credential, key, reason, ledger, json)


@command(into=credentials, acts=True)
def reinstate(credential: CredentialId, key: Key, ledger: LedgerUrl = LOCAL, json: Json = False) -> None:
    """Let a suspended credential hold again."""
    _end("reinstated", credential, key, None, ledger, json)


def free_place(at: Session) -> tuple[int, int]:
    """List and index of a place that no credential of the party has. Raises ``Halted`` (``status_lists_full``)."""
    for number in range(LISTS_MAX):
        for _ in range(TRIES):
            index = secrets.randbelow(PLACES)
            taken = at.client.search(type="credential", listed=f"{at.party}/{number}/{index}", limit=1)
            if next(taken, None) is None:
                return number, index
    raise Halted("status_lists_full", at.party)


def _described(at: Session, secured: Secured, opened: Opened, type_: str | None) -> dict[str, Any]:
    """The body of credential.recorded, but for holder and role."""
    document = opened.document
    since, until = period_of(document)
    body = {
        "issuer": at.party,
        "type": type_ or _type(document),
        "digest": digest_of(secured),
        "validFrom": 0 if since is None else max(0, math.ceil(since)),
    }
    if until is not None:
        body["validUntil"] = math.floor(until)
    places = {_place_in(at, entry) for entry in entries_of(document)} - {None}
    if len(places) > 1:
        raise Halted("status_places_differ", f"{len(places)} places")
    for number, index in filter(None, places):
        body["place"] = {"list": number, "index": index}
    return body


def _place_in(at: Session, entry: Entry) -> tuple[int, int] | None:
    """The place that an entry names in the signer's own lists on this ledger; None if its list is elsewhere."""
    named = named_by(entry.url)
    if named is None or named[:2] != (at.party, entry.purpose) or list_at(at, named).document["id"] != entry.url:
        return None
    return named[2], entry.place


def _note_unseen() -> None:
    print_note(f"it has no place in this ledger's status lists: {UNSEEN}")


def _type(document: dict[str, Any]) -> str:
    types = [one for one in types_of(document) if one != CREDENTIAL]
    if len(types) > 1:
        raise typer.BadParameter(f"say by which type it goes: {', '.join(types)}", param_hint="--type")
    return types[0] if types else CREDENTIAL


def _about(document: dict[str, Any]) -> str:
    """The DID of the one whom a credential is about."""
    subjects = document["credentialSubject"]
    ids = [one.get("id") for one in (subjects if isinstance(subjects, list) else [subjects])]
    if len(ids) != 1 or not isinstance(ids[0], str) or not ids[0].startswith("did:"):
        raise typer.BadParameter("say whose it is: it names no one DID as its subject", param_hint="--holder")
    return ids[0]


def _end(
    word: Literal["revoked", "suspended", "reinstated"],
    credential: str,
    key: str,
    reason: str | None,
    ledger: str,
    json: bool,
) -> None:
    with session(ledger, key) as at:
        found = at.subject(credential, "credential")
        body = {"holder": found.state["holder"]} | ({} if reason is None else {"reason": reason})
        kind = f"credential.{word}"
        if found.state["place"] is None and word != "reinstated":
            _note_unseen()
        elif word == "suspended":
            print_note(
                "the list of suspensions tells of it: whoever verifies a credential that names the list of revocations "
                "alone has to ask the ledger"
            )
        print_admitted(kind, at.act(kind, body, found.id), json, holder=body["holder"])
