"""A command's dealings with one ledger: the client, the keys its proofs are checked by, and acts that are proven.

Opening a session checks that the ledger is the one met before (``trust``). An act counts as recorded only when its
receipt has been verified against those keys and holds the very statement that was signed here.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import typer

from api.client import Admitted, Client, Subject
from identity.errors import Problem, Unverifiable, declare
from identity.jws import statement_id
from identity.keys import SigningKey, read_key
from identity.keyuri import is_key_uri, parse_key_uri
from identity.note import Verifier
from identity.signer import StatementSigner
from ledger.errors import Absent, Refused
from ledger.log.chain import Entry
from ledger.log.receipt import open_receipt
from ledger.statement import Statement, receive
from ledger.values import type_of
from scripts.output import print_note
from scripts.refused import check_refusal
from scripts.signed import read_verified
from scripts.trust import HISTORY_PAGE, Home, meet

declare(
    "unverifiable",
    receipt_other=(
        "the ledger's receipt is for another statement than the one sent",
        "do not rely on the act; keep the receipt and ask the ledger's operator",
    ),
)
declare(
    "absent",
    party_absent=(
        "no party of this ledger is named so",
        "whoever is meant joins first: cadastre join --name NAME --as KEY; or look it up: cadastre search --type party",
    ),
)


@dataclass
class Session:
    """One ledger, spoken to by one party or by nobody in particular."""

    client: Client
    verifiers: list[Verifier]
    _told: set[str] = field(default_factory=set, init=False)

    @cached_property
    def party(self) -> str:
        """Id of the party the key speaks for. Raises ``Refused`` (``party_unknown``)."""
        try:
            return self.client.subject(self.client.did).id
        except Absent:
            did = self.client.did
            raise Refused("party_unknown", f"nobody joined as {did}{self._office(did)}") from None

    def subject(self, id_: str, *types: str) -> Subject:
        """A subject of one of these types, a party by its DID as well.

        Raises ``typer.BadParameter`` for an id of another type, and ``Absent``: ``party_absent`` for a DID of nobody.
        """
        if types and id_.partition("_")[0] not in types and not id_.startswith("did:"):
            raise typer.BadParameter(f"{id_!r} is not the id of {' or '.join(map(_a, types))}")
        try:
            return self.client.subject(id_)
        except Absent as absent:
            if absent.code == "subject_absent" and (id_.startswith("did:") or types == ("party",)):
                raise Absent("party_absent", f"{id_} has not joined this ledger") from None
            raise

    def index_of(self, what: str) -> int:
        """The index that is named, or that of the entry by which a subject was opened. Raises ``BadParameter``."""
        if (index := index_named(what)) is not None:
            return index
        before: int | None = None
        while page := self.client.history(what, before, HISTORY_PAGE):
            before = page[-1].index
        if before is None:
            raise Absent("subject_absent", what)
        return before

    def proven(self, index: int) -> Statement:
        """The statement of an entry, whose receipt and signature are verified; its private fields stay hidden."""
        entry = self._opened(self.client.receipt(index))
        if entry.index != index:
            raise Unverifiable("receipt_other", index=index)
        return read_verified(entry.statement)

    def party_id(self, named: str) -> str:
        """The party id of a party named by its id or by a DID. Raises ``Absent`` (``party_absent``)."""
        return self.subject(named, "party").id

    def act(
        self,
        kind: str,
        body: Mapping[str, Any],
        sub: str | None = None,
        *,
        hide: Iterable[str] = (),
        disclosures: Iterable[str] = (),
    ) -> Admitted:
        """Sign an act, hand it in and verify what comes back. ``disclosures`` are of what is hidden in it already."""
        sent = self.client.compose(kind, body, sub, hide=hide, disclosures=disclosures)
        self.tell_for_whom()
        return self.submit(sent)

    def tell_for_whom(self) -> None:
        """Say for whom the last act was signed, where nobody said whom they mean; once for each."""
        if (chosen := self.client.chosen) is not None and chosen not in self._told:
            self._told.add(chosen)
            print_note(f"signed for {chosen}")

    def submit(self, sent: bytes) -> Admitted:
        """Hand in a signed statement and verify its receipt. Raises ``Unverifiable``, or why it was refused.

        All that is answered is compared with what the receipt proves. The signature is not: ES256 has several for one
        statement, and the one that came first is recorded.
        """
        try:
            admitted = self.client.submit(sent)
        except Problem as refused:
            check_refusal(refused, sent)
            if refused.code == "party_unknown" and (office := self._office(did := receive(sent).claims.iss)):
                print_note(f"{did} has not joined{office}")
            raise
        entry = self._opened(admitted.receipt)
        statement = receive(sent)
        subject = statement.claims.sub or next(iter(statement.opened.values()))
        answered = (admitted.index, admitted.time, admitted.id, admitted.subject)
        if statement_id(entry.statement) != statement.id or answered != (
            entry.index,
            entry.time,
            statement.id,
            subject,
        ):
            raise Unverifiable("receipt_other", index=admitted.index)
        return admitted

    def _office(self, did: str) -> str:
        """What the charter names a DID as, though it is no party; nothing where it does not."""
        named = self.client.ledger().charter["authorities"]
        roles = [role for one in named if one["did"] == did for role in one["roles"]]
        return f"; the charter names it as {', '.join(roles)}, which joins like everybody" if roles else ""

    def _opened(self, receipt: bytes) -> Entry:
        """The entry that a receipt proves, also when the log key was replaced since the session began."""
        try:
            return open_receipt(receipt, self.verifiers)[0]
        except Unverifiable as unknown:
            if unknown.code != "note_unsigned":
                raise
        self.verifiers = _meet(self.client)
        return open_receipt(receipt, self.verifiers)[0]


def _a(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def is_address(named: str) -> bool:
    """Whether a source is named by its address, and is no file or folder."""
    return named.startswith(("http://", "https://"))


def index_named(what: str) -> int | None:
    """The index in INDEX|ID; None for the id of a subject, or a DID. Raises ``BadParameter`` for anything else."""
    if what.isascii() and what.isdecimal() and len(what) < 17:
        return int(what)
    if not type_of(what) and not what.startswith("did:"):
        raise typer.BadParameter(f"{what!r} is neither an index nor the id of a subject", param_hint="INDEX|ID")
    return None


@contextmanager
def session(ledger: str, key: str | None = None, reader: str | None = None) -> Iterator[Session]:
    """A session with the ledger at this address, signing with the key of this name if there is one.

    The ledger says for which party the key signs, CADASTRE_FOR which where it could be several: a party by id, DID or
    name, or a delegation.
    ``reader`` names the key that reads where only members may; it is opened when that turns out. Names of keys are
    those of :func:`opened_key`.
    """
    with ExitStack() as keys:
        reading = None if reader is None else lambda: keys.enter_context(opened_key(reader))
        signing = None if key is None else keys.enter_context(opened_key(key))
        principal = os.environ.get("CADASTRE_FOR") or None
        with Client(ledger, key=signing, principal=principal, reader=reading) as client:
            yield Session(client, _meet(client))


def _meet(client: Client) -> list[Verifier]:
    verifiers, told = meet(Home.here(), client)
    if told is not None:
        print_note(told)
    return verifiers


@contextmanager
def opened_key(named: str) -> Iterator[StatementSigner]:
    """The key of this name: a file, or the ``pkcs11:`` URI of one that stays in its token. Asks for what opens it."""
    if is_key_uri(named):
        from identity.pkcs11 import open_key

        with open_key(parse_key_uri(named), ask_pin, default_module()) as key:
            yield key
    else:
        yield load_key(named)


def load_key(path: str | Path) -> SigningKey:
    """The key in a file; asks for its passphrase if it has one."""
    return read_key(Path(path), lambda: ask_passphrase(Path(path)))


def ask_passphrase(path: Path) -> bytes:
    """What is typed to open the file of a key."""
    return _ask(f"Passphrase of {path}").encode()


def ask_pin() -> str:
    """The PIN of the user's token: CADASTRE_PKCS11_PIN, or what is typed."""
    return os.environ.get("CADASTRE_PKCS11_PIN") or _ask("PIN of the token")


def default_module() -> Path | None:
    """The library for tokens whose URI names none: CADASTRE_PKCS11_MODULE."""
    named = os.environ.get("CADASTRE_PKCS11_MODULE")
    return Path(named) if named else None


def _ask(for_: str) -> str:
    return str(typer.prompt(for_, hide_input=True, err=True))
