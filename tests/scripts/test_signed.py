"""Statements out of entries prove who said them, or are refused."""

from __future__ import annotations

import pytest

from identity.errors import Problem
from scripts.signed import read_verified
from tests.cast import Play


def test_a_statement_signed_by_its_issuer_is_read_with_its_private_fields_hidden() -> None:
    sent = Play().sign("party.joined", by="factory", body={"name": "Mine"}, private=["name"])
    statement = read_verified(sent.partition(b"~")[0])
    assert statement.claims.body["name"].keys() == {"_sd"}


def test_a_statement_signed_with_the_key_of_another_is_refused() -> None:
    stolen = Play().sign("party.joined", by="factory", key="stranger", body={"name": "Mine"})
    with pytest.raises(Problem) as refused:
        read_verified(stolen)
    assert refused.value.code == "signer_other"


def test_a_statement_whose_signature_does_not_fit_is_refused() -> None:
    one, two = (Play().sign("party.joined", by="factory", body={"name": name}) for name in ("Mine", "Yours"))
    with pytest.raises(Problem) as refused:
        read_verified(one.rpartition(b".")[0] + b"." + two.rpartition(b".")[2])
    assert refused.value.code == "signature_invalid"
