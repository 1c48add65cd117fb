"""Pages: lists in answers, cut by bytes as well as by count.

A page ends early with the item that fills it, so an answer is at most ``PAGE_BYTES`` and one item long, whatever the
items are. Whoever asks goes on after the last item that came, until nothing comes or the cursor is null: a page that is
shorter than asked for need not be the last.
"""

from __future__ import annotations

from collections.abc import Iterable

from fastapi import Response

PAGE_BYTES = 2**20
STEP = 32  # items read from the store at a time, so that little is read in vain


def cut(items: Iterable[bytes]) -> list[bytes]:
    """The items up to the one that fills the page. Takes none beyond it."""
    page: list[bytes] = []
    room = PAGE_BYTES
    for item in items:
        page.append(item)
        room -= len(item)
        if room <= 0:
            break
    return page


def array_of(items: Iterable[bytes]) -> bytes:
    """A JSON array of items that are JSON."""
    return b"[" + b",".join(items) + b"]"


def json_of(content: bytes) -> Response:
    """The answer with this JSON."""
    return Response(content, media_type="application/json")
