"""The log keys of a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from api import keyring
from api.keyring import FolderKeyring, signer_with
from identity.keys import SigningKey, write_key
from identity.note import Signer, sign_note
from ledger.errors import Malformed
from tests.cast import seed

ONE, TWO = (SigningKey.from_seed("Ed25519", seed(name)) for name in ("one", "two"))
NAME = "cast.example/ledger"


def test_a_key_signs_notes_as_its_seed_does() -> None:
    signer = signer_with(NAME, ONE)
    assert sign_note(b"text\n", signer) == sign_note(b"text\n", Signer(NAME, seed("one")))


def test_log_keys_are_found_by_their_verifier_under_the_ledgers_name(tmp_path: Path) -> None:
    write_key(tmp_path / "log.key", ONE)
    write_key(tmp_path / "log-2.key", TWO)
    found = FolderKeyring(tmp_path)
    for key in (ONE, TWO):
        verifier = signer_with(NAME, key).verifier
        signer = found(verifier)
        assert signer is not None
        assert signer.verifier == verifier
    assert found(signer_with("another.example", ONE).verifier) is not None


def test_a_key_that_is_not_there_may_be_put_there_later(tmp_path: Path) -> None:
    found = FolderKeyring(tmp_path)
    verifier = signer_with(NAME, ONE).verifier
    assert found(verifier) is None
    write_key(tmp_path / "log-2026.key", ONE)
    assert found(verifier) is not None


def test_governance_and_service_keys_are_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("governance.key", "service.key", "catalog.key", "log.key.old"):
        write_key(tmp_path / name, ONE)
    monkeypatch.setattr(keyring, "read_key", lambda path: pytest.fail(f"opened {path}"))
    assert FolderKeyring(tmp_path)(signer_with(NAME, ONE).verifier) is None


def test_a_key_of_another_type_signs_no_checkpoint(tmp_path: Path) -> None:
    write_key(tmp_path / "log.key", SigningKey.from_seed("ES256", seed("one")))
    assert FolderKeyring(tmp_path)(signer_with(NAME, ONE).verifier) is None


def test_a_key_file_open_to_others_is_refused(tmp_path: Path) -> None:
    write_key(tmp_path / "log.key", ONE)
    (tmp_path / "log.key").chmod(0o644)
    with pytest.raises(Malformed, match="key_file_open_to_others"):
        FolderKeyring(tmp_path)(signer_with(NAME, ONE).verifier)
