"""``cadastre seal`` and ``cadastre unseal``: files for the holders of some keys (``identity.sealed``).

    cadastre seal FILE --to DID --to their.pub --out FILE.sealed
    cadastre unseal FILE.sealed --as KEY --out FILE

``--to`` is a did:key or a public key in text, a file that holds some (or the private key itself), or the id of a party,
for which the ledger is asked: what it answers counts only if the party's own first statement, whose hash the id is,
was signed by that DID, a did:webvh by its log. So a ledger cannot have something sealed to itself; that the party has
not changed its key since, it is believed.
"""

from __future__ import annotations

import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from identity.errors import declare
from identity.recipient import DATA_KEY_BYTES, Recipient, parse_recipient
from identity.resolve import resolve
from identity.sealed import seal as seal_stream
from identity.sealed import unseal as unseal_stream
from ledger.circulation.speaker import keys_named
from ledger.values import type_of
from scripts.command import Halted, check_free, command
from scripts.files import made_whole
from scripts.options import LOCAL, Json, LedgerUrl, ReaderKey
from scripts.output import bar, print_json, print_note
from scripts.published import carried
from scripts.receiving import check_receives, load_opener
from scripts.session import Session, session

declare(
    "halted",
    party_key_unproven=(
        "the ledger does not prove which key the party receives with",
        "ask the party for its did:key or public key, and give that by --to",
    ),
)

_MULTIKEY_LENGTH = 48  # at least
_KEYS_BYTES = 131_072  # of a file of public keys: more than 64 hybrid ones take


@command()
def seal(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What to seal; - for stdin.", allow_dash=True)],
    to: Annotated[
        list[str],
        typer.Option("--to", metavar="DID|KEY|FILE|PARTY", help="Who can open it; may be repeated."),
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where to write it; must not be there.")],
    ledger: LedgerUrl = LOCAL,
    key: ReaderKey = None,
    json: Json = False,
) -> None:
    """Seal a file so that only the holders of these keys can open it."""
    _check_out(out)
    recipients = list(dict.fromkeys(_recipients(to, ledger, key)))
    with (
        _opened(file) as (source, size),
        made_whole(out, 0o666) as target,
        bar("sealing", size, in_bytes=True) as progress,
    ):
        data_key = secrets.token_bytes(DATA_KEY_BYTES)
        seal_stream(source, target, recipients, data_key, lambda done: progress.advance(progress.task_ids[0], done))
    if 0 < sum(one.type == "x25519" for one in recipients) < len(recipients):
        print_note("not all keys are hybrid: against a quantum computer the file is as safe as the weakest of them")
    if json:
        print_json({"file": str(out), "bytes": out.stat().st_size, "recipients": list(map(str, recipients))})
    else:
        print(f"sealed: {out}, {out.stat().st_size} bytes, for {len(recipients)} {'keys' if recipients[1:] else 'key'}")


@command()
def unseal(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The sealed file; - for stdin.", allow_dash=True)],
    key: Annotated[
        str, typer.Option("--as", envvar="CADASTRE_KEY", metavar="FILE", help="Key file of who it was sealed to.")
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where to write the content; must not be there.")],
    json: Json = False,
) -> None:
    """Open a sealed file. Nothing is written under its name before all of it was verified."""
    _check_out(out)
    opener = load_opener(key)
    with _opened(file) as (source, size), made_whole(out) as target, bar("opening", size, in_bytes=True) as progress:
        unseal_stream(source, target, opener, lambda done: progress.advance(progress.task_ids[0], done))
    if json:
        print_json({"file": str(out), "bytes": out.stat().st_size})
    else:
        print(f"opened: {out}, {out.stat().st_size} bytes")


def _check_out(out: Path) -> None:
    if str(out) == "-":
        raise typer.BadParameter("name a file: what is not whole is given to nobody", param_hint="--out")
    check_free(out)


@contextmanager
def _opened(file: Path) -> Iterator[tuple[BinaryIO, int | None]]:
    """What is read, and how many bytes it has, where that is known."""
    if str(file) == "-":
        yield sys.stdin.buffer, None
    else:
        with file.open("rb") as source:
            yield source, file.stat().st_size if file.is_file() else None


def _recipients(named: list[str], ledger: str, key: str | None) -> Iterator[Recipient]:
    for to in named:
        check_receives(to)  # before it is repeated: a URI of a token may hold a PIN, though it must not
        if type_of(to) == "party":
            with session(ledger, reader=key) as at:
                yield from map(parse_recipient, _keys_of(at, to))
        elif to.startswith("did:webvh:"):
            advice = f"seal to the party that speaks through it, by the id that this tells: cadastre show {to}"
            raise Halted("party_key_unproven", f"{to[:200]} does not say by itself which key it is", advice)
        elif to.startswith(("did:", "mlkem768-x25519:")):
            yield parse_recipient(to)
        elif Path(to).is_file():
            yield from _in_file(Path(to))
        elif to.startswith("z") and len(to) >= _MULTIKEY_LENGTH:
            yield parse_recipient(to)
        else:
            raise typer.BadParameter(f"{to!r} is no DID, public key, party's id or file", param_hint="--to")


def _in_file(path: Path) -> Iterator[Recipient]:
    """The public keys in a file, one a line, or that of the private key in it."""
    with path.open("rb") as file:
        data = file.read(_KEYS_BYTES + 1)
    if b"PRIVATE KEY-----" in data:
        yield load_opener(path).public
        return
    lines = [line.strip() for line in data.decode("ascii", "replace").splitlines()]
    keys = [line for line in lines if line and not line.startswith("#")]
    if not keys or len(data) > _KEYS_BYTES:
        raise typer.BadParameter(f"{path} holds no list of public keys, one a line", param_hint="--to")
    for line in keys:
        yield parse_recipient(line)


def _keys_of(at: Session, party: str) -> list[str]:
    """The public keys with which a party receives, proven by its id, if it still speaks through the DID it joined with.

    A did:webvh shows them by its log, which the ledger can cut short and not make up. Raises ``Halted``
    (``party_key_unproven``) for a party that has passed to another DID, and for a log without such a key.
    """
    subject = at.subject(party, "party")
    joined = at.proven(at.index_of(party))
    did, present = joined.claims.iss, subject.state["dids"][-1]
    if joined.opened.get("party") != subject.id or subject.id != party:
        raise Halted("party_key_unproven", f"the entry that is shown for {party} opens another")
    if did.startswith("did:webvh:") and did.split(":")[2] == present.split(":")[2]:
        return _receiving_keys(at, present)
    if present != did or not did.startswith("did:key:"):
        raise Halted("party_key_unproven", f"{party} joined as {did} and speaks through {present}")
    return [did]


def _receiving_keys(at: Session, did: str) -> list[str]:
    """The keys to which the document of a did:webvh says to seal; if it names none, those it signs with."""
    found = resolve(did, lambda url, _: carried(at, did, url), int(time.time()))
    document = found.document or {}
    keys = keys_named(did, document, "keyAgreement")
    if not keys:
        keys = [f"did:key:{one}" for one in keys_named(did, document, "assertionMethod") if one.startswith("z6Mk")]
    if not keys:
        raise Halted("party_key_unproven", f"the document of {did} has no key to receive with")
    return keys
