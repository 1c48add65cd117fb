"""The file of two keys: read as written, closed to others, and refused by name when it is anything else."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from identity.errors import Malformed
from identity.keys import SigningKey
from identity.signature import COSIGNATURE_ED25519, COSIGNATURE_MLDSA44
from ledger.log.cosignature import Cosigner
from ledger.witness.keys import read_cosigners, write_keys
from tests.ledger.witness.room import NAME, numbers


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "witness.key"
    write_keys(made, numbers())
    return made


def test_two_keys_of_their_own_seeds_are_read_as_written(path: Path) -> None:
    found = read_cosigners(path, NAME)
    expected = [Cosigner(NAME, COSIGNATURE_ED25519, b"\1" * 32), Cosigner(NAME, COSIGNATURE_MLDSA44, b"\2" * 32)]
    assert [one.verifier for one in found] == [one.verifier for one in expected]


def test_only_the_owner_may_read_it_and_nothing_is_overwritten(path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_bytes()
    with pytest.raises(FileExistsError):
        write_keys(path, numbers())
    assert path.read_bytes() == before
    path.chmod(0o640)
    with pytest.raises(Malformed, match="key_file_open_to_others"):
        read_cosigners(path, NAME)


def test_other_software_reads_both_keys(path: Path) -> None:
    first, second = path.read_bytes().split(b"-----END PRIVATE KEY-----\n")[:2]
    end = b"-----END PRIVATE KEY-----\n"
    names = [type(load_pem_private_key(pem + end, None)).__name__ for pem in (first, second)]
    assert names == ["Ed25519PrivateKey", "MLDSA44PrivateKey"]


def test_anything_else_is_refused_by_name(path: Path) -> None:
    good = path.read_bytes()
    first, second = (part + b"-----END PRIVATE KEY-----\n" for part in good.split(b"-----END PRIVATE KEY-----\n")[:2])
    sealed = SigningKey.from_seed("Ed25519", b"s" * 32).pkcs8(b"secret")
    other = SigningKey.from_seed("ES256", b"s" * 32).pkcs8()
    for data in (b"", b"\0" * 9_000, first, second + first, first + first, good + first, good + b"x", sealed + second,
                 other + second, good.replace(b"M", b"N", 1), good.replace(b"\n", b"\r\n")):  # fmt: skip
        path.write_bytes(data)
        with pytest.raises(Malformed, match="key_file_malformed"):
            read_cosigners(path, NAME)
    path.unlink()
    with pytest.raises(Malformed, match="key_file_missing"):
        read_cosigners(path, NAME)
