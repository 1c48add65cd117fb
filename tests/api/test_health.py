"""For machines that watch."""

from __future__ import annotations

from ledger.errors import Unavailable
from tests.api.house import JOSE, House, TestClient, code_of


def test_health_says_that_the_process_lives(client: TestClient) -> None:
    answer = client.get("/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})


def test_ready_while_the_writer_can_append(client: TestClient) -> None:
    answer = client.get("/ready")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready", "size": 1})


def test_not_ready_while_something_keeps_the_writer_from_appending(client: TestClient) -> None:
    writer = client.app.state.service.writer
    writer.trouble = Unavailable("clock_behind", "by 90 s")
    answer = client.get("/ready")
    assert (answer.status_code, code_of(answer)) == (503, "clock_behind")
    assert answer.headers["retry-after"] == "1"
    assert client.get("/health").status_code == 200
    writer.trouble = None
    assert client.get("/ready").status_code == 200


def metrics_of(client: TestClient) -> dict[str, float]:
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = (line.rpartition(" ") for line in answer.text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


def test_metrics_count_verdicts_batches_and_size(house: House, client: TestClient) -> None:
    house.play.join("factory")
    house.tell(client)
    client.post("/v1/statements", content=house.play.entries[-1].sent, headers=JOSE)
    client.post("/v1/statements", content=b"x", headers=JOSE)
    found = metrics_of(client)
    assert found['cadastre_statements_total{code="",verdict="admitted"}'] == 1
    assert found['cadastre_statements_total{code="",verdict="again"}'] == 1
    assert found['cadastre_statements_total{code="statement_malformed",verdict="malformed"}'] == 1
    assert found["cadastre_size_entries"] == 2
    assert found["cadastre_queue_statements"] == 0
    assert found["cadastre_ready"] == 1
    assert found["cadastre_batch_statements_count"] == found["cadastre_append_seconds_count"] == 2
    assert found['cadastre_requests_total{status="201"}'] == 1
    assert found['cadastre_requests_total{status="400"}'] == 1


def test_metrics_name_nobody(house: House, client: TestClient) -> None:
    house.play.join("factory")
    house.tell(client)
    page = client.get("/metrics").text
    assert "did:" not in page
    assert "party_" not in page
    assert "127.0.0.1" not in page
