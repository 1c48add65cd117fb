"""Problems on the wire: a status for every family and code, members that say what to do."""

from __future__ import annotations

import orjson
import pytest

import api.protocol
from api.problems import TOLD_MAX, TooFast, members_of, reply_of, status_of
from ledger.errors import CATALOGUE, Absent, Corrupt, Malformed, Problem, Refused, Unavailable, Unverifiable

assert api.protocol  # imported for the codes it declares


@pytest.mark.parametrize(
    ("problem", "status"),
    [
        (Malformed("statement_malformed"), 400),
        (Malformed("statement_too_large"), 413),
        (Malformed("body_too_large"), 413),
        (Malformed("media_type_unsupported"), 415),
        (Malformed("method_unknown"), 405),
        (Unverifiable("signature_invalid"), 403),
        (Unverifiable("readers_members"), 401),
        (Refused("pin_stale"), 409),
        (Absent("entry_absent"), 404),
        (Unavailable("queue_full"), 503),
        (Unavailable("body_too_slow"), 408),
        (Unavailable("internal_error"), 500),
        (TooFast("signer_too_fast", "", 2.0), 429),
        (TooFast("address_too_fast", "", 2.0), 429),
        (Unavailable("connections_too_many"), 429),
        (Malformed("head_too_large"), 431),
        (Unavailable("connections_full"), 503),
        (Corrupt("store_corrupt"), 500),
    ],
)
def test_family_and_code_give_the_status(problem: Problem, status: int) -> None:
    assert reply_of(problem).status == status
    assert status_of(CATALOGUE[problem.code]) == status


def test_every_code_has_a_status_of_an_error() -> None:
    answered = [meaning for meaning in CATALOGUE.values() if meaning.family != "halted"]  # those stay on one's machine
    assert all(400 <= status_of(meaning) < 600 for meaning in answered)


def test_a_problem_has_the_members_of_rfc_9457_and_ours() -> None:
    problem = Refused("pin_stale", "advanced by X", pointer="/payload/prev/a", subject="asset_1", index=0)
    assert members_of(problem) == {
        "type": "/v1/refusals/pin_stale",
        "title": CATALOGUE["pin_stale"].title,
        "status": 409,
        "code": "pin_stale",
        "advice": CATALOGUE["pin_stale"].advice,
        "detail": "advanced by X",
        "pointer": "/payload/prev/a",
        "subject": "asset_1",
        "index": 0,
    }


def test_members_that_say_nothing_are_left_out() -> None:
    assert members_of(Absent("entry_absent")).keys() == {"type", "title", "status", "code", "advice"}


def test_the_reply_is_a_problem_document() -> None:
    reply = reply_of(Absent("entry_absent"))
    assert reply.media_type == "application/problem+json"
    assert orjson.loads(reply.body) == members_of(Absent("entry_absent"))
    assert reply.headers == ()


@pytest.mark.parametrize(
    ("problem", "seconds"),
    [
        (Unavailable("queue_full"), "1"),
        (TooFast("address_too_fast", "", 0.01), "1"),
        (TooFast("address_too_fast", "", 7.2), "8"),
    ],
)
def test_where_trying_again_helps_the_reply_says_when(problem: Problem, seconds: str) -> None:
    assert dict(reply_of(problem).headers)["Retry-After"] == seconds


@pytest.mark.parametrize("code", ["body_too_large", "body_too_slow"])
def test_an_unread_body_ends_the_connection(code: str) -> None:
    family = Malformed if CATALOGUE[code].family == "malformed" else Unavailable
    assert ("Connection", "close") in reply_of(family(code)).headers


def test_what_was_sent_is_not_told_back_in_full_length() -> None:
    members = members_of(Absent("subject_absent", "名" * 60_000, subject="x" * 60_000, pointer="/" * 60_000, index=3))
    assert [len(members[name]) for name in ("detail", "subject", "pointer")] == [TOLD_MAX] * 3
    assert members["detail"].endswith("名…")
    assert members_of(Absent("subject_absent", "x" * TOLD_MAX))["detail"] == "x" * TOLD_MAX
