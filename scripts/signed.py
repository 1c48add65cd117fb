"""Statements out of entries, read so that they prove who said them."""

from __future__ import annotations

from identity import jws
from identity.errors import Unverifiable, declare
from ledger.statement import Statement, read

declare("unverifiable", signer_other=("the statement is signed with another party's key", "do not rely on it"))


def read_verified(compact: bytes) -> Statement:
    """The statement in an entry, whose signature is verified and made with a key of its issuer, or of a delegate.

    Raises ``Malformed`` or ``Unverifiable``. Its disclosures are not needed: what is hidden stays so.
    """
    signed = jws.parse(compact)
    statement = read(signed)
    jws.verify(signed)
    if statement.claims.via is None and signed.kid.partition("#")[0] != statement.claims.iss:
        raise Unverifiable("signer_other", f"{signed.kid} signs for {statement.claims.iss}", pointer="/header/kid")
    return statement
