"""Who speaks for a party, on the command line: a did:webvh joins, rotates and moves; a did:key is succeeded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from identity.did import did_of, multibase_of
from identity.keys import read_key
from tests.scripts.house import Hands


def did(hands: Hands, name: str) -> str:
    return did_of(read_key(hands.key(name)).public)


def multikey(hands: Hands, name: str) -> str:
    return multibase_of(read_key(hands.key(name)).public)


class Webvh:
    """A did:webvh on this machine: its log, and the update keys one after the other."""

    def __init__(self, hands: Hands, room: Path, key: str, place: str = "works.example/org") -> None:
        self.hands, self.file, self.turn = hands, room / "did.jsonl", 1
        self.name = room.name
        update = hands.key(f"{self.name}-update-1")
        hands.done("did", "new", place, "--as", update, *self._next(), "--key", hands.key(key), "--out", self.file,
                   "--portable")  # fmt: skip

    @property
    def did(self) -> str:
        return str(orjson.loads(self.file.read_bytes().splitlines()[-1])["state"]["id"])

    def go_on(self, *more: str | Path) -> None:
        """The next line, which the key signs that was announced."""
        self.turn += 1
        word = more or ("rotate", self.file)
        update = self.hands.room / f"{self.name}-update-{self.turn}.key"
        self.hands.done("did", *word, "--as", update, *self._next())

    def _next(self) -> tuple[str, str]:
        return "--next", str(self.hands.room / f"{self.name}-update-{self.turn + 1}.key")


@pytest.fixture
def webvh(hands: Hands, tmp_path: Path) -> Webvh:
    made = Webvh(hands, tmp_path, f"{tmp_path.name}-first")
    hands.done("join", "--name", "Works", "--did-log", made.file, by=f"{tmp_path.name}-first")
    return made


def state_of(hands: Hands, what: str) -> dict[str, Any]:
    state: dict[str, Any] = hands.json("show", what)["state"]
    return state


def test_a_party_that_joined_with_a_log_signs_with_the_key_in_its_document(hands: Hands, webvh: Webvh) -> None:
    name = f"{webvh.name}-first"
    (hands.room / "data.csv").write_text(f"{webvh.name}\n")
    asset = hands.register(name, hands.room / "data.csv")
    party = hands.json("show", webvh.did)
    assert state_of(hands, asset)["holder"] == party["id"]
    assert [one["key"] for one in party["state"]["keys"]] == [multikey(hands, name)]
    entry = hands.json("show", str(hands.json("show", asset)["index"]))
    assert (entry["issuer"], entry["signer"], entry["key"]) == (webvh.did, webvh.did, multikey(hands, name))


def test_after_a_rotation_the_former_key_signs_no_more_and_what_it_signed_since_the_theft_is_doubtful(
    hands: Hands, webvh: Webvh
) -> None:
    first, second = f"{webvh.name}-first", f"{webvh.name}-second"
    file = hands.room / "more.csv"
    file.write_text(f"honest {webvh.name}\n")
    honest = hands.register(first, file)
    file.write_text(f"stolen {webvh.name}\n")
    stolen = hands.register(first, file)
    since = hands.json("show", stolen)["index"]
    webvh.go_on("rotate", webvh.file, "--key", hands.key(second))
    hands.done("rotate", "--did-log", webvh.file, "--compromised", f"{multikey(hands, first)}={since}", by=second)
    keys = {one["key"]: one for one in state_of(hands, webvh.did)["keys"]}
    assert keys[multikey(hands, first)]["compromised"] == since
    assert "ended" not in keys[multikey(hands, second)]
    said = hands.refused("speaker_former", "retire", honest, "--reason", "r", by=first)
    party, ended = hands.json("show", webvh.did), keys[multikey(hands, first)]["ended"]
    stopped = f"it stopped speaking for {party['id']} (Works) at entry {ended}, declared compromised"
    assert f"{stopped}; the party speaks through {webvh.did} by {multikey(hands, second)}\n" in said
    doubtful = {entry["subject"]: entry["doubtful"] for entry in hands.json("history", webvh.did)}
    assert (doubtful[honest], doubtful[stolen]) == (False, True)
    assert [line.endswith("doubtful") for line in hands.done("history", stolen).splitlines()[1:]] == [True]
    hands.done("retire", stolen, "--reason", "stolen key", by=second)


def test_a_log_that_the_ledger_has_or_that_is_another_is_not_stated(hands: Hands, webvh: Webvh, tmp_path: Path) -> None:
    first = f"{webvh.name}-first"
    hands.refused("did_log_behind", "rotate", "--did-log", webvh.file, by=first)
    (room := tmp_path / "other").mkdir()
    other = Webvh(hands, room, first)
    hands.refused("party_absent", "rotate", "--did-log", other.file, by=first)
    kept = webvh.file.read_bytes()
    webvh.go_on()
    hands.done("rotate", "--did-log", webvh.file, by=first)
    ahead = webvh.file.read_bytes()
    webvh.file.write_bytes(kept)
    hands.refused("did_log_diverged", "rotate", "--did-log", webvh.file, by=first)
    webvh.file.write_bytes(ahead)


def test_an_organisation_moves_to_another_host_and_is_found_by_both_dids(hands: Hands, webvh: Webvh) -> None:
    before, first = webvh.did, f"{webvh.name}-first"
    webvh.go_on("move", webvh.file, "new-works.example/org")
    hands.done("rotate", "--did-log", webvh.file, by=first)
    assert hands.json("show", webvh.did)["id"] == hands.json("show", before)["id"]
    assert state_of(hands, before)["dids"][-1] == webvh.did


def test_a_did_key_is_succeeded_by_another_or_by_a_log_and_the_party_stays(hands: Hands, tmp_path: Path) -> None:
    old, new = f"{tmp_path.name}-old", f"{tmp_path.name}-new"
    party = hands.join(old)
    hands.done("succeed", "--to", hands.key(new), by=old)
    assert hands.json("show", did(hands, new))["id"] == party
    hands.refused("party_known", "join", "--name", "Again", by=old)
    later = Webvh(hands, tmp_path, f"{tmp_path.name}-later")
    consent = tmp_path / "consent.json"
    hands.done("consent", party, "--did-log", later.file, "--out", consent, by=f"{tmp_path.name}-later")
    hands.refused("file_exists", "consent", party, "--out", consent, by=new)
    hands.done("succeed", "--consent", consent, by=new)
    assert state_of(hands, party)["dids"] == [did(hands, old), did(hands, new), later.did]
    said = hands.refused("speaker_former", "leave", by=new)
    assert f"it stopped speaking for {party} ({old} Works) at entry " in said
    assert f"; the party speaks through {later.did} by " in said
    hands.misused("succeed", by=new)
    hands.misused("succeed", "--to", hands.key("x"), "--compromised", "z6Mk", by=new)


def test_a_compromised_key_is_named_by_its_kid_itself_or_its_file(hands: Hands, tmp_path: Path) -> None:
    names = [f"{tmp_path.name}-{turn}" for turn in range(5)]
    party = hands.join(names[0])
    for old, new, named in zip(names, names[1:], ("kid", "multikey", "did:key", "file"), strict=False):
        spelled = {
            "kid": f"{did(hands, old)}#{multikey(hands, old)}",
            "multikey": multikey(hands, old),
            "did:key": did(hands, old),
            "file": str(hands.key(old)),
        }[named]
        since = hands.json("show", party)["index"]
        hands.done("succeed", "--to", hands.key(new), "--compromised", f"{spelled}={since}", by=old)
        keys = {one["key"]: one for one in state_of(hands, party)["keys"]}
        assert keys[multikey(hands, old)]["compromised"] == since
    taken = "KEY is a kid (did:…#z6Mk…), a did:key, a Multikey (z6Mk…, zDn…) or the file of the key"
    for wrong in ("nobody.key=3", "did:web:a.example#nonsense=3", "z6Mk=3", "did:webvh:x=3", "z6Mk", "=3"):
        assert taken in hands.misused("succeed", "--to", hands.key("x"), "--compromised", wrong, by=names[-1])


def test_a_consent_is_good_for_one_party_only(hands: Hands, tmp_path: Path) -> None:
    one, other = f"{tmp_path.name}-one", f"{tmp_path.name}-other"
    hands.join(one)
    party = hands.join(other)
    consent = tmp_path / "consent.json"
    hands.done("consent", party, "--out", consent, by=f"{tmp_path.name}-new")
    hands.refused("consent_other", "succeed", "--consent", consent, by=one)
    members = orjson.loads(consent.read_bytes())
    members["party"] = hands.json("show", did(hands, one))["id"]
    consent.write_bytes(orjson.dumps(members))
    hands.refused("consent_missing", "succeed", "--consent", consent, by=one)


def test_who_left_signs_nothing_more(hands: Hands, tmp_path: Path) -> None:
    name = f"{tmp_path.name}-leaver"
    party = hands.join(name)
    hands.done("leave", "--reason", "merged", by=name)
    assert state_of(hands, party)["status"] == "left"
    file = tmp_path / "d.csv"
    file.write_text("1\n")
    plain = ("--classification", "general", "--not-personal", "--source", "measured by ourselves")
    hands.refused("party_left", "register", file, *plain, by=name)


def test_trustees_recover_a_party_in_the_open_and_after_a_wait(hands: Hands, tmp_path: Path) -> None:
    lost, trustee, other, new = (f"{tmp_path.name}-{one}" for one in ("lost", "trustee", "other", "new"))
    party, friend, second = hands.join(lost), hands.join(trustee), hands.join(other)
    consent = tmp_path / "consent.json"
    hands.done("consent", party, "--out", consent, by=new)
    opening = ("recovery", "open", "--consent", consent, "--reason", "the laptop burned")
    hands.refused("recovery_not_arranged", *opening, by=trustee)
    hands.done("recovery", "arrange", friend, second, "--threshold", "2", "--wait", "1h", by=lost)
    trust = state_of(hands, party)["trust"][-1]
    assert (trust["trustees"], trust["threshold"], trust["wait"]) == ([friend, second], 2, 3600)
    hands.refused("recovery_not_arranged", *opening, by=trustee)  # the first naming waits, too
    for wait in ("59s", "53w"):
        told = hands.misused("recovery", "arrange", friend, "--wait", wait, by=lost)
        assert f"a ledger takes at least 60 seconds and at most 366 days, not {wait}" in told
