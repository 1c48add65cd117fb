"""One ledger being served: what is opened, in which order, and how it is let go of.

Opening refuses rather than repairs: every error of a wrong folder, key, schema or history is raised by ``open``.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from contextlib import ExitStack, suppress
from importlib.metadata import PackageNotFoundError, version
from math import inf

import structlog

from api.anchors import addresses, read_policy, signed
from api.committing import Committing, service_key
from api.intake import Intake
from api.keyring import FolderKeyring
from api.limits import Buckets, Slots
from api.looks import Looks
from api.members import Members
from api.metrics import Metrics
from api.publishing import Publishing
from api.settings import Settings
from api.status import StatusLists
from api.verifiers import Verifiers
from api.witnesses import Witnesses
from api.writing import Apart, Appending, Here
from identity.canonical import b64encode
from identity.keys import SigningKey
from identity.note import parse_vkey
from identity.token import NUMBER_BYTES
from ledger.circulation.charter import Ledger
from ledger.dids import CarriedLogs
from ledger.errors import Problem, Unavailable
from ledger.log.chain import audience_of, parse_entry
from ledger.log.checkpoint import SignedHead
from ledger.log.cosignature import with_cosignatures
from ledger.prove import Prover
from ledger.read import Reader
from ledger.statement import accept
from ledger.store.files import Folder
from ledger.store.map import Shelf
from ledger.store.sql import SqlStore

BATCHES_EACH = 4  # batch requests of one address under way at a time
PUBLISH_SECONDS = 1.0  # the checkpoint file is at most so old while the service runs

log = structlog.get_logger("cadastre.service")


def software() -> str:
    """The version of this software."""
    try:
        return version("cadastre")
    except PackageNotFoundError:
        return "unreleased"


class Service:
    """An open ledger with its writer, reader and intake. ``open``; ``start`` and ``stop`` it; then ``close``."""

    def __init__(self, settings: Settings, folder: Folder, writer: Appending, reader: Reader) -> None:
        self.settings = settings
        self.reader = reader
        self.writer = writer
        self.metrics = Metrics()
        self.verifiers = Verifiers(settings.workers)
        self.addresses = Buckets(settings.address_rate, settings.address_burst, time.monotonic)
        self.signers = Buckets(settings.signer_rate, settings.signer_burst, time.monotonic)
        self.batches = Slots(settings.requests, BATCHES_EACH)
        queue = (settings.queue, settings.queue_bytes)
        self.intake = Intake(writer, self.verifiers, self.signers, self.metrics, *queue, settings.batch)
        first = reader.entry(0)
        self.origin = parse_entry(first).origin
        self.audience = audience_of(self.origin, first)
        self.members = Members(reader, self.audience, b64encode(secrets.token_bytes(NUMBER_BYTES)), time.time)
        self.looks = Looks(reader.head().size)
        self.subject = accept(parse_entry(first).statement).opened["ledger"]
        self._folder = folder
        self._held = ExitStack()
        self._service_key: tuple[str, SigningKey | None] | None = None  # of which DID it is, and what is held of it
        self._published = 0  # size of the checkpoint last written to its file
        apart = settings.workers > 0
        self.cosigned: SignedHead | None = None  # the last head that any witness has seen
        self.witnesses = _witnesses(settings)
        self.files = Publishing(
            folder.path,
            reader.checkpoint,
            settings.publish_seconds,
            apart=apart,
            witnessed=self._have_witnessed if self.witnesses is not None else None,
        )
        self.states = Committing(
            folder.path, lambda sent: self.intake.submit(sent, False), settings.commit_seconds, apart=apart
        )
        self._shelf = Shelf(folder.path)
        self.prover = Prover(reader, self._shelf)
        self.lists = StatusLists(reader)
        self.did_logs = CarriedLogs(reader)
        self._stopping = asyncio.Event()
        self._publishing: asyncio.Task[None] | None = None
        self.metrics.watch("cadastre_size_entries", "Entries signed for", lambda: self.head.size)
        self.metrics.watch("cadastre_queue_statements", "Statements taken in, not answered", lambda: self.intake.depth)
        self.metrics.watch("cadastre_ready", "1 while statements can be admitted", lambda: writer.trouble is None)
        self.metrics.watch("cadastre_published_entries", "Entries published as files", lambda: self.files.size)
        self.metrics.watch(
            "cadastre_cosigned_entries", "Entries seen by a witness", lambda: self.cosigned.size if self.cosigned else 0
        )
        self.metrics.watch("cadastre_publishing", "0 while publishing fails", lambda: self.files.trouble is None)
        self.metrics.watch("cadastre_committed_entries", "Entries committed to", lambda: self.states.size)
        self.metrics.watch("cadastre_committing", "0 while committing fails", lambda: self.states.trouble is None)

    @classmethod
    def open(cls, settings: Settings, begun: Apart | None = None) -> Service:
        """Open the ledger in a folder as its one writer. Raises what ``api.writing.opened`` raises.

        ``begun`` is a writer that began to open it before (``scripts/serve.py``).
        """
        with ExitStack() as held:
            if begun is not None:
                held.callback(begun.close)
            folder = Folder.open(settings.folder)
            store = SqlStore.open(folder.store)  # for readers; the writer has one of its own
            held.callback(store.close)
            writer = begun or _writer(folder, settings, held)
            if isinstance(writer, Apart):
                writer.ready()
            service = cls(settings, folder, writer, Reader(store, lambda: writer.head, lambda: service.cosigned))
            service._held = held.pop_all()
            return service
        raise AssertionError  # an ExitStack swallows nothing

    @property
    def head(self) -> SignedHead:
        """What the ledger has signed last."""
        return self.reader.head()

    @property
    def charter(self) -> Ledger:
        """The charter in force at the signed size."""
        return self.writer.charter

    @property
    def service_key(self) -> SigningKey | None:
        """The key that signs what the service itself states; None where it is not held here."""
        did = self.charter.service
        if self._service_key is None or self._service_key[0] != did:
            try:
                self._service_key = did, service_key(self._folder, did)
            except Problem:
                self._service_key = did, None
        return self._service_key[1]

    async def start(self) -> None:
        """Begin to take statements in."""
        await self.verifiers.open()
        self.intake.open()
        self._publishing = asyncio.create_task(self._publish())
        self.files.start()
        self.states.start()
        log.info("open", origin=self.origin, size=self.head.size, workers=self.verifiers.workers)

    async def stop(self) -> None:
        """Answer everything that was taken in, then publish the last checkpoint."""
        await self.states.stop()
        await self.intake.close()
        await self.verifiers.close()
        self._stopping.set()
        if self._publishing is not None:
            await self._publishing
        await asyncio.to_thread(self.publish)
        await self.files.stop()
        if self.witnesses is not None:
            await self.witnesses.close()
        log.info("closed", origin=self.origin, size=self.head.size)

    def close(self) -> None:
        """Let go of the store and the folder."""
        self._shelf.close()
        self._held.close()

    def publish(self) -> None:
        """Write the checkpoint file, if the head has moved."""
        head = self.head
        if head.size != self._published:
            self._folder.write_checkpoint(head.checkpoint)
            self._published = head.size

    async def _have_witnessed(self) -> bytes | None:
        """Show the head to the witnesses; gives the checkpoint with all cosignatures there are, if any came."""
        assert self.witnesses is not None
        head = self.head
        round_ = await self.witnesses.ask(head, lambda old, new: self.reader.consistency(old, new).hashes)
        for note in round_.others:
            self._heed(note)
        lines = round_.lines
        if not lines:
            return None
        known = self.cosigned.checkpoint if self.cosigned and self.cosigned.size == head.size else head.checkpoint
        self.cosigned = SignedHead(head.size, head.root, with_cosignatures(known, lines))
        return self.cosigned.checkpoint

    def _heed(self, note: bytes) -> None:
        """Stop for good if this log's own key signed more than is here, or something else: this store is not the one.

        Of what no key of this log signed a witness may show anything.
        """
        named = [parse_vkey(vkey) for vkey in (self.charter.logKey, *self.charter.formerLogKeys)]
        other = signed(note, self.origin, [*named, *FolderKeyring(self._folder.keys).verifiers(self.origin)])
        head = self.head
        if other is not None and other.size > head.size:
            detail = f"it has {head.size} entries, a witness has cosigned {other.size}"
            self.writer.halt(Unavailable("store_older", detail))
        elif other is not None and self.reader.root_at(other.size) != other.root:
            self.writer.halt(Unavailable("store_other", f"a witness has cosigned another root at size {other.size}"))

    async def _publish(self) -> None:
        """While the service runs: publish, and see whether a writer in trouble can go on."""
        while not self._stopping.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), PUBLISH_SECONDS)
            try:
                await self.intake.probe()
                await asyncio.to_thread(self.publish)
            except Exception:
                log.exception("the checkpoint file could not be written")


def _witnesses(settings: Settings) -> Witnesses | None:
    """Those of the policy that is set. Raises ``Malformed`` for the policy."""
    policy = read_policy(settings)
    again = settings.recosign_seconds or inf
    return None if policy is None else Witnesses(policy, time.monotonic, again=again)


def _writer(folder: Folder, settings: Settings, held: ExitStack) -> Apart | Here:
    """A writer where the settings have it, closed with what else is held."""
    writer: Apart | Here
    if settings.workers:
        writer = Apart(folder.path, settings.log_level, settings.heads, addresses(settings))
    else:
        writer = Here(folder.path, settings.heads, addresses(settings))
    held.callback(writer.close)
    return writer
