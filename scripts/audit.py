"""``cadastre audit`` and ``export``: prove a whole ledger from its bytes, and take it along as one file.

SOURCE is a ledger's folder, the address of its service, or a bundle made by ``export``. An audit of an address also
checks that it is the ledger met before (``trust``). It ends with one line on stdout, and exits with 0 only if all that
is there holds:

    audit: consistent  size=2000 root=rKbDipCv…83cs=
"""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import orjson
import typer

from api.client import Client, Subject
from ledger.audit import RemoteSource, Source, Verdict, Workers, open_folder, unreadable
from ledger.audit import audit as judge
from ledger.audit.source import Row
from ledger.bundle import export as write_bundle
from ledger.bundle import open_bundle
from ledger.errors import CATALOGUE, Absent, Corrupt, Malformed
from scripts.command import Halted, command, tell
from scripts.options import Json
from scripts.output import bar, print_json
from scripts.session import session

LISTED = 1_000  # subjects asked for in one call

SourceName = Annotated[str, typer.Argument(metavar="SOURCE", help="A ledger's folder, its address, or a bundle.")]


@command(no="disproven")
def audit(
    source: SourceName,
    known: Annotated[
        list[Path] | None,
        typer.Option(exists=True, metavar="FILE", help="A checkpoint of it from elsewhere; may be repeated."),
    ] = None,
    workers: Annotated[int | None, typer.Option(min=0, help="Processes that help.  [default: all cores]")] = None,
    json: Json = False,
) -> None:
    """Replay a ledger from its bytes: every signature, link, rule, state and proof."""
    count = max(1, (os.cpu_count() or 2) - 1) if workers is None else workers
    with Workers(count) as helpers, bar("auditing", None) as progress:

        def show(done: int, total: int) -> None:
            progress.update(progress.task_ids[0], completed=done, total=total)

        verdict = _judge(source, helpers, [file.read_bytes() for file in known or []], show)
    if json:
        print_json(_members(verdict))
    if not verdict.proven or verdict.reason:
        tell(_reason(verdict), "disproven" if not verdict.proven else "note")
    if not json:
        print(verdict.line())
    if not verdict.proven:
        raise typer.Exit(1)


@command()
def export(
    source: SourceName,
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="File to write; must not be there.")],
    json: Json = False,
) -> None:
    """Write a whole ledger into one file that can be audited anywhere. Private values stay behind."""
    if bundle.exists():
        raise Halted("file_exists", f"{bundle} is there already", "name another file; nothing was changed")
    with open_source(source) as opened:
        write_bundle(opened, bundle)
        shown = {"bundle": str(bundle), "size": opened.size, "bytes": bundle.stat().st_size}
    if json:
        print_json(shown)
    else:
        print(f"exported: {shown['size']} entries to {bundle}, {shown['bytes']} bytes")


@contextmanager
def open_source(named: str) -> Iterator[Source]:
    """The source of this name. Raises ``Problem``."""
    if _is_address(named):
        with session(named) as at:
            yield _remote(at.client)
    elif Path(named).is_dir():
        with open_folder(Path(named)) as folder:
            yield folder
    else:
        with open_bundle(Path(named)) as bundle:
            yield bundle


def _judge(named: str, workers: Workers, known: list[bytes], show: Callable[[int, int], None]) -> Verdict:
    """The verdict on a source; on one that cannot even be opened, too."""
    with ExitStack() as stack:
        try:
            source = stack.enter_context(open_source(named))
        except (Corrupt, Malformed) as wrong:
            if _is_address(named):
                raise
            return unreadable(wrong)
        return judge(source, workers, known=known, progress=show)


def _is_address(named: str) -> bool:
    return named.startswith(("http://", "https://"))


def _remote(client: Client) -> RemoteSource:
    def subject_at(id_: str, size: int) -> Row | None:
        try:
            return _row(client.subject(id_, size))
        except Absent:
            return None

    return RemoteSource(
        client.checkpoint(),
        lambda start, stop: client.entries_bytes(start, stop - start),
        lambda after: [_row(subject) for subject in client.subjects(after, LISTED)],
        subject_at,
    )


def _row(subject: Subject) -> Row:
    state = orjson.dumps(subject.state, option=orjson.OPT_SORT_KEYS)
    return subject.no, subject.id, subject.type, subject.index, subject.last, state


def _members(verdict: Verdict) -> dict[str, object]:
    return {
        "verdict": verdict.word,
        "size": verdict.size,
        "root": b64encode(verdict.root).decode(),
        "index": verdict.index,
        "reason": verdict.reason,
        "subject": verdict.subject,
        "detail": verdict.detail,
    }


def _reason(verdict: Verdict) -> Halted:
    """Why, in the words of the catalogue."""
    meaning = CATALOGUE.get(verdict.reason or "")
    at = "" if verdict.index is None else f"entry {verdict.index}: "
    detail = verdict.detail or (meaning.title if meaning else "")
    return Halted(verdict.reason or verdict.word, at + detail, meaning.advice if meaning else "")
