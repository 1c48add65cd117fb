"""Whatever stands in a document that somebody shows: it opens to what was signed, or ends in one sort of error."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from identity.canonical import b64decode, b64encode
from identity.credential.form import check_credential
from identity.credential.presentation import open_presentation, present
from identity.credential.secured import issue, issue_jwt, open_credential, resolve_did_key
from identity.errors import Malformed, Unverifiable
from identity.status import check_status, entry_of, make_list
from tests.identity.credential.house import ASSESSOR, FACTORY, NOW, credential, method

URL = "https://works.example/status/3"
SAID = credential(
    id="urn:uuid:1",
    name={"@value": "x", "@language": "en"},
    validUntil="2030-01-01T00:00:00+08:00",
    credentialStatus=[entry_of("revocation", 5, URL) | {"statusSize": 1}],
    credentialSchema={"id": URL, "type": "JsonSchema"},
    relatedResource=[{"id": URL, "digestSRI": "sha384-a"}],
    evidence={"type": ["Seen"]},
)
PROVEN = issue(SAID, ASSESSOR, method(ASSESSOR), NOW)
SHOWN = present([PROVEN, issue_jwt(SAID, ASSESSOR, method(ASSESSOR))], FACTORY, method(FACTORY), NOW, "1", "bank")
LIST = make_list(URL, SAID["issuer"], "revocation", bytes(16_384), "2026-09-01T00:00:00Z")
ANYTHING = st.sampled_from([..., None, True, 0, -1, 1.5, 2**53 - 1, "", "x", "\x00", "#", URL, [], [None], [[]], {}])
ANYTHING |= st.sampled_from(
    [{"id": 1}, {"id": URL}, {"type": "X"}, ["VerifiableCredential"], {"@context": 1}, "z" * 90]
)


def places(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands in ``value``, and a place for one thing more in each container."""
    if isinstance(value, dict | list):
        for step, inner in list(value.items() if isinstance(value, dict) else enumerate(value)):
            yield (*way, step)
            yield from places(inner, (*way, step))
        yield (*way, "more" if isinstance(value, dict) else len(value))


def altered(document: Any, way: tuple[Any, ...], value: Any) -> Any:
    """A copy with something else at that place; ``...`` leaves it out."""
    document = copy.deepcopy(document)
    inner = document
    for step in way[:-1]:
        inner = inner[step]
    if value is ...:
        if isinstance(inner, dict) or way[-1] < len(inner):
            inner.pop(way[-1], None) if isinstance(inner, dict) else inner.pop(way[-1])
    elif isinstance(inner, list) and way[-1] == len(inner):
        inner.append(value)
    else:
        inner[way[-1]] = value
    return document


def alterations(document: Any) -> st.SearchStrategy[Any]:
    return st.builds(altered, st.just(document), st.sampled_from(list(places(document))), ANYTHING)


@settings(max_examples=600)
@given(alterations(PROVEN))
def test_an_altered_credential_opens_to_what_was_signed_or_not_at_all(document: dict[str, Any]) -> None:
    try:
        opened = open_credential(document, resolve_did_key, NOW)
    except (Malformed, Unverifiable):
        return
    assert opened.document == SAID


@settings(max_examples=400)
@given(alterations(SHOWN))
def test_an_altered_presentation_opens_to_what_was_signed_or_not_at_all(document: dict[str, Any]) -> None:
    try:
        shown = open_presentation(document, resolve_did_key, NOW, "1", "bank")
    except (Malformed, Unverifiable):
        return
    assert [one.document for one in shown.credentials] == [SAID, SAID]


@settings(max_examples=300)
@given(st.data())
def test_an_altered_jwt_is_refused_even_where_somebody_signs_it_again(data: st.DataObject) -> None:
    """Its own issuer may say what it likes; what is not of the form is refused all the same, and by one error."""
    header, payload, _ = issue_jwt(SAID, ASSESSOR, method(ASSESSOR)).split(".")
    parts = [json.loads(b64decode(part)) for part in (header, payload)]
    which = data.draw(st.integers(0, 1))
    parts[which] = data.draw(alterations(parts[which]))
    text = ".".join(b64encode(json.dumps(part).encode()) for part in parts)
    sealed = f"{text}.{b64encode(ASSESSOR.sign(text.encode()))}"
    try:
        assert open_credential(sealed, resolve_did_key, NOW).issuer == SAID["issuer"]
    except (Malformed, Unverifiable):
        return


@settings(max_examples=400)
@given(alterations(LIST), alterations(SAID))
def test_an_altered_list_or_entry_says_nothing_of_a_status(document: dict[str, Any], holder: dict[str, Any]) -> None:
    """As their own issuers may sign them, so past the signatures: both have the form of credentials when they come."""
    try:
        check_credential(document)
        check_credential(holder)
        found = check_status(holder, {URL: document})
    except (Malformed, Unverifiable):
        return
    assert all((status.purpose, status.value) == ("revocation", 0) for status in found)
