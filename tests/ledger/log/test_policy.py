"""Policies: which are read, which are refused by line, and when a quorum is met."""

from __future__ import annotations

from contextlib import suppress
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.errors import Malformed, Unverifiable
from identity.note import Signer, format_vkey, parse_note
from identity.signature import COSIGNATURE_ED25519, COSIGNATURE_MLDSA44
from ledger.log.checkpoint import Checkpoint, sign_checkpoint
from ledger.log.cosignature import Cosigner, Seen, with_cosignatures
from ledger.log.policy import EMPTY, check_witnessed, parse_policy

ORIGIN = "ledger.example/works"
LOG = Signer(ORIGIN, b"l" * 32)
SECOND = Signer(ORIGIN, b"m" * 32)
COSIGNERS = {name: Cosigner(f"{name}.example", COSIGNATURE_ED25519, name.encode() * 32) for name in "abcd"}
LATTICE = Cosigner("e.example", COSIGNATURE_MLDSA44, b"e" * 32)
LOG_LINE = f"log {format_vkey(LOG.verifier)}"
LINES = {name: f"witness {name} {format_vkey(cosigner.verifier)}" for name, cosigner in COSIGNERS.items()}
WITNESSES = "\n".join(LINES.values())


def seen(names: str) -> list[Seen]:
    return [Seen(COSIGNERS[name].verifier, 1) for name in names]


@pytest.mark.parametrize(
    ("text", "logs", "witnesses"),
    [
        ("quorum none\n", 0, 0),
        (f"{LOG_LINE}\nquorum none\n", 1, 0),
        (f"{LOG_LINE} https://ledger.example\nquorum none", 1, 0),
        (f"# a comment\n\n \t# another\n\t{LOG_LINE} \nquorum  none\nlog {format_vkey(SECOND.verifier)}\n", 2, 0),
        (f"{WITNESSES}\nquorum a\n", 0, 4),
        (f"{LINES['a']} https://a.example/\nwitness lattice {format_vkey(LATTICE.verifier)}\nquorum lattice\n", 0, 2),
    ],
)
def test_policies_that_are_read(text: str, logs: int, witnesses: int) -> None:
    policy = parse_policy(text.encode())
    assert (len(policy.logs), len(policy.witnesses)) == (logs, witnesses)


def test_urls_are_kept() -> None:
    policy = parse_policy(f"{LOG_LINE} https://ledger.example\n{LINES['a']} https://a.example\nquorum a\n".encode())
    assert policy.logs[0].url == "https://ledger.example"
    assert policy.witnesses["a"].url == "https://a.example"
    assert policy.log_keys(ORIGIN) == [LOG.verifier]
    assert policy.log_keys("other.example") == []


BROKEN = [
    ("", "quorum"),
    (f"{LOG_LINE}\n", "quorum"),
    ("quorum none\nquorum none\n", "quorum"),
    ("quorum none none\n", "line 1"),
    ("quorum a\n", "'a' is not named"),
    ("log\nquorum none\n", "line 1"),
    ("log nonsense\nquorum none\n", "line 1"),
    (f"{LOG_LINE[:-4]}AAA=\nquorum none\n", "line 1"),
    (f"{LOG_LINE} https://a.example more\nquorum none\n", "line 1"),
    (f"{LOG_LINE}\n{LOG_LINE}\nquorum none\n", "line 2"),
    (f"{LOG_LINE}\r\nquorum none\r\n", "line 1"),
    (f"trust {LOG_LINE}\nquorum none\n", "line 1"),
    (f"log {format_vkey(COSIGNERS['a'].verifier)}\nquorum none\n", "not the key of a log"),
    (f"witness w {format_vkey(LOG.verifier)}\nquorum none\n", "not the key of a cosigner"),
    (f"{LINES['a']}\n{LINES['a'].replace(' a ', ' z ')}\nquorum none\n", "line 2"),
    (f"{LINES['a']}\n{LINES['b'].replace(' b ', ' a ')}\nquorum none\n", "taken"),
    (f"{LINES['a'].replace(' a ', ' none ')}\nquorum none\n", "taken"),
    (f"{WITNESSES}\ngroup g 0 a b\nquorum g\n", "'0' of 2"),
    (f"{WITNESSES}\ngroup g 3 a b\nquorum g\n", "'3' of 2"),
    (f"{WITNESSES}\ngroup g 01 a b\nquorum g\n", "'01' of 2"),
    (f"{WITNESSES}\ngroup g most a b\nquorum g\n", "'most' of 2"),
    (f"{WITNESSES}\ngroup g any\nquorum g\n", "line 5"),
    (f"{WITNESSES}\ngroup g any g\nquorum g\n", "'g' is not named"),
    (f"{WITNESSES}\ngroup g any later\nquorum g\n", "'later' is not named"),
    (f"{WITNESSES}\ngroup g any a a\nquorum g\n", "twice"),
    (f"{WITNESSES}\ngroup g any a b\ngroup h any a c\nquorum g\n", "twice"),
    (f"{WITNESSES}\ngroup a any b c\nquorum a\n", "taken"),
    (f"{WITNESSES}\nquorum g\ngroup g any a\n", "'g' is not named"),
    ("quorum\x00 none\n", "control"),
    ("\n" * 1_000 + "quorum none\n", "more than 1000 lines"),
]


@pytest.mark.parametrize(("text", "detail"), BROKEN)
def test_policies_that_are_refused(text: str, detail: str) -> None:
    with pytest.raises(Malformed, match="policy_malformed") as refused:
        parse_policy(text.encode())
    assert detail in str(refused.value)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for given_ in (data, b"quorum none\n" + data, LOG_LINE.encode() + b"\n" + data + b"\nquorum none"):
        with suppress(Malformed):
            parse_policy(given_)


QUORUMS = [  # policy below the witnesses, and the smallest sets that meet it
    ("quorum none", [""]),
    ("quorum b", ["b"]),
    ("group g any a b c d\nquorum g", ["a", "b", "c", "d"]),
    ("group g all a b c\nquorum g", ["abc"]),
    ("group g 2 a b c\nquorum g", ["ab", "ac", "bc"]),
    ("group works all a b\ngroup g any works c\nquorum g", ["ab", "c"]),
    ("group works any a b\ngroup states any c d\ngroup g all works states\nquorum g", ["ac", "ad", "bc", "bd"]),
]


@pytest.mark.parametrize(("text", "enough"), QUORUMS)
def test_a_quorum_is_met_by_these_witnesses_and_no_others(text: str, enough: list[str]) -> None:
    policy = parse_policy(f"{WITNESSES}\n{text}\n".encode())
    for count in range(5):
        for names in combinations("abcd", count):
            met = any(set(some) <= set(names) for some in enough)
            assert policy.is_met(seen("".join(names))) is met, names


def test_strangers_make_up_no_quorum() -> None:
    policy = parse_policy(f"{LINES['a']}\nquorum a\n".encode())
    assert not policy.is_met(seen("bcd"))


SIGNED = sign_checkpoint(Checkpoint(ORIGIN, 1, bytes(32)), LOG)


def cosigned(names: str) -> bytes:
    text = parse_note(SIGNED).text
    return with_cosignatures(SIGNED, [COSIGNERS[name].cosign(text, 1_800_000_000) for name in names])


def test_a_checkpoint_that_the_quorum_has_seen() -> None:
    policy = parse_policy(f"{WITNESSES}\ngroup g 2 a b c\nquorum g\n".encode())
    assert [one.verifier.name for one in check_witnessed(cosigned("cbd"), policy)] == [
        "c.example",
        "b.example",
        "d.example",
    ]


def test_a_checkpoint_that_too_few_have_seen() -> None:
    policy = parse_policy(f"{WITNESSES}\ngroup g 2 a b c\nquorum g\n".encode())
    with pytest.raises(Unverifiable, match="quorum_not_met") as refused:
        check_witnessed(cosigned("ad"), policy)
    assert "a.example, d.example" in str(refused.value)
    with pytest.raises(Unverifiable, match="nobody"):
        check_witnessed(SIGNED, policy)


def test_a_forged_line_of_a_witness_outweighs_a_quorum() -> None:
    policy = parse_policy(f"{WITNESSES}\nquorum a\n".encode())
    other = parse_note(sign_checkpoint(Checkpoint(ORIGIN, 2, bytes(32)), LOG)).text
    forged = with_cosignatures(cosigned("a"), [COSIGNERS["b"].cosign(other, 1_800_000_000)])
    with pytest.raises(Unverifiable, match="note_signature_invalid"):
        check_witnessed(forged, policy)


def test_the_empty_policy_believes_no_log_and_asks_for_nobody() -> None:
    assert EMPTY.log_keys(ORIGIN) == []
    assert check_witnessed(SIGNED, EMPTY) == []
