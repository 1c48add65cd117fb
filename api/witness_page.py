"""The page of a witness: which logs it has seen, how far, when, and what speaks against them. HTML without scripts."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from html import escape

from ledger.witness.memory import Kept, log_id
from ledger.witness.witness import Sight

HEADERS = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"}

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#111}"
    "h2{margin-top:2rem;border-top:1px solid #ccc;padding-top:1rem}code{overflow-wrap:anywhere}"
    "dt{color:#555}dd{margin:0 0 .5rem}.proven{border-left:.3rem solid #b00020;padding-left:.7rem}"
)


def page(name: str, vkeys: Iterable[str], sights: Iterable[Sight]) -> str:
    """The whole page. Whatever is not ours is escaped."""
    shown = escape(name)
    parts = [
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>Witness {shown}</title>',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<style>{_STYLE}</style></head><body><h1>Witness {shown}</h1>",
        "<p>This witness cosigns checkpoints of logs, each only if it extends the one it cosigned before"
        ' (<a href="https://c2sp.org/tlog-witness">C2SP tlog-witness</a>). The same in JSON: <a href="/seen">/seen</a>.'
        "</p><dl>",
        *(f"<dt>key</dt><dd><code>{escape(vkey)}</code></dd>" for vkey in vkeys),
        "</dl>",
    ]
    logs = [line for sight in sights for line in _log(sight)]
    return "\n".join([*parts, *(logs or ["<p>It knows no logs yet.</p>"]), "</body></html>\n"])


def _log(sight: Sight) -> Iterator[str]:
    yield f"<h2>{escape(sight.origin)}</h2>"
    if not sight.known:
        yield "<p>It is not on the list of logs: no longer cosigned.</p>"
    if sight.last is None:
        yield "<p>Nothing cosigned yet.</p>"
    else:
        yield f"<dl><dt>size</dt><dd>{sight.last.size}</dd>"
        yield f"<dt>root</dt><dd><code>{_root(sight.last.root)}</code></dd>"
        yield f"<dt>cosigned</dt><dd>{_time(sight.last.time)}</dd>"
        yield f'<dt>checkpoint</dt><dd><a href="/{log_id(sight.origin)}/checkpoint">as cosigned</a></dd></dl>'
    for one in sight.evidence:
        yield _evidence(one)


def _evidence(one: Kept) -> str:
    where = f"size {one.size}, root <code>{_root(one.root)}</code>, shown to this witness {_time(one.time)}"
    link = f'<a href="/evidence/{one.number}">evidence {one.number}</a>'
    if one.proven:
        return f'<p class="proven"><strong>The log signed two histories</strong>: {where}. {link}</p>'
    return (
        f"<p>Not cosigned, its proof being wrong: {where}. This alone speaks against nobody: anybody can send a wrong"
        f" proof. {link}</p>"
    )


def _root(root: bytes) -> str:
    return b64encode(root).decode()


def _time(seconds: int) -> str:
    try:
        shown = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        shown = f"{seconds} s after 1970"
    return f"<time>{shown}</time>"
