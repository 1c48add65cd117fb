"""``cadastre register``, ``revise`` and ``retire``: data sets as assets. The data stay where they are.

Each file or folder named becomes one asset; a folder's manifest is written beside it (``content``). Files are hashed
before anything is sent, so a missing file stops the command while nothing has happened yet.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from identity.errors import declare
from scripts.command import Halted, command
from scripts.content import Advance, Content, content_of, size_of, write_manifest
from scripts.options import LOCAL, Json, Key, LedgerUrl
from scripts.output import bar, print_admitted
from scripts.session import Session, session
from scripts.times import parse_end, parse_start

declare(
    "halted",
    already_registered=(
        "you hold an asset of this very content",
        "see it: cadastre show ASSET, or register it once more: --again",
    ),
)

Classification = Annotated[
    Literal["general", "important", "core"],
    typer.Option(help="Data Security Law art. 21: core data never circulate, important ones need a purpose."),
]
Personal = Annotated[bool, typer.Option("--personal/--not-personal", help="Whether they relate to natural persons.")]
Title = Annotated[str | None, typer.Option(help="Title.  [default: the file's name]")]
Words = Annotated[str, typer.Option("--description", help="What the data are.")]
Keywords = Annotated[list[str] | None, typer.Option("--keyword", help="May be repeated.")]
Basis = Annotated[
    Literal["produced", "collected", "purchased", "licensed", "derived", "public"],
    typer.Option("--source-basis", help="How the holder came by the data."),
]
Source = Annotated[str, typer.Option("--source", metavar="TEXT", help="By what right: the source statement (art. 33).")]
Standards = Annotated[
    list[str] | None, typer.Option("--conforms-to", metavar="URI", help="Standard or data model; may be repeated.")
]
Start = Annotated[str | None, typer.Option(metavar="DATE", help="First instant covered.")]
End = Annotated[str | None, typer.Option(metavar="DATE", help="Last instant covered.")]
Places = Annotated[list[str] | None, typer.Option("--place", help="ISO 3166 code, plant or region; may be repeated.")]
MediaType = Annotated[str | None, typer.Option(help="Media type of a file.  [default: by its suffix]")]
NoManifest = Annotated[bool, typer.Option("--no-manifest", help="Do not write a folder's manifest beside it.")]
Existing = typer.Argument(exists=True, metavar="FILE", help="File or folder.")


@command(acts=True)
def register(
    files: Annotated[list[Path], typer.Argument(exists=True, metavar="FILE…", help="Files or folders, an asset each.")],
    key: Key,
    classification: Classification,
    personal: Personal,
    source: Source,
    source_basis: Basis = "produced",
    title: Title = None,
    description: Words = "",
    keyword: Keywords = None,
    conforms_to: Standards = None,
    start: Start = None,
    end: End = None,
    place: Places = None,
    derived_from: Annotated[
        list[str] | None, typer.Option(metavar="ASSET", help="Asset these data were made from; may be repeated.")
    ] = None,
    media_type: MediaType = None,
    no_manifest: NoManifest = False,
    again: Annotated[bool, typer.Option("--again", help="Register content you registered before once more.")] = False,
    ledger: LedgerUrl = LOCAL,
    json: Json = False,
) -> None:
    """Register data sets as assets: by their digests, never by their bytes."""
    if title is not None and len(files) > 1:
        raise typer.BadParameter("one title does not fit several assets", param_hint="--title")
    described = _described(
        classification, personal, source_basis, source, description, keyword, conforms_to, start, end, place
    )
    if derived_from:
        described["derivedFrom"] = derived_from
    contents = _hash(files, media_type)
    with session(ledger, key) as at:
        for file, content in zip(files, contents, strict=True):
            if not again:
                _check_unregistered(at, file, content)
        for file, content in zip(files, contents, strict=True):
            manifest = _keep(file, content, no_manifest)
            body = {"title": title or _title_of(file), **described, "content": content.json}
            admitted = at.act("asset.registered", body)
            print_admitted("asset.registered", admitted, json, file=str(file), sha256=content.digest, **manifest)


@command(acts=True)
def revise(
    asset: Annotated[str, typer.Argument(metavar="ASSET", help="Id of an asset you hold.")],
    file: Annotated[Path, Existing],
    key: Key,
    title: Annotated[str | None, typer.Option(help="[default: as it is]")] = None,
    description: Annotated[str | None, typer.Option("--description", help="[default: as it is]")] = None,
    keyword: Keywords = None,
    classification: Annotated[
        Literal["general", "important", "core"] | None, typer.Option(help="[default: as it is; never lower]")
    ] = None,
    personal: Annotated[bool | None, typer.Option("--personal/--not-personal", help="[default: as it is]")] = None,
    source: Annotated[str | None, typer.Option("--source", metavar="TEXT", help="[default: as it is]")] = None,
    source_basis: Annotated[
        Literal["produced", "collected", "purchased", "licensed", "derived", "public"] | None,
        typer.Option("--source-basis", help="[default: as it is]"),
    ] = None,
    conforms_to: Standards = None,
    start: Start = None,
    end: End = None,
    place: Places = None,
    media_type: MediaType = None,
    no_manifest: NoManifest = False,
    ledger: LedgerUrl = LOCAL,
    json: Json = False,
) -> None:
    """Add a version to an asset. What is not named stays as the version before had it; old versions stay too."""
    content = _hash([file], media_type)[0]
    with session(ledger, key) as at:
        body = _latest(at, asset)
        body["source"] = {
            "basis": source_basis or body["source"]["basis"],
            "statement": source or body["source"]["statement"],
        }
        named = {
            "title": title,
            "description": description,
            "keywords": keyword,
            "classification": classification,
            "personal": personal,
            "conformsTo": conforms_to,
            "temporal": _period(start, end),
            "spatial": place,
        }
        body |= {name: value for name, value in named.items() if value is not None}
        body["content"] = content.json
        manifest = _keep(file, content, no_manifest)
        admitted = at.act("asset.revised", body, asset)
        print_admitted("asset.revised", admitted, json, file=str(file), sha256=content.digest, **manifest)


@command(acts=True)
def retire(
    asset: Annotated[str, typer.Argument(metavar="ASSET", help="Id of an asset you hold.")],
    key: Key,
    reason: Annotated[str, typer.Option(help="Why, for everybody to read.")],
    ledger: LedgerUrl = LOCAL,
    json: Json = False,
) -> None:
    """Take an asset out of circulation for good. What was agreed on it stays."""
    with session(ledger, key) as at:
        at.subject(asset, "asset")
        print_admitted("asset.retired", at.act("asset.retired", {"reason": reason}, asset), json)


def _described(
    classification: str,
    personal: bool,
    basis: str,
    source: str,
    description: str,
    keywords: list[str] | None,
    standards: list[str] | None,
    start: str | None,
    end: str | None,
    places: list[str] | None,
) -> dict[str, Any]:
    """The parts of a body that are the same for all files of one command."""
    body: dict[str, Any] = {
        "source": {"basis": basis, "statement": source},
        "classification": classification,
        "personal": personal,
    }
    optional = {
        "description": description,
        "keywords": keywords,
        "conformsTo": standards,
        "temporal": _period(start, end),
        "spatial": places,
    }
    return body | {name: value for name, value in optional.items() if value}


def _period(start: str | None, end: str | None) -> dict[str, int] | None:
    if start is None and end is None:
        return None
    if start is None or end is None:
        raise typer.BadParameter("a period has both --start and --end")
    return {"start": parse_start(start), "end": parse_end(end)}


def _hash(files: list[Path], media_type: str | None) -> list[Content]:
    with _hashing(sum(map(size_of, files))) as advance:
        return [content_of(file, advance, media_type) for file in files]


@contextmanager
def _hashing(total: int) -> Iterator[Advance]:
    with bar("hashing", total, in_bytes=True) as progress:
        task = progress.task_ids[0]
        yield lambda count: progress.advance(task, count)


def _check_unregistered(at: Session, file: Path, content: Content) -> None:
    """The signer holds no asset in circulation with this very content. Raises ``Halted``."""
    for version in at.client.search(type="version", sha256=content.digest, limit=100):
        found = at.client.subject(str(version.state["asset"]))
        stands = (found.state["holder"], found.state["status"], found.state["version"])
        if stands == (at.party, "registered", version.id):
            advice = f"see it: cadastre show {found.id}, or register it once more: --again"
            raise Halted("already_registered", f"{file} is the content of {found.id}", advice)


def _keep(file: Path, content: Content, no_manifest: bool) -> dict[str, str]:
    """Write a folder's manifest, which whoever checks the data will need; what to tell about it."""
    if content.manifest is None or no_manifest:
        return {}
    return {"manifest": str(write_manifest(file, content.manifest))}


def _title_of(file: Path) -> str:
    return file.resolve().name


def _latest(at: Session, asset: str) -> dict[str, Any]:
    """The body that states the asset's latest version, without its content and its derivation."""
    version = at.client.subject(str(at.subject(asset, "asset").state["version"]))
    body: dict[str, Any] = dict(at.client.entry(version.index).claims["body"])
    body.pop("derivedFrom", None)
    return body
