"""``cadastre prove``: fetch or make the file that proves a subject's state, its absence, or a list; and prove it.

The file says the state as of a size that the service has committed to (``ledger.log.stateproof``), and is judged by
``scripts.proofs.state`` before it is kept. From a ledger's own folder it is made without its service, of lists of any
length, and of older sizes whose map was made again by ``cadastre rebuild DIR --at SIZE``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from identity.errors import Unverifiable
from identity.note import Verifier, parse_note, parse_vkey
from ledger.errors import Absent, Unavailable
from ledger.log.checkpoint import SignedHead, parse_checkpoint
from ledger.log.stateproof import Listing
from scripts.command import check_free, command
from scripts.files import keep
from scripts.options import LOCAL, Json, LedgerUrl, ReaderKey
from scripts.proofs.state import Proven, print_state
from scripts.proofs.state import prove as open_proof
from scripts.session import session

if TYPE_CHECKING:
    from ledger.prove import Prover

_DIDS = "party.did"


@command()
def prove(
    what: Annotated[str, typer.Argument(metavar="ID", help="A subject, or what a list is of; a DID for its party.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where to write it.")],
    lookup: Annotated[
        str | None, typer.Option(metavar="TYPE.NAME", help="A list: offer.asset, all offers on an asset.")
    ] = None,
    at_size: Annotated[
        int | None, typer.Option("--at", metavar="SIZE", min=1, help="A size committed to.  [default: the last]")
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option("--from", metavar="DIR", exists=True, file_okay=False, help="Make it from a ledger's folder."),
    ] = None,
    ledger: LedgerUrl = LOCAL,
    key: ReaderKey = None,
    json: Json = False,
) -> None:
    """Prove offline what a subject is, that there is none, or that a list is complete."""
    check_free(out)
    if folder is not None:
        with prover_of(folder) as (prover, verifiers):
            data, proven = proven_file(prover.file, verifiers, what, lookup, at_size)
    else:
        with session(ledger, reader=key) as at:
            data, proven = proven_file(at.client.state_proof, at.verifiers, what, lookup, at_size)
    keep(out, data)
    print_state(proven, json, file=str(out))


def proven_file(
    ask: Callable[[str, str | None, int | None], bytes],
    verifiers: Sequence[Verifier],
    what: str,
    lookup: str | None,
    at_size: int | None,
) -> tuple[bytes, Proven]:
    """The file that was asked for, and what it proves. That a DID is the party's whom it shows is proven as well.

    Raises ``Unverifiable`` (``state_proof_other``), and ``Absent`` (``subject_absent``) if the DID is nobody's.
    """
    data = ask(what, lookup, at_size)
    proven = open_proof(data, verifiers)
    if what.startswith("did:") and lookup != _DIDS:
        listed = open_proof(ask(what, _DIDS, proven.size), verifiers)
        _check_asked(listed, what, _DIDS, proven.size)
        assert isinstance(listed.shown, Listing)
        if not listed.shown.ids:
            raise Absent("subject_absent", f"no party speaks through {what} at size {proven.size}")
        what = listed.shown.ids[0]
    _check_asked(proven, what, lookup, at_size)
    return data, proven


def _check_asked(proven: Proven, what: str, lookup: str | None, at_size: int | None) -> None:
    """It is what was asked for. Raises ``Unverifiable`` (``state_proof_other``)."""
    shown = proven.shown
    named = f"{shown.type}.{shown.name}" if isinstance(shown, Listing) else None
    value = shown.value if isinstance(shown, Listing) else shown.id
    if named != lookup or value != what or proven.size != (at_size or proven.size):
        raise Unverifiable("state_proof_other", f"{named or 'subject'} {value} at size {proven.size}")


@contextmanager
def prover_of(path: Path) -> Iterator[tuple[Prover, list[Verifier]]]:
    """What makes proofs from a ledger's folder, and the log key that signs what they are against, by its own charter.

    Raises ``Unavailable`` and ``Corrupt``.
    """
    # Imported here: the libraries of the store take time that other commands need not wait.
    from ledger.prove import Prover
    from ledger.publish import charter_of
    from ledger.read import Reader
    from ledger.store.files import Folder
    from ledger.store.map import Shelf
    from ledger.store.sql import SqlStore

    folder = Folder.open(path)
    note = folder.read_checkpoint()
    if note is None:
        raise Unavailable("bundle_unsigned", str(folder.checkpoint))
    checkpoint = parse_checkpoint(parse_note(note).text)
    head = SignedHead(checkpoint.size, checkpoint.root, note)
    with SqlStore.snapshot(folder.store) as store, closing(Shelf(folder.path)) as shelf:
        verifier = parse_vkey(charter_of(store, head.size).logKey)
        yield Prover(Reader(store, lambda: head), shelf), [verifier]
