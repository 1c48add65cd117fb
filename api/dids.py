"""DIDs: the parties' did:webvh where resolvers look for them, a watcher's copy, a resolver; and whose a key is.

    /org/NAME/did.jsonl  did-witness.json  did.json     of did:webvh:SCID:HOST:org:NAME, HOST the charter's
    /webvh/log?scid=     /webvh/witness?scid=           of any did:webvh of a party, wherever it is hosted
    /1.0/identifiers/DID                                DID Resolution over HTTP: parties' DIDs, and any did:key

They are for everybody, also where entries are for members only: who signs must be found by whoever verifies.
"""

from __future__ import annotations

import time
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, Field

from api.deps import PUBLIC, READERS, Ledger, Reading
from api.openapi import problems
from api.service import Service
from identity.did import check_did
from identity.keys import SigningKey
from identity.resolve import Asked, Resolved, error_of, failure, read_did_url, resolve
from identity.webvh import resolve_standings, sign_witness_proof, web_twin
from ledger.circulation.delegation import Delegation
from ledger.circulation.party import Party
from ledger.dids import CarriedLog
from ledger.errors import Absent, Problem
from ledger.read import Reader
from ledger.sight import PARTIES_MAX, given_to, parties_listing
from ledger.values import type_of
from ledger.world import Subject

LOG, JSON = "text/jsonl", "application/json"
RESULT = 'application/ld+json;profile="https://w3id.org/did-resolution"'

_HEADERS = {"Access-Control-Allow-Origin": "*", "Cache-Control": "no-cache"}
_STATUS = {"notFound": 404, "methodNotSupported": 501, "featureNotSupported": 501, "internalError": 500}  # else 400

router = APIRouter(tags=["identity"])

Name = Annotated[str, Path(description="last part of the DID", examples=["acme"])]
Scid = Annotated[str, Query(description="the DID's self-certifying identifier", max_length=64)]


@router.get("/org/{name}/did.jsonl", dependencies=[PUBLIC], response_class=Response, responses=problems(200, LOG))
def log_file(service: Ledger, name: Name) -> Response:
    """The log of a party's did:webvh that is hosted here."""
    return _file(_hosted(service, name).log, LOG)


@router.get(
    "/org/{name}/did-witness.json", dependencies=[PUBLIC], response_class=Response, responses=problems(200, JSON)
)
def witness_file(service: Ledger, name: Name) -> Response:
    """What witnesses proved of that log, the ledger's service key among them where the log names it."""
    return _witness_file(service, _hosted(service, name))


@router.get("/org/{name}/did.json", dependencies=[PUBLIC], response_class=Response, responses=problems(200, JSON))
def web_document(service: Ledger, name: Name) -> Response:
    """The DID document as the did:web of the same place, for whoever does not know did:webvh."""
    return _file(orjson.dumps(web_twin(_hosted(service, name).standing.document)), JSON)


@router.get("/webvh/log", dependencies=[PUBLIC], response_class=Response, responses=problems(200, LOG))
def watched_log(service: Ledger, scid: Scid) -> Response:
    """A watcher's copy of the log of any did:webvh through which a party speaks (did:webvh v1.0, "Watchers")."""
    return _file(_listed(service, "scid", scid).log, LOG)


@router.get("/webvh/witness", dependencies=[PUBLIC], response_class=Response, responses=problems(200, JSON))
def watched_witness(service: Ledger, scid: Scid) -> Response:
    """A watcher's copy of its did-witness.json."""
    return _witness_file(service, _listed(service, "scid", scid))


def _resolutions() -> dict[int | str, dict[str, Any]]:
    """``responses`` of the resolver: a resolution result in any case; a problem where the address itself is wrong."""
    content = {RESULT.partition(";")[0]: {"schema": {"type": "object"}}}
    either = {**content, **problems()["default"]["content"]}
    told = {200: "OK", 400: "No DID", 404: "Not found", 410: "Deactivated", 500: "It does not resolve"}
    return {
        **problems(),
        **{status: {"description": said, "content": either} for status, said in told.items()},
        501: {"description": "Of a method that is not supported", "content": content},
    }


@router.get("/1.0/identifiers/{did:path}", dependencies=[PUBLIC], response_class=Response, responses=_resolutions())
def resolution(
    service: Ledger,
    did: Annotated[str, Path(description="DID or DID URL", max_length=1_024)],
    versionId: Annotated[str | None, Query(max_length=80)] = None,  # noqa: N803 - as DID Resolution spells it
    versionTime: Annotated[str | None, Query(max_length=40)] = None,  # noqa: N803
    versionNumber: Annotated[int | None, Query(ge=1, lt=2**53)] = None,  # noqa: N803
) -> Response:
    """Resolves a DID from what the ledger carries; nothing is fetched. The answer is a DID resolution result."""

    try:
        found = _resolved(service, did, Asked(versionId, versionTime, versionNumber))
    except Problem as problem:
        status = _STATUS.get(error_of(problem), 400)
        return Response(orjson.dumps(failure(problem)), status, _HEADERS, RESULT)
    return Response(orjson.dumps(found.result()), 200 if found.document else 410, _HEADERS, RESULT)


def _resolved(service: Service, did_url: str, asked: Asked) -> Resolved:
    """What the ledger carries was verified when it was admitted. Raises ``Problem``."""
    did, asked = read_did_url(did_url, asked)
    if not did.startswith("did:webvh:"):
        return resolve(did, lambda *_: None, int(time.time()), asked, encryption=True)
    check_did(did)
    log = _listed(service, "did", did)
    own = {} if _witness_key(service, log) is None else {service.charter.service: len(log.standings) - 1}
    found = resolve_standings(log.standings, None, did, approved={**log.approved, **own}, **asked._asdict())
    return Resolved(found.document, found.metadata)


class Speaking(BaseModel):
    """A party for which a key signs: as `iss` its DID, as `kid` that DID, `#` and the key. `left`: it takes no part."""

    party: str
    name: str | None = Field(description="none where it is withheld")
    did: str
    left: bool


class Acting(BaseModel):
    """A delegation under which a key signs: `iss` is the party's DID, `kid` a key of the DID it was given `to`."""

    delegation: str
    via: str
    to: str
    party: str
    name: str | None = Field(description="none where it is withheld")
    did: str
    kinds: list[str]
    subjects: list[str] | None
    until: int


class Former(BaseModel):
    """A party for which a key signs no more, since the entry `ended`: itself, or under a delegation that was revoked.

    `did` is the one through which the party speaks, by `keys`.
    """

    party: str
    name: str | None = Field(description="none where it is withheld")
    did: str
    keys: list[str]
    delegation: str | None
    ended: int
    compromised: bool


class Key(BaseModel):
    """For whom a key signs at present, and for whom it did."""

    key: str
    parties: list[Speaking]
    delegations: list[Acting]
    former: list[Former]


@router.get("/v1/keys/{key}", dependencies=[READERS], responses=problems())
def key(
    reader: Reading,
    key: Annotated[str, Path(pattern="^z[1-9A-HJ-NP-Za-km-z]{40,64}$", description="Multikey", examples=["z6Mk…"])],
    for_: Annotated[
        str | None,
        Query(alias="for", max_length=512, description="only this party (its id or a DID), or this delegation"),
    ] = None,
) -> Key:
    """For which parties a key speaks, under which delegations it acts for others, and where it did so once.

    Anybody can list a key or delegate to a DID: without `for` only the latest of each are looked at.
    """
    if type_of(for_ or "") == "delegation":
        given = [one for one in _found(reader, for_) if _is_to(reader, _delegation(one), key)]
        return _told(reader, key, [], [], given, given)
    wanted = for_ and reader.store.lookup([("did", for_)]).get(("did", for_), for_)
    parties = parties_listing(reader, key, wanted)
    dids = dict.fromkeys([f"did:key:{key}", *(_party(one).did for one in parties)])
    acting = list(given_to(reader, dids, wanted))
    if wanted is None:
        given = reader.listed("delegation", "delegate", f"did:key:{key}", PARTIES_MAX)
        return _told(reader, key, parties, reader.listed("party", "former", key, PARTIES_MAX), acting, given)
    before = [one for one in _found(reader, wanted) if ("former", key) in one.state.lookups()]
    return _told(reader, key, [one for one in parties if one.id == wanted], before, acting, acting)


def _told(
    reader: Reader,
    key: str,
    parties: list[Subject],
    before: list[Subject],
    acting: list[Subject],
    given: list[Subject],
) -> Key:
    speaking = {one.id for one in parties}
    return Key(
        key=key,
        parties=[_speaking(one) for one in parties],
        delegations=[_acting(reader, one) for one in acting if _delegation(one).status == "active"],
        former=[
            *(_replaced(one, key) for one in before if one.id not in speaking),
            *(_revoked(reader, one) for one in given if _delegation(one).status != "active"),
        ],
    )


def _found(reader: Reader, id_: str | None) -> list[Subject]:
    """The subject of this id, if there is one."""
    try:
        return [] if id_ is None else [reader.subject(id_)]
    except Absent:
        return []


def _is_to(reader: Reader, state: Delegation, key: str) -> bool:
    """Whether a delegation was given to the key, or to the DID of a party for which the key speaks."""
    delegate = _found(reader, reader.store.lookup([("did", state.to)]).get(("did", state.to)))
    return any(("key", key) in one.state.lookups() for one in delegate) or state.to == f"did:key:{key}"


def _speaking(subject: Subject) -> Speaking:
    party = _party(subject)
    return Speaking(party=subject.id, name=_name(party), did=party.did, left=party.left)


def _acting(reader: Reader, subject: Subject) -> Acting:
    """What a delegation lets do."""
    state = _delegation(subject)
    party = _party(reader.subject(state.party))
    return Acting(
        delegation=subject.id,
        via=state.act,
        to=state.to,
        party=state.party,
        name=_name(party),
        did=party.did,
        kinds=state.kinds,
        subjects=state.subjects,
        until=state.until,
    )


def _revoked(reader: Reader, subject: Subject) -> Former:
    """A delegation that was revoked, which nothing can follow: its last entry did so."""
    state = _delegation(subject)
    party = _party(reader.subject(state.party))
    return Former(
        party=state.party,
        name=_name(party),
        did=party.did,
        keys=_keys(party),
        delegation=subject.id,
        ended=subject.index,
        compromised=state.compromised is not None,
    )


def _replaced(subject: Subject, key: str) -> Former:
    """A party one of whose keys this was."""
    party = _party(subject)
    spells = [one for one in party.keys if one["key"] == key]
    return Former(
        party=subject.id,
        name=_name(party),
        did=party.did,
        keys=_keys(party),
        delegation=None,
        ended=max(one["ended"] for one in spells if "ended" in one),
        compromised=any("compromised" in one for one in spells),
    )


def _keys(party: Party) -> list[str]:
    """Those that speak for it at present."""
    return [one["key"] for one in party.keys if "ended" not in one]


def _name(party: Party) -> str | None:
    return party.name if isinstance(party.name, str) else None


def _delegation(subject: Subject) -> Delegation:
    assert isinstance(subject.state, Delegation)
    return subject.state


def _party(subject: Subject) -> Party:
    assert isinstance(subject.state, Party)
    return subject.state


def _hosted(service: Service, name: str) -> CarriedLog:
    """The log at a place under the charter's didHost. Raises ``Absent``."""
    return _listed(service, "place", f"{service.charter.didHost}:org:{name}")


def _listed(service: Service, name: str, value: str) -> CarriedLog:
    found = service.reader.listed("party", name, value, 1)
    if not found:
        raise Absent("did_log_absent", value[:200])
    return service.did_logs.of(found[0])


def _witness_file(service: Service, log: CarriedLog) -> Response:
    data = _witnessed(service, log)
    if data is None:
        raise Absent("did_log_absent", f"no proofs of witnesses are held for {log.did}")
    return _file(data, JSON)


def _witnessed(service: Service, log: CarriedLog) -> bytes | None:
    """did-witness.json, with the proof of the ledger's own service key where the log asks for it."""
    key = _witness_key(service, log)
    proof = None if key is None else sign_witness_proof(key, log.standing.version_id, log.time // 1_000_000)
    return log.witness_file(proof)


def _witness_key(service: Service, log: CarriedLog) -> SigningKey | None:
    """The ledger's own service key, where it is here and the log asks for it as a witness."""
    witness = log.standing.witness
    return None if witness is None or service.charter.service not in witness.ids else service.service_key


def _file(data: bytes, media_type: str) -> Response:
    return Response(data, media_type=media_type, headers=_HEADERS)
