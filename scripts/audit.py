"""``cadastre audit`` and ``export``: prove a whole ledger from its bytes, and take it along as one file.

SOURCE is a ledger's folder, the address of its service, a bundle made by ``export``, or a published log. An audit of an
address also checks that it is the ledger met before (``trust``). It ends with one line on stdout, and exits with 0 only
if all that is there holds:

    audit: consistent  size=2000 root=rKbDipCv…83cs=

Where there is nothing to audit (no such folder or file, a service that does not answer or will not show its entries)
there is no such line, only the problem on stderr; the exit code is 1 as well, since nothing was proven.
"""

from __future__ import annotations

import os
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from pathlib import Path
from typing import Annotated, ParamSpec, TypeVar, cast

import orjson
import typer

from api.client import Client, ServerProblem, Subject
from identity.errors import Halted
from ledger.audit import RemoteSource, Source, Verdict, Workers, open_folder, unreadable
from ledger.audit import audit as judge
from ledger.audit.replay import Replay
from ledger.audit.source import Row
from ledger.bundle import export as write_bundle
from ledger.bundle import open_bundle
from ledger.circulation.charter import Ledger, PredecessorState
from ledger.errors import (
    CATALOGUE,
    Absent,
    Corrupt,
    Malformed,
    Meaning,
    Problem,
    Unavailable,
    Unverifiable,
    declare,
)
from ledger.log.checkpoint import open_checkpoint
from ledger.log.policy import EMPTY, Policy, parse_policy
from ledger.mirror import MirrorSource, is_published, open_published
from ledger.store.files import Folder
from scripts.command import check_free, command, tell_of
from scripts.options import Json, ReaderKey
from scripts.output import counting, print_json, print_note
from scripts.session import is_address, session

Q = ParamSpec("Q")
A = TypeVar("A")

UNSEEN = ("quorum_not_met", "cosignature_ahead")
LISTED = 1_000  # subjects asked for in one call
JUDGED = frozenset({"malformed", "unverifiable", "rule"})  # families of what is refused when it is sent

declare(
    "service",
    source_missing=(
        "there is no ledger in this folder",
        "check the path: a ledger's folder has ledger.db, a published log has checkpoint and tile; where a ledger's "
        "store was lost: cadastre restore DIR --from SOURCE",
    ),
)

SourceName = Annotated[str, typer.Argument(metavar="SOURCE", help="A ledger's folder, its address, or a bundle.")]


@command(no="disproven")
def audit(
    source: SourceName,
    known: Annotated[
        list[Path] | None,
        typer.Option(exists=True, metavar="FILE", help="A checkpoint of it from elsewhere; may be repeated."),
    ] = None,
    policy: Annotated[
        Path | None, typer.Option(exists=True, metavar="FILE", help="Which witnesses must have seen it.")
    ] = None,
    key: ReaderKey = None,
    evidence: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write evidence, if a known checkpoint proves a fork.")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=0, help="Processes that help.  [default: all cores]")] = None,
    json: Json = False,
) -> None:
    """Replay a ledger from its bytes: every signature, link, rule, state and proof."""
    if evidence is not None:
        check_free(evidence)
    count = max(1, (os.cpu_count() or 2) - 1) if workers is None else workers
    with Workers(count) as helpers, counting("auditing") as show:
        asked = EMPTY if policy is None else parse_policy(policy.read_bytes())
        replay = Replay()
        verdict = _judge(source, key, helpers, [file.read_bytes() for file in known or []], asked, show, replay)
    before = _predecessor(replay) if verdict.proven else None
    if json:
        print_json(_members(verdict) | ({} if before is None else {"succeeds": before}))
    if not verdict.proven or verdict.reason:
        _tell_why(verdict)
    if evidence is not None and verdict.evidence is not None:
        evidence.write_bytes(verdict.evidence)
        print_note(f"evidence of the fork was written to {evidence}; judge it with: cadastre verify {evidence}")
    if known and verdict.proven:
        print_note(f"it extends what was known: {len(known)} checkpoint{'s' if len(known) > 1 else ''}")
    if not json and before is not None:
        print("succeeds: {origin}  size={size} root={root}".format_map(before))
    if not json:
        print(verdict.line())
    if not verdict.proven or verdict.reason in UNSEEN:  # what was asked for was not proven
        raise typer.Exit(1)


@command()
def export(
    source: SourceName,
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="File to write; must not be there.")],
    key: ReaderKey = None,
    json: Json = False,
) -> None:
    """Write a whole ledger into one file that can be audited anywhere. Private values stay behind."""
    check_free(bundle)
    with open_source(source, key) as opened:
        if isinstance(opened, MirrorSource):
            raise Unavailable("mirror_subjects_absent", source)
        write_bundle(opened, bundle)
        shown = {"bundle": str(bundle), "size": opened.size, "bytes": bundle.stat().st_size}
    if json:
        print_json(shown)
    else:
        print(f"exported: {shown['size']} entries to {bundle}, {shown['bytes']} bytes")


@contextmanager
def open_source(named: str, key: str | None = None) -> Iterator[Source]:
    """The source of this name. ``key``: name of a member's key, for a service that asks for one. Raises ``Problem``."""
    if is_address(named):
        with session(named, reader=key) as at:
            source = _remote(at.client)
            open_checkpoint(
                source.checkpoint or b"", at.verifiers[-1:]
            )  # the key it was met by, and no other's entries
            yield source
    elif is_published(Path(named)):
        yield open_published(Path(named))
    elif Path(named).is_dir():
        try:
            folder = Folder.open(Path(named))
        except Unavailable as no:
            raise Unavailable("source_missing", no.detail) from None
        with open_folder(folder.path) as kept:
            yield kept
    else:
        with open_bundle(Path(named)) as bundle:
            yield bundle


def _judge(
    named: str,
    key: str | None,
    workers: Workers,
    known: list[bytes],
    policy: Policy,
    show: Callable[[int, int], None],
    replay: Replay,
) -> Verdict:
    """The verdict on a source; on one too damaged to be opened, too. Raises ``Problem`` where there is none."""
    with ExitStack() as stack:
        try:
            source = stack.enter_context(open_source(named, key))
        except (Corrupt, Malformed) as wrong:
            if is_address(named):
                raise
            return unreadable(wrong)
        try:
            now = int(time.time())
            return judge(source, workers, known=known, policy=policy, progress=show, replay=replay, now=now)
        except Unavailable as silent:
            raise silent.__cause__ if isinstance(silent.__cause__, Problem) else silent from None


def _predecessor(replay: Replay) -> PredecessorState | None:
    """The ledger that the charter names as the one it goes on from."""
    return cast(Ledger, replay.world.charter).succeeds if replay.world.has_charter else None


def _remote(client: Client) -> RemoteSource:
    def subject_at(id_: str, size: int) -> Row | None:
        try:
            return _row(client.subject(id_, size))
        except Absent:
            return None

    return RemoteSource(
        client.checkpoint(),
        _heard(lambda start, stop: client.entries_bytes(start, stop - start)),
        _heard(lambda after: [_row(subject) for subject in client.subjects(after, LISTED)]),
        _heard(subject_at),
    )


def _heard(ask: Callable[Q, A]) -> Callable[Q, A]:
    """The same question; a service that will not answer it gives no evidence, so that the audit ends without verdict.

    It then raises ``Unavailable``, whose cause is what the service said.
    """

    @wraps(ask)
    def asked(*args: Q.args, **kwargs: Q.kwargs) -> A:
        try:
            return ask(*args, **kwargs)
        except (Unverifiable, ServerProblem, Malformed, Halted) as no:  # not for you; in strange words; no key here
            raise Unavailable("answer_strange", str(no)) from no

    return asked


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


def _tell_why(verdict: Verdict) -> None:
    """Tell why it is not proven, or what should be known although it is, in the words of the catalogue."""
    code = verdict.reason or verdict.word
    meaning = CATALOGUE.get(code)
    title = meaning.title if meaning else ""
    at = "" if verdict.index is None else f"entry {verdict.index}: "
    tell_of(
        "note" if verdict.proven else "disproven",
        code=code,
        title=title,
        detail=at + (verdict.detail or title),
        index=verdict.index,
        subject=verdict.subject,
        advice=_advice(verdict, meaning),
    )


def _advice(verdict: Verdict, meaning: Meaning | None) -> str:
    """What to do about it. What a code says to whoever sends a statement helps nobody who has it in a copy."""
    if meaning is None:
        return ""
    placed = verdict.index is not None or verdict.subject is not None
    if verdict.word == "corrupt" and placed and meaning.family in JUDGED:
        return (
            "either this copy is damaged there, or its ledger admitted what it must not: compare it with another copy "
            "(a mirror, a bundle); cadastre restore DIR --from SOURCE makes it again"
        )
    return meaning.advice
