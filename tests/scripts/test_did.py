"""``cadastre did``: resolving files and addresses, and the life of a DID from its first key to its end."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from identity.did import multibase_of
from identity.keys import SigningKey, read_key, write_key
from tests.identity.outside import serving
from tests.scripts.house import Hands, run
from tests.shared import shared

DID_KEY = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"


@pytest.fixture
def hands(tmp_path: Path) -> Hands:
    return Hands("http://127.0.0.1:9", tmp_path)


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def reach(*_: object, **__: object) -> None:
        raise AssertionError("the network is asked")

    monkeypatch.setattr(socket, "getaddrinfo", reach)
    monkeypatch.setattr(socket.socket, "connect", reach)


def key_of(hands: Hands, name: str) -> str:
    return multibase_of(read_key(hands.key(name)).public)


def test_a_ledger_resolves_the_dids_of_its_parties(url: str, tmp_path: Path) -> None:
    hands = Hands(url, tmp_path)
    log, turn = tmp_path / "did.jsonl", ("--next", str(tmp_path / "second.key"))
    hands.done("did", "new", "gone.example/works", *turn, "--key", hands.key("sign"), "--out", log, by="first")
    did = hands.json("did", "resolve", log)["didDocument"]["id"]
    hands.refused("did_log_absent", "did", "resolve", did, "--ledger", url)
    hands.done("join", "--name", "Works", "--did-log", log, by="sign")
    told = hands.json("did", "resolve", did, "--ledger", url)
    assert told == hands.json("did", "resolve", log)
    assert "versionId" in hands.done("did", "resolve", did, "--ledger", url, "--version-number", "1")
    hands.refused("webvh_version_absent", "did", "resolve", did, "--ledger", url, "--version-number", "7")
    hands.refused("did_method_unsupported", "did", "resolve", "did:example:1", "--ledger", url)
    hands.refused("did_scid_malformed", "did", "resolve", "did:webvh:x:a.example", "--ledger", url)
    hands.refused("ledger_unreachable", "did", "resolve", did, "--ledger", "http://127.0.0.1:9")
    assert "for a DID alone" in hands.misused("did", "resolve", log, "--ledger", url)
    failed = hands.run("did", "resolve", "did:example:1", "--ledger", url, "--json")
    assert json.loads(failed.stdout)["didResolutionMetadata"]["error"] == "methodNotSupported"
    hands.done("did", "deactivate", log, "--as", tmp_path / "second.key")


# -- resolving ---------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("offline")
def test_every_log_of_the_suite_resolves_as_its_maker_says(hands: Hands) -> None:
    logs = sorted(shared("vectors/identity/did-webvh").glob("*/*/did.jsonl"))
    for log in logs:
        expected = json.loads((log.parent / "resolutionResult.json").read_text())
        found = hands.json("did", "resolve", log)
        document, metadata = found["didDocument"], found["didDocumentMetadata"]
        assert document["id"] == expected["didDocument"]["id"]
        assert document["verificationMethod"] == expected["didDocument"]["verificationMethod"]
        assert metadata["versionId"] == expected["didDocumentMetadata"]["versionId"]
        assert found["didResolutionMetadata"] == {"contentType": "application/did"}
    assert len(logs) == 15


@pytest.mark.usefixtures("offline")
def test_a_log_that_was_altered_does_not_resolve_and_the_reason_is_told(hands: Hands) -> None:
    log = shared("vectors/identity/did-webvh/key-rotation/ts/did.jsonl").read_bytes()
    first, second = log.splitlines(keepends=True)
    one, two = (json.loads(line)["parameters"]["updateKeys"][0].encode() for line in (first, second))
    hostile = {
        "a key put in": (log.replace(one, two, 1), "webvh_scid_invalid"),
        "the first entry gone": (second, "webvh_parameter_missing"),
        "an entry twice": (log + second, "webvh_version_gap"),
        "the second altered": (first + second.replace(b"2000-01-02", b"2000-01-03"), "webvh_hash_invalid"),
        "the second by another key": (first + _proven_by(first, second), "proof_invalid"),
        "no log": (b"<html>", "json_malformed"),
        "nothing": (b"", "webvh_log_malformed"),
        "a bomb": (b"[" * 100_000, "json_too_deep"),
    }
    for what, (data, code) in hostile.items():
        file = hands.room / "did.jsonl"
        file.write_bytes(data)
        assert data != log, what
        said = hands.refused(code, "did", "resolve", file)
        assert "Traceback" not in said
    shown = hands.run("did", "resolve", file, "--json")
    assert shown.exit_code == 1
    told = json.loads(shown.stdout)
    assert told["didResolutionMetadata"]["error"] == "invalidDid"
    assert told["didDocument"] is None
    assert json.loads(shown.stderr)["code"] == "json_too_deep"


def _proven_by(first: bytes, second: bytes) -> bytes:
    """The second line with the first one's proof."""
    lines = [json.loads(line) for line in (first, second)]
    return json.dumps({**lines[1], "proof": lines[0]["proof"]}).encode()


@pytest.mark.usefixtures("offline")
def test_a_version_is_asked_for(hands: Hands) -> None:
    log = shared("vectors/identity/did-webvh/key-rotation/ts/did.jsonl")
    lines = [json.loads(line) for line in log.read_bytes().splitlines()]
    first = str(lines[0]["versionId"])
    for option, value in [("id", first), ("number", "1"), ("time", lines[0]["versionTime"])]:
        found = hands.json("did", "resolve", log, f"--version-{option}", value)
        assert found["didDocumentMetadata"]["versionId"] == first
        assert found["didDocument"]["verificationMethod"] == lines[0]["state"]["verificationMethod"]
    hands.refused("webvh_version_absent", "did", "resolve", log, "--version-number", "3")
    hands.refused("webvh_asked_twice", "did", "resolve", log, "--version-number", "1", "--version-id", first)
    hands.misused("did", "resolve", log, "--version-number", "0")


@pytest.mark.usefixtures("offline")
def test_a_did_key_is_shown_to_people_and_programs(hands: Hands) -> None:
    assert json.loads(hands.done("did", "resolve", DID_KEY))["id"] == DID_KEY
    found = hands.json("did", "resolve", DID_KEY, "--encryption")["didDocument"]
    assert found["keyAgreement"][0]["publicKeyMultibase"] == "z6LSj72tK8brWgZja8NLRwPigth2T9QRiG1uH9oKZuKjdh9p"
    hands.refused("did_malformed", "did", "resolve", "did:key:@")
    hands.refused("did_method_unsupported", "did", "resolve", "did:example:1")
    hands.refused("did_place_malformed", "did", "resolve", "did:web:127.0.0.1")
    hands.refused("fetch_url_malformed", "did", "resolve", "did:web:a.example%3A22")
    hands.refused("allow_malformed", "did", "resolve", DID_KEY, "--allow", "10.0.0.1/8")
    hands.refused("file_failed", "did", "resolve", "missing.jsonl")
    hands.misused("did", "resolve", DID_KEY, "--witness", shared("vectors/identity/README.md"))


def test_what_steers_a_terminal_is_not_printed(hands: Hands) -> None:
    files = {"/.well-known/did.json": b""}
    with serving(files) as server:
        did = f"did:web:a.localhost%3A{server.port}"
        files["/.well-known/did.json"] = json.dumps({"id": did, "name": "\x9b31m\u202e"}, ensure_ascii=False).encode()
        said = hands.done("did", "resolve", did, "--allow", f"http://a.localhost:{server.port}")
        assert "\x9b" not in said
        assert "\u202e" not in said


# -- making ------------------------------------------------------------------------------------------------------------


def made(hands: Hands, *more: str, at: str = "acme.example/org/acme", next_: str = "second") -> dict[str, Any]:
    found: dict[str, Any] = hands.json(
        "did", "new", at, "--out", hands.room, "--next", hands.room / f"{next_}.key", *more, by="first"
    )
    return found


def test_a_did_is_made_published_resolved_and_turned_over(hands: Hands) -> None:
    files: dict[str, bytes] = {}
    log = hands.room / "did.jsonl"
    with serving(files) as server:
        made_here = made(hands, at=f"https://a.localhost:{server.port}/org/acme/")
        did = made_here["did"]
        assert did.split(":", 3)[3] == f"a.localhost%3A{server.port}:org:acme"
        assert made_here["next"] == str(hands.room / "second.key")
        assert (hands.room / "second.key").stat().st_mode & 0o777 == 0o600
        assert log.stat().st_mode & 0o044, "a log is for everybody"
        allow = f"http://a.localhost:{server.port}"

        def resolved() -> dict[str, Any]:
            files["/org/acme/did.jsonl"] = log.read_bytes()
            found: dict[str, Any] = hands.json("did", "resolve", did, "--allow", allow)
            return found

        found = resolved()
        assert found["didDocument"]["id"] == did
        assert found["didDocument"]["assertionMethod"] == [f"{did}#{key_of(hands, 'first')}"]
        hands.refused("fetch_address_denied", "did", "resolve", did)
        assert run("did", "resolve", did, home=hands.home, CADASTRE_RESOLVE_ALLOW=allow).exit_code == 0
        before = log.read_bytes()
        turned = hands.json("did", "rotate", log, "--next", hands.room / "third.key", by="second")
        assert log.read_bytes().startswith(before)
        assert turned["did"] == did
        found = resolved()
        assert found["didDocumentMetadata"]["versionId"] == turned["versionId"]
        assert found["didDocument"]["assertionMethod"] == [f"{did}#{key_of(hands, 'second')}"]


def test_who_has_a_used_key_alone_changes_nothing(hands: Hands) -> None:
    made(hands)
    log = hands.room / "did.jsonl"
    before = log.read_bytes()
    thief = hands.room / "thief.key"
    hands.refused("webvh_key_unannounced", "did", "rotate", log, "--next", thief, by="first")
    hands.refused("webvh_key_unannounced", "did", "deactivate", log, by="first")
    assert log.read_bytes() == before
    assert not thief.exists(), "no key is left of what was refused"
    hands.done("did", "rotate", log, "--next", hands.room / "third.key", by="second")
    hands.refused("webvh_key_unannounced", "did", "rotate", log, "--next", thief, by="second")


def test_without_pre_rotation_the_present_key_goes_on(hands: Hands) -> None:
    log = hands.room / "did.jsonl"
    hands.done("did", "new", "acme.example", "--out", log, "--no-next", by="first")
    assert hands.json("did", "resolve", log)["didDocument"]["id"].endswith(":acme.example")
    hands.done("did", "rotate", log, "--no-next", "--key", hands.key("works"), by="first")
    hands.refused("webvh_key_unauthorised", "did", "rotate", log, "--no-next", by="second")
    hands.done("did", "rotate", log, "--next", hands.key("second"), by="first")
    hands.refused("webvh_key_unannounced", "did", "rotate", log, "--no-next", by="first")
    assert len(hands.json("did", "resolve", log)["didDocument"]["verificationMethod"]) == 1


def test_keys_that_sign_statements_are_apart_from_the_update_keys(hands: Hands) -> None:
    write_key(hands.room / "p256.key", SigningKey.from_seed("ES256", bytes(31) + b"\1"))
    works, p256 = key_of(hands, "works"), key_of(hands, "p256")
    made(hands, "--key", str(hands.key("works")), "--key", f"did:key:{p256}")
    log = hands.room / "did.jsonl"

    def keys() -> list[str]:
        found = hands.json("did", "resolve", log)["didDocument"]
        assert found["assertionMethod"] == [method["id"] for method in found["verificationMethod"]]
        return [method["id"].partition("#")[2] for method in found["verificationMethod"]]

    assert keys() == [works, p256]
    hands.done("did", "rotate", log, "--next", hands.room / "third.key", by="second")
    assert keys() == [works, p256]
    hands.done("did", "rotate", log, "--next", hands.room / "fourth.key", "--key", p256, by="third")
    assert keys() == [p256]
    hands.refused("webvh_key_malformed", "did", "rotate", log, "--next", hands.room / "p256.key", by="fourth")


def test_a_next_key_may_be_kept_where_only_its_public_half_is_known(hands: Hands) -> None:
    away = hands.key("second").rename(hands.room / "away")
    log = hands.room / "did.jsonl"
    public = multibase_of(read_key(away).public)
    hands.done("did", "new", "acme.example", "--out", log, "--next", public, by="first")
    hands.done("did", "rotate", log, "--no-next", "--as", away)


def test_a_portable_did_moves_and_keeps_its_name_known(hands: Hands) -> None:
    before = made(hands, "--portable")["did"]
    log = hands.room / "did.jsonl"
    after = hands.json("did", "move", log, "new.example:8443", "--next", hands.room / "third.key", by="second")["did"]
    assert after == ":".join([*before.split(":")[:3], "new.example%3A8443"])
    found = hands.json("did", "resolve", log)["didDocument"]
    assert (found["id"], found["alsoKnownAs"]) == (after, [before])
    assert found["assertionMethod"] == [f"{after}#{key_of(hands, 'second')}"]
    assert found["verificationMethod"][0]["controller"] == after
    hands.done("did", "move", log, "acme.example/org/acme", "--no-next", by="third")
    found = hands.json("did", "resolve", log)["didDocument"]
    assert (found["id"], found["alsoKnownAs"]) == (before, [after])


def test_a_did_that_is_not_portable_stays(hands: Hands) -> None:
    made(hands)
    hands.refused("did_not_portable", "did", "move", hands.room / "did.jsonl", "new.example", "--no-next", by="second")


def test_a_deactivated_did_has_an_end(hands: Hands) -> None:
    made(hands)
    log = hands.room / "did.jsonl"
    hands.done("did", "deactivate", log, by="second")
    result = hands.run("did", "resolve", log)
    assert result.exit_code == 0
    assert "deactivated" in result.stderr
    assert "deactivated  yes" in result.stdout
    assert hands.json("did", "resolve", log)["didDocument"] is None
    assert hands.json("did", "resolve", log, "--version-number", "1")["didDocument"] is not None
    hands.refused("webvh_deactivated", "did", "rotate", log, "--no-next", by="second")


def test_a_witnessed_log_resolves_once_enough_approved(hands: Hands) -> None:
    seers = [f"did:key:{key_of(hands, name)}" for name in ("seer", "watch", "third seer")]
    options = [part for seer in seers for part in ("--witness", seer)]
    made(hands, *options, "--threshold", "2", "--watcher", "https://watch.example/")
    log, beside = hands.room / "did.jsonl", hands.room / "did-witness.json"
    hands.refused("webvh_witness_file_missing", "did", "resolve", log)
    hands.refused("did_witness_other", "did", "witness", log, by="first")
    assert not beside.exists()
    assert hands.json("did", "witness", log, by="seer")["approvals"] == "1 of 2"
    hands.refused("webvh_unwitnessed", "did", "resolve", log)
    assert hands.json("did", "witness", log, by="seer")["approvals"] == "1 of 2", "nobody counts twice"
    assert hands.json("did", "witness", log, by="watch")["approvals"] == "2 of 2"
    found = hands.json("did", "resolve", log)["didDocumentMetadata"]
    assert found["witness"]["threshold"] == "2"
    assert found["watchers"] == ["https://watch.example/"]
    hands.done("did", "rotate", log, "--next", hands.room / "third.key", by="second")
    hands.refused("webvh_unwitnessed", "did", "resolve", log)
    hands.done("did", "resolve", log, "--version-number", "1")
    moved = beside.rename(hands.room / "elsewhere.json")
    hands.refused("webvh_witness_file_missing", "did", "resolve", log)
    hands.refused("webvh_unwitnessed", "did", "resolve", log, "--witness", moved)
    hands.refused("did_witness_other", "did", "witness", shared_log(hands), by="seer")


def shared_log(hands: Hands) -> Path:
    """One without witnesses."""
    log = hands.room / "plain.jsonl"
    hands.done("did", "new", "acme.example", "--out", log, "--no-next", by="first")
    return log


def test_nothing_is_overwritten_and_nothing_left_out_by_oversight(hands: Hands) -> None:
    made(hands)
    log = hands.room / "did.jsonl"
    kept = log.read_bytes()
    hands.refused("file_exists", "did", "new", "a.example", "--out", log, "--no-next", by="first")
    hands.refused("did_place_malformed", "did", "new", "127.0.0.1", "--out", hands.room / "b", "--no-next", by="first")
    hands.refused(
        "did_place_malformed", "did", "new", "a.example/../b", "--out", hands.room / "b", "--no-next", by="first"
    )
    hands.refused("webvh_witness_malformed", *new(hands), "--witness", "did:key:z6Mk", by="first")
    for wrong in (
        ("did", "new", "a.example:x", "--out", str(hands.room / "b"), "--no-next"),
        ("did", "new", "a.example", "--out", str(hands.room / "b")),
        (*new(hands), "--threshold", "1"),
        (*new(hands)[:-1], "--next", str(hands.key("first"))),
        ("did", "rotate", str(log)),
        ("did", "rotate", str(log), "--no-next", "--next", "x.key"),
    ):
        hands.misused(*wrong, by="first")
    assert not (hands.room / "b").exists()
    assert log.read_bytes() == kept


def new(hands: Hands) -> tuple[str, ...]:
    return ("did", "new", "a.example", "--out", str(hands.room / "b"), "--no-next")


@pytest.mark.parametrize(
    ("location", "place"),
    [
        ("acme.example", "acme.example"),
        ("https://acme.example/", "acme.example"),
        ("https://acme.example/.well-known/did.jsonl", "acme.example"),
        ("acme.example:3000", "acme.example%3A3000"),
        ("https://ACME.example:3000/org/a/did.jsonl", "acme.example%3A3000:org:a"),
        ("acme.example/a b/~ü", "acme.example:a%20b:%7E%C3%BC"),
        ("bücher.example", "xn--bcher-kva.example"),
    ],
)
def test_places_as_people_write_them(location: str, place: str) -> None:
    from scripts.didlog import draft_at

    assert draft_at(location) == f"did:webvh:{{SCID}}:{place}"


@pytest.mark.usefixtures("offline")
def test_a_file_larger_than_any_log_is_not_read(hands: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("identity.webvh.log.LOG_BYTES_MAX", 1_000)
    file = hands.room / "did.jsonl"
    file.write_bytes(b"{}\n" * 1_000)
    hands.refused("webvh_log_too_large", "did", "resolve", file)


def test_a_replacement_that_fails_leaves_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from scripts.files import replace

    file = tmp_path / "did.jsonl"
    file.write_bytes(b"before")
    file.chmod(0o640)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("scripts.files.os.fsync", full)
        with pytest.raises(OSError, match="No space"):
            replace(file, b"after")
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("did.jsonl", b"before")]
    replace(file, b"after")
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"after", 0o640)
