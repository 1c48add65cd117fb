"""Logs: one JSON object a line."""

from __future__ import annotations

import subprocess
import sys

import orjson

SCRIPT = """
import logging
import structlog
from api import logs
logs.configure("info")
log = structlog.get_logger("cadastre.test")
structlog.contextvars.bind_contextvars(request_id="r-1")
log.debug("unheard")
log.info("heard", size=3)
logging.getLogger("uvicorn.error").info("chatter")
logging.getLogger("other").warning("from a library: %s", "yes")
try:
    1 / 0
except ZeroDivisionError:
    log.exception("a mistake")
"""


def test_our_lines_and_those_of_libraries_are_json_with_level_time_and_request_id() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, check=True)
    assert done.stdout == b""
    heard, library, mistake = (orjson.loads(line) for line in done.stderr.splitlines())
    assert (heard["event"], heard["size"], heard["level"]) == ("heard", 3, "info")
    assert (heard["request_id"], heard["logger"]) == ("r-1", "cadastre.test")
    assert heard["timestamp"].endswith("Z")
    assert (library["event"], library["level"], library["logger"]) == ("from a library: yes", "warning", "other")
    assert "ZeroDivisionError" in mistake["exception"]
