"""Aliases over HTTP: who has one is found by search, and the list of them is proven, slash and all."""

from __future__ import annotations

from typing import Any

import structlog

from identity.keys import SigningKey, write_key
from ledger.log.stateproof import Listing
from tests.api.house import House, code_of
from tests.api.test_proofs import committed, shown
from tests.cast import CAST, Play, digest, seed

LEI, HANDLE = "lei:529900T8BM49AURSDO55", "handle:88.118.8/a/b?c=d"


def told(play: Play) -> tuple[str, str, str]:
    """Factory and partner claim one LEI, attested for the factory, whose asset has a handle."""
    _, factory, partner = play.join("lender", "factory", "partner")
    authorities = [{"did": CAST["lender"].did, "roles": ["registrar"]}]
    play.act("ledger.amended", by="governance", sub=play.world.ledger, body={"authorities": authorities})
    for name in ("factory", "partner"):
        play.act("party.aliased", by=name, sub=play.party(name), body={"claimed": [LEI]})
    asset = play.register("factory")
    play.act("asset.aliased", by="factory", sub=asset, body={"claimed": [HANDLE]})
    play.act("alias.attested", by="lender", body={"subject": factory, "alias": LEI, "evidence": digest("extract")})
    return factory, partner, asset


def test_whoever_has_an_alias_is_found_with_its_status(house: House) -> None:
    factory, partner, asset = told(house.play)
    with house.served() as client:
        house.tell(client)

        def found(alias: str, **more: str) -> dict[str, Any]:
            answer = client.get("/v1/search", params={"alias": alias, **more})
            assert answer.status_code == 200, answer.text
            return {one["id"]: one["state"]["aliases"] for one in answer.json()["items"]}

        parties = found(LEI)
        assert [one["status"] for one in parties[factory]] == ["attested"]
        assert parties[partner] == [{"alias": LEI, "status": "claimed"}]
        assert len(parties) == 2
        assert found(LEI, type="party") == parties
        assert found(LEI, type="asset") == {}
        assert found(HANDLE) == {asset: [{"alias": HANDLE, "status": "claimed"}]}
        assert found("gln:0614141000012") == {}
        for alias in ("lei:529900T8BM49AURSDO65", "lei:529900t8bm49aursdo55", "88.118.8/abc", "name:x", ""):
            assert code_of(client.get("/v1/search", params={"alias": alias})) == "alias_malformed"
        pages = []
        cursor: str | None = ""
        while cursor is not None:
            page = client.get(
                "/v1/search", params={"alias": LEI, "limit": "1"} | ({"cursor": cursor} if cursor else {})
            )
            pages.append([one["id"] for one in page.json()["items"]])
            cursor = page.json()["cursor"]
        assert pages[:2] == [[partner], [factory]]


def test_the_lists_of_who_has_an_alias_are_proven(house: House) -> None:
    write_key(house.folder.key("service"), SigningKey.from_seed("Ed25519", seed("service")))
    factory, partner, asset = told(house.play)
    with house.served() as client:
        house.tell(client)
    with house.served(commit_seconds=0.05) as client, structlog.testing.capture_logs():
        committed(house, client)
        having = Listing("party", "alias", LEI, tuple(sorted((factory, partner))))
        assert shown(client, f"{LEI}/proof?lookup=party.alias") == having
        assert shown(client, f"{LEI}/proof?lookup=party.attested").ids == (factory,)
        assert shown(client, "gln:0614141000012/proof?lookup=party.alias").ids == ()
        for spelt in ("handle:88.118.8/a/b%3Fc=d", "handle:88.118.8%2Fa%2Fb%3Fc%3Dd"):
            assert shown(client, f"{spelt}/proof?lookup=asset.alias") == Listing("asset", "alias", HANDLE, (asset,))
        for path, code in {
            "lei:529900T8BM49AURSDO65/proof?lookup=party.alias": "lookup_value_malformed",
            "88.118.8/abc/proof?lookup=party.alias": "lookup_value_malformed",
            f"{LEI}/proof?lookup=party.name": "lookup_unproven",
            f"{LEI}/proof": "subject_id_malformed",
        }.items():
            assert code_of(client.get(f"/v1/subjects/{path}")) == code
