"""Credentials on a ledger by the command: a place, what is put on record, what ends it, and what verifiers see."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import orjson
import pytest

from identity.did import did_of
from identity.keys import read_key
from ledger.circulation.credential import LISTS_MAX, PLACES
from scripts.command import Halted
from scripts.credentials_recorded import TRIES, free_place
from scripts.index import declaring
from scripts.session import Session
from tests.scripts.house import Hands

BODY: dict[str, Any] = {
    "@context": ["https://www.w3.org/ns/credentials/v2", "https://www.w3.org/ns/credentials/undefined-terms/v2"],
    "type": ["VerifiableCredential", "FactoryAccreditation"],
    "validUntil": "2099-12-31T23:59:59.5Z",
}


@pytest.fixture(scope="module")
def joined(hands: Hands) -> Hands:
    for name in ("assessor", "works"):
        hands.join(name)
    return hands


def did(hands: Hands, name: str) -> str:
    return did_of(read_key(hands.key(name)).public)


def issued(hands: Hands, name: str, *more: str, by: str = "assessor", **changes: Any) -> Path:
    """A credential that somebody gave the works, in a file."""
    body, out = hands.room / f"{name}.json", hands.room / f"{name}.vc"
    about = {"name": name, "credentialSubject": {"id": did(hands, "works"), "grade": "A"}}
    body.write_bytes(orjson.dumps(BODY | about | changes))
    hands.done("credential", "issue", "--body", body, "--out", out, *more, by=by)
    return out


def placed(hands: Hands, name: str) -> tuple[Path, dict[str, Any]]:
    """One with a place, on record; and what is known of it."""
    status = hands.json("credential", "place", by="assessor")
    file = issued(hands, name, **status)
    admitted = hands.json("credential", "record", file, by="assessor")
    return file, hands.json("show", admitted["subject"])


def test_what_is_put_on_record_is_what_rules_need_and_not_the_credential(joined: Hands) -> None:
    file, found = placed(joined, "whole")
    state = found["state"]
    parties = {name: joined.json("show", did(joined, name))["id"] for name in ("assessor", "works")}
    assert (state["issuer"], state["holder"]) == (parties["assessor"], parties["works"])
    assert (state["type"], state["status"], state["role"]) == ("FactoryAccreditation", "active", None)
    assert state["validUntil"] == 4_102_444_799
    index = orjson.loads(file.read_bytes())["credentialStatus"][0]["statusListIndex"]
    assert state["place"] == {"list": 0, "index": int(index)}
    assert b"grade" not in joined.done("show", found["id"]).encode()


def test_it_is_found_by_its_holder(joined: Hands) -> None:
    _, found = placed(joined, "found")
    told = joined.done("search", "--type", "credential", "--holder", did(joined, "works"))
    (line,) = [line for line in told.splitlines() if found["id"] in line]
    assert line.endswith("FactoryAccreditation")


def test_it_can_be_put_on_record_once_however_it_is_laid_out(joined: Hands) -> None:
    file = issued(joined, "twice")
    joined.done("credential", "record", file, "--role", "assessor", by="assessor")
    other = joined.room / "twice.other"
    other.write_bytes(orjson.dumps(orjson.loads(file.read_bytes())))
    assert other.read_bytes() != file.read_bytes()
    joined.refused("credential_known", "credential", "record", other, by="assessor")


def test_a_verifier_asks_the_ledger_whether_it_holds(joined: Hands) -> None:
    file, found = placed(joined, "asked")
    verify = ("credential", "verify", file)
    asked = (*verify, "--ledger", joined.url)
    joined.refused("status_list_missing", *verify)
    said = joined.json(*asked)["credentials"][0]["status"]
    assert [(one["purpose"], one["value"]) for one in said] == [("revocation", 0), ("suspension", 0)]
    joined.done("credential", "suspend", found["id"], "--reason", "audit", by="assessor")
    joined.refused("credential_suspended", *asked)
    joined.refused("credential_not_active", "credential", "suspend", found["id"], by="assessor")
    joined.done("credential", "reinstate", found["id"], by="assessor")
    assert "proven: a credential by" in joined.done(*asked)
    joined.refused("credential_of_another", "credential", "revoke", found["id"], by="works")
    told = joined.done("credential", "revoke", found["id"], "--reason", "the plant was sold", by="assessor")
    assert told.startswith("recorded: credential.revoked")
    joined.refused("credential_revoked", *asked)
    assert joined.json("show", found["id"])["state"]["reason"] == "the plant was sold"


def test_a_presentation_is_verified_with_the_ledger_too(joined: Hands) -> None:
    file, found = placed(joined, "shown")
    out = joined.room / "shown.vp"
    asked = ("--challenge", "c1", "--domain", "buyer.example")
    joined.done("credential", "present", file, *asked, "--out", out, by="works")
    assert joined.done("credential", "verify", out, *asked, "--ledger", joined.url).startswith("proven: a presentation")
    joined.done("credential", "revoke", found["id"], by="assessor")
    joined.refused("credential_revoked", "credential", "verify", out, *asked, "--ledger", joined.url)


def test_a_place_is_told_as_options_of_issue(joined: Hands) -> None:
    told = dict(line.split() for line in joined.done("credential", "place", by="assessor").splitlines())
    assert told["--status"].startswith(f"{joined.url}/v1/credentials/status/party_")
    file = issued(joined, "by-options", *(part for pair in told.items() for part in pair))
    found = joined.json("credential", "record", file, by="assessor")
    place = {"list": 0, "index": int(told["--index"])}
    assert joined.json("show", found["subject"])["state"]["place"] == place


class Full:
    """A session with a ledger on which so many lists of the party are full."""

    party = "party_" + "0" * 26

    def __init__(self, lists: int) -> None:
        self.client, self.lists, self.asked = self, lists, 0

    def search(self, *, listed: str, **_: Any) -> Iterator[str]:
        self.asked += 1
        _, number, index = listed.split("/")
        assert int(index) < PLACES
        return iter(["taken"] if int(number) < self.lists else [])


def test_where_a_list_is_full_a_place_is_looked_for_in_the_next() -> None:
    full = Full(3)
    number, index = free_place(cast(Session, full))
    assert (number, full.asked) == (3, 3 * TRIES + 1)
    assert 0 <= index < PLACES


def test_where_all_are_full_there_is_no_place() -> None:
    with pytest.raises(Halted, match="status_lists_full"):
        free_place(cast(Session, Full(LISTS_MAX)))


def test_a_place_that_is_taken_is_refused(joined: Hands) -> None:
    file, _ = placed(joined, "first")
    status = orjson.loads(file.read_bytes())["credentialStatus"]
    again = issued(joined, "second", credentialStatus=status)
    joined.refused("status_place_taken", "credential", "record", again, by="assessor")


def test_a_status_that_stands_elsewhere_is_left_to_whoever_publishes_it(joined: Hands) -> None:
    url = "https://other.example/v1/credentials/status/party_" + "0" * 26 + "/revocation/0"
    file = issued(joined, "elsewhere", "--status", url, "--index", "7")
    found = joined.json("credential", "record", file, by="assessor")
    assert joined.json("show", found["subject"])["state"]["place"] is None
    joined.refused("subject_absent", "credential", "verify", file, "--ledger", joined.url)


def test_two_places_in_this_ledgers_lists_are_one_too_many(joined: Hands) -> None:
    revocation, suspension = joined.json("credential", "place", by="assessor")["credentialStatus"]
    suspension["statusListIndex"] = str((int(suspension["statusListIndex"]) + 1) % 131_072)
    file = issued(joined, "two-places", credentialStatus=[revocation, suspension])
    joined.refused("status_places_differ", "credential", "record", file, by="assessor")


def test_only_its_issuer_puts_it_on_record(joined: Hands) -> None:
    file = issued(joined, "not-yours")
    joined.refused("credential_not_yours", "credential", "record", file, by="works")
    forged = joined.room / "forged.vc"
    forged.write_bytes(file.read_bytes().replace(b'"A"', b'"B"'))
    joined.refused("proof_invalid", "credential", "record", forged, by="assessor")


def test_a_jwt_is_put_on_record_by_its_letters(joined: Hands) -> None:
    file = issued(joined, "sealed", "--jwt")
    found = joined.json("credential", "record", file, by="assessor")
    joined.refused("credential_known", "credential", "record", file, by="assessor")
    assert joined.json("show", found["subject"])["state"]["validUntil"] == 4_102_444_799


def test_what_the_credential_does_not_say_alone_is_asked_for(joined: Hands) -> None:
    both = issued(joined, "both", type=["VerifiableCredential", "FactoryAccreditation", "Membership"])
    assert "--type" in joined.misused("credential", "record", both, by="assessor")
    found = joined.json("credential", "record", both, "--type", "Membership", by="assessor")
    assert joined.json("show", found["subject"])["state"]["type"] == "Membership"
    nobody = issued(joined, "nobody", credentialSubject={"grade": "A"})
    assert "--holder" in joined.misused("credential", "record", nobody, by="assessor")
    joined.done("credential", "record", nobody, "--holder", did(joined, "works"), by="assessor")


def test_the_keys_of_an_organisation_are_found_in_the_log_that_the_ledger_carries(joined: Hands) -> None:
    log = joined.room / "did.jsonl"
    update = ("--as", joined.key("board"), "--no-next", "--key", joined.key("office"))
    joined.done("did", "new", "assessors.example/org", *update, "--out", log)
    joined.done("join", "--name", "Assessors", "--did-log", log, by="office")
    issuer = orjson.loads(log.read_bytes())["state"]["id"]
    status = joined.json("credential", "place", by="office")["credentialStatus"]
    file = issued(joined, "by-office", by="office", issuer=issuer, credentialStatus=status)
    joined.done("credential", "record", file, by="office")
    joined.refused("did_keys_missing", "credential", "verify", file, "--no-status")
    told = joined.done("credential", "verify", file, "--ledger", joined.url, "--issuer", issuer)
    assert told.startswith(f"proven: a credential by {issuer}")


def test_the_group_has_the_commands_of_all_its_modules() -> None:
    assert declaring("credential") == ["credential", "credentials_recorded", "credentials_verified"]
