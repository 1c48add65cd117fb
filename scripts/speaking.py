"""What a DID shows to a ledger: the lines of its log that are not there yet, and its consent to speak for a party.

A consent is a file of JSON, the very members by which an act states it, so that whoever holds the keys of the DID and
whoever signs the act may be two:

    {"consent":{"key":"z6Mk…","signature":"…"},"did":"did:webvh:…","log":[…],"party":"party_…"}
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from identity import webvh
from identity.canonical import b64encode
from identity.did import did_of, key_spelled, multibase_of
from identity.errors import Problem, declare
from identity.signer import StatementSigner
from identity.webvh import parse_log
from ledger.circulation.speaker import consent_message
from scripts.command import Halted
from scripts.didlog import WITNESS, LogFile, public_key, witness_file

declare(
    "halted",
    did_log_behind=("the ledger has all lines of the log", "make the next one: cadastre did rotate FILE.jsonl"),
    did_log_diverged=("the ledger has other lines of this DID", "compare the file with cadastre did resolve DID"),
    consent_other=("the consent is for another party", "make one for this party: cadastre consent PARTY"),
)

_KEYS_TAKEN = "KEY is a kid (did:…#z6Mk…), a did:key, a Multikey (z6Mk…, zDn…) or the file of the key"

DidLog = Annotated[
    Path | None,
    typer.Option(
        "--did-log", metavar="FILE", exists=True, dir_okay=False, help="did.jsonl of the did:webvh that is to speak."
    ),
]
Compromised = Annotated[
    list[str] | None,
    typer.Option(
        "--compromised",
        metavar="KEY=INDEX",
        help="A key others may have used (its kid, did:key or Multikey, or its file), and the first entry that is"
        " doubtful; may be repeated.",
    ),
]


def stated_log(log: LogFile, known: int = 0) -> dict[str, Any]:
    """The members ``log`` and ``witness`` of a body: lines after the first ``known``, with what witnesses proved."""
    added = log.standings[known:]
    _, ids = webvh.rules_of(log.standings[known - 1] if known else None, added)
    proofs = webvh.lean([one.version_id for one in added], witness_file(log.path.parent / WITNESS), ids)
    return {"log": parse_log(log.data)[known:], **({"witness": proofs} if proofs else {})}


def lines_ahead(log: LogFile, state: dict[str, Any] | None) -> dict[str, Any]:
    """What the ledger does not have yet of a log, of which it has what the state of the party's ``log`` says.

    Raises ``Halted``.
    """
    version: str = "" if state is None else state["standing"]["versionId"]
    known = int(version.partition("-")[0] or 0)
    if state is None or version not in [one.version_id for one in log.standings]:
        raise Halted("did_log_diverged", f"the ledger stands at {version or 'a did:key'}")
    if known == len(log.standings):
        raise Halted("did_log_behind", version)
    return stated_log(log, known)


def consent_of(key: StatementSigner, audience: str, party: str, log: LogFile | None) -> dict[str, Any]:
    """What is stated of a DID that agrees to speak for a party of one ledger: signed by its own key."""
    did = did_of(key.public) if log is None else log.standing.did
    signature = b64encode(key.sign(consent_message(audience, party, did)))
    given = {"did": did, "consent": {"key": multibase_of(key.public), "signature": signature}}
    return given if log is None else {**given, **stated_log(log)}


def compromises(named: list[str] | None) -> dict[str, Any]:
    """The member ``compromised`` of a body, out of ``KEY=INDEX``; nothing for none. Raises ``typer.BadParameter``."""
    found = []
    for text in named or []:
        key, _, index = text.rpartition("=")
        if not (key and index.isascii() and index.isdecimal() and len(index) < 17):
            raise typer.BadParameter(f"{text!r} is not KEY=INDEX; {_KEYS_TAKEN}", param_hint="--compromised")
        found.append({"key": _multikey(key), "since": int(index)})
    return {"compromised": found} if found else {}


def _multikey(named: str) -> str:
    """The name of a key: the fragment of its kid is that name, whatever DID it is of."""
    did, _, fragment = named.partition("#")
    try:
        public = key_spelled(fragment) if did.startswith("did:") and fragment else public_key(named)
    except (Problem, OSError) as wrong:
        why = wrong.title if isinstance(wrong, Problem) else wrong.strerror
        raise typer.BadParameter(f"{named!r}: {why}; {_KEYS_TAKEN}", param_hint="--compromised") from None
    return multibase_of(public)
