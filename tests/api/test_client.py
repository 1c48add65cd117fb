"""The client: every call against a real service, then a network and a service that fail in every way they can."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from api.client import Admitted, Client, ServerProblem, conceal
from api.client import wire as wired
from api.client.client import BATCH_LINES
from api.client.wire import ATTEMPTS, FIRST_PAUSE_S, PAUSE_MAX_S
from identity import disclosure
from identity.errors import Malformed, Problem
from identity.note import parse_vkey
from ledger.errors import Absent, Corrupt, Refused, Unavailable, Unverifiable
from ledger.log.chain import link_of, parse_entry
from ledger.log.checkpoint import open_checkpoint
from ledger.log.receipt import open_receipt
from ledger.statement import receive
from tests.api.house import House
from tests.cast import CAST, LOG, ORIGIN, Play, description

FACTORY = CAST["factory"]
SALT = bytes(range(16))

# -- a real service ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """The factory's client of a ledger it has joined."""
    house = House.build(tmp_path_factory.mktemp("client") / "ledger")
    with house.served() as served, Client("http://testserver", key=FACTORY.key, transport=served._transport) as client:
        client.act("party.joined", {"name": FACTORY.legal, "contact": {"email": "a@b.example"}}, hide=["/contact"])
        yield client


def test_it_says_which_ledger_it_is(ledger: Client) -> None:
    about = ledger.ledger()
    assert about.origin == ORIGIN
    assert parse_vkey(about.vkey) == LOG.verifier
    assert about.audience.startswith(f"{ORIGIN}#")
    assert about.validity == 604_800
    assert open_checkpoint(ledger.checkpoint(), [LOG.verifier]).size >= 2


def test_an_act_is_composed_signed_admitted_and_proven(ledger: Client) -> None:
    sent = ledger.compose("asset.registered", description())
    claims = receive(sent).claims
    assert (claims.iss, claims.aud, claims.exp - claims.iat) == (FACTORY.did, ledger.ledger().audience, 3600)
    admitted = ledger.submit(sent)
    entry, _ = open_receipt(admitted.receipt, [LOG.verifier])
    assert (entry.index, entry.time, entry.statement) == (admitted.index, admitted.time, sent)
    assert not admitted.again
    again = ledger.submit(sent)
    assert again.again
    assert (again.index, again.id, again.subject) == (admitted.index, admitted.id, admitted.subject)


def test_pins_are_read_from_the_ledger(ledger: Client) -> None:
    asset = ledger.act("asset.registered", description()).subject
    last = ledger.subject(asset).last
    claims = receive(ledger.compose("asset.retired", {"reason": "test"}, asset)).claims
    assert claims.prev == {asset: last}
    stale = ledger.compose("asset.retired", {"reason": "test"}, asset, prev={asset: "A" * 43})
    with pytest.raises(Refused) as refused:
        ledger.submit(stale)
    assert refused.value.code == "pin_stale"
    assert refused.value.subject == asset
    assert refused.value.pointer == f"/payload/prev/{asset}"


def test_what_was_seen_is_signed(ledger: Client) -> None:
    claims = receive(ledger.compose("asset.registered", description(), seen=True)).claims
    assert claims.seen is not None
    index = int(claims.seen.partition(":")[0])
    summary = ledger.entries(index, 1)[0]
    assert claims.seen == f"{index}:{summary.model_dump()['hash']}"
    assert ledger.act("asset.registered", description()).index > index


def test_private_fields_travel_as_disclosures(ledger: Client) -> None:
    body = {"name": "Hush", "contact": {"email": "h@h.example"}}
    sent = ledger.compose("party.joined", body, hide=["/name", "/contact"])
    _, disclosures = disclosure.split(sent)
    assert len(disclosures) == 2
    assert "Hush" not in receive(sent).signed.payload.decode()


def test_a_field_hidden_before_is_stated_again_with_its_disclosure(ledger: Client) -> None:
    shown, disclosures = conceal({"name": "Hush"}, ["/name"], lambda size: bytes(size))
    sent = ledger.compose("party.joined", shown, disclosures=disclosures)
    assert disclosure.split(sent)[1] == disclosures
    with pytest.raises(Malformed) as missing:
        ledger.compose("party.joined", shown)
    assert missing.value.code == "disclosure_missing"


def test_a_lifetime_never_exceeds_what_the_charter_allows(ledger: Client) -> None:
    claims = receive(ledger.compose("asset.registered", description(), lifetime=10**9)).claims
    assert claims.exp - claims.iat == ledger.ledger().validity


def test_a_bad_body_is_refused_before_it_is_sent(ledger: Client) -> None:
    with pytest.raises(Malformed) as wrong:
        ledger.compose("asset.registered", description(title=""))
    assert wrong.value.pointer == "/payload/body/title"


def test_reading_without_a_key_is_fine_and_signing_is_not(ledger: Client) -> None:
    reader = Client("http://testserver", transport=ledger._wire._http._transport)
    assert reader.ledger().audience == ledger.ledger().audience
    with pytest.raises(Malformed) as absent:
        reader.compose("asset.registered", description())
    assert absent.value.code == "key_absent"


def test_a_batch_gets_a_verdict_for_each_in_order(ledger: Client) -> None:
    good = [ledger.compose("asset.registered", description(title=f"batch {n}")) for n in range(3)]
    verdicts = list(ledger.submit_batch([good[0], b"nonsense", *good[1:], good[0]]))
    assert [verdict.line for verdict in verdicts] == [1, 2, 3, 4, 5]
    assert [getattr(verdict.outcome, "code", None) for verdict in verdicts] == [
        None,
        "statement_malformed",
        *[None] * 3,
    ]
    first, last = verdicts[0].outcome, verdicts[4].outcome
    assert isinstance(first, Admitted)
    assert isinstance(last, Admitted)
    assert (first.again, last.again) == (False, True)
    assert first.receipt == b""
    proven = next(ledger.submit_batch([good[0]], receipts=True)).outcome
    assert isinstance(proven, Admitted)
    assert open_receipt(proven.receipt, [LOG.verifier])[0].index == first.index
    assert list(ledger.submit_batch([])) == []


def test_entries_come_as_values_and_as_bytes(ledger: Client) -> None:
    data = ledger.entries_bytes(0, 10)
    assert [parse_entry(one).index for one in data] == list(range(len(data)))
    assert ledger.entry_bytes(1) == data[1]
    entry = ledger.entry(1)
    assert (entry.kind, entry.issuer) == ("party.joined", FACTORY.did)
    assert parse_entry(data[1]).statement == entry.statement.encode()
    assert ledger.statement(entry.id) == entry
    assert parse_entry(data[1]).link == link_of(data[0])
    assert [one.index for one in ledger.entries(0, 2)] == [0, 1]
    assert open_receipt(ledger.receipt(1), [LOG.verifier])[0].index == 1
    assert ledger.consistency(1, 2)["new"] == 2


def test_subjects_are_read_as_they_stand_and_as_they_stood(ledger: Client) -> None:
    asset = ledger.act("asset.registered", description(title="before"))
    changed = ledger.act("asset.revised", description(title="after"), asset.subject)
    assert ledger.subject(asset.subject).state["title"] == "after"
    assert ledger.subject(asset.subject, at=changed.index).state["title"] == "before"
    assert [entry.index for entry in ledger.history(asset.subject)] == [changed.index, asset.index]
    assert [entry.index for entry in ledger.history(asset.subject, before=changed.index)] == [asset.index]
    listed = ledger.subjects(limit=3)
    assert [subject.no for subject in listed] == [0, 1, 2]
    assert ledger.subjects(after=2, limit=1)[0].no == 3
    assert ledger.subject(FACTORY.did).type == "party"


def test_a_search_goes_on_over_pages(ledger: Client) -> None:
    for number in range(5):
        ledger.act("asset.registered", description(title=f"振动 page {number}"))
    found = list(ledger.search("振动 page", type="asset", holder=FACTORY.did, limit=2))
    assert [subject.state["title"][-1] for subject in found] == ["4", "3", "2", "1", "0"]
    assert list(ledger.search("nothing like it")) == []


def test_kinds_and_refusals_are_asked_for(ledger: Client) -> None:
    assert "asset.registered" in {kind["name"] for kind in ledger.kinds()}
    assert ledger.kind("asset.registered")["signer"] == "party"
    assert ledger.refusal("pin_stale")["family"] == "rule"
    assert "pin_stale" in {refusal["code"] for refusal in ledger.refusals()}


def test_what_is_not_there_raises_the_ledgers_own_absence(ledger: Client) -> None:
    calls: list[Callable[[], object]] = [
        lambda: ledger.entry(999),
        lambda: ledger.subject(f"asset_{'0' * 26}"),
        lambda: ledger.receipt(999),
        lambda: ledger.kind("no.such"),
        lambda: ledger.statement("A" * 43),
    ]
    for call in calls:
        with pytest.raises(Absent):
            call()


# -- failing networks and services -------------------------------------------------------------------------------

ABOUT = {"origin": ORIGIN, "audience": f"{ORIGIN}#x", "size": 1, "vkey": "v", "charter": {"validity": 600}}
RECORDED = {"index": 7, "time": 1, "id": "i", "subject": "s", "receipt": "r"}


class Script:
    """A service that answers by a script, one line for each request; the last line is repeated."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []
        self.slept: list[float] = []

    def client(self) -> Client:
        return Client("http://ledger.example", transport=httpx.MockTransport(self._answer), sleep=self.slept.append)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)


def problem(status: int, code: str, headers: dict[str, str] | None = None, **members: Any) -> httpx.Response:
    return httpx.Response(status, headers=headers, json={"code": code, "title": "t", "detail": "d", **members})


def test_the_same_bytes_are_sent_again_until_the_answer_is_known() -> None:
    script = Script(
        httpx.ConnectError("refused"),
        problem(503, "store_failed"),
        httpx.ReadTimeout("slow"),
        httpx.Response(502),
        httpx.Response(200, json=RECORDED),
    )
    assert script.client().submit(b"a.b.c") == Admitted(7, 1, "i", "s", b"r", again=True)
    assert {request.content for request in script.requests} == {b"a.b.c"}
    assert script.slept == [FIRST_PAUSE_S * 2**n for n in range(4)]


def test_it_waits_as_long_as_it_is_asked_to_within_bounds() -> None:
    script = Script(
        problem(503, "store_failed", {"Retry-After": "2"}),
        problem(429, "store_failed", {"Retry-After": "600"}),
        httpx.Response(201, json=RECORDED),
    )
    assert not script.client().submit(b"a.b.c").again
    assert script.slept == [2, PAUSE_MAX_S]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (httpx.ConnectError("nobody there"), "ledger_unreachable"),
        (problem(503, "store_failed"), "store_failed"),
        (httpx.Response(503), "answer_strange"),
    ],
)
def test_it_gives_up_after_a_bounded_number_of_attempts(answer: httpx.Response | Exception, code: str) -> None:
    script = Script(answer)
    with pytest.raises(Unavailable) as unavailable:
        script.client().ledger()
    assert unavailable.value.code == code
    assert "check the address" in unavailable.value.advice or code == "store_failed"
    assert len(script.requests) == ATTEMPTS
    assert len(script.slept) == ATTEMPTS - 1


@pytest.mark.parametrize(
    ("status", "code", "raised"),
    [
        (400, "statement_malformed", Malformed),
        (403, "signature_invalid", Unverifiable),
        (404, "subject_absent", Absent),
        (409, "pin_stale", Refused),
        (500, "store_corrupt", Corrupt),
    ],
)
def test_problems_come_back_as_the_errors_they_were(status: int, code: str, raised: type[Problem]) -> None:
    script = Script(problem(status, code, pointer="/payload/sub", index=3, subject="asset_x"))
    with pytest.raises(raised) as error:
        script.client().submit(b"a.b.c")
    found = error.value
    assert isinstance(found, Problem)
    assert (found.code, found.detail, found.pointer, found.index, found.subject) == (
        code,
        "d",
        "/payload/sub",
        3,
        "asset_x",
    )
    assert len(script.requests) == 1


def test_a_code_of_another_version_is_passed_on() -> None:
    script = Script(problem(409, "asset_haunted", advice="call a priest"))
    with pytest.raises(ServerProblem) as error:
        script.client().submit(b"a.b.c")
    found = error.value
    assert (found.code, found.title, found.detail, found.advice) == ("asset_haunted", "t", "d", "call a priest")
    assert str(found) == "asset_haunted: d"
    assert pickle.loads(pickle.dumps(found)).advice == "call a priest"


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, content=b"<html>"),
        httpx.Response(200, json=[]),
        httpx.Response(200, json={"origin": ORIGIN}),
        httpx.Response(200, json={**ABOUT, "size": "many"}),
        httpx.Response(404, content=b"<html>"),
        httpx.Response(404, json={"code": 5}),
        httpx.Response(404, json=["code"]),
        httpx.Response(301, headers={"Location": "http://elsewhere.example"}),
    ],
)
def test_what_is_no_ledger_is_told_as_such(answer: httpx.Response) -> None:
    with pytest.raises(Unavailable) as strange:
        Script(answer).client().ledger()
    assert strange.value.code == "answer_strange"


def test_a_subject_in_place_of_the_one_that_was_asked_for_is_no_answer() -> None:
    asked, other = (f"asset_{digit * 26}" for digit in "01")
    state = {"id": other, "type": "asset", "no": 1, "index": 1, "last": "a", "state": {}}
    with pytest.raises(Unavailable, match=f"answer_strange: asked for {asked}, answered {other}"):
        Script(httpx.Response(200, json=state)).client().subject(asked)
    assert Script(httpx.Response(200, json=state)).client().subject("did:key:z1").id == other


def test_members_of_a_later_version_are_kept() -> None:
    assert (
        Script(httpx.Response(200, json={**ABOUT, "weather": "fine"})).client().ledger().model_dump()["weather"]
        == "fine"
    )


def test_a_page_of_entries_cut_short_is_no_answer() -> None:
    for bundle in (b"\x00", b"\x00\x02a", b"\x00\x01ab"):
        with pytest.raises(Unavailable):
            Script(httpx.Response(200, content=bundle)).client().entries_bytes(0, 1)
    assert Script(httpx.Response(200, content=b"\x00\x01a\x00\x00")).client().entries_bytes(0, 2) == [b"a", b""]


@pytest.mark.parametrize("url", ["nonsense", "ftp://ledger.example", "http://", "http://[", "http://a b", "//x"])
def test_an_address_that_is_none_is_told_at_once(url: str) -> None:
    slept: list[float] = []
    with pytest.raises(Unavailable) as unreachable, Client(url, sleep=slept.append) as client:
        client.ledger()
    assert unreachable.value.code == "ledger_unreachable"
    assert slept == []


# -- batches -----------------------------------------------------------------------------------------------------


def lines(*members: dict[str, Any]) -> httpx.Response:
    return httpx.Response(200, content=b"".join(orjson.dumps(one) + b"\n" for one in members))


def recorded(index: int, status: int = 201) -> dict[str, Any]:
    return {"status": status, "index": index, "time": 1, "id": "i", "subject": "s"}


def indexes(client: Client, count: int) -> list[Any]:
    """Index or code of each verdict on ``count`` statements; the lines must be numbered in order."""
    verdicts = list(client.submit_batch(b"%d" % n for n in range(count)))
    assert [verdict.line for verdict in verdicts] == list(range(1, count + 1))
    return [one.outcome.index if isinstance(one.outcome, Admitted) else one.outcome.code for one in verdicts]


def sent_in(request: httpx.Request) -> list[int]:
    return [int(orjson.loads(line)["statement"]) for line in request.content.splitlines()]


def test_what_there_was_no_room_for_is_sent_again() -> None:
    busy = {"status": 503, "code": "store_failed", "detail": "busy"}
    script = Script(lines(recorded(10), busy, recorded(12), busy), lines(recorded(11), busy), lines(recorded(13)))
    assert indexes(script.client(), 4) == [10, 11, 12, 13]
    assert [sent_in(request) for request in script.requests] == [[0, 1, 2, 3], [1, 3], [3]]


def test_an_answer_that_breaks_off_is_asked_for_again_from_there() -> None:
    script = Script(lines(recorded(10)), lines(recorded(11, 200), recorded(12)))
    assert indexes(script.client(), 3) == [10, 11, 12]
    assert [sent_in(request) for request in script.requests] == [[0, 1, 2], [1, 2]]


def test_a_batch_gives_up_and_says_which_lines_are_not_known() -> None:
    busy = {"status": 429, "code": "store_failed", "detail": "busy"}
    script = Script(lines(recorded(10), busy), lines(busy))
    assert indexes(script.client(), 2) == [10, "store_failed"]
    assert len(script.requests) == ATTEMPTS
    assert indexes(Script(lines()).client(), 2) == ["ledger_unreachable", "ledger_unreachable"]


def test_more_verdicts_than_statements_are_no_answer() -> None:
    with pytest.raises(Unavailable):
        indexes(Script(lines(recorded(1), recorded(2))).client(), 1)


def test_any_number_of_statements_goes_in_requests_of_bounded_size() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        numbers = sent_in(request)
        assert len(numbers) <= BATCH_LINES
        return lines(*(recorded(number) for number in numbers))

    client = Client("http://ledger.example", transport=httpx.MockTransport(answer))
    count = 2 * BATCH_LINES + 1
    assert indexes(client, count) == list(range(count))


# -- private fields ----------------------------------------------------------------------------------------------


def salt(size: int) -> bytes:
    return SALT[:size]


def test_fields_are_concealed_by_pointer_and_the_original_stays() -> None:
    body = {"a": {"b/c": [1, {"d~": "secret"}]}, "price": 5}
    shown, disclosures = conceal(body, ["/a/b~1c/1/d~0", "/price"], salt)
    assert disclosure.reveal(shown, disclosures) == body
    assert shown["price"].keys() == {"_sd"}
    assert body["price"] == 5
    assert [disclosure.show(one) for one in disclosures] == ["secret", 5]


@pytest.mark.parametrize("pointer", ["", "price", "/", "/nothing", "/list/2", "/list/-", "/price/x", "/list/01x"])
def test_a_pointer_that_leads_nowhere_is_refused(pointer: str) -> None:
    with pytest.raises(Malformed) as astray:
        conceal({"price": 5, "list": [1, 2]}, [pointer], salt)
    assert astray.value.code == "pointer_astray"


def test_a_play_and_the_client_say_the_same(tmp_path: Path) -> None:
    """The client's statements pass the rules of a ledger in memory, too."""
    play = Play()
    about = {**ABOUT, "audience": play.world.audience, "parties": [], "delegations": []}
    client = Client(
        "http://ledger.example",
        key=FACTORY.key,
        clock=lambda: play.seconds,
        randomness=salt,
        transport=httpx.MockTransport(lambda _: httpx.Response(200, json=about)),
    )
    played = play.admit(client.compose("party.joined", {"name": "Works"}))
    assert played.statement.claims.iss == FACTORY.did
    assert played.statement.claims.exp - played.statement.claims.iat == 600


@pytest.mark.parametrize("packed", ["gzip", "zstd"])
def test_an_answer_that_is_packed_is_not_unpacked(packed: str) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["Accept-Encoding"] == "identity"
        return httpx.Response(200, headers={"Content-Encoding": packed}, stream=httpx.ByteStream(b"junk"))

    with pytest.raises(Unavailable, match="answer_strange: it answers packed"):
        Client("http://ledger.example", transport=httpx.MockTransport(answer)).ledger()


def test_an_answer_without_end_is_read_no_further_than_is_bearable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wired, "ANSWER_BYTES_MAX", 10_000)
    given = 0

    class Endless(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            nonlocal given
            while given < 1_000_000:
                given += 1_000
                yield bytes(1_000)

    client = Client(
        "http://ledger.example", transport=httpx.MockTransport(lambda _: httpx.Response(200, stream=Endless()))
    )
    with pytest.raises(Unavailable, match="answer_strange: it answers with more than 10000 bytes"):
        client.ledger()
    assert given == 11_000
