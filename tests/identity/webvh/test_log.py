"""did.jsonl: strict about what makes readers differ and about size, not about spaces; written in one spelling."""

import json

import pytest

from identity.errors import Malformed
from identity.webvh import format_log, log, parse_log
from tests.identity.webvh.forge import first, text, then

LOG = then(then(first()))


def code_of(data: bytes) -> str:
    with pytest.raises(Malformed) as caught:
        parse_log(data)
    return caught.value.code


def test_a_log_is_read_in_any_spelling_and_written_in_one() -> None:
    spaced = b"".join(json.dumps(line, indent=None, separators=(" , ", " : ")).encode() + b"\n" for line in LOG)
    for data in (text(LOG), text(LOG)[:-1], spaced, text(LOG).replace(b"\n", b"\r\n")):
        assert parse_log(data) == LOG
        assert format_log(parse_log(data)) == format_log(LOG)
    assert format_log(LOG).count(b"\n") == 3
    assert parse_log(format_log(LOG)) == LOG
    assert b" " not in format_log(LOG)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "webvh_log_malformed"),
        (b"\n", "webvh_log_malformed"),
        (b"{}\n\n{}\n", "webvh_log_malformed"),
        (b"{}\n\n", "webvh_log_malformed"),
        (b"[]\n", "webvh_log_malformed"),
        (b"1\n", "webvh_log_malformed"),
        (b"{} {}\n", "json_malformed"),
        (b'{"a":\n1}\n', "json_malformed"),
        (b"\xef\xbb\xbf{}\n", "json_malformed"),
        (b'{"a":1,"a":1}\n', "json_key_twice"),
        (b'{"a":9007199254740993}\n', "json_integer_range"),
        (b'{"a":' + b"[" * 40 + b"]" * 40 + b"}\n", "json_too_deep"),
        (b'{"a":"' + b" " * log.LINE_BYTES_MAX + b'"}\n', "webvh_log_too_large"),
        (b"{}\n" * (log.LINES_MAX + 1), "webvh_log_too_large"),
        (b"\n" * (log.LOG_BYTES_MAX + 1), "webvh_log_too_large"),
    ],
)
def test_what_is_no_log(data: bytes, code: str) -> None:
    assert code_of(data) == code


def test_a_pointer_says_which_line() -> None:
    with pytest.raises(Malformed) as caught:
        parse_log(b"{}\n{}\n[]\n")
    assert caught.value.pointer == "/2"


def test_as_many_lines_as_there_may_be() -> None:
    assert len(parse_log(b"{}\n" * log.LINES_MAX)) == log.LINES_MAX
