"""Assets: the data sets themselves. An asset is registered by its holder with the digest of its content.

What lies in the registry is never the data, only what identifies and describes it. A revision adds a version; old
versions stay, since agreements bind one version's content and no other. Each version is a subject of its own, opened
together with the asset or by its revision, so that an asset with many versions costs no more than one with few.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from ledger.circulation.alias import AliasState, alias_lookups
from ledger.errors import Refused, declare
from ledger.form import Form
from ledger.statement import Kind
from ledger.values import AssetId, Count, Digest, MediaType, Seconds, Text, Uri
from ledger.words import fold as fold_case
from ledger.words import words_of
from ledger.world import Act, State, World

declare(
    "rule",
    asset_not_yours=("only the asset's holder may do this", "ask the holder; see: cadastre show ASSET"),
    asset_retired=("the asset is retired", "register the data as an asset of its own"),
    asset_unchanged=("the revision says the same as the latest version", "revise when content or description change"),
    asset_class_lowered=("a revision never lowers the classification", "keep or raise it: general, important, core"),
    asset_made_impersonal=("a revision never takes back that the data are personal", "keep personal as it is"),
)

CLASSES = ("general", "important", "core")
Classification = Literal["general", "important", "core"]


class File(Form):
    """Content that is one file, by digest."""

    sha256: Digest
    size: Annotated[Count, Field(description="bytes")]
    mediaType: MediaType = "application/octet-stream"


class Manifest(Form):
    """Content of many files: the digest of a manifest that names each by path, SHA-256, size and media type.

    The manifest is canonical JSON (docs/format.md); ``size`` is the sum of the files' bytes.
    """

    manifest: Digest
    files: Annotated[int, Field(ge=1, le=10_000_000)]
    size: Annotated[Count, Field(description="bytes of all files")]


def _content_form(value: object) -> str:
    many = isinstance(value, Manifest) or (isinstance(value, dict) and "manifest" in value)
    return "·manifest" if many else "·file"


Content = Annotated[Annotated[File, Tag("·file")] | Annotated[Manifest, Tag("·manifest")], Discriminator(_content_form)]


class Source(Form):
    """Where the data come from: nothing is registered without saying so (Data Security Law art. 33)."""

    basis: Literal["produced", "collected", "purchased", "licensed", "derived", "public"]
    statement: Annotated[str, Text(1, 2000, "how and by what right the holder came by the data")]


class Period(Form):
    """Temporal coverage, both ends inclusive (DCAT temporal)."""

    start: Seconds
    end: Seconds

    @model_validator(mode="after")
    def _in_order(self) -> Period:
        if self.end < self.start:
            raise ValueError("end lies before start")
        return self


KEYWORDS_MAX = 32

Place = Annotated[str, Text(1, 200, "place: ISO 3166 code, plant or region"), Field(examples=["CN-SN", "DE"])]


class Description(Form):
    """What a version says about itself; field names follow DCAT where it has them."""

    title: Annotated[str, Text(1, 300, "title")]
    description: Annotated[str, Text(0, 4000, "description")] = ""
    keywords: Annotated[
        list[Annotated[str, Text(1, 60, "keyword")]], Field(max_length=KEYWORDS_MAX, default_factory=list)
    ]
    content: Content
    source: Source
    classification: Classification
    personal: Annotated[bool, Field(description="whether the data relate to natural persons")]
    conformsTo: Annotated[
        list[Uri], Field(max_length=32, description="standards and data models", default_factory=list)
    ]
    temporal: Period | None = None
    spatial: Annotated[list[Place], Field(max_length=32, default_factory=list)]


@dataclass(frozen=True)
class Asset(State, of="asset"):
    """An asset as it stands. ``heldSince`` is the index of the entry by which the holder came to it.

    ``licences`` counts finalized agreements: they bind every holder, so whoever takes the asset over names the count.
    ``aliases`` are names that others gave it (``circulation.alias``).
    """

    UNIQUE: ClassVar[tuple[str, ...]] = ("attested",)
    PROVEN: ClassVar[Mapping[str, str]] = {
        "alias": "alias",
        "attested": "alias",
        "holder": "party",
        "derivedFrom": "asset",
    }

    holder: str
    heldSince: int
    title: str
    description: str
    keywords: list[str]
    classification: str
    personal: bool
    version: str
    versions: int
    sha256: str
    derivedFrom: list[str]
    licences: int = 0
    status: str = "registered"
    aliases: list[AliasState] = field(default_factory=list)

    def lookups(self) -> Iterable[tuple[str, str]]:
        found = [("keyword", fold_case(keyword)) for keyword in self.keywords]
        found += [("derivedFrom", asset) for asset in self.derivedFrom]
        found += [("holder", self.holder), ("classification", self.classification), ("status", self.status)]
        return found + alias_lookups(self.aliases)

    def words(self) -> Iterable[str]:
        return words_of(self.title, *self.keywords, self.description)


@dataclass(frozen=True)
class Version(State, of="version"):
    """One version of an asset's content. Never changes. Its asset counts them: all can be shown by number."""

    PROVEN: ClassVar[Mapping[str, str]] = {"sha256": "digest"}

    asset: str
    number: int
    sha256: str
    size: int
    mediaType: str | None
    files: int

    def lookups(self) -> Iterable[tuple[str, str]]:
        return [("sha256", self.sha256)]


class AssetRegistered(Description, Kind, name="asset.registered", opens=("asset", "version")):
    """Registers a data set as an asset of the signer, with its first version."""

    derivedFrom: Annotated[
        list[AssetId], Field(max_length=16, description="assets these were made from", default_factory=list)
    ]

    def touches(self, sub: str | None) -> Iterable[str]:
        return self.derivedFrom

    def check(self, world: World, act: Act[AssetRegistered]) -> None:
        for parent in self.derivedFrom:
            world.get(Asset, parent)

    def fold(self, world: World, act: Act[AssetRegistered]) -> None:
        version = act.opens("version")
        world.put(
            act.sub,
            Asset(
                holder=act.party,
                heldSince=act.index,
                title=self.title,
                description=self.description,
                keywords=list(self.keywords),
                classification=self.classification,
                personal=self.personal,
                version=version,
                versions=1,
                sha256=_digest(self.content),
                derivedFrom=list(self.derivedFrom),
            ),
        )
        world.put(version, _version(act.sub, 1, self.content))


class AssetRevised(Description, Kind, name="asset.revised", opens=("version",), on="asset"):
    """Adds a version to an asset: other content, another description, or both. Old versions stay."""

    def check(self, world: World, act: Act[AssetRevised]) -> None:
        asset = check_held(world, act, act.sub)
        if CLASSES.index(self.classification) < CLASSES.index(asset.classification):
            raise Refused(
                "asset_class_lowered", f"it is {asset.classification}", pointer="/payload/body/classification"
            )
        if asset.personal and not self.personal:
            raise Refused("asset_made_impersonal", pointer="/payload/body/personal")
        if self._revise(asset, asset.version) == replace(asset, versions=asset.versions + 1):
            raise Refused("asset_unchanged", f"version {asset.versions} says the same", subject=act.sub)

    def fold(self, world: World, act: Act[AssetRevised]) -> None:
        version = act.opens("version")
        asset = self._revise(world.get(Asset, act.sub), version)
        world.put(act.sub, asset)
        world.put(version, _version(act.sub, asset.versions, self.content))

    def _revise(self, asset: Asset, version: str) -> Asset:
        return replace(
            asset,
            title=self.title,
            description=self.description,
            keywords=list(self.keywords),
            classification=self.classification,
            personal=self.personal,
            version=version,
            versions=asset.versions + 1,
            sha256=_digest(self.content),
        )


class AssetRetired(Kind, name="asset.retired", on="asset"):
    """Takes an asset out of circulation for good. What was agreed on it stays."""

    reason: Annotated[str, Text(1, 1000, "why")]

    def check(self, world: World, act: Act[AssetRetired]) -> None:
        check_held(world, act, act.sub)

    def fold(self, world: World, act: Act[AssetRetired]) -> None:
        world.put(act.sub, replace(world.get(Asset, act.sub), status="retired"))


def check_held(world: World, act: Act[Any], asset_id: str) -> Asset:
    """The asset, which must be in circulation and held by the act's signer. Raises ``Refused``."""
    asset = world.get(Asset, asset_id)
    if asset.holder != act.party:
        raise Refused("asset_not_yours", f"{asset_id} is held by {asset.holder}", subject=asset_id)
    if asset.status == "retired":
        raise Refused("asset_retired", subject=asset_id)
    return asset


def _digest(content: Content) -> str:
    return content.sha256 if isinstance(content, File) else content.manifest


def _version(asset: str, number: int, content: Content) -> Version:
    if isinstance(content, File):
        return Version(asset, number, content.sha256, content.size, content.mediaType, 1)
    return Version(asset, number, content.manifest, content.size, None, content.files)
