"""Somebody who opens packs in a browser, and what they are shown. Every request and every error is counted."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from ledger.pack.page import format_page

WAIT_MS = 20_000
JUDGED = "body[data-verdict]"


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's own Chromium; skips the test where there is none."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no Chromium here: install it (Debian: apt-get install chromium)")
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium refuses to run as root with one
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=found, args=sandbox)
        yield running
        running.close()


class Reader:
    """``asked``: addresses that the browser was asked for, ``refused``: why it did not give some of them; ``wrong``:
    errors of scripts and violations of the policy."""

    def __init__(self, page: Page, room: Path) -> None:
        self.page = page
        self.asked: list[str] = []
        self.wrong: list[str] = []
        self.refused: list[str | None] = []
        self._room = room
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("requestfailed", lambda request: self.refused.append(request.failure))
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("console", lambda message: self.wrong.append(message.text))
        page.on("dialog", lambda dialog: self.wrong.append(dialog.message))

    @classmethod
    @contextmanager
    def at(cls, browser: Browser, room: Path) -> Iterator[Reader]:
        """A reader whose browser is cut off from every network."""
        with browser.new_context(offline=True) as context:
            context.set_default_timeout(WAIT_MS)
            yield cls(context.new_page(), room)

    def file(self, name: str, page: bytes) -> Path:
        path = self._room / name
        path.write_bytes(page)
        return path

    def open(self, page: bytes, name: str = "pack.html") -> str:
        """Open a page from a file; the word it comes to."""
        path = self.file(name, page)
        self.page.goto(path.as_uri())
        self.page.wait_for_selector(JUDGED)
        return self.word

    def opened(self, data: bytes) -> str:
        """Open the page around these data; the word it comes to."""
        return self.open(format_page(data))

    @property
    def word(self) -> str:
        return str(self.page.get_attribute("#verdict", "class"))

    def text(self, selector: str = "body") -> str:
        return self.page.inner_text(selector)

    def again(self, *, policy: str = "", known: str = "") -> str:
        """Judge again, under a policy or beside a checkpoint of the reader's own."""
        self._forget()
        self.page.fill("#policy", policy)
        self.page.fill("#known", known)
        self.page.click("#again")
        self.page.wait_for_selector(f"{JUDGED}, #said:not(:empty)")
        return self.word

    def choose(self, path: Path) -> str:
        """Open another pack in the page that is open."""
        self._forget()
        self.page.set_input_files("#other", path)
        self.page.wait_for_selector("#said:not(:empty)")
        return self.word

    def _forget(self) -> None:
        self.page.evaluate("() => { delete document.body.dataset.verdict; put('said') }")
