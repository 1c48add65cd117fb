"""The benchmark's parts, each on its own: a benchmark that measures the wrong thing looks like one that does not."""

import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

import ledger.circulation
from ledger.statement import receive
from load.bench import wrk
from load.bench.appends import measure_batch, measure_single, post
from load.bench.chains import measure_chains
from load.bench.errors import Failed
from load.bench.lifetime import measure_bytes, sum_statement_bytes
from load.bench.reads import measure_receipts, measure_search, percentile
from load.bench.report import Figure, Report, at_least, at_most
from load.bench.sealing import measure_sealing
from load.bench.service import Service, init, resident_bytes
from load.bench.states import measure_loss, measure_states
from load.bench.supply import CHUNK, DEPTH, PARTIES, Supply, joining
from load.bench.verification import verifications_per_second
from load.bench.wire import Wire
from tests.load.conftest import CADASTRE

assert ledger.circulation  # imported for its kinds

NOW = 1_760_000_000
LINE = (
    '{"requests":9,"microseconds":3000000,"p50":12,"p99":34,"lost":0,'
    '"sent":10,"exhausted":0,"created":9,"repeated":0,"other":0}'
)


# -- statements signed ahead ---------------------------------------------------------------------------------


def test_no_statement_is_taken_twice_and_what_is_put_back_is_taken_first() -> None:
    supply = Supply("bench#x", NOW)
    first = supply.take(7)
    supply.put_back(first[5:])
    second = supply.take(4)
    assert second[:2] == first[5:]
    assert len({*first, *second}) == 9


def test_many_are_signed_by_several_processes_as_they_would_be_by_one() -> None:
    many, few = Supply("bench#x", NOW), Supply("bench#x", NOW)
    assert many.take(CHUNK + 3)[-3:] == [few.take(1)[0] for _ in range(CHUNK + 3)][-3:]


def test_statements_are_of_the_size_the_report_says_and_pass_the_door() -> None:
    statements = Supply("bench.localhost/cadastre#" + "A" * 43, NOW).take(200)
    assert {1_150 <= len(statement) <= 1_450 for statement in statements} == {True}
    titles = [receive(statement).claims.body["title"] for statement in statements]
    assert sum("振动" in title for title in titles) == len(titles) / 8


@pytest.fixture(scope="module")
def supply(service: Service) -> Supply:
    """Statements the service has not seen, by parties that have joined."""
    made = Supply(_about(service)["audience"], int(time.time()))
    post(service.url, joining(made.audience, made.now))
    return made


def test_the_service_admits_what_is_signed_ahead_and_it_is_found_again(service: Service, supply: Supply) -> None:
    statements = supply.take(400)
    (batch,) = measure_batch(service.url, statements)
    assert batch.value > 0
    size = _about(service)["size"]
    assert size >= 1 + PARTIES + len(statements)
    assert sum_statement_bytes(service.url, size) >= sum(map(len, statements))
    assert [figure.name for figure in measure_receipts(service.url, size, 5)] == [
        "receipt, p50 idle",
        "receipt, p95 idle",
    ]
    assert all(figure.value > 0 for figure in measure_search(service.url, 400, 1))
    with pytest.raises(Failed, match="first that is not 201"):
        measure_batch(service.url, statements[:3])  # the same again: 200


@pytest.mark.skipif(not wrk.installed(), reason="needs wrk (Debian: apt install wrk)")
def test_wrk_sends_each_statement_once_and_every_answer_counted_is_an_entry(
    service: Service, supply: Supply, tmp_path: Path
) -> None:
    before = _about(service)["size"]
    rate, p50, p99 = measure_single(service.url, supply, tmp_path, warmup=1, seconds=1, runs=1)
    assert _about(service)["size"] - before >= rate.value  # a second of it, and the warm-up before
    assert 0 < p50.value <= p99.value
    measure_batch(service.url, supply.take(10))  # 201 for each: what was put back had not been sent


@pytest.mark.skipif(not wrk.installed(), reason="needs wrk (Debian: apt install wrk)")
def test_a_run_that_is_short_of_statements_is_no_measurement(service: Service, tmp_path: Path) -> None:
    few = tmp_path / "few"
    few.write_text("not a statement\nnor this\n")
    outcome = wrk.run(wrk.APPEND, service.url, str(few), connections=2, seconds=1)
    assert outcome.exhausted
    assert outcome.sent == 2
    assert outcome.created == outcome.repeated == 0


def _about(service: Service) -> dict[str, Any]:
    with Wire(service.url) as wire:
        return wire.members("/v1/ledger")


# -- wrk's words ---------------------------------------------------------------------------------------------


def test_the_last_line_of_wrk_is_what_counts() -> None:
    outcome = wrk.parse(f"Running 3s test\n  1 threads and 64 connections\n{LINE}\n")
    assert (outcome.requests, outcome.p99, outcome.sent, outcome.exhausted) == (9, 34, 10, False)
    assert outcome.rate == 3.0


@pytest.mark.parametrize(
    "output", ["", "unable to connect", LINE[:-1], LINE.replace("p50", "p51"), LINE.replace("9", '"x"', 1)]
)
def test_anything_else_is_no_measurement(output: str) -> None:
    with pytest.raises(Failed, match="wrk said"):
        wrk.parse(output)


def test_a_service_that_is_not_there_is_no_measurement() -> None:
    with pytest.raises(Failed), Wire("http://127.0.0.1:9") as wire:
        wire.get("/ready")


# -- figures -------------------------------------------------------------------------------------------------

REPORT = Report(
    before=9_000,
    after=11_000,
    figures=[
        Figure("met by ratio", 1_500, "/s", rated=True, target=at_least(0.15)),
        Figure("missed by ratio", 1_499, "/s", rated=True, target=at_least(0.15)),
        Figure("met by value", 60, "ms", target=at_most(60)),
        Figure("missed by value", 60.1, "ms", target=at_most(60)),
        Figure("no target", 3.5, "MiB", note="so large"),
    ],
    conditions=["two cores"],
    skipped=["single: wrk is not installed"],
)


def test_v_is_the_mean_of_both_ends_and_ratios_are_to_it() -> None:
    assert REPORT.v == 10_000
    assert [REPORT.ratio(figure) for figure in REPORT.figures] == [0.15, 0.1499, None, None, None]
    assert [REPORT.met(figure) for figure in REPORT.figures] == [True, False, True, False, None]


def test_the_table_says_it_line_by_line() -> None:
    lines = [line.split() for line in REPORT.table().splitlines()]
    assert lines[1][-5:] == ["1", "9,000", "before,", "11,000", "after"]
    assert lines[2] == ["met", "by", "ratio", "1,500/s", "0.150", "≥", "0.15", "V", "yes"]
    assert lines[3] == ["missed", "by", "ratio", "1,499/s", "0.150", "≥", "0.15", "V", "NO"]
    assert lines[4] == ["met", "by", "value", "60.0", "ms", "≤", "60", "ms", "yes"]
    assert lines[6] == ["no", "target", "3.50", "MiB", "so", "large"]
    assert REPORT.table().splitlines()[-2:] == ["two cores", "skipped: single: wrk is not installed"]


def test_the_json_says_the_same() -> None:
    members = REPORT.members()
    assert members["v"] == 10_000
    assert members["figures"][0] == {
        "name": "met by ratio",
        "value": 1_500,
        "unit": "/s",
        "ratio": 0.15,
        "target": "≥ 0.15 V",
        "met": True,
        "note": None,
    }


@pytest.mark.parametrize(
    ("values", "per_cent", "expected"),
    [([5.0], 95, 5.0), ([3.0, 1.0, 2.0], 50, 2.0), ([*map(float, range(1, 101))], 95, 95.0), ([1.0, 2.0], 95, 2.0)],
)
def test_percentiles_are_by_nearest_rank(values: list[float], per_cent: int, expected: float) -> None:
    assert percentile(values, per_cent) == expected


def test_proofs_of_state_are_measured_once_the_service_has_committed(tmp_path: Path) -> None:
    init(CADASTRE, tmp_path / "ledger")
    figures = measure_states(CADASTRE, tmp_path / "ledger", 5)
    assert {figure.name for figure in figures if figure.target} == {
        "proof of state, p99",
        "proof of state, bytes of the map",
        "proof of absence, p99",
        "proof of absence, bytes of the map",
    }
    assert all(0 < figure.value < 4_096 for figure in figures)


def test_bare_verification_is_a_rate() -> None:
    assert 100 < verifications_per_second(1_200, 0.05) < 1_000_000


def test_stored_bytes_are_the_store_and_its_log_and_nothing_else(tmp_path: Path) -> None:
    for name, size in (("ledger.db", 300), ("ledger.db-wal", 100), ("checkpoint", 7)):
        (tmp_path / name).write_bytes(bytes(size))
    (figure,) = measure_bytes(tmp_path, 200)
    assert figure.value == 2.0


def test_memory_is_that_of_the_service_and_its_children(service: Service) -> None:
    held = resident_bytes(service.pid)
    assert held is None or held > 20 << 20
    assert resident_bytes(2**22 + 1) is None


# -- the command ---------------------------------------------------------------------------------------------


def test_the_command_knows_its_parts() -> None:
    finished = subprocess.run([*CADASTRE, "bench", "--only", "nonsense"], capture_output=True, text=True, timeout=60)
    assert finished.returncode == 2
    assert "no such part: nonsense" in finished.stderr


def test_what_commitments_cost_is_measured_in_pairs_of_new_ledgers(tmp_path: Path) -> None:
    (lost,) = measure_loss(CADASTRE, tmp_path, 60, 1)
    assert lost.name == "batch appends lost to commitments"
    assert lost.unit == "%"
    assert lost.value < 100
    assert lost.note.startswith("1 pairs of 60 statements")
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["0-off", "0-on"]


def test_what_chains_cost_is_measured_in_pairs_of_new_ledgers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("load.bench.chains.WARM", 60)
    (lost,) = measure_chains(CADASTRE, tmp_path, 60, 1)
    assert (lost.name, lost.unit) == (f"batch appends lost to chains of {DEPTH}", "%")
    assert lost.value < 100
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["0-False", "0-True"]


def test_sealing_is_measured_by_its_cipher(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("load.bench.sealing.BYTES", 100_000)
    found = measure_sealing()
    assert [one.name for one in found] == ["sealing, by its cipher", "unsealing, by its cipher"]
    assert all(one.value > 0 and one.unit == "x" for one in found)
