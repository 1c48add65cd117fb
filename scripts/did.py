"""``cadastre did``: resolve DIDs, and make and keep the log of a did:webvh (``identity.webvh``).

cadastre did new acme.example/org --as first.key --next second.key          did.jsonl, to be published at that place
cadastre did rotate did.jsonl --as second.key --next third.key
cadastre did resolve did.jsonl
cadastre did resolve did:webvh:… --ledger http://127.0.0.1:8000
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from identity.did import did_of
from identity.errors import Problem, declare
from scripts.command import Halted, app, check_free, command
from scripts.help import ExplainedGroup
from scripts.options import Json, Key
from scripts.output import print_json, print_note, print_pairs, printable
from scripts.session import opened_key

if TYPE_CHECKING:
    from identity.addresses import Allowed
    from identity.resolve import Asked, Resolved
    from identity.signer import StatementSigner
    from identity.webvh import Standing, Witness
    from scripts.didlog import LogFile

declare(
    "halted",
    did_witness_other=(
        "the key is not one of the log's witnesses",
        "sign with the key of a witness that the log names, or name this one in the next entry",
    ),
    did_not_portable=("the DID cannot move", "only a log that began with --portable can; make another DID"),
)

dids = typer.Typer(
    cls=ExplainedGroup, help="Resolve DIDs; make and keep a did:webvh.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(dids, name="did")

LogPath = Annotated[Path, typer.Argument(metavar="FILE.jsonl", exists=True, dir_okay=False, help="The log of the DID.")]
UpdateKey = Annotated[
    str,
    typer.Option("--as", envvar="CADASTRE_KEY", metavar="KEY", help="The update key that signs: its file, or pkcs11:…"),
]
Next = Annotated[
    str | None,
    typer.Option(
        "--next", metavar="KEY", help="The key that may sign the next entry; made, if it is the name of no file yet."
    ),
]
NoNext = Annotated[
    bool, typer.Option("--no-next", help="Announce no next key: whoever steals the present one then has the DID.")
]
DocumentKeys = Annotated[
    list[str] | None,
    typer.Option(
        "--key",
        metavar="KEY",
        help="Key that signs statements for the DID: a file, pkcs11:…, did:key or Multikey; may be repeated."
        "  [default: the update key]",
        show_default=False,
    ),
]
Location = Annotated[
    str, typer.Argument(metavar="LOCATION", help="Where it is published: host[:port][/path], on HTTPS.")
]


@command(into=dids)
def resolve(
    what: Annotated[
        str, typer.Argument(metavar="DID|FILE.jsonl", help="A did:key, did:web or did:webvh; or the log of the latter.")
    ],
    version_id: Annotated[str | None, typer.Option(metavar="V", help="The version of this id, of a did:webvh.")] = None,
    version_time: Annotated[
        str | None, typer.Option(metavar="T", help="The version at this time: 2026-05-28T18:58:18Z.")
    ] = None,
    version_number: Annotated[int | None, typer.Option(metavar="N", min=1, help="The version of this number.")] = None,
    witness: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", exists=True, dir_okay=False, help="Proofs of witnesses.  [default: did-witness.json beside]"
        ),
    ] = None,
    encryption: Annotated[
        bool, typer.Option("--encryption", help="Derive the X25519 key of a did:key, to which things are sealed.")
    ] = False,
    allow: Annotated[
        str,
        typer.Option(
            envvar="CADASTRE_RESOLVE_ALLOW",
            metavar="LIST",
            help="Networks and hosts that may be asked though they are not public: 10.0.0.0/8,http://a.localhost:8000.",
        ),
    ] = "",
    ledger: Annotated[
        str | None,
        typer.Option("--ledger", metavar="URL", help="Ask this ledger for what it carries, instead of the DID's host."),
    ] = None,
    json: Json = False,
) -> None:
    """Print a DID's document and its metadata, or why it does not resolve.

    A did:key and a file need no network. Of others the host is asked, if its addresses are public or allowed. A ledger
    resolves the DIDs of its parties, whatever became of their hosts.
    """
    from identity.resolve import Asked, failure

    asked = Asked(version_id, version_time, version_number)
    try:
        if ledger is None:
            found = _resolved(what, asked, witness, allow, encryption)
        else:
            found = _carried(what, asked, witness, ledger)
    except Problem as problem:
        if json:
            print_json(failure(problem))
        raise
    if json:
        print_json(found.result())
        return
    if found.document is None:
        print_note("the DID is deactivated: it has no document any more")
    else:
        print(printable(orjson.dumps(found.document, option=orjson.OPT_INDENT_2).decode()))
    print_pairs(found.metadata.items())


def _resolved(what: str, asked: Asked, witness: Path | None, allow: str, encryption: bool) -> Resolved:
    from identity.addresses import Allowed
    from identity.resolve import resolve, resolve_log
    from identity.webvh.log import LOG_BYTES_MAX
    from scripts.didlog import WITNESS, read_bytes

    now = int(time.time())
    if what.startswith("did:"):
        if witness is not None:
            raise typer.BadParameter("it goes with a file; of a DID it is fetched", param_hint="--witness")
        allowed = Allowed.parse(allow)
        return resolve(what, lambda url, most: _fetched(allowed, url, most), now, asked, encryption=encryption)
    path = Path(what)
    log = read_bytes(path, LOG_BYTES_MAX)
    beside = path.parent / WITNESS
    proofs = witness or (beside if beside.is_file() else None)
    return resolve_log(log, now, asked, witness=None if proofs is None else proofs.read_bytes())


def _carried(what: str, asked: Asked, witness: Path | None, url: str) -> Resolved:
    """As a ledger resolves it."""
    import ledger.dids
    from api.client import Client
    from identity.resolve import Resolved

    assert ledger.dids  # imported for its codes
    if not what.startswith("did:") or witness is not None:
        raise typer.BadParameter("a ledger is asked for a DID alone", param_hint="--ledger")
    version_id, version_time, number = asked
    with Client(url) as client:
        found = client.resolve(what, versionId=version_id, versionTime=version_time, versionNumber=number)
    return Resolved(found.get("didDocument"), found.get("didDocumentMetadata") or {})


def _fetched(allowed: Allowed, url: str, most: int) -> bytes | None:
    from identity.fetch import Fetcher  # a file and a did:key do without

    return Fetcher(allowed)(url, most)


@command(into=dids)
def new(
    location: Location,
    key: UpdateKey,
    next_: Next = None,
    no_next: NoNext = False,
    out: Annotated[
        Path, typer.Option(metavar="FILE", help="Where to write the log, or the folder to write did.jsonl into.")
    ] = Path("did.jsonl"),
    keys: DocumentKeys = None,
    witness: Annotated[
        list[str] | None,
        typer.Option(metavar="DID", help="did:key of a witness that approves each entry; may be repeated."),
    ] = None,
    threshold: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Witnesses that have to.  [default: all of them]")
    ] = None,
    watcher: Annotated[
        list[str] | None, typer.Option(metavar="URL", help="Address of a watcher of the log; may be repeated.")
    ] = None,
    portable: Annotated[bool, typer.Option("--portable", help="Let the DID move to other places later.")] = False,
    json: Json = False,
) -> None:
    """Make a did:webvh: its log with the first entry.

    The next update key is made in a file of its own. Keep it apart from the first: only with it can the log go on, also
    after the first was lost or stolen.
    """
    from identity import webvh
    from identity.documents import draft_document
    from scripts.didlog import LOG, draft_at, public_key, spare_key
    from scripts.files import keep

    path = out / LOG if out.is_dir() else out
    check_free(path)
    with opened_key(key) as signer:
        spare = spare_key(next_, no_next, signer.public)
        named = [public_key(one) for one in keys or []] or [signer.public]
        line = webvh.first_line(
            draft_document(draft_at(location), named),
            signer,
            now := int(time.time()),
            next_key_hashes=spare.hashes if spare else [],
            witness=_witnesses(witness, threshold),
            watchers=watcher or [],
            portable=portable,
        )
    if spare is not None:
        spare.keep()
    keep(path, webvh.format_log([line]))
    _print(path, webvh.advance(None, line, now), json, None if spare is None else spare.named)


def _witnesses(named: list[str] | None, threshold: int | None) -> Witness | None:
    from identity.webvh import Witness

    if not named:
        if threshold is not None:
            raise typer.BadParameter("name the witnesses by --witness DID", param_hint="--threshold")
        return None
    return Witness(threshold or len(named), tuple(named))


@command(into=dids)
def rotate(
    file: LogPath,
    key: UpdateKey,
    next_: Next = None,
    no_next: NoNext = False,
    keys: DocumentKeys = None,
    json: Json = False,
) -> None:
    """Go over to the next update key, which signs, and announce another. With --key, change the document's keys.

    Without --key, a key of the document that was the update key before is replaced by the one that signs.
    """
    from scripts.didlog import LogFile, turned

    log = LogFile(file)
    with opened_key(key) as signer:
        _extend(log, signer, next_, no_next, json, document=turned(log.standing, signer.public, keys or []))


@command(into=dids)
def move(
    file: LogPath,
    location: Location,
    key: UpdateKey,
    next_: Next = None,
    no_next: NoNext = False,
    json: Json = False,
) -> None:
    """Move the DID to another place. Its log goes on, and names the place it had; publish it at the new one."""
    from identity.webvh.rules import PLACEHOLDER
    from scripts.didlog import LogFile, draft_at, moved, turned

    log = LogFile(file)
    if not log.standing.portable:
        raise Halted("did_not_portable", log.standing.did)
    to = draft_at(location).replace(PLACEHOLDER, log.standing.scid)
    with opened_key(key) as signer:
        document = moved(turned(log.standing, signer.public, []), log.standing.did, to)
        _extend(log, signer, next_, no_next, json, document=document)


@command(into=dids)
def deactivate(file: LogPath, key: UpdateKey, json: Json = False) -> None:
    """End the DID for good: nothing can follow, and it resolves to no document."""
    from scripts.didlog import LogFile

    log = LogFile(file)
    with opened_key(key) as signer:
        _extend(log, signer, None, True, json, deactivated=True)


def _extend(
    log: LogFile, signer: StatementSigner, next_: str | None, no_next: bool, json: bool, **changed: Any
) -> None:
    from identity import webvh
    from scripts.didlog import spare_key

    spare = spare_key(next_, no_next, signer.public)
    line = webvh.next_line(log.standing, signer, log.time, next_key_hashes=spare.hashes if spare else [], **changed)
    _print(log.path, log.add(line, spare), json, None if spare is None else spare.named)


@command(into=dids)
def witness(file: LogPath, key: Key, json: Json = False) -> None:
    """Approve a log as one of its witnesses: verify all of it, and add a proof to did-witness.json beside it."""
    from identity import webvh
    from scripts.didlog import WITNESS, LogFile, witness_file
    from scripts.files import keep, replace

    log = LogFile(file)
    before = log.standings[-2] if len(log.standings) > 1 else None
    rule = webvh.witnesses_of(before, log.standing)
    beside = file.parent / WITNESS
    with opened_key(key) as signer:
        if rule is None or did_of(signer.public) not in rule.ids:
            raise Halted("did_witness_other", did_of(signer.public))
        proof = webvh.sign_witness_proof(signer, log.standing.version_id, int(time.time()))
    ids = [one.version_id for one in log.standings]
    approvals = [*witness_file(beside), {"versionId": log.standing.version_id, "proof": [proof]}]
    data = webvh.format_witness_file(webvh.pruned(ids, approvals))
    (replace if beside.exists() else keep)(beside, data)
    enough = len(webvh.approvers([log.standing.version_id], webvh.parse_witness_file(data), rule.ids))
    _print(beside, log.standing, json, None, approvals=f"{enough} of {rule.threshold}")


def _print(path: Path, standing: Standing, json: bool, next_: str | None, **more: str) -> None:
    shown = {"file": str(path), "did": standing.did, "versionId": standing.version_id, **more}
    if next_ is not None:
        shown["next"] = next_
    if json:
        print_json(shown)
    else:
        print_pairs(shown.items())
