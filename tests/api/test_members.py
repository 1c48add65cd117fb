"""A ledger for members: who reads it, by a token for each request."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import api.members
from api.app import create_app
from api.members import Members
from identity import jws
from identity.did import multibase_of
from identity.token import LIFETIME_MAX_S, SKEW_S, Token, sign_token
from ledger.errors import Problem
from tests.api.house import House, TestClient, code_of
from tests.api.test_deps import READ, routes_of
from tests.cast import CAST

numbers = iter(range(1, 1_000_000))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """A ledger for members, of which the factory is one, and the lender an authority."""
    authority = {"did": CAST["lender"].did, "roles": ["auditor"]}
    house = House.build(tmp_path_factory.mktemp("members") / "ledger", readers="members", authorities=[authority])
    house.play.join("factory")
    with house.served() as client:
        house.tell(client)
    return house


@pytest.fixture
def client(house: House) -> Iterator[TestClient]:
    with house.served() as client:
        yield client


def bearer(
    house: House,
    client: TestClient,
    who: str = "factory",
    *,
    ahead: int = 0,
    audience: str | None = None,
    principal: str | None = None,
) -> dict[str, str]:
    now, number = int(time.time()) + ahead, next(numbers).to_bytes(16)
    nonce = client.get("/v1/ledger").json()["tokenNonce"]
    token = sign_token(CAST[who].key, audience or house.play.world.audience, nonce, now, number, principal=principal)
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize("who", ["factory", "lender", "governance"])
def test_a_member_reads_with_a_token_for_each_request(house: House, client: TestClient, who: str) -> None:
    for path in ("/v1/entries/1", "/v1/entries/1/receipt", "/v1/search?q=x", "/tile/entries/000.p/2"):
        answer = client.get(path, headers=bearer(house, client, who))
        assert answer.status_code == 200, (path, answer.text)


def test_every_route_that_shows_entries_takes_a_token_once(house: House, client: TestClient) -> None:
    party = house.play.party("factory")
    for route in routes_of(create_app(house.settings())):
        if route.path_format in READ:
            named = {"index": 1, "id": house.play.entries[1].id, "name": party, "place": "000.p/2", "digest": "A" * 43}
            named |= {"key": multibase_of(house.play.cast["factory"].key.public)}
            path = route.path_format.format(**named) + "?old=1&new=2"
            once = bearer(house, client)
            answer = client.get(path, headers=once)
            assert answer.status_code not in (401, 403), path
            assert answer.headers.get_list("Cache-Control") == ["no-store"], (path, "a proxy would show it to others")
            again = client.get(path, headers=once)
            assert (again.status_code, code_of(again)) == (401, "token_spent"), path


def test_others_are_told_what_is_missing(house: House, client: TestClient) -> None:
    cases = {
        "readers_members": {},
        "token_malformed": {"Authorization": "Bearer xyz"},
        "token_elsewhere": bearer(house, client, audience="other.example/ledger#" + "A" * 43),
        "token_expired": bearer(house, client, ahead=-3_600),
    }
    for code, headers in cases.items():
        answer = client.get("/v1/entries/1", headers=headers)
        assert (answer.status_code, code_of(answer)) == (401, code)
        error = "" if code == "readers_members" else ' error="invalid_token"'
        assert answer.headers["WWW-Authenticate"] == f"Bearer{error}"
    basic = client.get("/v1/entries/1", headers={"Authorization": "Basic eDp5"})
    assert code_of(basic) == "readers_members"
    stranger = client.get("/v1/entries/1", headers=bearer(house, client, "stranger"))
    assert (stranger.status_code, code_of(stranger)) == (403, "reader_unknown")


def test_a_token_may_say_for_whom_and_is_good_for_nobody_else(house: House, client: TestClient) -> None:
    factory = house.play.party("factory")
    for principal, status in ((factory, 200), (CAST["factory"].did, 200), (CAST["lender"].did, 403), ("party_x", 403)):
        answer = client.get("/v1/entries/1", headers=bearer(house, client, principal=principal))
        assert answer.status_code == status, principal
    assert client.get("/v1/entries/1", headers=bearer(house, client, "lender", principal=factory)).status_code == 200


def test_a_did_whose_keys_nobody_here_knows_is_no_member(tmp_path: Path) -> None:
    """Whoever asks names any key under it; an authority that speaks through a did:webvh joins first."""
    did = f"did:webvh:Qm{'1' * 44}:office.example"
    authorities = [{"did": did, "roles": ["auditor"]}]
    house = House.build(tmp_path / "ledger", readers="members", authorities=authorities)
    key = CAST["stranger"].key
    with house.served() as client:
        claims = {"aud": house.play.world.audience, "iat": int(time.time()), "exp": int(time.time()) + 60, "iss": did}
        claims |= {"jti": "AAECAwQFBgcICQoLDA0ODw", "nonce": client.get("/v1/ledger").json()["tokenNonce"]}
        token = jws.sign(claims, key, "cadastre-token+jwt", kid=f"{did}#{multibase_of(key.public)}").decode()
        answer = client.get("/v1/entries/0", headers={"Authorization": f"Bearer {token}"})
        assert (answer.status_code, code_of(answer)) == (403, "reader_unknown")


def test_a_token_from_before_the_service_began_is_not_taken_however_far_ahead(house: House) -> None:
    with house.served() as client:
        before = bearer(house, client, ahead=SKEW_S - 5)
        assert client.get("/v1/entries/1", headers=before).status_code == 200
    with house.served() as client:
        assert code_of(client.get("/v1/entries/1", headers=before)) == "token_stale"


def test_whoever_joins_reads_from_then_on(tmp_path: Path) -> None:
    house = House.build(tmp_path / "ledger", readers="members")
    with house.served() as client:
        assert code_of(client.get("/v1/entries/0", headers=bearer(house, client, "partner"))) == "reader_unknown"
        house.play.join("partner")
        house.tell(client)
        assert client.get("/v1/entries/0", headers=bearer(house, client, "partner")).status_code == 200


class Clock:
    now = 1_760_000_000.0

    def __call__(self) -> float:
        return self.now


def spent(members: Members, token: Token) -> str | None:
    try:
        members.spend(token)
    except Problem as problem:
        return problem.code
    return None


def test_spent_tokens_are_kept_as_long_as_they_hold_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.members, "SPENT_MAX", 3)
    clock = Clock()
    members = Members(None, "", "", clock)  # type: ignore[arg-type] # it asks nobody here
    tokens = [Token("did:key:z", "z", int(clock.now) + 60, f"number {place}", "") for place in range(5)]
    assert [spent(members, token) for token in tokens[:4]] == [None, None, None, "tokens_full"]
    clock.now += LIFETIME_MAX_S + SKEW_S
    assert spent(members, tokens[0]) == "token_spent"
    clock.now += 1
    assert spent(members, tokens[4]) is None


def test_one_did_does_not_use_up_what_all_members_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.members, "SPENT_EACH", 2)
    clock = Clock()
    members = Members(None, "", "", clock)  # type: ignore[arg-type] # it asks nobody here
    greedy = [Token("did:key:z", "z", int(clock.now) + 60, f"number {place}", "") for place in range(4)]
    other = Token("did:key:y", "y", int(clock.now) + 60, "number 0", "")
    assert [spent(members, token) for token in greedy[:3]] == [None, None, "tokens_full"]
    assert spent(members, other) is None
    clock.now += LIFETIME_MAX_S + SKEW_S + 1
    assert [spent(members, token) for token in greedy] == [None, None, "tokens_full", "tokens_full"]
