"""Kinds and refusals: straight from the registries."""

from __future__ import annotations

import pytest

from api.problems import status_of
from ledger.errors import CATALOGUE, Meaning
from ledger.statement import KINDS
from tests.api.house import TestClient, code_of


def test_every_kind_is_listed(standing: TestClient) -> None:
    listed = standing.get("/v1/kinds").json()
    assert [kind["name"] for kind in listed] == sorted(KINDS)
    assert {kind["name"]: kind for kind in listed}["asset.revised"] == {
        "name": "asset.revised",
        "doc": "Adds a version to an asset: other content, another description, or both. Old versions stay.",
        "signer": "party",
        "opens": ["version"],
        "on": "asset",
        "since": 1,
    }


@pytest.mark.parametrize("name", sorted(KINDS))
def test_a_kind_comes_with_the_schema_of_its_body(standing: TestClient, name: str) -> None:
    kind = standing.get(f"/v1/kinds/{name}").json()
    assert kind["schema"] == KINDS[name].model_json_schema(by_alias=True)
    assert kind["doc"]


def test_every_refusal_is_listed_with_what_to_do(standing: TestClient) -> None:
    listed = standing.get("/v1/refusals").json()
    answered = [code for code, meaning in CATALOGUE.items() if meaning.family != "halted"]
    assert [refusal["code"] for refusal in listed] == sorted(answered)
    assert all(refusal["title"] and refusal["advice"] for refusal in listed)


def test_the_type_of_a_problem_leads_to_its_page(standing: TestClient) -> None:
    problem = standing.get("/v1/entries/7").json()
    page = standing.get(problem["type"])
    assert page.status_code == 200
    assert page.json() == {
        "code": "entry_absent",
        "family": "absent",
        "status": status_of(CATALOGUE["entry_absent"]),
        "title": problem["title"],
        "advice": problem["advice"],
    }


def test_what_only_commands_stop_with_is_no_answer_of_the_service(
    standing: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CATALOGUE, "stopped_here", Meaning("stopped_here", "halted", "it stopped", "go on"))
    assert standing.get("/v1/refusals/stopped_here").status_code == 404
    assert "stopped_here" not in {refusal["code"] for refusal in standing.get("/v1/refusals").json()}


@pytest.mark.parametrize(
    ("page", "code"), [("/v1/kinds/asset.burnt", "kind_absent"), ("/v1/refusals/why_not", "refusal_absent")]
)
def test_what_is_in_no_registry(standing: TestClient, page: str, code: str) -> None:
    answer = standing.get(page)
    assert (answer.status_code, code_of(answer)) == (404, code)
