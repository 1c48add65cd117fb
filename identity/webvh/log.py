"""``did.jsonl``: one entry a line, oldest first (JSON Lines).

Logs come from anybody, in any spelling of JSON; what is signed is the canonical form. So reading is strict about
what would make two readers differ (a key twice, numbers that round) and about size, not about spaces. Writing has one
spelling: canonical JSON and a newline.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from identity.errors import Malformed, declare
from identity.jcs import decode_any, encode_any

LOG_BYTES_MAX = 5 * 1024 * 1024  # as the specification suggests
LINE_BYTES_MAX = 256 * 1024
LINES_MAX = 10_000  # about two seconds of verifying

declare(
    "malformed",
    webvh_log_malformed=(
        "this is not a did:webvh log",
        "a did.jsonl has one JSON object a line, each line ended by a newline, and at least one of them",
    ),
    webvh_log_too_large=(
        "the did:webvh log is too large",
        f"{LOG_BYTES_MAX} bytes, {LINE_BYTES_MAX} a line and {LINES_MAX} lines are read at most",
    ),
)


def parse_log(data: bytes) -> list[dict[str, Any]]:
    """The entries of a log, oldest first; nothing is verified. The last line may lack its newline.

    Raises ``Malformed``; a pointer begins with the place of the line: ``/0`` for the first.
    """
    return list(read_log(data))


def read_log(data: bytes) -> Iterator[dict[str, Any]]:
    """As ``parse_log``, line by line: what stands before a malformed line is given before ``Malformed`` is raised."""
    if len(data) > LOG_BYTES_MAX:
        raise Malformed("webvh_log_too_large", f"{len(data)} bytes")
    for place, line in enumerate(data.removesuffix(b"\n").split(b"\n")):
        if place == LINES_MAX:
            raise Malformed("webvh_log_too_large", f"more than {LINES_MAX} lines")
        yield _line(line, place)


def _line(line: bytes, place: int) -> dict[str, Any]:
    if len(line) > LINE_BYTES_MAX:
        raise Malformed("webvh_log_too_large", f"{len(line)} bytes in one line", pointer=f"/{place}")
    if not line.strip():
        raise Malformed("webvh_log_malformed", "an empty line", pointer=f"/{place}")
    value = decode_any(line, pointer=f"/{place}")
    if type(value) is not dict:
        raise Malformed("webvh_log_malformed", "a line that is not an object", pointer=f"/{place}")
    return value


def format_log(lines: Iterable[Mapping[str, Any]]) -> bytes:
    """The file ``did.jsonl`` of these entries: each in its canonical spelling. Raises ``Malformed``."""
    return b"".join(encode_any(dict(line)) + b"\n" for line in lines)
