"""The form of credentials: what the data model asks for, and each thing it forbids, refused by its place."""

from __future__ import annotations

from typing import Any

import pytest

from identity.credential.form import (
    BYTES_MAX,
    CONTEXT,
    check_credential,
    check_offsets,
    check_presentation,
    issuer_of,
    period_of,
    read,
)
from tests.identity.credential.house import credential, refusal
from tests.shared import shared

URL = "https://works.example/1"
SCHEMA = {"id": URL, "type": "JsonSchema"}
RELATED = {"id": URL, "digestSRI": "sha384-abc"}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"@context": [CONTEXT, "https://works.example/terms/v1", {"weight": "https://works.example/weight"}]},
        {"type": "VerifiableCredential"},
        {"id": "urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33"},
        {"issuer": {"id": "did:example:1", "name": [{"@value": "厂", "@language": "zh"}, "works"]}},
        {"name": {"@value": "x", "@direction": "ltr"}, "description": "y"},
        {"credentialSubject": [{"id": URL}, {"weight": 1}]},
        {"validFrom": "2026-09-01T00:00:00.25+08:00", "validUntil": "2026-09-01T00:00:00"},
        {"validFrom": ...},
        {"credentialSchema": [SCHEMA, SCHEMA], "termsOfUse": {"type": "Policy"}, "evidence": [{"type": ["Seen"]}]},
        {"relatedResource": [RELATED, {"id": URL + "/2", "digestMultibase": "uEi"}]},
        {"refreshService": {"type": "Refresh", "id": URL}},
    ],
)
def test_the_form_that_the_data_model_asks_for(changes: dict[str, Any]) -> None:
    check_credential(credential(**changes))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"@context": ...}, "credential_context at /@context"),
        ({"@context": CONTEXT}, "credential_context at /@context"),
        ({"@context": ["https://www.w3.org/2018/credentials/v1"]}, "credential_context at /@context"),
        ({"@context": ["https://works.example/v1", CONTEXT]}, "credential_context at /@context"),
        ({"@context": [CONTEXT, 1]}, "credential_context at /@context/1"),
        ({"@context": [CONTEXT, "works"]}, "credential_context at /@context/1"),
        ({"type": ...}, "credential_malformed at /type"),
        ({"type": []}, "credential_malformed at /type"),
        ({"type": ["Assessment"]}, "credential_malformed at /type"),
        ({"type": ["VerifiableCredential", 7]}, "credential_malformed at /type"),
        ({"type": ["VerifiableCredential", "two words"]}, "credential_malformed at /type"),
        ({"id": "not a URL"}, "credential_malformed at /id"),
        ({"id": [URL]}, "credential_malformed at /id"),
        ({"id": None}, "credential_malformed at /id"),
        ({"name": 1}, "credential_malformed at /name"),
        ({"description": {"@value": "x", "lang": "en"}}, "credential_malformed at /description"),
        ({"issuer": ...}, "credential_malformed at /issuer"),
        ({"issuer": "works"}, "credential_malformed at /issuer"),
        ({"issuer": {"name": "works"}}, "credential_malformed at /issuer/id"),
        ({"issuer": [URL]}, "credential_malformed at /issuer"),
        ({"credentialSubject": ...}, "credential_malformed at /credentialSubject"),
        ({"credentialSubject": "did:example:1"}, "credential_malformed at /credentialSubject"),
        ({"credentialSubject": {}}, "credential_malformed at /credentialSubject"),
        ({"credentialSubject": []}, "credential_malformed at /credentialSubject"),
        ({"credentialSubject": [{"id": URL}, {}]}, "credential_malformed at /credentialSubject/1"),
        ({"credentialSubject": {"id": "x"}}, "credential_malformed at /credentialSubject/id"),
        ({"validFrom": 1}, "credential_malformed at /validFrom"),
        ({"validFrom": "2026-09-01"}, "instant_malformed at /validFrom"),
        ({"validUntil": "2026-02-30T00:00:00Z"}, "instant_malformed at /validUntil"),
        ({"validUntil": "2026-08-31T23:59:59Z"}, "credential_period at /validUntil"),
        ({"issuanceDate": "2026-09-01T00:00:00Z"}, "credential_old at /issuanceDate"),
        ({"expirationDate": "2030-09-01T00:00:00Z"}, "credential_old at /expirationDate"),
        ({"credentialStatus": {"id": URL}}, "credential_malformed at /credentialStatus/type"),
        ({"credentialStatus": [{"type": "X", "id": "x"}]}, "credential_malformed at /credentialStatus/0/id"),
        ({"credentialSchema": {"type": "JsonSchema"}}, "credential_malformed at /credentialSchema/id"),
        ({"credentialSchema": URL}, "credential_malformed at /credentialSchema"),
        ({"termsOfUse": [{}]}, "credential_malformed at /termsOfUse/0/type"),
        ({"evidence": {"id": URL}}, "credential_malformed at /evidence/type"),
        ({"refreshService": [SCHEMA, {"id": URL}]}, "credential_malformed at /refreshService/1/type"),
        ({"relatedResource": {"id": URL}}, "credential_malformed at /relatedResource"),
        ({"relatedResource": [RELATED, RELATED]}, "credential_malformed at /relatedResource/1/id"),
        ({"relatedResource": {"digestSRI": "x"}}, "credential_malformed at /relatedResource/id"),
    ],
)
def test_each_thing_the_data_model_forbids_is_refused_by_its_place(changes: dict[str, Any], code: str) -> None:
    assert refusal(check_credential, credential(**changes)) == code


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"type": "VerifiableCredential", "credentialSubject": {"id": URL, "name": "x"}}, None),
        ({"type": ["VerifiableCredential", URL], "credentialSubject": {URL: 1}}, None),
        ({"type": "VerifiableCredential"}, "credential_term at /credentialSubject/quality"),
        ({"credentialSubject": {"id": URL}}, "credential_term at /type"),
        (
            {"type": "VerifiableCredential", "credentialSubject": {"id": URL}, "statusEntry": {"type": "X"}},
            "credential_term at /statusEntry",
        ),
        (
            {"type": "VerifiableCredential", "credentialSubject": [{"id": URL, "name": {"a/b": 1}}]},
            "credential_term at /credentialSubject/0/name/a~1b",
        ),
        (
            {"type": "VerifiableCredential", "credentialSubject": {"type": "Works", "name": "x"}},
            "credential_term at /credentialSubject/type",
        ),
        (  # terms of a JSON schema, and what has contexts of its own, are none of the document's
            {
                "type": "VerifiableCredential",
                "credentialSubject": {"type": "JsonSchema", "jsonSchema": {"anything": 1}},
                "evidence": {"type": URL, "name": {"@context": [URL], "weight": 1}},
            },
            None,
        ),
    ],
)
def test_where_all_contexts_are_known_so_are_all_terms(changes: dict[str, Any], code: str | None) -> None:
    document = credential(**{"@context": [CONTEXT]} | changes)
    if code is None:
        check_credential(document)
    else:
        assert refusal(check_credential, document) == code


def test_a_presentation_has_a_form_too() -> None:
    document = {"@context": [CONTEXT], "type": ["VerifiablePresentation"], "holder": {"id": URL}}
    check_presentation(document)
    check_presentation(document | {"verifiableCredential": [credential()], "termsOfUse": {"type": URL}})
    for changes, code in [
        ({"type": "VerifiableCredential"}, "credential_malformed at /type"),
        ({"holder": {}}, "credential_malformed at /holder/id"),
        ({"verifiableCredential": ["eyJ"]}, "credential_malformed at /verifiableCredential/0"),
        ({"verifiableCredential": []}, "credential_malformed at /verifiableCredential"),
        ({"termsOfUse": {"id": URL}}, "credential_malformed at /termsOfUse/type"),
        ({"weight": 1}, "credential_term at /weight"),
    ]:
        assert refusal(check_presentation, document | changes) == code


def test_the_issuer_and_the_period_are_read_to_the_digit() -> None:
    document = credential(issuer={"id": URL}, validFrom="2026-09-01T08:00:00.5+08:00")
    assert issuer_of(document) == URL
    assert [str(one) for one in period_of(document)] == ["1788220800.5", "None"]


def test_a_time_without_an_offset_is_read_as_utc_and_not_written() -> None:
    document = credential(validFrom="2026-09-01T00:00:00")
    assert period_of(document) == period_of(credential())
    check_offsets(credential(validUntil="2030-09-01T00:00:00-05:00"))
    assert refusal(check_offsets, document) == "credential_malformed at /validFrom"


def test_a_document_is_one_object_of_json_and_bounded() -> None:
    assert read(b'{"a": 1.5}') == {"a": 1.5}
    assert refusal(read, b"[]") == "credential_malformed"
    assert refusal(read, b'{"a":1,"a":1}') == "json_key_twice"
    assert refusal(read, b'"' + b"a" * BYTES_MAX) == "credential_too_large"
    deep: Any = 1
    for _ in range(40):
        deep = [deep]
    assert refusal(check_credential, credential(evidence={"type": "x", "a": deep})) == "json_too_deep"


def test_the_credential_of_the_cryptosuite_s_own_example_has_the_form() -> None:
    check_credential(read((shared("vectors/identity/eddsa-jcs-2022") / "signedJCS.json").read_bytes()))
