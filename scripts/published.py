"""What a ledger publishes for whoever is shown a credential: status lists, and the logs of DIDs that it carries.

Each is verified here: a list by the service key that signs it, a log by its own proofs. Which key is the service's is
said by the charter that the ledger shows, so a list is worth as much as the address it was fetched from.
"""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Iterable
from typing import Any

from identity.credential.form import read
from identity.credential.secured import Opened, Resolve, open_credential, resolve_did_key
from identity.did import split
from identity.errors import Absent, Unverifiable
from identity.keys import PublicKey
from identity.resolve import resolver
from identity.status import entries_of
from identity.webvh import location
from scripts.command import Halted
from scripts.session import Session

PURPOSES = ("revocation", "suspension")

Named = tuple[str, str, int]
"""A list: party id of the issuer, purpose, number."""

_LIST = re.compile(r"[^?#]*/v1/credentials/status/(party_[0-9a-z]{26})/(revocation|suspension)/(0|[1-9][0-9]{0,3})")


def named_by(url: str) -> Named | None:
    """The list that an address names, if it is one of those that ledgers publish."""
    found = _LIST.fullmatch(url)
    return None if found is None else (found[1], found[2], int(found[3]))


def list_at(at: Session, named: Named) -> Opened:
    """A list as the ledger publishes it at present. Raises ``Unverifiable`` if it is not signed as the charter says."""
    data = at.client.status_list(*named)
    opened = open_credential(
        read(data) if data.startswith(b"{") else data.decode("ascii", "replace"), resolve_did_key, int(time.time())
    )
    if opened.issuer != service_of(at):
        raise Unverifiable("status_list_other", f"{opened.issuer} is not the service key of the charter")
    return opened


def lists_at(at: Session, documents: Iterable[dict[str, Any]], had: Collection[str]) -> dict[str, dict[str, Any]]:
    """The lists of ledgers that these credentials name, beside those ``had``, as this ledger has them; by their ids."""
    urls = {entry.url for document in documents for entry in entries_of(document)}.difference(had)
    found = [list_at(at, named).document for url in sorted(urls) if (named := named_by(url)) is not None]
    return {str(document["id"]): document for document in found}


def service_of(at: Session) -> str:
    """The DID that signs status lists."""
    return str(at.client.ledger().charter["service"])


def finder_at(at: Session, given: Resolve, now: int) -> Resolve:
    """Finds keys as ``given`` does, and else those of a did:webvh by the log that the ledger carries of it."""
    resolvers: dict[str, Resolve] = {}

    def find(did_url: str, purpose: str) -> PublicKey:
        try:
            return given(did_url, purpose)
        except Halted as missing:
            if missing.code != "did_keys_missing" or not did_url.startswith("did:webvh:"):
                raise
        did, _ = split(did_url)
        carrying = resolvers.setdefault(did, resolver(lambda url, _: carried(at, did, url), now))
        return carrying(did_url, purpose)

    return find


def carried(at: Session, did: str, url: str) -> bytes | None:
    """The file that stands at this address by what a DID says, as the ledger carries it."""
    scid, place = did.split(":")[2], location(did)
    try:
        if url == place.log:
            return at.client.did_log(scid)
        return at.client.did_witness(scid) if url == place.witness else None
    except Absent:
        return None
