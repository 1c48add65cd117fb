"""The typed calls: what a ledger can be asked, and how an act is composed, signed and handed in."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from hashlib import sha256
from types import TracebackType
from typing import Any
from urllib.parse import quote

import httpx
import orjson
from pydantic import TypeAdapter, ValidationError

from api.client.answers import (
    Admitted,
    Disclosed,
    Entry,
    Erasure,
    Key,
    Ledger,
    Page,
    Subject,
    Summary,
    Verdict,
    admitted_in,
    read,
)
from api.client.signing import LIFETIME_S, Randomness, Speaker, conceal, itself, pins_of, sign_statement, touched_by
from api.client.speaking import Voices
from api.client.wire import ATTEMPTS, LEDGER, PASSING, ServerProblem, Wire, problem_of
from identity.canonical import b64encode
from identity.did import multibase_of
from identity.errors import Malformed, declare
from identity.signer import StatementSigner
from identity.token import NUMBER_BYTES, sign_token
from ledger.errors import Absent, Unavailable, Unverifiable
from ledger.values import type_of

BATCH_LINES = 1_000  # statements sent in one request of a batch
BATCH_BYTES = 4 << 20
BYTES = "application/octet-stream"
COSE = "application/scitt-receipt+cose"  # RFC 9943 section 10.2
CREDENTIALS = "application/vc, application/vc+jwt"
NDJSON = "application/x-ndjson"
RESOLUTION = 'application/ld+json;profile="https://w3id.org/did-resolution"'
JOSE = "application/jose"
SD_JWT = "application/sd-jwt"

declare(
    "malformed",
    key_absent=("there is no key to sign with", "name the key file: --as KEY, or CADASTRE_KEY"),
)

_SUMMARIES = TypeAdapter(list[Summary])
_SUBJECTS = TypeAdapter(list[Subject])
_ERASURES = TypeAdapter(list[Erasure])
_OBJECTS = TypeAdapter(list[dict[str, Any]])


class Client:
    """A ledger over HTTP, as one party sees it. Not thread-safe; a context manager that closes its connections.

    The ledger is asked as whom ``key`` signs, and ``principal`` (party, its DID or name, delegation) chooses where it
    could be several, whatever the act (``speaking``); a name only where one party has it. ``reader`` gives the key that
    reads where only members may, and is asked for it then; it is ``key`` if not given.

    Every call raises the ledger's own errors, ``Unavailable`` if it cannot be reached. ``clock`` gives POSIX seconds,
    ``randomness`` that many random bytes.
    """

    def __init__(
        self,
        url: str,
        *,
        key: StatementSigner | None = None,
        principal: str | None = None,
        reader: Callable[[], StatementSigner] | None = None,
        clock: Callable[[], float] = time.time,
        randomness: Randomness = secrets.token_bytes,
        sleep: Callable[[float], None] = time.sleep,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.key = key
        self._speaker: Speaker | None = None
        self._voices: Voices | None = None
        self._principal = principal
        self._reader = reader
        self._reading: StatementSigner | None = None
        self._wire = Wire(url, transport, sleep, self.sign_token)
        self._clock = clock
        self._randomness = randomness
        self._ledger: Ledger | None = None

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._wire.close()

    @property
    def url(self) -> str:
        return self._wire.url

    @property
    def did(self) -> str:
        """The DID of whose acts this client signs. Raises what :meth:`speaker` raises."""
        return self._as_known().did if self._speaker is None else self._speaker.iss

    def speaker(self, kind: str | None = None, touched: Set[str] = frozenset()) -> Speaker:
        """As whom this client signs an act of a kind that touches these subjects; the ledger is asked once.

        Raises ``Malformed``: ``key_absent``; ``speaker_unclear`` where the key could sign it as several,
        ``speaker_unknown``, ``speaker_former``; and ``Refused`` where each of several delegations would be.
        """
        return self._as_known().speaker(kind, touched) if self._speaker is None else self._speaker

    @property
    def chosen(self) -> str | None:
        """For whom the last act was signed, in words, where nobody said by an id whom they mean (``Voices``)."""
        return self._voices.chosen if self._voices is not None and self._speaker is None else None

    def speak_as(self, speaker: Speaker) -> None:
        """Sign as this one from here on, whatever the ledger says."""
        self._speaker = speaker

    def _as_known(self) -> Voices:
        """All ways in which the key can sign, of those that are wanted."""
        if self._voices is None:
            key = self._need_key()
            known = self._known(key)
            if self._named is not None:  # what others put on record may have pushed it out of the list
                known = known.with_all(self._known(key, self._named))
            self._voices = Voices(itself(key), known, self._principal, int(self._clock()))
        return self._voices

    def _known(self, key: StatementSigner, named: str | None = None) -> Key:
        """What the ledger says of a key; to whoever is no member yet, it may say nothing."""
        try:
            return read(Key, self._wire.get(f"/v1/keys/{multibase_of(key.public)}", {"for": named}))
        except (Unverifiable, ServerProblem) as no:
            if no.code not in ("readers_members", "reader_unknown"):
                raise
            return Key()

    @property
    def _named(self) -> str | None:
        """The principal, where it is an id or a DID, and no name that several parties may have."""
        named = self._principal or ""
        return named if named.startswith("did:") or type_of(named) in ("party", "delegation") else None

    def sign_token(self, stale: bool = False) -> str | None:
        """A token for the next request, where there is a key to sign it. ``stale``: the service began again."""
        if self._reading is None and self._reader is not None:
            self._reading = self._reader()
        key = self._reading or self.key
        if key is None:
            return None
        ledger = self.ledger(anew=stale)
        now, number = int(self._clock()), self._randomness(NUMBER_BYTES)
        principal = self._named if key is self.key or self.key is None else None
        return sign_token(key, ledger.audience, ledger.tokenNonce, now, number, principal=principal)

    # -- what the ledger is ----------------------------------------------------------------------------------

    def ledger(self, *, anew: bool = False) -> Ledger:
        """Which ledger this is: asked once, since its name and audience never change, or ``anew`` for the rest."""
        if self._ledger is None or anew:
            self._ledger = read(Ledger, self._wire.get(LEDGER))
        return self._ledger

    def checkpoint(self) -> bytes:
        """The signed note over the present size and root; not verified."""
        return self._wire.get("/checkpoint", accept="text/plain")

    def consistency(self, old: int, new: int) -> dict[str, Any]:
        """The proof that size ``old`` extends to size ``new``, as the ledger spells it."""
        return _members(self._wire.get("/v1/consistency", {"old": old, "new": new}))

    def published(self, path: str) -> bytes:
        """A file of the published log, such as ``tile/0/000`` (C2SP tlog-tiles); not verified."""
        return self._wire.get(f"/{path}", accept=BYTES)

    # -- acts ------------------------------------------------------------------------------------------------

    def compose(
        self,
        kind: str,
        body: Mapping[str, Any],
        sub: str | None = None,
        *,
        hide: Iterable[str] = (),
        disclosures: Iterable[str] = (),
        prev: Mapping[str, str] | None = None,
        seen: bool = False,
        lifetime: int = LIFETIME_S,
    ) -> bytes:
        """An act, signed and ready to be submitted.

        ``hide`` names private fields by JSON pointer within the body; ``disclosures`` are those of fields that are
        hidden already. ``prev`` is read from the ledger unless given; ``seen`` adds the hash of the ledger's last
        entry, so that a fork would surface. Raises ``Malformed`` where the door would.
        """
        key = self._need_key()
        shown, hidden = conceal(body, hide, self._randomness)
        if prev is None:
            prev = {name: self.subject(name).last for name in pins_of(kind, shown, sub)}
        return sign_statement(
            key,
            speaker=self.speaker(kind, touched_by(kind, shown, sub)),
            audience=self.ledger().audience,
            kind=kind,
            body=shown,
            sub=sub,
            prev=prev,
            seen=self._seen() if seen else None,
            now=int(self._clock()),
            lifetime=min(lifetime, self.ledger().validity),
            disclosures=[*hidden, *disclosures],
            randomness=self._randomness,
        )

    def submit(self, sent: bytes) -> Admitted:
        """Hand a statement in, as often as it takes to know: the same bytes give the same entry."""
        answer = self._wire.post("/v1/statements", sent, SD_JWT if b"~" in sent else JOSE)
        return admitted_in(_members(answer.content), again=answer.status_code == httpx.codes.OK)

    def act(self, kind: str, body: Mapping[str, Any], sub: str | None = None, *, hide: Iterable[str] = ()) -> Admitted:
        """Compose and submit."""
        return self.submit(self.compose(kind, body, sub, hide=hide))

    def submit_batch(self, statements: Iterable[bytes], *, receipts: bool = False) -> Iterator[Verdict]:
        """Hand many statements in; one verdict for each, in their order. A bad one does not sink the rest.

        Statements go in requests of up to 1,000, each answered before the next is read, so any number will do.
        """
        first = 1
        for part in _parts(statements):
            yield from self._submit_part(part, first, receipts)
            first += len(part)

    def _submit_part(self, part: list[bytes], first: int, receipts: bool) -> list[Verdict]:
        """The verdicts on one request's statements; what the service had no room for is sent again."""
        verdicts: dict[int, Verdict] = {}
        waiting = list(range(len(part)))
        for attempt in range(ATTEMPTS):
            lines = b"".join(orjson.dumps({"statement": part[at].decode()}) + b"\n" for at in waiting)
            answer = self._wire.post("/v1/statements/batch", lines, NDJSON, {"receipts": "true" if receipts else None})
            answers = answer.content.splitlines()
            if len(answers) > len(waiting):
                raise Unavailable("answer_strange", f"{len(answers)} verdicts on {len(waiting)} statements")
            again = waiting[len(answers) :]  # the answer broke off there
            for at, line in zip(waiting, answers, strict=False):
                members = _members(line)
                status = members.get("status")
                if status in PASSING:
                    again.append(at)
                ok = status in (httpx.codes.OK, httpx.codes.CREATED)
                outcome = admitted_in(members, status == httpx.codes.OK) if ok else problem_of(members)
                verdicts[at] = Verdict(first + at, outcome)
            waiting = sorted(again)
            if not waiting:
                break
            if attempt + 1 < ATTEMPTS:
                self._wire.pause(attempt)
        for at in waiting:
            verdicts.setdefault(at, Verdict(first + at, Unavailable("ledger_unreachable", "the answer broke off")))
        return [verdicts[at] for at in range(len(part))]

    # -- entries ---------------------------------------------------------------------------------------------

    def entry(self, index: int) -> Entry:
        return read(Entry, self._wire.get(f"/v1/entries/{index}"))

    def entry_bytes(self, index: int) -> bytes:
        """The entry exactly as it is hashed."""
        return self._wire.get(f"/v1/entries/{index}", accept=BYTES)

    def entries(self, start: int, count: int) -> list[Summary]:
        """Up to ``count`` entries from index ``start`` on: fewer at the ledger's end, or where they are large."""
        return _list(_SUMMARIES, self._wire.get("/v1/entries", {"start": start, "count": count}))

    def entries_bytes(self, start: int, count: int) -> list[bytes]:
        """``count`` entries from index ``start`` on, at most 1,024, each exactly as it is hashed: what an audit reads.

        Fewer only at the ledger's end: where one answer does not hold them all, it is asked for the rest. Raises
        ``Absent`` if there is none.
        """
        found = self._entries_bytes(start, count)
        while 0 < len(found) < count:
            try:
                found += self._entries_bytes(start + len(found), count - len(found))
            except Absent:
                break
        return found

    def statement(self, id_: str) -> Entry:
        """The entry that holds the statement of this id."""
        return read(Entry, self._wire.get(f"/v1/statements/{quote(id_, safe='')}"))

    def receipt(self, index: int) -> bytes:
        """The file that proves an entry against the present checkpoint; not verified."""
        return self._wire.get(f"/v1/entries/{index}/receipt", accept="text/plain")

    def cose_receipt(self, index: int) -> bytes:
        """The COSE receipt of an entry against the present root (RFC 9942); not verified."""
        return self._wire.get(f"/v1/entries/{index}/receipt.cose", accept=COSE)

    def disclosures(self, index: int, inspection: str | None = None) -> list[str]:
        """The disclosures of an entry that this client's party may see, by the look that it stated if it is one.

        They are not compared with the statement's digests.
        """
        path = f"/v1/entries/{index}/disclosures"
        return read(Disclosed, self._wire.get(path, {"inspection": inspection})).disclosures

    def erasures(self, digest: str) -> list[Erasure]:
        """The tombstones of the private value behind a digest."""
        return _list(_ERASURES, self._wire.get(f"/v1/erasures/{quote(digest, safe='')}"))

    # -- subjects --------------------------------------------------------------------------------------------

    def subject(self, id_: str, at: int | None = None) -> Subject:
        """A subject by its id, a party by its DID as well; as it stands or as it stood at a size."""
        found = read(Subject, self._wire.get(f"/v1/subjects/{quote(id_, safe=':')}", {"at": at}))
        if type_of(id_) and found.id != id_:  # whoever signs would sign for another
            raise Unavailable("answer_strange", f"asked for {id_}, answered {found.id}")
        return found

    def state_proof(self, what: str, lookup: str | None = None, at: int | None = None) -> bytes:
        """The file that proves a subject's state, or a list under a look-up, at a size committed to; not verified."""
        path = f"/v1/subjects/{quote(what, safe=':')}/proof"
        return self._wire.get(path, {"lookup": lookup, "at": at}, accept="text/plain")

    def subjects(self, after: int = -1, limit: int | None = None) -> list[Subject]:
        """Some subjects numbered above ``after``, in order of number; none after the last. What an audit reads."""
        return _list(_SUBJECTS, self._wire.get("/v1/subjects", {"after": after, "limit": limit}))

    def history(self, id_: str, before: int | None = None, limit: int | None = None) -> list[Summary]:
        """Some entries that touched the subject, latest first; none before the earliest."""
        path = f"/v1/subjects/{quote(id_, safe=':')}/history"
        return _list(_SUMMARIES, self._wire.get(path, {"before": before, "limit": limit}))

    def search(self, text: str = "", **conditions: str | int | None) -> Iterator[Subject]:
        """Assets and offers, or what is of another type, that have all words and meet the conditions.

        Latest first. Conditions: type, keyword, holder, issuer and delegator (party id or DID), delegate (DID), listed,
        alias (parties and assets unless a type is given), sha256, classification, status, limit (of one page).
        Pages are fetched as needed.
        """
        cursor: str | None = None
        while True:
            page = read(Page, self._wire.get("/v1/search", {"q": text or None, **conditions, "cursor": cursor}))
            yield from page.items
            if page.cursor is None:
                return
            cursor = page.cursor

    # -- what whoever is shown a credential needs ------------------------------------------------------------

    def status_list(self, issuer: str, purpose: str, number: int) -> bytes:
        """A status list of an issuer (party id): a credential, or the JWT around one; not verified."""
        path = f"/v1/credentials/status/{quote(issuer, safe='')}/{quote(purpose, safe='')}/{number}"
        return self._wire.get(path, accept=CREDENTIALS)

    def did_log(self, scid: str) -> bytes:
        """The did.jsonl of the did:webvh with this SCID, through which a party speaks; not verified."""
        return self._wire.get("/webvh/log", {"scid": scid}, accept="text/jsonl")

    def did_witness(self, scid: str) -> bytes:
        """Its did-witness.json; not verified. Raises ``Absent`` where it names no witnesses."""
        return self._wire.get("/webvh/witness", {"scid": scid})

    def resolve(self, did: str, **asked: str | int | None) -> dict[str, Any]:
        """The DID resolution result of what the ledger carries of a DID; ``asked`` as ``versionId``; not verified.

        Raises why it does not resolve.
        """
        path = f"/1.0/identifiers/{quote(did, safe='')}"
        members = _members(self._wire.get(path, asked, RESOLUTION, told=(400, 404, 410, 500, 501)))
        about = members.get("didResolutionMetadata")
        failed = about.get("problemDetails") if isinstance(about, dict) else members
        if failed is None:
            return members
        if not isinstance(failed, dict) or not isinstance(failed.get("code"), str):
            raise Unavailable("answer_strange", f"{self.url}{path}")
        raise problem_of(failed)

    # -- what may be said ------------------------------------------------------------------------------------

    def kinds(self) -> list[dict[str, Any]]:
        return _list(_OBJECTS, self._wire.get("/v1/kinds"))

    def kind(self, name: str) -> dict[str, Any]:
        return _members(self._wire.get(f"/v1/kinds/{quote(name, safe='')}"))

    def refusals(self) -> list[dict[str, Any]]:
        return _list(_OBJECTS, self._wire.get("/v1/refusals"))

    def refusal(self, code: str) -> dict[str, Any]:
        return _members(self._wire.get(f"/v1/refusals/{quote(code, safe='')}"))

    # -- within ----------------------------------------------------------------------------------------------

    def _entries_bytes(self, start: int, count: int) -> list[bytes]:
        return _split(self._wire.get("/v1/entries", {"start": start, "count": count}, accept=BYTES))

    def _need_key(self) -> StatementSigner:
        if self.key is None:
            raise Malformed("key_absent")
        return self.key

    def _seen(self) -> str:
        index = self.ledger(anew=True).size - 1
        return f"{index}:{b64encode(sha256(self.entry_bytes(index)).digest())}"


def _parts(statements: Iterable[bytes]) -> Iterator[list[bytes]]:
    part: list[bytes] = []
    size = 0
    for statement in statements:
        if part and (len(part) == BATCH_LINES or size + len(statement) > BATCH_BYTES):
            yield part
            part, size = [], 0
        part.append(statement)
        size += len(statement)
    if part:
        yield part


def _members(data: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise Unavailable("answer_strange", str(error)) from None
    if not isinstance(found, dict):
        raise Unavailable("answer_strange", "not an object")
    return found


def _split(bundle: bytes) -> list[bytes]:
    """The entries of a bundle, each after its length in two bytes, big-endian; any number of them."""
    entries, start = [], 0
    while start < len(bundle):
        end = start + 2 + int.from_bytes(bundle[start : start + 2])
        entries.append(bundle[start + 2 : end])
        start = end
    if start != len(bundle):
        raise Unavailable("answer_strange", "the entries end in the middle of one")
    return entries


def _list(form: TypeAdapter[list[Any]], data: bytes) -> list[Any]:
    try:
        return form.validate_json(data)
    except ValidationError as wrong:
        first = wrong.errors(include_url=False, include_input=False)[0]
        raise Unavailable("answer_strange", first["msg"]) from None
