"""``cadastre credential``: issue credentials and the lists that revoke them, and present them to whoever asks.

All of it is offline. Keys of did:key are their own; those of an organisation that has a log are read from it
(``--did-log``). ``credentials_verified`` is the other side, ``credentials_recorded`` what a ledger has to do with it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
import typer

from identity.credential.form import BYTES_MAX, CONTEXT, CREDENTIAL, check_url, issuer_of, read, types_of
from identity.credential.presentation import Secured
from identity.credential.presentation import present as present_proven
from identity.credential.presentation import present_jwt as present_sealed
from identity.credential.secured import (
    Resolve,
    check_owner,
    open_credential,
    resolve_did_key,
)
from identity.credential.secured import (
    issue as issue_proven,
)
from identity.credential.secured import (
    issue_jwt as issue_sealed,
)
from identity.did import did_of, kid_of, multibase_of
from identity.documents import key_in
from identity.errors import Malformed, Unverifiable, declare
from identity.instant import format_instant
from identity.keys import PublicKey
from identity.resolve import Resolved, resolve_log
from identity.signer import StatementSigner
from identity.status import ENTRIES_MIN, bits_of, entries_of, entry_of, make_list, with_value
from scripts.command import Halted, app, check_free, command
from scripts.files import keep
from scripts.help import ExplainedGroup
from scripts.jsonfile import read_object
from scripts.options import Json, Key
from scripts.output import print_json, print_note, print_pairs
from scripts.session import opened_key

declare(
    "halted",
    did_keys_missing=(
        "the keys of a DID are not at hand",
        "fetch its log, did.jsonl, and give it along: --did-log FILE (beside it did-witness.json, if there is one)",
    ),
)
credentials = typer.Typer(
    cls=ExplainedGroup,
    help="Issue, present and verify credentials (W3C VC 2.0), and revoke them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(credentials, name="credential")

UNSEEN = "whoever does not ask a ledger that has it on record cannot learn that it was revoked or suspended"

Out = Annotated[Path, typer.Option(metavar="FILE", help="Where to write it; must not be there.")]
AsJwt = Annotated[bool, typer.Option("--jwt", help="In the envelope of a JWT: the one way for keys of P-256.")]
Issuer = Annotated[
    str | None,
    typer.Option(metavar="DID", help="Whose key it is.  [default: the key's did:key]"),
]
Purpose = Annotated[Literal["revocation", "suspension"], typer.Option(help="What it means to be on the list.")]
DidLogs = Annotated[
    list[Path] | None,
    typer.Option("--did-log", metavar="FILE", exists=True, dir_okay=False, help="did.jsonl of a DID; may be repeated."),
]


@command(into=credentials)
def issue(
    body: Annotated[Path, typer.Option(metavar="FILE", help="The credential without a proof, in JSON; - for stdin.")],
    key: Key,
    out: Out,
    jwt: AsJwt = False,
    status: Annotated[
        str | None, typer.Option(metavar="URL", help="Address of the status list by which it can be revoked.")
    ] = None,
    index: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Its place in that list, free and picked at random.")
    ] = None,
    purpose: Purpose = "revocation",
    json: Json = False,
) -> None:
    """Issue a credential: sign what FILE says with the key of its issuer.

    Where the body has no issuer, that is the did:key of the key; where it has no validFrom, that is now. A @context of
    the data model is put in if there is none. A proof that it has stays, and then it cannot be put on record.
    """
    check_free(out)
    if (status is None) != (index is None):
        raise typer.BadParameter("--status and --index go together")
    said: dict[str, Any] = {"@context": [CONTEXT], "type": [CREDENTIAL]} | read_object(body)
    now = int(time.time())
    with opened_key(key) as signer:
        said = {"issuer": did_of(signer.public), "validFrom": format_instant(now)} | said
        if status is not None and index is not None:
            had = as_list(said.get("credentialStatus", []))
            said["credentialStatus"] = [*had, entry_of(purpose, index, status)]
        _write(out, _secured(said, signer, now, jwt))
    if "proof" in said:
        print_note("it had a proof, which stays beside this one: a ledger takes no credential with several on record")
    if not entries_of(said):
        print_note(f"it names no status list: {UNSEEN}. See: cadastre credential place")
    _told("issued", out, {"issuer": issuer_of(said), "types": types_of(said), "sort": _sort(jwt)}, json)


@command(into=credentials)
def status(
    key: Key,
    out: Out,
    url: Annotated[
        str | None, typer.Option("--id", metavar="URL", help="Address at which a list will be published.")
    ] = None,
    before: Annotated[
        Path | None, typer.Option("--from", metavar="FILE", exists=True, help="The list that is to be changed.")
    ] = None,
    set_: Annotated[list[int] | None, typer.Option("--set", metavar="N", min=0, help="A place to be set.")] = None,
    clear: Annotated[
        list[int] | None, typer.Option(metavar="N", min=0, help="A place to be cleared; only of a suspension.")
    ] = None,
    purpose: Purpose = "revocation",
    issuer: Issuer = None,
    did_log: DidLogs = None,
    jwt: AsJwt = False,
    json: Json = False,
) -> None:
    """Make a status list of 131,072 places, or change one (--from), and sign it."""
    check_free(out)
    if (url is None) == (before is None) or (before and issuer):
        raise typer.BadParameter("give --id of a list to be made, or --from with the one to be changed, by its issuer")
    now = int(time.time())
    with opened_key(key) as signer:
        if before is None:
            named, bits = issuer or did_of(signer.public), bytes(ENTRIES_MIN // 8)
        else:
            document = open_credential(read_secured(before), key_finder(did_log or [], now), now).document
            named, bits, url = issuer_of(document), bits_of(document), check_url(document.get("id"), "/id")
            purpose = document["credentialSubject"]["statusPurpose"]
        if clear and "revocation" in as_list(purpose):
            raise typer.BadParameter("what was revoked stays revoked")
        for places, value in ((set_ or [], 1), (clear or [], 0)):
            for place in places:
                bits = with_value(bits, place, value)
        said = make_list(str(url), named, purpose, bits, format_instant(now))
        _write(out, _secured(said, signer, now, jwt))
    shown = {"id": url, "issuer": named, "purpose": purpose, "set": sum(byte.bit_count() for byte in bits)}
    _told("listed", out, shown, json)


@command(into=credentials)
def present(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", exists=True, help="Credentials that are issued.")],
    key: Key,
    challenge: Annotated[str, typer.Option(metavar="TEXT", help="What the verifier asked with.")],
    domain: Annotated[str, typer.Option(metavar="NAME", help="The verifier, as it names itself.")],
    out: Out,
    holder: Issuer = None,
    jwt: AsJwt = False,
    json: Json = False,
) -> None:
    """Present credentials to a verifier who asked for them, as their holder; it holds for five minutes."""
    check_free(out)
    shown = [read_secured(file) for file in files]
    now = int(time.time())
    with opened_key(key) as signer:
        method = _method(holder or did_of(signer.public), signer.public)
        make = present_sealed if jwt else present_proven
        _write(out, make(shown, signer, method, now, challenge, domain))
    _told("presented", out, {"holder": method.partition("#")[0], "credentials": len(shown), "sort": _sort(jwt)}, json)


def _secured(said: dict[str, Any], signer: StatementSigner, now: int, jwt: bool) -> Secured:
    method = _method(issuer_of(said), signer.public)
    return issue_sealed(said, signer, method) if jwt else issue_proven(said, signer, method, now)


def _method(owner: str, key: PublicKey) -> str:
    """The DID URL under which ``owner`` has this key: a did:key is its own, others name keys by their Multikey."""
    method = kid_of(key) if owner.startswith("did:key:") else f"{owner}#{multibase_of(key)}"
    check_owner(method, owner, "")
    return method


def key_finder(logs: Iterable[Path], now: int) -> Resolve:
    """Finds keys of did:key, and of the DIDs whose logs these files are."""
    known: dict[str, Resolved] = {}
    for log in logs:
        witness = log.with_name("did-witness.json")
        found = resolve_log(_bytes(log), now, witness=_bytes(witness) if witness.is_file() else None)
        if found.document is None:
            raise Unverifiable("did_deactivated", str(log))
        known[found.document["id"]] = found

    def resolve(did_url: str, purpose: str) -> PublicKey:
        did = did_url.partition("#")[0]
        if did in known:
            return key_in(known[did].method(did_url, purpose))
        if not did.startswith("did:key:"):
            raise Halted("did_keys_missing", did)
        return resolve_did_key(did_url, purpose)

    return resolve


def read_secured(file: Path) -> Secured:
    """A credential or presentation in a file: an object of JSON, or a JWT. Raises ``Malformed``."""
    data = _bytes(file).strip()
    if data.startswith(b"{"):
        return read(data)
    if not data.isascii() or data.count(b".") != 2:
        raise Malformed("envelope_malformed", f"{file} holds neither a JSON object nor a JWT")
    return data.decode()


def _bytes(file: Path) -> bytes:
    """Raises ``Malformed``: nothing that is read here is larger than a document may be in its envelope."""
    with file.open("rb") as source:
        data = source.read(2 * BYTES_MAX + 1)
    if len(data) > 2 * BYTES_MAX:
        raise Malformed("credential_too_large", str(file))
    return data


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _write(out: Path, secured: Secured) -> None:
    if isinstance(secured, str):
        keep(out, secured.encode() + b"\n")
    else:
        keep(out, orjson.dumps(secured, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def _sort(jwt: bool) -> str:
    return "JWT" if jwt else "proof within"


def _told(done: str, out: Path, shown: dict[str, Any], json: bool) -> None:
    if json:
        print_json({"file": str(out)} | shown)
        return
    print(f"{done}: {out}")
    print_pairs(shown.items(), indent=2)
