"""``cadastre pack``: put an entry, its history and all that proves them into one page, for whoever has to judge it.

It is taken from a service, or from SOURCE (``--from``): a ledger's folder, a bundle or a published log. The pack is
judged before it is kept (``ledger.pack.judge``), as ``cadastre verify`` will.

Private values stay behind unless they are asked for: ``--disclose``, from a ledger's own folder, and ``--disclosure``
with a statement as it was sent, for those who hold one. A value that was shown once cannot be taken back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from api.client import Client
from identity import disclosure
from identity.errors import Problem, declare
from identity.note import Verifier
from ledger.audit import Source, StoreSource
from ledger.errors import Absent, Unavailable
from ledger.log import tile
from ledger.log.checkpoint import open_checkpoint
from ledger.log.policy import EMPTY, parse_policy
from ledger.log.receipt import parse_receipt
from ledger.pack.data import PIECES_MAX, Pack, format_data
from ledger.pack.evidence import Evidence, ScanEvidence, StoreEvidence, root_at, size_of, turns_of
from ledger.pack.gather import Shown, gather
from ledger.pack.judge import Judged, judge
from ledger.pack.page import format_page, script_digest
from ledger.publish import PUBLIC
from ledger.store.files import Folder
from scripts.audit import open_source
from scripts.command import Halted, check_free, command
from scripts.files import keep
from scripts.options import LOCAL, Json, LedgerUrl, ReaderKey
from scripts.output import print_json, print_note, print_pairs
from scripts.proofs.pack import members, tell_remarks, tell_verdict
from scripts.session import index_named, is_address, session

HISTORY_PAGE = 100

declare(
    "halted",
    nothing_disclosed=(
        "none of these private values is in the ledger's folder",
        "leave --disclose out, or name a private field by its pointer; a value in the open needs no disclosure",
    ),
)
_CHOSEN = re.compile(r"(?:(0|[1-9][0-9]{0,15}):)?((?:/[^/]*)+)")


@command()
def pack(
    what: Annotated[str, typer.Argument(metavar="INDEX|ID", help="An entry, or the subject that it opened.")],
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
    with _evidence(source, ledger, key, what) as (evidence, verifiers, index):
        if disclose and not isinstance(evidence, StoreEvidence):
            raise typer.BadParameter("only a ledger's own folder has the private values", param_hint="--disclose")
        if verifiers:
            open_checkpoint(evidence.checkpoint, verifiers)
        made = gather(evidence, index, history=history, shown=shown, held=own, policy=stated, known=notes)
        if disclose and not any(piece.disclosures for piece in made.pieces):
            raise Halted("nothing_disclosed", " ".join(disclose))
        data = format_data(made)
        judged = judge(data, asked, partial(root_at, evidence))
    if not judged.proven and judge(data, asked).word != "diverged":  # then the pack itself proves that
        tell_verdict(judged)
        if judged.word == "diverged":
            print_note("no pack is written; evidence is made by cadastre fork CHECKPOINT CHECKPOINT --source SOURCE")
        raise typer.Exit(1)
    keep(out, format_page(data))
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
    tell_remarks(judged)
    print(judged.line())


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
    source: str | None, ledger: str, key: str | None, what: str
) -> Iterator[tuple[Evidence, Sequence[Verifier], int]]:
    """What the pack is put together from, the log keys by which it is known, if by any, and the index of the entry."""
    if source is None or is_address(source):
        with session(source or ledger, reader=key) as at:
            index = at.index_of(what)
            yield ClientEvidence(at.client, parse_receipt(at.client.receipt(index)).checkpoint), at.verifiers, index
        return
    with open_source(source) as opened:
        if isinstance(opened, StoreSource):
            index = _index_of(what, StoreEvidence(opened.store, opened.checkpoint or b""))
            yield StoreEvidence(opened.store, _checkpoint(Path(source), index, opened)), (), index
        else:
            scanned = ScanEvidence(opened)
            yield scanned, (), _index_of(what, scanned)


def _index_of(what: str, evidence: Evidence) -> int:
    """The index that is named, or that of the entry by which a subject was opened."""
    if (index := index_named(what)) is not None:
        return index
    touched = evidence.touched(what, PIECES_MAX)
    if not touched:
        raise Absent("subject_absent", what)
    return min(touched)


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
        self.size = size_of(checkpoint)
        self.nodes = tile.nodes_from_tiles(lambda wanted: client.published(tile.format_path(wanted)), self.size)

    def entry(self, index: int) -> bytes:
        return self._client.entry_bytes(index)

    def index_of(self, statement: str) -> int:
        found = self._client.statement(statement)
        if found.id != statement:
            raise Unavailable("answer_strange", f"asked for {statement}, it answers {found.id}"[:200])
        return found.index

    def last(self, subject: str) -> str:
        return self._client.subject(subject, self.size).last

    def party(self, did: str) -> str:
        return self._client.subject(did).id

    def touched(self, subject: str, most: int) -> Sequence[int]:
        found: list[int] = []
        while len(found) < most:
            page = self._client.history(subject, found[-1] if found else self.size, HISTORY_PAGE)
            if not page:
                break
            found += [entry.index for entry in page]
        return found[:most]

    def turns(self, subject: str) -> Sequence[int]:
        def stood(size: int) -> tuple[int, Mapping[str, Any]]:
            found = self._client.subject(subject, size)
            return found.index, found.state

        return turns_of(subject, stood, self.size)

    def disclosures(self, index: int) -> Sequence[str]:  # noqa: ARG002 - none are asked for
        return ()
