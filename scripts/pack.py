"""``cadastre pack``: put an entry, its history and all that proves them into one page, for whoever has to judge it.

It is taken from a service, or from SOURCE (``--from``): a ledger's folder, a bundle or a published log. The pack is
judged before it is kept (``ledger.pack.judge``), as ``cadastre verify`` will.

Private values stay behind unless they are asked for: ``--disclose``, from a ledger's own folder, and ``--disclosure``
with a statement as it was sent, for those who hold one. A value that was shown once cannot be taken back.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from api.client import Client
from identity import disclosure
from identity.errors import Problem
from identity.note import Verifier
from ledger.audit import Source, StoreSource
from ledger.log import merkle, tile
from ledger.log.policy import EMPTY, Log, parse_policy
from ledger.log.receipt import parse_receipt
from ledger.pack.data import Pack, format_data
from ledger.pack.evidence import Evidence, ScanEvidence, StoreEvidence, size_of
from ledger.pack.gather import Shown, gather
from ledger.pack.judge import Judged, judge
from ledger.pack.page import format_page, script_digest
from ledger.publish import PUBLIC
from ledger.store.files import Folder
from scripts.audit import open_source
from scripts.command import check_free, command
from scripts.options import LOCAL, Json, LedgerUrl, ReaderKey
from scripts.output import print_json, print_note, print_pairs
from scripts.proofs.pack import members, tell_verdict
from scripts.session import session

HISTORY_PAGE = 100
_CHOSEN = re.compile(r"(?:(0|[1-9][0-9]{0,15}):)?((?:/[^/]*)+)")


@command()
def pack(
    index: Annotated[int, typer.Argument(metavar="INDEX", min=0, help="Place of the entry.")],
    out: Annotated[Path, typer.Option(metavar="FILE.html", help="Where to write it.")],
    source: Annotated[
        str | None,
        typer.Option("--from", metavar="SOURCE", help="A ledger's folder, a bundle or a published log, not a service."),
    ] = None,
    policy: Annotated[
        Path | None, typer.Option(metavar="FILE", exists=True, help="Witnesses to ask for; goes along.")
    ] = None,
    known: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", exists=True, help="A checkpoint from elsewhere to compare; may be repeated."),
    ] = None,
    disclose: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[INDEX:]/FIELD",
            help="Show a private field, by its pointer within the body, or 'all'; from a ledger's folder.",
        ),
    ] = None,
    held: Annotated[
        list[Path] | None,
        typer.Option("--disclosure", metavar="FILE", exists=True, help="A statement as sent, whose values to show."),
    ] = None,
    history: Annotated[bool, typer.Option("--history/--no-history", help="What touched the subject, too.")] = True,
    key: ReaderKey = None,
    ledger: LedgerUrl = LOCAL,
    json: Json = False,
) -> None:
    """Write an entry, its history and their proofs into one page that verifies itself in a browser."""
    check_free(out)
    shown = _selection(disclose or [])
    own = [text for file in held or [] for text in disclosure.split(file.read_bytes().strip())[1]]
    stated = None if policy is None else policy.read_text("utf-8")
    asked = EMPTY if stated is None else parse_policy(stated.encode())
    notes = [file.read_bytes() for file in known or []]
    with _evidence(source, ledger, key, index) as (evidence, verifiers):
        if disclose and not isinstance(evidence, StoreEvidence):
            raise typer.BadParameter("only a ledger's own folder has the private values", param_hint="--disclose")
        made = gather(evidence, index, history=history, shown=shown, held=own, policy=stated, known=notes)
        data = format_data(made)
        believed = [*(Log(verifier, None) for verifier in verifiers)] or asked.logs
        judged = judge(data, replace(asked, logs=believed))
    if not judged.proven and judged.word != "diverged":
        tell_verdict(judged)
        raise typer.Exit(1)
    _keep(out, format_page(data))
    _print(made, judged, out, json)
    if not judged.proven:
        tell_verdict(judged)
        raise typer.Exit(1)


def _print(made: Pack, judged: Judged, out: Path, json: bool) -> None:
    values = sum(len(piece.disclosures) for piece in made.pieces)
    shown: dict[str, object] = {"entries": len(made.pieces), "disclosed": values, "bytes": out.stat().st_size}
    if json:
        print_json({"file": str(out), **shown, "script": script_digest(), **members(judged)})
        return
    print(f"packed: entry {made.index} of {made.origin} into {out}")
    print_pairs([*shown.items(), ("script", script_digest())], indent=2)
    if values:
        print_note(f"private values in it: {values}; whoever has the file can read them")
    print(judged.line())


def _keep(path: Path, page: bytes) -> None:
    with path.open("xb") as file:
        file.write(page)
        file.flush()
        os.fsync(file.fileno())


def _selection(chosen: Sequence[str]) -> Shown:
    """Which private fields are to be shown. Raises ``typer.BadParameter``."""
    wanted: set[tuple[int | None, str]] = set()
    for one in chosen:
        found = _CHOSEN.fullmatch(one)
        if found is None and one != "all":
            raise typer.BadParameter(
                f"{one!r} is neither 'all' nor such as /price or 17:/price", param_hint="--disclose"
            )
        if found is not None:
            wanted.add((None if found[1] is None else int(found[1]), found[2]))
    every = "all" in chosen
    return lambda index, pointer: every or (None, pointer) in wanted or (index, pointer) in wanted


# ---- Where it is taken from --------------------------------------------------------------------------------


@contextmanager
def _evidence(
    source: str | None, ledger: str, key: Path | None, index: int
) -> Iterator[tuple[Evidence, Sequence[Verifier]]]:
    """What the pack is put together from, and the log keys by which it is known, where it is known by any."""
    if source is None or source.startswith(("http://", "https://")):
        with session(source or ledger, reader=key) as at:
            yield ClientEvidence(at.client, parse_receipt(at.client.receipt(index)).checkpoint), at.verifiers
        return
    with open_source(source) as opened:
        if isinstance(opened, StoreSource):
            yield StoreEvidence(opened.store, _checkpoint(Path(source), index, opened)), ()
        else:
            yield ScanEvidence(opened), ()


def _checkpoint(path: Path, index: int, source: Source) -> bytes:
    """The checkpoint that was published last, if it covers the entry: it has the cosignatures; else the latest."""
    latest = source.checkpoint or b""
    published = path / PUBLIC / Folder(path).checkpoint.name
    try:
        found = published.read_bytes()
        return found if index < size_of(found) <= source.size else latest
    except (OSError, Problem):
        return latest


class ClientEvidence(Evidence):
    """A ledger behind its service; private values are not asked for."""

    def __init__(self, client: Client, checkpoint: bytes) -> None:
        self.checkpoint = checkpoint
        self._client = client
        self._size = size_of(checkpoint)
        self._nodes = tile.nodes_from_tiles(lambda wanted: client.published(tile.format_path(wanted)), self._size)

    def entry(self, index: int) -> bytes:
        return self._client.entry_bytes(index)

    def proof(self, index: int) -> Sequence[bytes]:
        return merkle.inclusion_proof(index, self._size, self._nodes)

    def index_of(self, statement: str) -> int:
        return self._client.statement(statement).index

    def last(self, subject: str) -> str:
        return self._client.subject(subject, self._size).last

    def party(self, did: str) -> str:
        return self._client.subject(did).id

    def touched(self, subject: str, most: int) -> Sequence[int]:
        found: list[int] = []
        while len(found) < most:
            page = self._client.history(subject, found[-1] if found else self._size, HISTORY_PAGE)
            if not page:
                break
            found += [entry.index for entry in page]
        return found[:most]

    def disclosures(self, index: int) -> Sequence[str]:  # noqa: ARG002 - none are asked for
        return ()
