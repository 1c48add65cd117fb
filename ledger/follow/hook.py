"""Telling alerts to somebody else: each line of the file of alerts is handed on, in order, until it is taken.

How far that has come stands in ``DIR/alerts.sent``, as the number of bytes handed on, written after each. So whatever
dies in between is told again: a receiver hears of each alert at least once, and knows a second time by the id. A thread
of its own does it, so whoever does not answer keeps nobody from following; whatever goes wrong there is told, and the
alert is tried again later.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Condition, Thread
from types import TracebackType

from ledger.follow.folder import damaged
from ledger.store.files import replace_file

PAUSE_FIRST_S = 1.0  # after a failure; doubled after each further one
PAUSE_MAX_S = 300.0

Send = Callable[[bytes], str | None]
"""Hands one alert (JSON) on, in bounded time; None, or in a word why it was not taken."""


class Hook:
    """Hands alerts on while the context lasts."""

    def __init__(
        self, alerts: Path, sent: Path, send: Send, failed: Callable[[str], None], pause: float = PAUSE_FIRST_S
    ) -> None:
        """``failed`` is told why an alert was not taken, once for each time this begins to happen.

        Raises ``Corrupt`` (``follower_corrupt``) where ``sent`` holds no number.
        """
        self._alerts = alerts
        self._sent = sent
        self._send = send
        self._failed = failed
        self._pause = pause
        written = sent.read_bytes().removesuffix(b"\n") if sent.exists() else b"0"
        if not written.isdigit() or len(written) > 18:
            raise damaged(sent, "not a number of bytes", "remove it: every alert is sent again")
        done = int(written)
        self._done = done if alerts.exists() and done <= alerts.stat().st_size else 0
        self._changed = Condition()
        self._ended = False
        self._thread = Thread(target=self._run, name="alerts", daemon=True)

    def __enter__(self) -> Hook:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._thread.join(1)  # a request under way ends with the process, and is made again by the next one

    def poke(self) -> None:
        """There may be another alert."""
        with self._changed:
            self._changed.notify_all()

    def drain(self, seconds: float) -> bool:
        """Wait until all were taken, and no longer than that; whether they were."""
        with self._changed:
            return self._changed.wait_for(lambda: self._next() is None, seconds)

    def _run(self) -> None:
        failures = 0
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._ended or self._next() is not None)
                if self._ended:
                    return
            line = self._next()
            assert line is not None
            try:
                trouble = self._send(line)
                if trouble is None:
                    replace_file(self._sent, b"%d\n" % (self._done + len(line)))
            except Exception as error:  # nobody else would hear of it, and no alert would be told any more
                trouble = f"{type(error).__name__} {error}"
            with self._changed:
                if trouble is None:
                    self._done += len(line)
                    failures = 0
                    self._changed.notify_all()
                    continue
                if self._ended:
                    return
                if failures == 0:
                    with suppress(Exception):
                        self._failed(trouble)
                self._changed.wait_for(lambda: self._ended, min(self._pause * 2**failures, PAUSE_MAX_S))
                failures = min(failures + 1, 20)

    def _next(self) -> bytes | None:
        """The first line that was not taken, None where there is none."""
        try:
            with self._alerts.open("rb") as file:
                file.seek(self._done)
                line = file.readline()
        except FileNotFoundError:
            return None
        return line if line.endswith(b"\n") else None
