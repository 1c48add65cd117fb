"""Speakers: how a DID comes to speak for a party, and goes on to. What an act shows of its DID is judged here.

A did:key speaks by itself. A did:webvh speaks by the keys that its log gives to ``assertionMethod``; the lines of the
log that an act rests on stand in its body (``log``), so that replaying asks nobody. All rules of the method hold
(``identity.webvh``); where the log names witnesses, their proofs come along, and admission counts as the proof of the
ledger's own service key. A DID that is to take over from another consents by a signature of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple, cast

from pydantic import Field
from typing_extensions import TypedDict  # pydantic reads no other below Python 3.12

from identity import webvh
from identity.canonical import b64decode
from identity.did import key_named, key_of, method_of
from identity.errors import Problem
from identity.place import format_place, parse_place
from identity.webvh.log import LOG_BYTES_MAX
from ledger.circulation.charter import Ledger
from ledger.circulation.key import KEYS_MAX, Multikey
from ledger.errors import Refused, declare
from ledger.form import Form
from ledger.world import Act, World

declare(
    "rule",
    did_log_needed=("a did:webvh speaks by its log", "state the lines of its did.jsonl in log"),
    did_log_unwanted=("a did:key has no log", "leave log out"),
    did_log_refused=("the lines do not go on with the DID's log", "see why: cadastre did resolve FILE.jsonl"),
    did_log_too_long=(
        "no resolver reads a log of more than 5 MiB",
        "let another DID speak for the party: cadastre recovery",
    ),
    did_proofs_too_many=(
        "the lines and what witnesses proved of them have too many proofs for one act",
        "state fewer lines at a time; one proof of a line, and as many witnesses as the threshold says, are enough",
    ),
    did_log_of_another=("the log is of another DID", "state the log of the DID that is to speak"),
    did_ended=("the DID is deactivated", "let another DID speak for the party: cadastre succeed"),
    did_unusable=("nobody can speak through this DID here", "use a did:key or a did:webvh"),
    did_taken=("a party speaks through this DID already", "use another DID"),
    place_taken=("another party's log stands at this place", "choose another name under the ledger's host"),
    place_malformed=("the ledger serves no log at this place", "use did:webvh:SCID:HOST:org:NAME with its own host"),
    consent_missing=("the DID that is to speak has not consented", "sign the consent with a key of that DID"),
)

PROOFS_MAX = 32  # of the lines of an act, those of witnesses included

LogLines = Annotated[
    list[dict[str, Any]],
    Field(min_length=1, max_length=16, description="lines of the DID's log (did:webvh 1.0), oldest first"),
]


class Approved(Form):
    """What witnesses proved of a version of the log: an item of its did-witness.json."""

    versionId: Annotated[str, Field(min_length=1, max_length=80)]
    proof: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=32)]


WitnessProofs = Annotated[
    list[Approved],
    Field(min_length=1, max_length=64, description="what did-witness.json holds, where the log names witnesses"),
]


class Consent(Form):
    """That a key of the DID agrees to speak for a party: its signature (base64url) over :func:`consent_message`."""

    key: Multikey
    signature: Annotated[
        str, Field(pattern=r"^[A-Za-z0-9_-]{85}[AQgw]$", description="64 bytes, base64url", examples=["A" * 86])
    ]


class LogState(TypedDict):
    """Where a DID's log stands: what the next line must follow on, and which entry of the ledger holds the last.

    The one ``before`` holds lines as well, None if there is none: the state of that time names the one before that, so
    that a state does not grow with its log. ``size`` is that of did.jsonl in bytes, ``place`` where the ledger serves
    it, None for a log that is hosted elsewhere; ``keyAgreement`` are the keys to which data can be sealed.
    """

    standing: dict[str, Any]
    entry: int
    before: int | None
    size: int
    place: str | None
    keyAgreement: list[str]


class Speaker(NamedTuple):
    """How a DID speaks: through which keys, and where its log stands, if it has one."""

    did: str
    keys: list[str]
    log: LogState | None


def speaker_of(
    world: World,
    act: Act[Any],
    party: str,
    did: str,
    lines: list[dict[str, Any]] | None,
    proofs: list[Approved] | None,
) -> Speaker:
    """How a DID that is to speak for a party does so, by its log from the first line on. Raises ``Refused``."""
    if did.startswith("did:key:"):
        if lines is not None:
            raise Refused("did_log_unwanted", pointer="/payload/body/log")
        try:
            key_of(did)
        except Problem as wrong:
            raise Refused("did_unusable", str(wrong)) from None
        return Speaker(did, [did.removeprefix("did:key:")], None)
    if not did.startswith("did:webvh:"):
        raise Refused("did_unusable", did)
    if lines is None:
        raise Refused("did_log_needed", pointer="/payload/body/log")
    return follow(world, act, party, None, did, lines, proofs)


def follow(
    world: World,
    act: Act[Any],
    party: str,
    log: LogState | None,
    did: str | None,
    lines: Sequence[dict[str, Any]],
    proofs: Sequence[Approved] | None,
) -> Speaker:
    """How a DID speaks for a party after these lines, which go on with its ``log``. Raises ``Refused``.

    Milliseconds; what ``check`` has found out, ``fold`` is told.
    """
    if (known := act.shown.get("speaker")) is not None:
        return cast(Speaker, known)
    charter = cast(Ledger, world.charter)
    count = sum(len(line["proof"]) for line in lines if isinstance(line.get("proof"), list))
    count += sum(len(one.proof) for one in proofs or ())
    if count > PROOFS_MAX:  # each is a verification in the one writer
        raise Refused("did_proofs_too_many", f"{count}, of at most {PROOFS_MAX}", pointer="/payload/body/log")
    try:
        standing = _advance(log, lines, proofs or (), charter.service, act.seconds)
        keys = speaking_keys(standing)
    except Problem as wrong:
        raise Refused("did_log_refused", f"{wrong.code}: {wrong}", pointer="/payload/body/log") from None
    if did is not None and standing.did != did:
        raise Refused("did_log_of_another", f"the log is of {standing.did}", pointer="/payload/body/log")
    if standing.deactivated:
        raise Refused("did_ended", standing.did)
    for name, value in (("scid", standing.scid), ("did", standing.did)):  # a log that moved is one log yet
        if (holder := world.found(name, value)) not in (None, party):
            raise Refused("did_taken", f"{holder} speaks by this log", pointer="/payload/body/log")
    size = len(webvh.format_log(lines)) + (0 if log is None else log["size"])
    if size > LOG_BYTES_MAX:
        raise Refused("did_log_too_long", f"{size} bytes", pointer="/payload/body/log")
    state: LogState = {
        "standing": standing.to_state(),
        "entry": act.index,
        "before": None if log is None else log["entry"],
        "size": size,
        "place": _check_place(world, charter, standing.did, party),
        "keyAgreement": keys_in(standing, "keyAgreement")[:KEYS_MAX],
    }
    found = act.shown["speaker"] = Speaker(standing.did, keys, state)
    return found


def _advance(
    log: LogState | None,
    lines: Sequence[dict[str, Any]],
    proofs: Sequence[Approved],
    service: str,
    seconds: int,
) -> webvh.Standing:
    """Let the lines follow. By admitting them the ledger witnesses them, where the log names its service key."""
    standings = [None if log is None else webvh.Standing.from_state(log["standing"])]
    for line in lines:
        standings.append(webvh.advance(standings[-1], line, seconds))
    added = cast(list[webvh.Standing], standings[1:])
    rules, ids = webvh.rules_of(standings[0], added)
    approvals = [{"versionId": one.versionId, "proof": one.proof} for one in proofs]
    latest = webvh.approvers([one.version_id for one in added], approvals, ids)
    webvh.check_lean(approvals, latest)
    if (found := webvh.unwitnessed(rules, {**latest, service: len(added)})) is not None:
        raise found[1]
    return added[-1]


def speaking_keys(standing: webvh.Standing) -> list[str]:
    """The Multikeys that may sign statements: those of ``assertionMethod`` whose ids are ``DID#MULTIKEY``.

    Raises ``Malformed`` for one that is no key.
    """
    named = [key for key in keys_in(standing, "assertionMethod") if key.startswith(("z6Mk", "zDn"))]
    for key in named:
        key_named(f"{standing.did}#{key}")
    return named


def keys_in(standing: webvh.Standing, purpose: str) -> list[str]:
    """As :func:`keys_named`, in the document of a log's last line."""
    return keys_named(standing.did, standing.document, purpose)


def keys_named(did: str, document: dict[str, Any], purpose: str) -> list[str]:
    """The Multikeys for a purpose, once each, in order, of verification methods that are named by their very keys.

    Whatever else a document holds is nobody's key here.
    """
    relations, methods = _list(document, purpose), _list(document, "verificationMethod")
    named = [one.get("id") if isinstance(one, dict) else one for one in relations]
    wanted = {one for one in named if isinstance(one, str)}
    found: dict[str, None] = {}
    for method in (*methods, *relations):
        if not isinstance(method, dict) or method.get("type") != "Multikey":
            continue
        key, id_ = method.get("publicKeyMultibase"), method.get("id")
        if isinstance(key, str) and isinstance(id_, str) and id_ in wanted and id_ == f"{did}#{key}":
            found[key] = None
    return list(found)


def _list(document: dict[str, Any], name: str) -> list[Any]:
    value = document.get(name)
    return value if isinstance(value, list) else []


def location(did: str) -> str:
    """Where the log of a did:webvh is hosted, in one spelling: ``HOST[%3APORT]:PATH…``. Raises ``Malformed``.

    DIDs may spell one place in several ways (capitals, needless percent signs, the usual port).
    """
    place = parse_place(did.split(":", 3)[3])
    return format_place(place.host, place.path, None if place.port == 443 else place.port)


def claimed(lines: Sequence[dict[str, Any]] | None) -> list[tuple[str, str]]:
    """The look-ups by which it is known whether another party has what these lines claim: DID, SCID, place."""
    state = lines[-1].get("state") if lines else None
    did = state.get("id") if isinstance(state, dict) else None
    try:
        if not isinstance(did, str) or method_of(did) != "webvh":
            return []
        return [("did", did), ("scid", did.split(":")[2]), ("place", location(did))]
    except (Problem, IndexError):  # the rules of the method refuse it
        return []


def _check_place(world: World, charter: Ledger, did: str, party: str) -> str | None:
    """The place under the ledger's own host, which nobody else has; None for a log that is hosted elsewhere."""
    place = location(did)
    host = charter.didHost
    if host is None or not (place == host or place.startswith(f"{host}:")):
        return None
    name = place.removeprefix(f"{host}:org:")
    if not (place.startswith(f"{host}:org:") and _is_name(name)):
        raise Refused("place_malformed", place)
    holder = world.found("place", place)
    if holder not in (None, party):
        raise Refused("place_taken", place)
    return place


def _is_name(text: str) -> bool:
    return 0 < len(text) <= 63 and text.isascii() and text.replace("-", "a").isalnum() and text == text.lower()


def consent_message(audience: str, party: str, did: str) -> bytes:
    """What a key signs by which its DID agrees to speak for a party of one ledger."""
    return f"cadastre/consent\n{audience}\n{party}\n{did}\n".encode()


def check_consent(world: World, party: str, speaker: Speaker, consent: Consent) -> None:
    """The DID has agreed to speak for the party, by one of its keys. Raises ``Refused``."""
    if consent.key not in speaker.keys:
        raise Refused(
            "consent_missing", f"{consent.key} is no key of {speaker.did}", pointer="/payload/body/consent/key"
        )
    try:
        key = key_named(f"{speaker.did}#{consent.key}")
        key.verify(consent_message(world.audience, party, speaker.did), b64decode(consent.signature))
    except Problem as wrong:
        raise Refused("consent_missing", str(wrong), pointer="/payload/body/consent/signature") from None
