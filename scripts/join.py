"""``cadastre join``: take part in a ledger as a party."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from api.client import Speaker
from identity.did import did_of
from ledger.circulation.party import Nature
from scripts.command import command
from scripts.didlog import LogFile
from scripts.options import LOCAL, Json, Key, LedgerUrl
from scripts.output import print_admitted
from scripts.session import session
from scripts.speaking import DidLog, stated_log


@command(acts=True)
def join(
    key: Key,
    name: Annotated[str, typer.Option(help="Legal name.")],
    role: Annotated[list[str] | None, typer.Option(help="Role tag, such as factory; may be repeated.")] = None,
    email: Annotated[str | None, typer.Option(help="Where to reach the party about its data.")] = None,
    phone: Annotated[str | None, typer.Option(help="With country code.")] = None,
    url: Annotated[str | None, typer.Option(help="Address of a page about the party's data.")] = None,
    address: Annotated[str | None, typer.Option(help="Postal address.")] = None,
    nature: Annotated[Nature, typer.Option("--nature", help="What the party is.")] = "organisation",
    did_log: DidLog = None,
    private: Annotated[bool, typer.Option("--private", help="Hide name and contact behind digests.")] = False,
    ledger: LedgerUrl = LOCAL,
    json: Json = False,
) -> None:
    """Join a ledger: from then on the key's did:key speaks for a party, or the did:webvh of --did-log, which has it."""
    given = {"email": email, "phone": phone, "url": url, "address": address}
    contact = {field: value for field, value in given.items() if value is not None}
    body: dict[str, Any] = {"name": name}
    if role:
        body["roles"] = role
    if nature != "organisation":
        body["nature"] = nature
    if contact:
        body["contact"] = contact
    hide = [f"/{field}" for field in ("name", "contact") if private and field in body]
    log = None if did_log is None else LogFile(did_log)
    if log is not None:
        body |= stated_log(log)
    with session(ledger, key) as at:
        assert at.client.key is not None
        did = did_of(at.client.key.public) if log is None else log.standing.did  # whatever documents claim the key
        at.client.speak_as(Speaker(did, did))
        admitted = at.act("party.joined", body, hide=hide)
        print_admitted("party.joined", admitted, json, did=at.client.did)
