"""``cadastre init``: make a ledger: its folder, four keys, store and charter.

Everything that can be refused is judged in memory before anything is written, and what fails half-way is taken away
again, so that there is either a whole ledger or none.
"""

from __future__ import annotations

import re
import secrets
import shutil
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from api.client.signing import sign_statement
from api.keyring import cosigner_with
from identity.did import check_did, did_of
from identity.keys import SECRET_BYTES, SigningKey, write_key
from identity.note import Signer, Verifier, format_vkey
from identity.place import parse_place
from identity.signature import ED25519
from ledger.append import Admitted, Writer
from ledger.errors import Problem
from ledger.log.chain import check_origin
from ledger.log.refusal import refusal_key_name
from ledger.statement import Statement, receive
from ledger.store.files import Folder, KeyName
from ledger.world import RULES, World
from scripts.command import command
from scripts.options import Json
from scripts.output import print_json, print_note, print_pairs

if TYPE_CHECKING:
    from scripts.succession import Predecessor


_TYPE = re.compile("[A-Za-z][A-Za-z0-9]{0,79}")
_KINDS = re.compile(r"[a-z]+\.(\*|[a-z]+)")
_ROLE = re.compile("[a-z][a-z0-9-]{0,39}")
_TYPES = "types are of letters and digits, roles of small letters"


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of a ledger: governance signs its charter, service its own acts, log its checkpoints, refusal its no."""

    governance: SigningKey
    service: SigningKey
    log: SigningKey
    refusal: SigningKey
    signer: Signer

    @classmethod
    def generate(cls, origin: str) -> Keys:
        seed = secrets.token_bytes(SECRET_BYTES)
        governance, service, refusal = (SigningKey.generate("Ed25519") for _ in range(3))
        return cls(governance, service, SigningKey("Ed25519", seed), refusal, Signer(origin, seed))


@command()
def init(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to make; must be empty or not there.")],
    origin: Annotated[str, typer.Option(metavar="NAME", help="Its name for ever, such as example.com/registry.")],
    joiners: Annotated[Literal["anyone", "listed"], typer.Option(help="Who may join.")] = "anyone",
    listed: Annotated[list[str] | None, typer.Option(metavar="DID", help="May join, where joiners is listed.")] = None,
    readers: Annotated[Literal["public", "members"], typer.Option(help="Who may read.")] = "public",
    names: Annotated[
        Literal["plain", "private", "either"], typer.Option(help="How parties give name and contact.")
    ] = "either",
    authority: Annotated[
        list[str] | None, typer.Option(metavar="DID=ROLE", help="Recognises an authority for a role.")
    ] = None,
    inspector: Annotated[
        list[str] | None, typer.Option(metavar="ROLE", help="Authorities of this role may look at private values.")
    ] = None,
    eraser: Annotated[
        list[str] | None, typer.Option(metavar="ROLE", help="Authorities of this role may have them erased.")
    ] = None,
    issuer: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TYPE=DID|ROLE",
            help="Whose credentials of a type count: FactoryAccreditation=did:key:…, or =ROLE for the authorities of"
            " that role; may be repeated.",
        ),
    ] = None,
    demand: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND=TYPE[/ROLE]",
            help="A kind of act that asks for a credential: asset.registered=FactoryAccreditation, or 'offer.*=…'; with"
            " /ROLE, one that attests this role. May be repeated.",
        ),
    ] = None,
    did_host: Annotated[
        str | None,
        typer.Option(
            metavar="HOST[:PORT]", help="Serves the logs of parties' did:webvh under this host, as .../org/NAME."
        ),
    ] = None,
    succeeds: Annotated[
        str | None,
        typer.Option(metavar="SOURCE", help="The ledger it goes on from, after that one's loss; audited first."),
    ] = None,
    policy: Annotated[
        Path | None,
        typer.Option(
            exists=True, metavar="FILE", help="Whose log key and witnesses count for the one it goes on from."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Make a ledger: keys, store and charter. Anyone joins and anyone reads, unless said otherwise.

    Authorities and issuers are named by DID before there is a service; once it runs they join first: cadastre join.
    """
    check_origin(origin)
    if policy is not None and succeeds is None:
        raise typer.BadParameter("it says who is believed of the ledger that --succeeds names", param_hint="--policy")
    for one in listed or []:
        check_did(one)
    keys = Keys.generate(origin)
    body: dict[str, Any] = {
        "rules": RULES,
        "joiners": joiners,
        "listed": listed or [],
        "readers": readers,
        "names": names,
        "authorities": _authorities(authority or []),
        "inspectors": inspector or [],
        "erasers": eraser or [],
        "issuers": _issuers(issuer or []),
        "demands": [_demand(one) for one in demand or []],
        "governance": did_of(keys.governance.public),
        "service": did_of(keys.service.public),
        "logKey": format_vkey(keys.signer.verifier),
        "mldsaKey": format_vkey(cosigner_with(origin, keys.log).verifier),
        "refusalKey": format_vkey(Verifier(refusal_key_name(origin), ED25519, keys.refusal.public.raw)),
    }
    if did_host is not None:
        body["didHost"] = did_host.lower().replace(":", "%3A")
        parse_place(body["didHost"])
    before: Predecessor | None = None
    if succeeds is not None:
        from scripts.succession import predecessor  # imported here: an audit takes much that is not needed else

        before = predecessor(succeeds, policy)
        body["succeeds"] = before.state
    charter = _charter(origin, body, keys)
    folder = Folder.create(directory)
    try:
        admitted = _open(folder, origin, charter, keys)
    except BaseException:
        shutil.rmtree(folder.path)
        raise
    _print(folder, origin, body, before, admitted, json)
    if readers == "members" and joiners == "anyone":
        print_note("anybody can join, and members read: --joiners listed decides who is one")


def _authorities(named: list[str]) -> list[dict[str, Any]]:
    roles: dict[str, list[str]] = {}
    for one in named:
        did, equals, role = one.rpartition("=")
        if not equals or not did or not role:
            raise typer.BadParameter(f"{one!r} is not DID=ROLE", param_hint="--authority")
        check_did(did)
        roles.setdefault(did, []).append(role)
    return [{"did": did, "roles": given} for did, given in roles.items()]


def _issuers(named: list[str]) -> list[dict[str, Any]]:
    """Per type, in the order they were named, whose credentials count. Raises ``typer.BadParameter``."""
    found: dict[str, dict[str, Any]] = {}
    for one in named:
        type_, _, who = one.partition("=")
        if not _TYPE.fullmatch(type_) or not who:
            raise typer.BadParameter(f"{one!r} is not TYPE=DID or TYPE=ROLE; {_TYPES}", param_hint="--issuer")
        if who.startswith("did:"):
            check_did(who)
        counting = found.setdefault(type_, {"types": [type_], "dids": [], "roles": []})
        counting["dids" if who.startswith("did:") else "roles"].append(who)
    return list(found.values())


def _demand(named: str) -> dict[str, Any]:
    kind, _, wanted = named.partition("=")
    type_, slash, role = wanted.partition("/")
    if not _KINDS.fullmatch(kind) or not _TYPE.fullmatch(type_) or (slash and not _ROLE.fullmatch(role)):
        what = "KIND=TYPE or KIND=TYPE/ROLE, such as asset.registered=FactoryAccreditation"
        raise typer.BadParameter(f"{named!r} is not {what}; {_TYPES}", param_hint="--demand")
    return {"kind": kind, "type": type_, **({"role": role} if role else {})}


def _charter(origin: str, body: dict[str, Any], keys: Keys) -> Statement:
    """The charter, signed by governance and judged by the rules. Raises ``Problem``."""
    now = int(time.time())
    sent = sign_statement(
        keys.governance,
        audience=origin,
        kind="ledger.opened",
        body=body,
        now=now,
        randomness=secrets.token_bytes,
    )
    charter = receive(sent)
    World(origin, complete=True).admit(charter, now * 1_000_000)
    return charter


def _open(folder: Folder, origin: str, charter: Statement, keys: Keys) -> Admitted:
    """Write keys, store and entry 0. Keys first: no ledger is ever without them."""
    # Imported here: the libraries of service and store take time that other commands need not wait.
    from api.writing import SystemClock
    from ledger.store.heads import Heads
    from ledger.store.sql import SqlStore

    made: dict[KeyName, SigningKey] = {
        "governance": keys.governance,
        "service": keys.service,
        "log": keys.log,
        "refusal": keys.refusal,
    }
    for name, key in made.items():
        write_key(folder.key(name), key)
    store = SqlStore.create(folder.store)
    try:
        with folder.lock():
            held = {keys.signer.verifier: keys.signer}
            writer = Writer.open(store, origin, SystemClock(), held.get)
            outcome = writer.append([charter])[0]
            if isinstance(outcome, Problem):
                raise outcome
            folder.write_checkpoint(outcome.checkpoint)
            with closing(Heads(folder.heads)) as heads:
                heads.record(outcome.checkpoint)
    finally:
        store.close()
    return outcome


def _print(
    folder: Folder, origin: str, body: dict[str, Any], before: Predecessor | None, admitted: Admitted, json: bool
) -> None:
    made: dict[str, Any] = {
        "folder": str(folder.path),
        "origin": origin,
        "charter": admitted.subject,
        "vkey": body["logKey"],
        "mldsaVkey": body["mldsaKey"],
        "refusalVkey": body["refusalKey"],
        "governance": body["governance"],
        "service": body["service"],
    }
    if before is not None:
        made["succeeds"] = before.state
        made["predecessor"] = {"charter": before.charter, "vkey": before.vkey, "known": before.known}
    if json:
        print_json(made)
        return
    print("made a ledger:")
    apart = ("mldsaVkey", "refusalVkey", "succeeds", "predecessor")
    print_pairs(((name, value) for name, value in made.items() if name not in apart), indent=2)
    if before is not None:
        print("it goes on from:")
        print_pairs([*before.state.items(), ("charter", before.charter), ("vkey", before.vkey)], indent=2)
    print(f"""
Give the vkey to whoever shall check its receipts: 'log VKEY' and 'quorum none' make a policy file.
Move {folder.key("governance")} offline: whoever has it can change the charter, and serving does not need it.
Keep a copy of {folder.keys} apart from the ledger: no backup holds keys, and without them nothing can be restored.
Serve it with: cadastre serve {folder.path}""")
