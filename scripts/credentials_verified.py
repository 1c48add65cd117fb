"""``cadastre credential verify``: whether what somebody shows was signed by whom it says, and holds yet.

    cadastre credential verify FILE                       offline: signatures and times; keys of did:key, --did-log
    cadastre credential verify FILE --status LIST         and by the status lists given along
    cadastre credential verify FILE --ledger URL          and by what that ledger has on record, and publishes

What was not checked is said. No list and no record is no good news, and none that is bad.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from api.client import Subject
from identity.canonical import b64decode
from identity.credential.form import an_object, types_of
from identity.credential.presentation import Secured, Shown, open_presentation
from identity.credential.secured import Opened, Resolve, open_credential
from identity.errors import Problem, Unverifiable, declare
from identity.jcs import decode_any
from identity.status import REVOCATION, Status, check_status
from scripts.command import command
from scripts.credential import DidLogs, as_list, credentials, key_finder, read_secured
from scripts.options import Json, ReaderKey
from scripts.output import print_json, print_pairs
from scripts.published import finder_at, lists_at, service_of
from scripts.recorded import check_recorded, shown_in
from scripts.session import Session, session
from scripts.times import parse_end

declare(
    "unverifiable",
    credential_issuer_other=("the credential is from somebody else", "ask for one by an issuer you named by --issuer"),
)

_MEMBERS = ("readers_members", "reader_unknown")


@dataclass
class _Standing:
    """What was found of whether a credential holds yet. ``record``: None where the ledger has nothing on record.

    ``unasked`` is why nobody could say that it was revoked; empty where somebody did.
    """

    lists: list[Status] = field(default_factory=list)
    record: Subject | None = None
    unasked: str = ""


@command(into=credentials, no="disproven")
def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="What was shown.")],
    status: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", exists=True, dir_okay=False, help="A status list; may be repeated."),
    ] = None,
    status_issuer: Annotated[
        list[str] | None,
        typer.Option(
            metavar="DID", help="Whose lists count beside the issuer's own: a ledger's service; may be repeated."
        ),
    ] = None,
    no_status: Annotated[bool, typer.Option("--no-status", help="Do not ask whether it was revoked.")] = False,
    issuer: Annotated[
        list[str] | None,
        typer.Option(metavar="DID", help="An issuer whose word counts; may be repeated.  [default: any]"),
    ] = None,
    did_log: DidLogs = None,
    ledger: Annotated[
        str | None,
        typer.Option(
            "--ledger", metavar="URL", help="Ask this ledger for its record of it, and for lists and logs not given."
        ),
    ] = None,
    key: ReaderKey = None,
    challenge: Annotated[str | None, typer.Option(metavar="TEXT", help="What a presentation has to answer.")] = None,
    domain: Annotated[str | None, typer.Option(metavar="NAME", help="For whom it has to be made.")] = None,
    at: Annotated[
        str | None,
        typer.Option(
            metavar="WHEN", help="The time at which it has to be valid, and not revoked since.  [default: now]"
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Verify a credential, or a presentation and all credentials in it, offline unless a ledger is named.

    One that names a status list needs it. One that names none can be revoked only on a ledger: name that.
    """
    now = int(time.time())
    now = now if at is None else parse_end(at, now)
    secured = read_secured(file)
    with ExitStack() as asked:
        source = None if ledger is None else asked.enter_context(session(ledger, reader=key))
        resolve = key_finder(did_log or [], now)
        resolve = resolve if source is None else finder_at(source, resolve, now)
        if _is_presentation(secured):
            shown = open_presentation(secured, resolve, now, challenge, domain)
            parts = shown_in(secured)
        elif challenge is not None or domain is not None:
            raise typer.BadParameter("a credential answers no challenge: leave out --challenge and --domain")
        else:
            shown, parts = Shown("", "", (open_credential(secured, resolve, now),)), [secured]
        if issuer and not shown.credentials:
            raise Unverifiable("credential_issuer_other", "the presentation holds no credential")
        for opened in shown.credentials:
            if issuer and opened.issuer not in issuer:
                raise Unverifiable("credential_issuer_other", f"{opened.issuer} is not one of those named")
        if no_status:
            standings = [_Standing(unasked="--no-status") for _ in parts]
        else:
            lists = _lists(status or [], resolve, now)
            standings = _standings(source, parts, shown.credentials, lists, status_issuer or [], now)
        origin = None if source is None or no_status else source.client.ledger().origin
    if json:
        print_json(_members(shown, standings, origin))
    else:
        _tell(shown, standings, origin, answers=challenge is not None)


def _standings(
    source: Session | None,
    parts: list[Secured],
    opened: tuple[Opened, ...],
    lists: dict[str, dict[str, Any]],
    counting: list[str],
    now: int,
) -> list[_Standing]:
    """Of each credential what the ledger and the lists say. Raises ``Unverifiable`` where one does not hold."""
    documents = [one.document for one in opened]
    found = [_Standing() for _ in parts]
    if source is not None:
        for standing, part, one in zip(found, parts, opened, strict=True):
            _ask(source, standing, part, one, now)
        lists = lists | lists_at(source, documents, lists)
        counting = [*counting, service_of(source)]
    for standing, document in zip(found, documents, strict=True):
        standing.lists = check_status(document, lists, counting)
        if standing.record is not None or any(one.purpose == REVOCATION for one in standing.lists):
            standing.unasked = ""
        elif source is None:
            standing.unasked = "it names no list of revocations; a ledger may have it on record: --ledger URL"
        elif not standing.unasked:
            standing.unasked = "it names no list of revocations, and this ledger has no record of it"
    return found


def _ask(source: Session, standing: _Standing, part: Secured, opened: Opened, now: int) -> None:
    """Ask the ledger for its record; one that shows it to members alone was not asked."""
    try:
        standing.record = check_recorded(source, part, opened, now)
    except Problem as no:
        if no.code not in _MEMBERS:
            raise
        standing.unasked = (
            "it names no list of revocations, and the ledger shows its records to members alone: --as KEY"
        )


def _lists(files: Iterable[Path], resolve: Resolve, now: int) -> dict[str, dict[str, Any]]:
    opened = [open_credential(read_secured(file), resolve, now).document for file in files]
    return {str(document.get("id")): document for document in opened}


def _is_presentation(secured: Secured) -> bool:
    if isinstance(secured, str):
        return an_object(decode_any(b64decode(secured.partition(".")[0])), "/header").get("typ") == "vp+jwt"
    types = secured.get("type")
    return any(one in ("VerifiablePresentation", "EnvelopedVerifiablePresentation") for one in as_list(types))


def _members(shown: Shown, standings: list[_Standing], origin: str | None) -> dict[str, Any]:
    said = []
    for one, standing in zip(shown.credentials, standings, strict=True):
        members: dict[str, Any] = {"issuer": one.issuer, "key": one.method}
        members["status"] = [status._asdict() for status in standing.lists]
        if origin is not None:
            record = standing.record
            members["record"] = record and {
                "origin": origin,
                "credential": record.id,
                "status": record.state["status"],
                "index": record.index,
            }
        if shown.holder:
            members["aboutHolder"] = shown.holder in _subjects(one.document)
        members |= {"revocationAsked": not standing.unasked, "document": one.document}
        said.append(members)
    return ({"holder": shown.holder, "key": shown.method} if shown.holder else {}) | {"credentials": said}


def _tell(shown: Shown, standings: list[_Standing], origin: str | None, *, answers: bool) -> None:
    if shown.holder:
        print(f"proven: a presentation by {shown.holder}")
        if not answers:
            print_pairs([("not checked", "that it was made for you: no --challenge was given")], indent=2)
    for one, standing in zip(shown.credentials, standings, strict=True):
        print(f"proven: a credential by {one.issuer}")
        subjects = _subjects(one.document)
        pairs: list[tuple[str, object]] = [("types", types_of(one.document)), ("key", one.method)]
        pairs += [("subject", subject) for subject in subjects if subject]
        pairs += [(name, one.document[name]) for name in ("validFrom", "validUntil") if name in one.document]
        pairs += [(status.purpose, status.message) for status in standing.lists]
        if origin is not None and (record := standing.record) is not None:
            pairs.append(("on record", f"{record.state['status']} at {origin}: {record.id}, entry {record.index}"))
        elif origin is not None:
            pairs.append(("on record", f"not at {origin}, as far as it shows"))
        pairs.append(("checked", ", ".join(_checked(standing))))
        if standing.unasked:
            pairs.append(("not checked", f"whether it was revoked: {standing.unasked}"))
        if shown.holder and shown.holder not in subjects:
            pairs.append(("beware", "it is not about who presents it"))
        print_pairs(pairs, indent=2)


def _subjects(document: dict[str, Any]) -> list[Any]:
    return [subject.get("id") for subject in as_list(document["credentialSubject"])]


def _checked(standing: _Standing) -> list[str]:
    lists = ["status list"] if standing.lists else []
    return ["signature", "whose key it is", "time", *lists, *(["record"] if standing.record is not None else [])]
