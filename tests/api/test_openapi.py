"""The contract: complete, made from the registry, and kept by the service whatever it is sent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

import ledger.circulation
from api.examples import claims_of
from ledger.statement import KINDS
from tests.api.house import House, TestClient
from tests.api.running import running
from tests.api.test_deps import ASK, OPEN, READ, WRITE

assert ledger.circulation  # imported for its kinds


def ledger_in(path: Path) -> House:
    """A ledger with something to be found."""
    house = House.build(path / "ledger")
    house.play.join("factory", "partner")
    house.play.offer("factory", house.play.register("factory", title="主轴振动数据"))
    with house.served() as client:
        house.tell(client)
    return house


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with ledger_in(tmp_path_factory.mktemp("contract")).served() as client:
        yield client


@pytest.fixture(scope="module")
def document(served: TestClient) -> dict[str, Any]:
    found: dict[str, Any] = served.get("/openapi.json").json()
    return found


def test_every_route_is_in_the_contract(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    assert set(document["paths"]) == (OPEN | READ | ASK | WRITE) - {"/openapi.json"}


def test_every_operation_says_what_it_does_and_answers_problems(document: dict[str, Any]) -> None:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation["description"], path
            assert "422" not in operation["responses"], path
            if path != "/health":
                content = operation["responses"]["default"]["content"]
                assert content == {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
            assert method in {"get", "post"}


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (found for name, found in value.items() if name == "$ref")
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert {name.removeprefix("#/components/schemas/") for name in references(document)} <= set(schemas)


def test_the_write_door_is_the_union_of_all_kinds(document: dict[str, Any]) -> None:
    claims = document["components"]["schemas"]["Claims"]
    assert claims["discriminator"]["mapping"] == {name: f"#/components/schemas/{name}" for name in sorted(KINDS)}
    assert [one["$ref"] for one in claims["oneOf"]] == list(claims["discriminator"]["mapping"].values())
    door = document["paths"]["/v1/statements"]["post"]["requestBody"]["content"]
    assert set(door) == {"application/jose", "application/sd-jwt", "text/plain"}
    assert set(door["application/jose"]["examples"]) == set(KINDS)


@pytest.mark.parametrize("name", sorted(KINDS))
def test_the_schema_of_a_kind_holds_for_its_example_and_no_other(document: dict[str, Any], name: str) -> None:
    validator = jsonschema.Draft202012Validator({**document, "$ref": f"#/components/schemas/{name}"})
    claims = claims_of(KINDS[name])
    validator.validate(claims)
    assert not validator.is_valid(claims | {"kind": "another.kind"})
    assert not validator.is_valid(claims | {"body": claims["body"] | {"more": 1}})
    assert document["components"]["schemas"][name]["examples"] == [claims]


# -- whatever it is sent -----------------------------------------------------------------------------------------


def test_no_request_breaks_the_contract(tmp_path: Path) -> None:
    """For every operation: requests of its form and others, answered as documented and never by a 500."""
    bounds = settings(max_examples=10, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    with running(ledger_in(tmp_path), workers=0) as service:
        contract = schemathesis.openapi.from_url(service.url + "/openapi.json")
        operations = [found.ok() for found in contract.get_all_operations()]
        assert len(operations) == len(OPEN | READ | ASK | WRITE) - 1
        for operation in operations:
            for mode in (GenerationMode.POSITIVE, *([] if takes_any_text(operation) else [GenerationMode.NEGATIVE])):
                with suppress(Unsatisfiable):  # of some operations there are no requests out of form
                    bounds(given(case=operation.as_strategy(generation_mode=mode))(check))()


FREE = {"type", "title", "description", "default", "examples"}  # members of a schema that bind nothing


def takes_any_text(operation: Any) -> bool:
    """Whether no request of an operation is out of form: to look for one takes longer than all else."""
    schemas = [parameter["schema"] for parameter in operation.definition.raw.get("parameters", ())]
    free = all(schema.get("type") == "string" and schema.keys() <= FREE for schema in schemas)
    return free and "requestBody" not in operation.definition.raw


@schemathesis.serializer("application/jose", "application/sd-jwt", "application/x-ndjson")
def as_it_is(_: Any, value: Any) -> bytes:
    """Bodies of these types are text."""
    return str(value).encode()


def check(case: Any) -> None:
    # A statement may be of its form and yet be refused: the form is in its bytes, not in the schema of its text.
    excluded = [positive_data_acceptance]
    if case.path == "/v1/statements/batch":  # a line out of form gets a verdict of its own
        excluded.append(negative_data_rejection)
    case.call_and_validate(excluded_checks=excluded)
