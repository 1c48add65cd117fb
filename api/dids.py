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
from pydantic import BaseModel

from api.deps import PUBLIC, READERS, Ledger, Reading
from api.openapi import problems
from api.service import Service
from identity.resolve import Asked, error_of, failure, resolve
from identity.webvh import location, sign_witness_proof, web_twin
from ledger.circulation.delegation import Delegation
from ledger.circulation.party import Party
from ledger.dids import CarriedLog, carried
from ledger.errors import Absent, Problem
from ledger.read import Reader
from ledger.world import Subject

LOG, JSON = "text/jsonl", "application/json"
RESULT = 'application/ld+json;profile="https://w3id.org/did-resolution"'
LISTED_MAX = 100

_HEADERS = {"Access-Control-Allow-Origin": "*", "Cache-Control": "no-cache"}
_STATUS = {"invalidDid": 400, "invalidDidUrl": 400, "notFound": 404, "methodNotSupported": 501}

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
    return _file(orjson.dumps(web_twin(_hosted(service, name).lines[-1]["state"])), JSON)


@router.get("/webvh/log", dependencies=[PUBLIC], response_class=Response, responses=problems(200, LOG))
def watched_log(service: Ledger, scid: Scid) -> Response:
    """A watcher's copy of the log of any did:webvh through which a party speaks (did:webvh v1.0, "Watchers")."""
    return _file(_listed(service.reader, "scid", scid).log, LOG)


@router.get("/webvh/witness", dependencies=[PUBLIC], response_class=Response, responses=problems(200, JSON))
def watched_witness(service: Ledger, scid: Scid) -> Response:
    """A watcher's copy of its did-witness.json."""
    return _witness_file(service, _listed(service.reader, "scid", scid))


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

    def fetch(url: str, _: int) -> bytes | None:
        log = _listed(service.reader, "did", did.partition("#")[0])
        files = {location(log.did).log: log.log, location(log.did).witness: _witnessed(service, log)}
        return files.get(url)

    try:
        found = resolve(did, fetch, int(time.time()), Asked(versionId, versionTime, versionNumber), encryption=True)
    except Problem as problem:
        status = _STATUS.get(error_of(problem), 500)
        return Response(orjson.dumps(failure(problem)), status, _HEADERS, RESULT)
    return Response(orjson.dumps(found.result()), 200 if found.document else 410, _HEADERS, RESULT)


class Speaking(BaseModel):
    """A party for which a key signs: as `iss` its DID, as `kid` that DID, `#` and the key."""

    party: str
    did: str


class Acting(BaseModel):
    """A delegation under which a key signs: `iss` is the party's DID, `kid` a key of the DID it was given `to`."""

    delegation: str
    via: str
    to: str
    party: str
    did: str
    kinds: list[str]
    until: int


class Key(BaseModel):
    """For whom a key signs at present."""

    key: str
    parties: list[Speaking]
    delegations: list[Acting]


@router.get("/v1/keys/{key}", dependencies=[READERS], responses=problems())
def key(
    reader: Reading,
    key: Annotated[str, Path(pattern="^z[1-9A-HJ-NP-Za-km-z]{40,64}$", description="Multikey", examples=["z6Mk…"])],
) -> Key:
    """For which parties a key speaks, and under which delegations it acts for others."""
    parties = [(one.id, _party(one)) for one in reader.listed("party", "key", key, LISTED_MAX)]
    dids = [f"did:key:{key}", *(party.did for _, party in parties)]
    acting = [one for did in dids for one in reader.listed("delegation", "delegate", did, LISTED_MAX)]
    return Key(
        key=key,
        parties=[Speaking(party=id_, did=party.did) for id_, party in parties if not party.left],
        delegations=[found for one in acting if (found := _acting(reader, one)) is not None],
    )


def _acting(reader: Reader, subject: Subject) -> Acting | None:
    """What a delegation lets do, if it was not revoked."""
    state = subject.state
    assert isinstance(state, Delegation)
    if state.status != "active":
        return None
    did = _party(reader.subject(state.party)).did
    return Acting(
        delegation=subject.id,
        via=state.act,
        to=state.to,
        party=state.party,
        did=did,
        kinds=state.kinds,
        until=state.until,
    )


def _party(subject: Subject) -> Party:
    assert isinstance(subject.state, Party)
    return subject.state


def _hosted(service: Service, name: str) -> CarriedLog:
    """The log at a place under the charter's didHost. Raises ``Absent``."""
    return _listed(service.reader, "place", f"{service.charter.didHost}:org:{name}")


def _listed(reader: Reader, name: str, value: str) -> CarriedLog:
    found = reader.listed("party", name, value, 1)
    if not found:
        raise Absent("did_log_absent", value[:200])
    return carried(reader, _party(found[0]))


def _witness_file(service: Service, log: CarriedLog) -> Response:
    data = _witnessed(service, log)
    if data is None:
        raise Absent("did_log_absent", f"no proofs of witnesses are held for {log.did}")
    return _file(data, JSON)


def _witnessed(service: Service, log: CarriedLog) -> bytes | None:
    """did-witness.json, with the proof of the ledger's own service key where the log asks for it."""
    witness = log.standing.witness
    key = None if witness is None or service.charter.service not in witness.ids else service.service_key
    proof = None if key is None else sign_witness_proof(key, log.standing.version_id, log.time // 1_000_000)
    return log.witness_file(proof)


def _file(data: bytes, media_type: str) -> Response:
    return Response(data, media_type=media_type, headers=_HEADERS)
