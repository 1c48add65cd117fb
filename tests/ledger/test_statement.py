"""Statements: what is malformed is refused at its place before anything is looked up; what is well formed is read."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity import disclosure, jws
from identity.errors import Malformed, Problem, Unverifiable
from ledger.statement import KINDS, Kind, accept, read, receive
from ledger.values import subject_id
from tests.cast import CAST, HOUR, NOBODY, Play, description, life, money, played_life

SENT = played_life()


def stated(**changes: Any) -> dict[str, Any]:
    """The claims of a well-formed registration, changed; a value of ``...`` leaves a claim out."""
    play = Play()
    claims = jws.parse(play.sign("asset.registered", by="factory", body=description())).claims
    return {name: value for name, value in (claims | changes).items() if value is not ...}


def send(claims: dict[str, Any]) -> bytes:
    return jws.sign(claims, CAST["factory"].key)


def test_what_is_read_is_what_was_stated() -> None:
    claims = stated()
    sent = send(claims)
    statement = receive(sent)
    assert statement.claims.model_dump(exclude_unset=True) == claims
    assert statement.body.model_dump(exclude_unset=True) == claims["body"]
    assert statement.signed.compact == sent
    assert statement.id == jws.statement_id(sent)
    assert statement.opened == {type_: subject_id(type_, statement.digest) for type_ in ("asset", "version")}


@pytest.mark.parametrize("sent", SENT, ids=[one.statement.claims.kind for one in life().entries])
def test_another_process_reads_the_same(sent: bytes) -> None:
    assert accept(sent) == receive(sent)


def test_the_id_is_not_over_the_signature() -> None:
    sent = send(stated())
    other = sent[: sent.rindex(b".") + 1] + b"A" * 86
    assert read(jws.parse(other)).id == receive(sent).id
    with pytest.raises(Unverifiable, match="signature_invalid"):
        receive(other)


CLAIMS: dict[str, tuple[dict[str, Any], str, str]] = {
    "no issuer": ({"iss": ...}, "claim_malformed", "/payload/iss"),
    "an issuer that is no DID": ({"iss": "Shenyang"}, "claim_malformed", "/payload/iss"),
    "no audience": ({"aud": ""}, "claim_malformed", "/payload/aud"),
    "a date in words": ({"iat": "today"}, "claim_malformed", "/payload/iat"),
    "a date that is true": ({"iat": True}, "claim_malformed", "/payload/iat"),
    "a date before 1970": ({"iat": -1}, "claim_malformed", "/payload/iat"),
    "no end": ({"exp": ...}, "claim_malformed", "/payload/exp"),
    "an end before the beginning": ({"iat": 10, "exp": 10}, "claim_malformed", "/payload/exp"),
    "too short a nonce": ({"jti": "abc"}, "claim_malformed", "/payload/jti"),
    "a nonce with bits too many": ({"jti": "A" * 21 + "B"}, "claim_malformed", "/payload/jti"),
    "a claim nobody knows": ({"nonce": "1"}, "claim_malformed", "/payload/nonce"),
    "null for an optional claim": ({"via": None}, "claim_malformed", "/payload"),
    "null for what was seen": ({"seen": None}, "claim_malformed", "/payload"),
    "a seen entry without hash": ({"seen": "5"}, "claim_malformed", "/payload/seen"),
    "a seen index with a zero before": ({"seen": f"05:{NOBODY}"}, "claim_malformed", "/payload/seen"),
    "a body that is a list": ({"body": []}, "claim_malformed", "/payload/body"),
    "a pin that is no digest": ({"prev": {"asset": "x"}}, "claim_malformed", "/payload/prev/asset"),
    "no sub": ({"sub": ...}, "claim_malformed", "/payload/sub"),
    "a kind nobody knows": ({"kind": "asset.burnt"}, "kind_unknown", "/payload/kind"),
    "no kind": ({"kind": ...}, "claim_malformed", "/payload/kind"),
    "a body of another kind": ({"kind": "asset.retired"}, "body_malformed", "/payload/body/reason"),
    "a subject where one is opened": ({"sub": f"asset_{'0' * 26}"}, "subject_not_fitting", "/payload/sub"),
    "pins where nothing is pinned": ({"prev": {f"asset_{'0' * 26}": NOBODY}}, "pins_not_fitting", "/payload/prev"),
}


@pytest.mark.parametrize("name", CLAIMS)
def test_a_malformed_claim_is_refused_at_its_place(name: str) -> None:
    changes, code, pointer = CLAIMS[name]
    with pytest.raises(Malformed) as caught:
        receive(send(stated(**changes)))
    assert (caught.value.code, caught.value.pointer) == (code, pointer)


ASSET = f"asset_{'0' * 26}"
OFFER = f"offer_{'0' * 26}"
SHAPES = [
    ({"sub": None, "prev": {}}, "subject_not_fitting"),
    ({"sub": OFFER, "prev": {OFFER: NOBODY}}, "subject_not_fitting"),
    ({"sub": "asset_1", "prev": {"asset_1": NOBODY}}, "subject_not_fitting"),
    ({"sub": ASSET, "prev": {}}, "pins_not_fitting"),
    ({"sub": ASSET, "prev": {ASSET: NOBODY, OFFER: NOBODY}}, "pins_not_fitting"),
    ({"sub": ASSET, "prev": {OFFER: NOBODY}}, "pins_not_fitting"),
]


@pytest.mark.parametrize(("changes", "code"), SHAPES)
def test_subject_and_pins_fit_the_kind(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(Malformed, match=code):
        receive(send(stated(kind="asset.retired", body={"reason": "x"}, **changes)))


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(codec="utf-8"), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "_sd", "sub"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(
    st.dictionaries(
        st.sampled_from(["iss", "aud", "iat", "exp", "jti", "kind", "body", "sub", "prev", "x"]), json_values
    )
)
def test_whatever_is_claimed_ends_in_one_typed_error(claims: dict[str, Any]) -> None:
    with pytest.raises(Problem):
        receive(send(claims))


BASE = stated()


@given(
    st.sampled_from(sorted(KINDS)), st.dictionaries(st.sampled_from(["title", "policy", "terms", "to"]), json_values)
)
def test_whatever_a_body_holds_ends_in_one_typed_error(kind: str, body: dict[str, Any]) -> None:
    try:
        receive(send(BASE | {"kind": kind, "body": body}))
    except Problem as wrong:
        assert wrong.pointer is None or wrong.pointer.startswith("/payload")  # noqa: PT017 - other outcomes are fine
    else:
        assert KINDS[kind].model_validate(body).model_dump(by_alias=True, exclude_unset=True) == body


# -- private fields --------------------------------------------------------------------------------------------


def priced(private: bool = True, price: Any = None) -> bytes:
    play = Play()
    play.join("factory")
    body = play.offer_of(play.register("factory"), price=price or money(1_250_000))
    return play.sign("offer.opened", by="factory", body=body, private=["price"] if private else [])


def test_a_private_field_comes_with_its_disclosure() -> None:
    sent = priced()
    assert b"1250000" not in jws.parse(disclosure.split(sent)[0]).payload
    statement = receive(sent)
    assert len(statement.disclosures) == 1
    assert disclosure.show(statement.disclosures[0]) == money(1_250_000)
    assert receive(priced(private=False)).disclosures == ()


def test_disclosures_are_complete_and_no_more() -> None:
    compact, (found,) = disclosure.split(priced())
    _, other = disclosure.hide(money(1), b"another salt, long")
    for sent, code in [
        (compact, "disclosure_missing"),
        (disclosure.join(compact, [other]), "disclosure_unknown"),
        (disclosure.join(compact, [found, other]), "disclosure_unknown"),
        (disclosure.join(compact, [found, found]), "disclosure_twice"),
        (disclosure.join(disclosure.split(priced(private=False))[0], [found]), "disclosure_unknown"),
    ]:
        with pytest.raises(Malformed, match=code):
            receive(sent)


def test_a_disclosed_value_has_the_form_of_its_field() -> None:
    with pytest.raises(Malformed) as caught:
        receive(priced(price={"amount": 1, "currency": "XAU"}))
    assert (caught.value.code, caught.value.pointer) == ("disclosed_value_malformed", "/payload/body/price/currency")


def test_a_field_that_is_not_private_cannot_be_hidden() -> None:
    play = Play()
    with pytest.raises(Malformed) as caught:
        receive(play.sign("asset.registered", by="factory", body=description(), private=["title"]))
    assert (caught.value.code, caught.value.pointer) == ("body_malformed", "/payload/body/title")


# -- the registry ----------------------------------------------------------------------------------------------


def test_a_kind_is_declared_once() -> None:
    with pytest.raises(ValueError, match="declared twice: asset"):

        class Again(Kind, name="asset.registered"):
            pass


def test_a_kind_that_does_not_say_what_it_changes_is_our_mistake() -> None:
    class Idle(Kind, name="test.idle"):
        pass

    try:
        with pytest.raises(NotImplementedError, match=r"test\.idle"):
            Idle().fold(None, None)  # type: ignore[arg-type]
    finally:
        del KINDS["test.idle"]


@pytest.mark.parametrize("name", sorted(KINDS))
def test_every_kind_says_what_it_is_for_and_what_it_is_about(name: str) -> None:
    kind = KINDS[name]
    assert (kind.__doc__ or "").strip().endswith(".")
    noun, _, word = name.partition(".")
    assert noun
    assert word
    file = kind.__module__.rpartition(".")[2]  # by what it is about, by its file, or by what of a party it is about
    assert noun in (kind.ON, *kind.OPENS, file, "party", "alias")


def test_a_kind_that_opens_or_goes_on_opens_only_without_a_subject() -> None:
    requested = KINDS["agreement.requested"]
    assert requested.opened_by(None) == ("agreement",)
    assert requested.opened_by(f"agreement_{'0' * 26}") == ()
    assert KINDS["asset.revised"].opened_by(ASSET) == ("version",)


def test_what_is_touched_is_declared_pinned_or_the_subject() -> None:
    play = Play()
    play.join("factory", "partner")
    asset = play.register("factory")
    offer = play.offer("factory", asset)
    request = receive(play.sign("agreement.requested", by="partner", body=play.proposal_of(offer)))
    assert request.touched() == {offer, asset}
    agreement = play.request("partner", offer)
    ended = receive(play.sign("agreement.terminated", by="partner", sub=agreement, body={"reason": "x"}))
    assert ended.touched() == {agreement}


def test_what_was_seen_is_an_index_and_a_hash() -> None:
    assert receive(send(stated(seen=f"41:{NOBODY}"))).seen() == (41, bytes(32))
    assert receive(send(stated())).seen() is None


def test_a_statement_may_be_valid_for_one_second() -> None:
    claims = stated()
    assert receive(send(claims | {"exp": claims["iat"] + 1})).claims.exp == claims["exp"] - HOUR + 1
