"""The list of logs: log lines and nothing else, read again when changed, and never half."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.errors import Malformed
from identity.note import Signer, Verifier, format_vkey
from identity.signature import COSIGNATURE_ED25519, COSIGNATURE_MLDSA44
from ledger.errors import Absent, Unavailable
from ledger.log.cosignature import Cosigner
from ledger.store.files import replace_file
from ledger.witness.logs import LogList, add_logs, parse_logs
from tests.ledger.witness.room import LOG, ORIGIN, THIEF

OTHER = Signer("other.example", b"o" * 32)
POST_QUANTUM = Cosigner(ORIGIN, COSIGNATURE_MLDSA44, b"m" * 32)
COSIGNER = Cosigner(ORIGIN, COSIGNATURE_ED25519, b"c" * 32)


def line(verifier: Verifier, more: str = "") -> bytes:
    return f"log {format_vkey(verifier)}{more}\n".encode()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "logs"
    replace_file(made, b"# remark\n" + line(LOG.verifier))
    return made


def test_the_keys_of_one_origin_are_of_one_log() -> None:
    data = (
        b"# remark\n\n"
        + line(LOG.verifier, " https://log.example/")
        + line(OTHER.verifier)
        + line(POST_QUANTUM.verifier)
    )
    assert parse_logs(data) == {
        ORIGIN: [LOG.verifier, POST_QUANTUM.verifier],
        "other.example": [OTHER.verifier],
    }
    assert parse_logs(b"") == {}


@pytest.mark.parametrize(
    "data",
    [
        b"log",
        b"log x",
        b"quorum none",
        line(LOG.verifier) * 2,
        line(COSIGNER.verifier),
        line(Signer("o" * 256, b"o" * 32).verifier),
        b"witness w " + format_vkey(COSIGNER.verifier).encode(),
        line(LOG.verifier)[:-3],
        line(LOG.verifier, " https://log.example/ more"),
        b"\xff",
    ],
)
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed, match="witness_logs_malformed"):
        parse_logs(data)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused_by_name(data: bytes) -> None:
    with suppress(Malformed):  # of which there is one code
        assert set(parse_logs(line(LOG.verifier) + data)) >= {ORIGIN}


def test_a_log_that_is_not_listed_is_unknown(path: Path) -> None:
    logs = LogList(path)
    assert logs.keys_of(ORIGIN) == [LOG.verifier]
    with pytest.raises(Absent, match="witness_log_unknown"):
        logs.keys_of("other.example")


def test_logs_are_added_and_taken_away_while_the_list_is_in_use(path: Path) -> None:
    logs = LogList(path)
    add_logs(path, [OTHER.verifier, POST_QUANTUM.verifier])
    assert logs.keys_of("other.example") == [OTHER.verifier]
    assert logs.keys_of(ORIGIN) == [LOG.verifier, POST_QUANTUM.verifier]
    replace_file(path, line(OTHER.verifier))
    with pytest.raises(Absent, match="witness_log_unknown"):
        logs.keys_of(ORIGIN)


def test_a_list_that_cannot_be_read_stands_for_no_list(path: Path) -> None:
    logs = LogList(path)
    good = path.read_bytes()
    path.write_bytes(good + b"half a li")
    with pytest.raises(Unavailable, match="witness_logs_unreadable"):
        logs.keys_of(ORIGIN)
    path.unlink()
    with pytest.raises(Unavailable, match="witness_logs_unreadable"):
        logs.keys_of(ORIGIN)
    path.write_bytes(good)
    assert logs.keys_of(ORIGIN) == [LOG.verifier]
    path.write_bytes(b"half a li")
    with pytest.raises(Malformed, match="witness_logs_malformed"):
        LogList(path)


def test_adding_keeps_what_was_written_and_adds_no_key_twice(path: Path) -> None:
    path.write_bytes(path.read_bytes().removesuffix(b"\n"))
    add_logs(path, [LOG.verifier, OTHER.verifier])
    add_logs(path, [OTHER.verifier])
    assert path.read_bytes() == b"# remark\n" + line(LOG.verifier) + line(OTHER.verifier)


def test_what_is_no_key_of_a_log_is_not_added(path: Path) -> None:
    before = path.read_bytes()
    for wrong in ([COSIGNER.verifier], [THIEF.verifier, THIEF.verifier]):
        with pytest.raises(Malformed, match="witness_logs_malformed"):
            add_logs(path, wrong)
        assert path.read_bytes() == before
