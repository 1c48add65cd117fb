"""Witnesses: who governs an entry, distinct approvals, later proofs for earlier versions, what counts for nothing."""

import json
from typing import Any

import pytest

from identity.errors import Malformed, Problem
from identity.webvh import (
    Witness,
    advance,
    approvers,
    check_lean,
    format_witness_file,
    lean,
    parse_witness_file,
    pruned,
    resolve,
    sign_witness_proof,
    unwitnessed,
    witnesses_of,
)
from identity.webvh.witness import FILE_BYTES_MAX
from tests.identity.webvh.forge import DIDS, KEYS, NAMES, NOW, Line, did_of, first, proof_of, text, then

ONE, TWO, THREE = 5, 6, 7  # keys of witnesses
Approval = dict[str, Any]


def rule(threshold: int, *witnesses: int) -> dict[str, Any]:
    return {"witness": {"threshold": threshold, "witnesses": [{"id": DIDS[key]} for key in witnesses]}}


def ids(log: list[Line]) -> list[str]:
    return [line["versionId"] for line in log]


def approval(version_id: str, *witnesses: int) -> Approval:
    return {"versionId": version_id, "proof": [sign_witness_proof(KEYS[key], version_id, NOW) for key in witnesses]}


def outcome(log: list[Line], *approvals: Approval, version: int | None = None) -> str:
    """The code that the log is refused with, or "resolved"."""
    try:
        resolve(text(log), did_of(log), NOW, witness=json.dumps(approvals).encode(), version_number=version)
    except Problem as wrong:
        return wrong.code
    return "resolved"


def governed(*stated: dict[str, Any]) -> list[int | None]:
    """The thresholds in force for the entries that state this."""
    log = first(stated[0])
    for parameters in stated[1:]:
        log = then(log, parameters)
    standing, found = None, []
    for line in log:
        before, standing = standing, advance(standing, line, NOW)
        witness = witnesses_of(before, standing)
        found.append(witness and witness.threshold)
    return found


# -- which rule --------------------------------------------------------------------------------------------------------


def test_the_rule_in_force_for_each_entry() -> None:
    one, two, none = rule(1, ONE), rule(2, ONE, TWO), {"witness": {}}
    assert governed({}, {}) == [None, None]
    assert governed(one, {}) == [1, 1]
    assert governed({}, one, {}) == [None, 1, 1]  # from none to a list: at once
    assert governed(one, two, {}) == [1, 1, 2]  # from a list to another: for the next
    assert governed(one, none, {}) == [1, 1, None]  # the end is witnessed, too
    assert governed(one, none, two) == [1, 1, 2]


# -- counting ----------------------------------------------------------------------------------------------------------


def test_an_entry_needs_as_many_distinct_witnesses_as_the_threshold_says() -> None:
    log = first(rule(2, ONE, TWO, THREE))
    version = ids(log)[0]
    assert outcome(log) == "webvh_unwitnessed"
    assert outcome(log, approval(version, ONE)) == "webvh_unwitnessed"
    assert outcome(log, approval(version, ONE, ONE)) == "webvh_unwitnessed"
    assert outcome(log, approval(version, ONE), approval(version, ONE)) == "webvh_unwitnessed"
    assert outcome(log, approval(version, ONE), approval(version, THREE)) == "resolved"
    assert outcome(log, approval(version, ONE, TWO, THREE)) == "resolved"


def test_a_stranger_counts_for_nothing_and_harms_nothing() -> None:
    log = first(rule(1, ONE))
    assert outcome(log, approval(ids(log)[0], TWO, 0)) == "webvh_unwitnessed"
    assert outcome(log, approval(ids(log)[0], TWO, ONE)) == "resolved"


@pytest.mark.parametrize(
    "members",
    [
        {"proofPurpose": "authentication"},
        {"cryptosuite": "ecdsa-jcs-2019"},
        {"verificationMethod": f"{DIDS[ONE]}#{NAMES[TWO]}"},
        {"verificationMethod": DIDS[ONE]},
        {"verificationMethod": None},
        {"type": None},
    ],
)
def test_a_proof_that_does_not_hold_counts_for_nothing_and_harms_nothing(members: dict[str, Any]) -> None:
    log = first(rule(1, ONE))
    version = ids(log)[0]
    bad = {"versionId": version, "proof": [proof_of({"versionId": version}, ONE, **members)]}
    assert outcome(log, bad) == "webvh_unwitnessed"
    assert outcome(log, bad, approval(version, ONE)) == "resolved"


def test_a_proof_is_for_its_version_alone() -> None:
    log = then(first(rule(1, ONE)))
    one, two = ids(log)
    moved = {"versionId": two, "proof": approval(one, ONE)["proof"]}
    assert outcome(log, approval(one, ONE), moved) == "webvh_unwitnessed"


def test_a_proof_approves_what_came_before_and_not_what_comes_after() -> None:
    log = then(then(first(rule(2, ONE, TWO))))
    one, two, three = ids(log)
    assert outcome(log, approval(three, ONE, TWO)) == "resolved"
    assert outcome(log, approval(three, ONE), approval(two, TWO)) == "webvh_unwitnessed"
    assert outcome(log, approval(three, ONE), approval(two, TWO), version=2) == "resolved"
    assert outcome(log, approval(three, ONE), approval(two, TWO), version=3) == "webvh_unwitnessed"
    assert outcome(log, approval(one, ONE, TWO), version=1) == "resolved"


def test_a_proof_for_a_version_that_is_not_published_says_nothing_of_others() -> None:
    log = then(first(rule(1, ONE)))
    assert outcome(log[:1], approval(ids(log)[1], ONE)) == "webvh_unwitnessed"
    forked = then(log[:1], {"ttl": 1})
    assert outcome(forked, approval(ids(log)[1], ONE)) == "webvh_unwitnessed"


def test_a_proof_for_a_broken_entry_says_nothing_of_those_before() -> None:
    log = then(first(rule(1, ONE)), keys=[3])
    assert outcome(log, approval(ids(log)[1], ONE), version=1) == "webvh_unwitnessed"


def test_a_replaced_list_approves_its_own_end() -> None:
    log = then(then(first(rule(1, ONE)), rule(1, TWO)))
    _, two, three = ids(log)
    assert outcome(log, approval(three, TWO)) == "webvh_unwitnessed"
    assert outcome(log, approval(two, TWO), approval(three, TWO)) == "webvh_unwitnessed"
    assert outcome(log, approval(two, ONE), approval(three, TWO)) == "resolved"
    assert outcome(log, approval(three, ONE, TWO)) == "resolved"


def test_the_end_of_witnessing_is_witnessed() -> None:
    log = then(then(first(rule(1, ONE)), {"witness": {}}))
    one, two, _ = ids(log)
    assert outcome(log, approval(one, ONE)) == "webvh_unwitnessed"
    assert outcome(log, approval(two, ONE)) == "resolved"


def test_without_its_file_a_witnessed_log_does_not_resolve_from_there() -> None:
    log = then(then(first(), {"ttl": 1}), rule(1, ONE))
    with pytest.raises(Problem) as caught:
        resolve(text(log), did_of(log), NOW)
    assert caught.value.code == "webvh_witness_file_missing"
    assert resolve(text(log), did_of(log), NOW, version_number=2).metadata["updated"] == log[1]["versionTime"]
    with pytest.raises(Problem) as caught:
        resolve(text(log), did_of(log), NOW, version_number=3)
    assert caught.value.code == "webvh_witness_file_missing"


def test_the_metadata_names_the_witnesses() -> None:
    log = first(rule(1, ONE))
    file = json.dumps([approval(ids(log)[0], ONE)]).encode()
    found = resolve(text(log), did_of(log), NOW, witness=file).metadata["witness"]
    assert found == {"threshold": "1", "witnesses": [{"id": DIDS[ONE]}]}


# -- one entry at a time -----------------------------------------------------------------------------------------------


def test_the_first_entry_that_too_few_approved() -> None:
    both, either = Witness(2, (DIDS[ONE], DIDS[TWO])), Witness(1, (DIDS[ONE], DIDS[TWO]))
    for rules, latest, place in (
        ([], {}, None),
        ([None, None], {}, None),
        ([either, both], {DIDS[ONE]: 1, DIDS[TWO]: 1}, None),
        ([either, both], {DIDS[ONE]: 1, DIDS[TWO]: 0}, 1),
        ([either, both], {DIDS[ONE]: 1, DIDS[THREE]: 1}, 1),
        ([None, either, both], {DIDS[THREE]: 2}, 1),
    ):
        found = unwitnessed(rules, latest)
        assert (None if found is None else found[0]) == place
        assert found is None or (found[1].code, found[1].pointer) == ("webvh_unwitnessed", f"/{place}")


def test_what_is_lean_is_each_witness_latest_proof_that_holds_and_nothing_else() -> None:
    versions, ids = ["1-a", "2-b", "3-c"], [DIDS[ONE], DIDS[TWO]]
    forged = {"versionId": "3-c", "proof": approval("1-a", ONE)["proof"]}
    given = [forged, approval("1-a", ONE, TWO), approval("2-b", TWO, THREE), approval("9-x", ONE)]
    kept = lean(versions, given, ids)
    assert kept == [approval("1-a", ONE), approval("2-b", TWO)]
    check_lean(kept, approvers(versions, kept, ids))
    for more in (forged, approval("1-a", TWO), approval("2-b", TWO), approval("2-b", THREE), approval("9-x", ONE)):
        with pytest.raises(Problem) as caught:
            check_lean([*kept, more], approvers(versions, [*kept, more], ids))
        assert caught.value.code == "webvh_proof_idle"


def test_who_approved_and_how_far() -> None:
    approvals = [approval("1-a", ONE, TWO), approval("3-c", TWO), approval("2-b", ONE), approval("9-x", THREE)]
    found = approvers(["1-a", "2-b", "3-c"], approvals, [DIDS[ONE], DIDS[TWO], DIDS[THREE]])
    assert found == {DIDS[ONE]: 1, DIDS[TWO]: 2}


# -- the file ----------------------------------------------------------------------------------------------------------


def test_the_file_is_read_and_written() -> None:
    approvals = [approval("1-a", ONE), approval("2-b", TWO)]
    assert parse_witness_file(format_witness_file(approvals)) == approvals
    assert format_witness_file([*approvals, {"versionId": "3-c", "proof": []}]) == format_witness_file(approvals)
    assert parse_witness_file(b'[{"versionId":"1-a"}]') == [{"versionId": "1-a"}]
    assert format_witness_file([]) == b"[]"


@pytest.mark.parametrize(
    "data",
    [
        b"{}",
        b"[1]",
        b'[{"proof":[]}]',
        b'[{"versionId":1,"proof":[]}]',
        b'[{"versionId":"1-a","proof":{}}]',
        b'[{"versionId":"1-a","proof":[1]}]',
        b" " * (FILE_BYTES_MAX + 1),
    ],
)
def test_what_is_no_witness_file(data: bytes) -> None:
    with pytest.raises(Malformed) as caught:
        parse_witness_file(data)
    assert caught.value.code == "webvh_witness_file_malformed"
    log = first(rule(1, ONE))
    with pytest.raises(Malformed, match="webvh_witness_file_malformed"):
        resolve(text(log), did_of(log), NOW, witness=data)


def test_pruning_keeps_the_latest_proof_of_each_and_what_is_ahead() -> None:
    approvals = [approval("1-a", ONE, TWO), approval("2-b", ONE), approval("3-c", THREE), approval("2-b", ONE)]
    assert pruned(["1-a", "2-b"], approvals) == [approval("1-a", TWO), approval("2-b", ONE), approval("3-c", THREE)]
    log = then(first(rule(2, ONE, TWO)))
    one, two = ids(log)
    kept = pruned(ids(log), [approval(one, ONE, TWO), approval(two, ONE, TWO)])
    assert kept == [approval(two, ONE, TWO)]
    assert outcome(log, *kept) == "resolved"
