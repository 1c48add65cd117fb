"""The file of a state proof: one spelling, and nothing of it can be changed and still hold."""

import pytest

from identity.errors import Malformed, Problem, Unverifiable
from ledger.log.chain import LINK_OF_FIRST, Entry, format_entry
from ledger.log.map import MapProof, lookup_key, map_root, member_key, member_value, subject_key, subject_value
from ledger.log.receipt import Receipt
from ledger.log.stateproof import (
    MAGIC,
    Listing,
    Missing,
    Shown,
    Standing,
    StateProof,
    check_shown,
    format_state_proof,
    parse_state_proof,
)
from tests.ledger.log.test_map import digest, way

ORIGIN = "cast.example/ledger"
ASSET = "asset_00000000000000000000000001"
OFFERS = ("offer_00000000000000000000000002", "offer_00000000000000000000000003")
STANDING = Standing(ASSET, 17, "A" * 43, b'{"title":"\xe4\xb8\xbb\xe8\xbd\xb4"}')
LISTING = Listing("offer", "asset", ASSET, OFFERS)
CHECKPOINT = f"{ORIGIN}\n9\nAAAA\n\n— {ORIGIN} AAAA\n".encode()
KEY = lookup_key("offer", "asset", ASSET)
LEAVES = {
    subject_key(ASSET): subject_value("asset", 17, STANDING.last, STANDING.state),
    KEY: map_root({member_key(KEY, one): member_value(one) for one in OFFERS}),
    **{digest(f"{number}"): digest("value") for number in range(30)},
}
ROOT = map_root(LEAVES)
CASES: dict[str, tuple[Shown, MapProof]] = {
    "subject": (STANDING, way(LEAVES, subject_key(ASSET))),
    "absent": (Missing(OFFERS[0]), way(LEAVES, subject_key(OFFERS[0]))),
    "list": (LISTING, way(LEAVES, KEY)),
    "empty list": (
        Listing("offer", "asset", OFFERS[0], ()),
        way(LEAVES, lookup_key("offer", "asset", OFFERS[0])),
    ),
}


def receipts() -> list[Receipt]:
    entries = [format_entry(Entry(ORIGIN, index, 5, LINK_OF_FIRST, b"e30.e30.AA")) for index in (8, 0)]
    return [Receipt(entries[0], 8, [digest("a"), digest("b")], CHECKPOINT), Receipt(entries[1], 0, [], CHECKPOINT)]


def file_of(case: str) -> bytes:
    return format_state_proof(StateProof(*CASES[case], receipts()))


@pytest.mark.parametrize("case", CASES)
def test_what_is_written_is_read_and_holds(case: str) -> None:
    proof = parse_state_proof(file_of(case))
    assert (proof.shown, proof.proof) == CASES[case]
    assert proof.receipts == receipts()
    check_shown(ROOT, proof.shown, proof.proof)


@pytest.mark.parametrize("case", CASES)
def test_no_byte_of_what_is_shown_can_differ_and_still_say_it(case: str) -> None:
    data = file_of(case)
    for place in range(data.index(b"\nentry ")):
        for other in (data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :], data[:place] + data[place + 1 :]):
            try:
                proof = parse_state_proof(other)
                check_shown(ROOT, proof.shown, proof.proof)
            except (Malformed, Unverifiable):
                continue
            assert is_another_absence(proof.shown, case), other


def is_another_absence(shown: Shown, case: str) -> bool:
    """The same way shows that other things are not there either, and that is true."""
    if isinstance(shown, Missing):
        return case == "absent" and subject_key(shown.id) not in LEAVES
    return case == "empty list" and isinstance(shown, Listing) and not shown.ids and shown.value != ASSET


def test_other_spellings_are_refused() -> None:
    whole = file_of("list")
    others = {
        "nothing": b"",
        "another version": whole.replace(b"@v1", b"@v2", 1),
        "a space": whole.replace(b"list offer", b"list  offer", 1),
        "members out of order": whole.replace(OFFERS[0].encode(), b"p" + OFFERS[0].encode(), 1),
        "a member twice": whole.replace(OFFERS[1].encode(), OFFERS[0].encode(), 1),
        "an index with a zero": whole.replace(b"entry 8", b"entry 08", 1),
        "no commitment": whole[: whole.index(b"entry 8")] + whole[whole.index(b"entry 0") :],
        "neither": whole[: whole.index(b"entry 8")] + CHECKPOINT,
        "a hash cut": whole.replace(b"=\n", b"\n", 3),
        "no map proof": whole.replace(b"cadastre/map-proof/1\n", b"", 1),
        "no text": MAGIC + b"subject \xff\nabsent\n\n" + whole.partition(b"\n\n")[2],
        "more lines": whole.replace(b"\n\ncadastre/map", b"\nmore\n\ncadastre/map", 1),
    }
    for name, data in others.items():
        with pytest.raises(Problem) as refused:  # noqa: PT012 - which of them was read is told
            parse_state_proof(data)
            pytest.fail(name)
        assert refused.value.code in ("state_proof_malformed", "map_proof_malformed"), name


def test_a_state_is_not_proven_as_something_else() -> None:
    proof = CASES["subject"][1]
    for shown in (
        Missing(ASSET),
        Standing(ASSET, 18, STANDING.last, STANDING.state),
        Standing(ASSET, 17, "B" * 43, STANDING.state),
        Standing(ASSET, 17, STANDING.last, STANDING.state + b" "),
        Standing("offer" + ASSET[5:], 17, STANDING.last, STANDING.state),
        LISTING,
    ):
        with pytest.raises((Malformed, Unverifiable)):
            check_shown(ROOT, shown, proof)
