"""Credentials on record over HTTP, and the status lists that the service signs for whoever was shown one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import api.service
from api.status import COST_S, KEPT, REST, Named, Packed, StatusLists
from identity.credential.secured import issue, open_credential, resolve_did_key
from identity.did import kid_of
from identity.errors import Unverifiable
from identity.keys import write_key
from identity.status import ENTRIES_MIN, bits_of, check_status, entry_of, expand, value_at
from ledger.circulation.credential import PLACES, digest_of
from tests.api.house import House, TestClient, code_of
from tests.cast import CAST, digest

NO_PARTY, NO_CREDENTIAL = "party_" + "0" * 26, "credential_" + "0" * 26
BASE = "http://testserver/v1/credentials/status"


@dataclass
class Told:
    """The lender issues to the factory."""

    house: House
    client: TestClient
    badges: list[str] = field(default_factory=list)

    @property
    def lender(self) -> str:
        return self.house.play.party("lender")

    def record(self, *places: tuple[int, int]) -> list[str]:
        play, made = self.house.play, []
        for number, index in places:
            body = {"issuer": self.lender, "holder": play.party("factory"), "type": "Badge", "validFrom": play.seconds}
            body |= {"digest": digest(f"{number}/{index}"), "place": {"list": number, "index": index}}
            made.append(play.act("credential.recorded", by="lender", body=body).subject)
        self.house.tell(self.client)
        return made

    def end(self, kind: str, badge: str) -> None:
        body = {"holder": self.house.play.party("factory")}
        self.house.play.act(f"credential.{kind}", by="lender", sub=badge, body=body)
        self.house.tell(self.client)

    def url(self, purpose: str, number: int = 0) -> str:
        return f"{BASE}/{self.lender}/{purpose}/{number}"

    def set(self, purpose: str, number: int = 0) -> set[int]:
        """The places that are set in a list, which is opened as any verifier would."""
        answer = self.client.get(self.url(purpose, number))
        assert answer.status_code == 200, answer.text
        document = open_credential(answer.json(), resolve_did_key, int(time.time())).document
        bits = bits_of(document)
        assert len(bits) == PLACES // 8 == ENTRIES_MIN // 8
        return {index for index in range(PLACES) if bits[index // 8] and value_at(bits, index)}


def built(path: Path, **changes: Any) -> House:
    house = House.build(path / "ledger", **changes)
    service = CAST["service" if "service" not in changes else "partner"]
    write_key(house.folder.key("service"), service.key)
    house.play.join("lender", "factory")
    return house


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Told]:
    """Lists are read anew after each entry, however busy the machine is."""
    monkeypatch.setattr(api.service, "StatusLists", lambda reader: StatusLists(reader, spent=lambda: 0.0))
    house = built(tmp_path)
    with house.served() as client:
        house.tell(client)
        yield Told(house, client)


def test_what_is_on_record_is_shown_with_where_its_status_stands(told: Told) -> None:
    (badge,) = told.record((3, 94_567))
    played = told.house.play.entries[-1]
    assert told.client.get(f"/v1/credentials/{badge}").json() == {
        "id": badge,
        "issuer": told.lender,
        "holder": told.house.play.party("factory"),
        "type": "Badge",
        "role": None,
        "digest": digest("3/94567"),
        "validFrom": told.house.play.seconds,
        "validUntil": None,
        "status": "active",
        "reason": None,
        "credentialStatus": [
            {"statusPurpose": purpose, "statusListIndex": "94567", "statusListCredential": told.url(purpose, 3)}
            for purpose in ("revocation", "suspension")
        ],
        "index": played.index,
        "last": played.id,
    }


@pytest.mark.parametrize("what", [NO_CREDENTIAL, NO_PARTY, "nonsense", "lender"])
def test_what_is_no_credential_is_not_there(told: Told, what: str) -> None:
    answer = told.client.get(f"/v1/credentials/{told.lender if what == 'lender' else what}")
    assert (answer.status_code, code_of(answer)) == (404, "subject_absent")


def test_lists_say_what_is_revoked_and_what_is_suspended_and_nothing_else(told: Told) -> None:
    first, last, other = told.record((0, 0), (0, PLACES - 1), (1, 5))
    assert told.set("revocation") == told.set("suspension") == set()
    told.end("revoked", first)
    told.end("suspended", last)
    told.end("revoked", other)
    assert (told.set("revocation"), told.set("suspension")) == ({0}, {PLACES - 1})
    assert (told.set("revocation", 1), told.set("suspension", 1)) == ({5}, set())
    told.end("reinstated", last)
    assert (told.set("revocation"), told.set("suspension")) == ({0}, set())
    told.end("suspended", last)
    told.end("revoked", last)
    assert (told.set("revocation"), told.set("suspension")) == ({0, PLACES - 1}, set())


def test_a_list_is_a_credential_of_the_service_that_holds_for_a_day(told: Told) -> None:
    answer = told.client.get(told.url("revocation"))
    assert answer.headers["content-type"] == "application/vc"
    assert answer.headers["cache-control"] == "public, max-age=60"
    assert answer.headers["access-control-allow-origin"] == "*"
    said, now = answer.json(), int(time.time())
    assert (said["id"], said["issuer"]) == (told.url("revocation"), CAST["service"].did)
    assert said["credentialSubject"]["statusPurpose"] == "revocation"
    open_credential(said, resolve_did_key, now + 86_000)
    with pytest.raises(Unverifiable, match="credential_expired"):
        open_credential(said, resolve_did_key, now + 86_402)


def test_a_verifier_sees_by_it_whether_a_credential_holds(told: Told) -> None:
    lender, now = CAST["lender"], int(time.time())
    said = {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "type": ["VerifiableCredential"],
        "issuer": lender.did,
        "credentialSubject": {"id": CAST["factory"].did},
        "credentialStatus": [entry_of(one, 7, told.url(one)) for one in ("revocation", "suspension")],
    }
    secured = issue(said, lender.key, kid_of(lender.key.public), now)
    body = {"issuer": told.lender, "holder": told.house.play.party("factory"), "type": "VerifiableCredential"}
    body |= {"digest": digest_of(secured), "validFrom": now}
    place = {"list": 0, "index": 7}
    badge = told.house.play.act("credential.recorded", by="lender", body=body | {"place": place}).subject
    told.house.tell(told.client)

    def check(issuers: tuple[str, ...] = (CAST["service"].did,)) -> None:
        opened = open_credential(secured, resolve_did_key, now).document
        lists = [told.client.get(told.url(one)).json() for one in ("revocation", "suspension")]
        check_status(opened, {one["id"]: one for one in lists}, issuers)

    check()
    with pytest.raises(Unverifiable, match="status_list_other"):
        check(())
    told.end("suspended", badge)
    with pytest.raises(Unverifiable, match="credential_suspended"):
        check()
    told.end("reinstated", badge)
    check()
    told.end("revoked", badge)
    with pytest.raises(Unverifiable, match="credential_revoked"):
        check()


@pytest.mark.parametrize(
    ("page", "status", "code"),
    [
        (f"{NO_PARTY}/revocation/0", 404, "subject_absent"),
        ("LEDGER/revocation/0", 404, "subject_absent"),
        ("nonsense/revocation/0", 404, "subject_absent"),
        ("LENDER/message/0", 400, "query_malformed"),
        ("LENDER/revocation/1024", 400, "query_malformed"),
        ("LENDER/revocation/-1", 400, "query_malformed"),
        ("LENDER/revocation/00", 400, "query_malformed"),
        ("LENDER/revocation/one", 400, "query_malformed"),
    ],
)
def test_there_are_lists_of_parties_alone(told: Told, page: str, status: int, code: str) -> None:
    page = page.replace("LENDER", told.lender).replace("LEDGER", told.house.play.world.ledger or "")
    answer = told.client.get(f"{BASE}/{page}")
    assert (answer.status_code, code_of(answer)) == (status, code)


def test_lists_are_for_everybody_also_where_entries_are_for_members(tmp_path: Path) -> None:
    house = built(tmp_path, readers="members")
    with house.served() as client:
        house.tell(client)
        told = Told(house, client)
        (badge,) = told.record((0, 7))
        assert told.set("revocation") == set()
        answer = client.get(f"/v1/credentials/{badge}")
        assert (answer.status_code, code_of(answer)) == (401, "readers_members")


def test_a_list_stands_under_the_name_that_the_charter_gives_the_service(tmp_path: Path) -> None:
    house = built(tmp_path, didHost="registry.example%3A8443")
    with house.served() as client:
        house.tell(client)
        told = Told(house, client)
        (badge,) = told.record((0, 7))
        answer = client.get(told.url("revocation")).json()
        assert answer["id"] == f"https://registry.example:8443/v1/credentials/status/{told.lender}/revocation/0"
        first, _ = client.get(f"/v1/credentials/{badge}").json()["credentialStatus"]
        assert first["statusListCredential"] == answer["id"]


def test_a_service_key_of_p256_signs_a_jwt(tmp_path: Path) -> None:
    house = built(tmp_path, service=CAST["partner"].did)
    with house.served() as client:
        house.tell(client)
        answer = client.get(Told(house, client).url("revocation"))
        assert answer.headers["content-type"] == "application/vc+jwt"
        opened = open_credential(answer.text, resolve_did_key, int(time.time()))
        assert (opened.issuer, bits_of(opened.document)) == (CAST["partner"].did, bytes(PLACES // 8))


def test_without_the_service_key_there_is_no_list(tmp_path: Path) -> None:
    house = House.build(tmp_path / "ledger")
    house.play.join("lender")
    with house.served() as client:
        house.tell(client)
        answer = client.get(Told(house, client).url("revocation"))
        assert (answer.status_code, code_of(answer)) == (503, "service_key_absent")


def test_credentials_are_found_by_holder_issuer_and_digest(told: Told) -> None:
    first, second = told.record((0, 7), (0, 8))

    def found(**query: str) -> list[str]:
        answer = told.client.get("/v1/search", params={"type": "credential", **query})
        assert answer.status_code == 200, answer.text
        return [one["id"] for one in answer.json()["items"]]

    assert found() == [second, first]
    assert found(holder=CAST["factory"].did) == found(issuer=CAST["lender"].did) == [second, first]
    assert found(issuer=CAST["factory"].did) == []
    assert found(sha256=digest("0/7")) == [first]
    assert found(listed=f"{told.lender}/0/8") == [second]
    assert found(listed=f"{told.lender}/0/9") == []


class Counted(StatusLists):
    """Counts what it reads; reading takes some time by its clock."""

    def __init__(self, told: Told, seconds: float) -> None:
        self.time, self.takes, self.read = 0.0, seconds, 0
        reader = told.client.app.state.service.reader  # type: ignore[attr-defined]
        super().__init__(reader, lambda: self.time, lambda: self.time)

    def _read(self, named: Named) -> Packed:
        self.read += 1
        return super()._read(named)

    def _set(self, named: Named) -> Iterator[int]:
        self.time += self.takes
        return super()._set(named)


def test_a_list_is_read_at_most_once_per_size(told: Told) -> None:
    lists = Counted(told, COST_S / 2)
    for _ in range(3):
        lists.encoded((told.lender, "revocation", 0))
    assert lists.read == 1
    told.record((0, 7))
    for _ in range(3):
        lists.encoded((told.lender, "revocation", 0))
    assert lists.read == 2


def test_a_list_that_takes_long_is_read_again_only_after_six_times_as_long(told: Told) -> None:
    lists, named = Counted(told, 1.0), (told.lender, "revocation", 0)
    (badge,) = told.record((0, 0))
    assert expand(lists.encoded(named))[0] == 0
    told.end("revoked", badge)
    assert expand(lists.encoded(named))[0] == 0
    lists.time += REST - 0.1
    assert expand(lists.encoded(named))[0] == 0
    lists.time += 0.2
    assert expand(lists.encoded(named))[0] == 0x80
    assert lists.read == 2


def test_so_many_lists_are_kept_those_that_were_read_last(told: Told) -> None:
    lists = Counted(told, 0.0)
    for number in range(KEPT + 1):
        lists.encoded((told.lender, "revocation", number))
    lists.encoded((told.lender, "revocation", KEPT))
    assert lists.read == KEPT + 1
    lists.encoded((told.lender, "revocation", 0))
    assert lists.read == KEPT + 2
