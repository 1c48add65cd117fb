"""Parties: their stories, and what is known and found of them."""

import pytest

from ledger.circulation.party import Party
from ledger.errors import Malformed
from tests.cast import CAST, Play
from tests.stories.party import STORIES
from tests.stories.stage import play_story


@pytest.mark.parametrize("name", STORIES)
def test_story(name: str) -> None:
    play_story(STORIES[name])


def test_a_party_is_found_by_did_role_and_words() -> None:
    play = Play()
    (factory,) = play.join("factory")
    state = play.state(Party, factory)
    did = CAST["factory"].did
    assert set(state.lookups()) == {("did", did), ("role", "factory"), ("key", did.removeprefix("did:key:"))}
    assert {"shenyang", "blade", "沈阳", "叶片"} <= set(state.words())
    assert play.world.party(CAST["factory"].did) == factory
    assert play.world.party(CAST["partner"].did) is None


def test_a_withheld_name_leaves_no_words_and_no_value() -> None:
    play = Play()
    contact = {"email": "data@ribeira.example", "phone": "+351 22 000 00 00"}
    body = {"name": CAST["lender"].legal, "contact": contact}
    joined = play.act("party.joined", by="lender", body=body, private=["name", "contact"])
    state = play.state(Party, joined.subject)
    assert list(state.words()) == []
    assert "Ribeira" not in state.encode().decode()
    assert len(joined.statement.disclosures) == 2


def test_a_withheld_contact_must_still_be_a_contact() -> None:
    play = Play()
    body = {"name": "Nordwind", "contact": {"email": "not an address"}}
    with pytest.raises(Malformed) as caught:
        play.act("party.joined", by="partner", body=body, private=["contact"])
    assert (caught.value.code, caught.value.pointer) == (
        "disclosed_value_malformed",
        "/payload/body/contact/email",
    )


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/payload/body/name"),
        ({"name": ""}, "/payload/body/name"),
        ({"name": " Nordwind"}, "/payload/body/name"),
        ({"name": "Nord\u202ewind"}, "/payload/body/name"),
        ({"name": "N" * 201}, "/payload/body/name"),
        ({"name": "Nordwind", "roles": ["Factory"]}, "/payload/body/roles/0"),
        ({"name": "Nordwind", "contact": {"phone": "12"}}, "/payload/body/contact/phone"),
        ({"name": "Nordwind", "contact": {"fax": "12"}}, "/payload/body/contact/fax"),
    ],
)
def test_a_malformed_party_is_refused_at_its_place(body: dict[str, object], pointer: str) -> None:
    with pytest.raises(Malformed) as caught:
        Play().act("party.joined", by="partner", body=body)
    assert (caught.value.code, caught.value.pointer) == ("body_malformed", pointer)
