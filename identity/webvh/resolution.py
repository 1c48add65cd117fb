"""From a did:webvh log to the DID document and its metadata, and where on the web both are.

Every entry is verified, whichever is asked for. A log that breaks a rule does not resolve; but a version that is asked
for by id, number or time does, if it stands before the first broken entry ("Read (Resolve)", step 11).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from identity.did import check_did
from identity.errors import Malformed, Problem, Unverifiable, declare
from identity.instant import parse_instant
from identity.place import parse_place
from identity.webvh.log import read_log
from identity.webvh.rules import advance
from identity.webvh.standing import TTL_S, Standing
from identity.webvh.witness import approvers, parse_witness_file, rules_of, unwitnessed

LINKED_VP = "https://identity.foundation/linked-vp/contexts/v1"

declare(
    "malformed",
    webvh_asked_twice=(
        "a version was asked for in more than one way",
        "ask by versionId, versionNumber or versionTime",
    ),
)
declare(
    "unverifiable",
    webvh_other_did=("the log is of another DID", "fetch the log from where the DID says"),
    webvh_version_absent=("the DID has no such version", "ask for one that the log has"),
    webvh_witness_file_missing=(
        "the log is witnessed and the proofs of its witnesses are missing",
        "give did-witness.json, which stands beside did.jsonl",
    ),
)


@dataclass(frozen=True, slots=True)
class Resolution:
    """``document`` is ``None`` for a deactivated DID unless a version was asked for; ``standings`` are all that hold.

    ``metadata`` is of DID Resolution: no numbers, versions and instants as the log spells them.
    """

    document: dict[str, Any] | None
    metadata: dict[str, Any]
    standings: tuple[Standing, ...]


class Location(NamedTuple):
    """Where a did:webvh is published, and the did:web of the same place."""

    log: str  # https URL of did.jsonl
    witness: str  # https URL of did-witness.json
    web: str  # did:web:…


def location(did: str) -> Location:
    """Raises ``Malformed``."""
    _check_webvh(did)
    place = did.split(":", 3)[3]
    folder = parse_place(place).folder
    return Location(f"{folder}did.jsonl", f"{folder}did-witness.json", f"did:web:{place}")


def _check_webvh(did: str) -> None:
    """Return if ``did`` is a well-formed did:webvh, raise ``Malformed`` if not."""
    check_did(did)
    if not did.startswith("did:webvh:"):
        raise Malformed("did_method_unsupported", f"{did[:40]} is no did:webvh")


def resolve(
    data: bytes,
    did: str,
    now: int,
    *,
    witness: bytes | None = None,
    version_id: str | None = None,
    version_time: str | None = None,
    version_number: int | None = None,
) -> Resolution:
    """The DID document of ``did`` by its log ``data`` (did.jsonl) and ``witness`` (did-witness.json), at ``now``.

    At most one of the last three names the version; without, it is the last, and then the whole log must hold.
    Raises ``Malformed`` and ``Unverifiable``; pointers begin with the place of the entry. Cost: ``advance`` for each.
    """
    _check_webvh(did)
    return resolve_standings(
        *read_standings(data, now),
        did,
        witness=witness,
        version_id=version_id,
        version_time=version_time,
        version_number=version_number,
    )


def resolve_standings(
    standings: Sequence[Standing],
    broken: Problem | None,
    did: str,
    *,
    witness: bytes | None = None,
    approved: Mapping[str, int] | None = None,
    version_id: str | None = None,
    version_time: str | None = None,
    version_number: int | None = None,
) -> Resolution:
    """As :func:`resolve`, of a log whose entries were verified: what :func:`read_standings` says of it.

    ``approved``: in place of ``witness``, what ``approvers`` found in it: then no proof is verified again.
    """
    asked = [one is not None for one in (version_id, version_time, version_number)].count(True)
    if asked > 1:
        raise Malformed("webvh_asked_twice")
    standings, broken = _witnessed(standings, broken, witness, approved)
    if broken is not None and not (standings and asked):
        raise broken
    if all(one.did != did for one in standings):
        raise broken or Unverifiable("webvh_other_did", f"{standings[-1].did}, not {did}")
    chosen = _chosen(standings, version_id, version_time, version_number) if asked else standings[-1]
    if chosen is None:
        raise broken or Unverifiable("webvh_version_absent", f"of {standings[-1].number}")
    document = None if chosen.deactivated and not asked else with_services(chosen.document)
    return Resolution(document, _metadata(chosen, standings), tuple(standings))


def read_standings(data: bytes, now: int) -> tuple[list[Standing], Problem | None]:
    """Where the log stands after each entry up to the first that breaks a rule, and how that one does.

    Witnesses are not looked at.
    """
    standings: list[Standing] = []
    try:
        for line in read_log(data):
            try:
                standings.append(advance(standings[-1] if standings else None, line, now))
            except Problem as wrong:
                pointer = f"/{len(standings)}{wrong.pointer or ''}"
                return standings, type(wrong)(wrong.code, wrong.detail, pointer=pointer)
    except Problem as wrong:
        return standings, wrong
    return standings, None


def _witnessed(
    standings: Sequence[Standing],
    broken: Problem | None,
    witness: bytes | None,
    approved: Mapping[str, int] | None,
) -> tuple[Sequence[Standing], Problem | None]:
    """The same, up to the first entry that lacks its witnesses. Each proof is verified once."""
    rules, ids = rules_of(None, standings)
    if not ids:
        return standings, broken
    try:
        if approved is None and witness is None:
            raise Unverifiable("webvh_witness_file_missing")
        approvals = [] if witness is None else parse_witness_file(witness)
    except Problem as wrong:
        first = next(place for place, rule in enumerate(rules) if rule)
        return standings[:first], wrong
    if approved is None:
        approved = approvers([one.version_id for one in standings], approvals, ids)
    found = unwitnessed(rules, approved)
    return (standings, broken) if found is None else (standings[: found[0]], found[1])


def _chosen(
    standings: Sequence[Standing], version_id: str | None, version_time: str | None, version_number: int | None
) -> Standing | None:
    if version_time is not None:
        instant = parse_instant(version_time)
        return next((one for one in reversed(standings) if one.instant <= instant), None)
    return next((one for one in standings if version_id == one.version_id or version_number == one.number), None)


def _metadata(chosen: Standing, standings: Sequence[Standing]) -> dict[str, Any]:
    """The document metadata of a version of a log, as "Read (Resolve)" lists it; numbers are texts there."""
    last = standings[-1]
    witness = last.witness and {**last.witness.to_parameter(), "threshold": str(last.witness.threshold)}
    return {
        "versionId": chosen.version_id,
        "versionTime": chosen.version_time,
        "created": standings[0].version_time,
        "updated": last.version_time,
        "scid": last.scid,
        "portable": last.portable,
        "deactivated": last.deactivated,
        "ttl": str(TTL_S if last.ttl is None else last.ttl),
        "witness": witness or {},
        "watchers": list(last.watchers),
    }


def with_services(document: Mapping[str, Any]) -> dict[str, Any]:
    """A did:webvh's document with the services that every did:webvh has, #files and #whois, unless it sets them."""
    did = document["id"]
    base = parse_place(did.split(":", 3)[3]).base
    implied = {
        "#files": {"type": "relativeRef", "serviceEndpoint": base},
        "#whois": {
            "@context": LINKED_VP,
            "type": "LinkedVerifiablePresentation",
            "serviceEndpoint": f"{base}whois.vp",
        },
    }
    services = document.get("service", [])
    had = [one.get("id") for one in services]
    added = [
        {"id": did + name, **service} for name, service in implied.items() if name not in had and did + name not in had
    ]
    return {**document, "service": [*services, *added]} if added else dict(document)


def web_twin(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document of the did:web of the same place (did.json), by "Publishing a Parallel did:web DID"."""
    did = document["id"]
    scid = did.split(":", 3)[2]
    twin: dict[str, Any] = _replaced(with_services(document), f"did:webvh:{scid}:", "did:web:")
    known_as = dict.fromkeys([*twin.get("alsoKnownAs", []), did])
    return {**twin, "alsoKnownAs": [one for one in known_as if one != twin["id"]]}


def _replaced(value: Any, old: str, put: str) -> Any:
    if isinstance(value, str):
        return value.replace(old, put)
    if isinstance(value, list):
        return [_replaced(one, old, put) for one in value]
    if isinstance(value, dict):
        return {name.replace(old, put): _replaced(one, old, put) for name, one in value.items()}
    return value
