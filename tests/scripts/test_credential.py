"""Credentials on the command line: issued, listed, presented and verified, all of it from files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from identity.credential.form import CONTEXT, UNDEFINED_TERMS
from identity.did import did_of, kid_of, multibase_of
from identity.keys import SigningKey, read_key
from identity.proof import sign_proof
from identity.webvh import advance, draft_did, first_line, format_log, next_line
from tests.scripts.house import run

URL = "https://works.example/status/3"
START = 1_780_000_000


class Desk:
    """Somebody's folder, in which commands are run and files are known by their names."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name, type_ in (("assessor", "ed25519"), ("factory", "ed25519"), ("hardware", "p256")):
            assert run("key", "new", folder / f"{name}.key", "--type", type_, home=folder).exit_code == 0
        self.write("body.json", type=["VerifiableCredential", "Assessment"], credentialSubject={"quality": 0.98})

    def write(self, name: str, **said: Any) -> None:
        (self.folder / name).write_text(json.dumps({"@context": [CONTEXT, UNDEFINED_TERMS]} | said))

    def key(self, name: str) -> SigningKey:
        return read_key(self.folder / f"{name}.key")

    def did(self, name: str) -> str:
        return did_of(self.key(name).public)

    def done(self, *arguments: str) -> str:
        ended = run("credential", *self._found(arguments), home=self.folder)
        assert ended.exit_code == 0, ended.output
        return ended.stdout

    def refused(self, *arguments: str) -> str:
        """The first line on stderr: the word, the code, the reason."""
        ended = run("credential", *self._found(arguments), home=self.folder)
        assert ended.exit_code == 1, ended.output
        return ended.stderr.split("\n")[0]

    def misused(self, *arguments: str) -> str:
        ended = run("credential", *self._found(arguments), home=self.folder)
        assert ended.exit_code == 2, ended.output
        return ended.stderr

    def issued(self, out: str, *more: str, by: str = "assessor") -> str:
        self.done("issue", "--body", "body.json", "--as", f"{by}.key", "--out", out, *more)
        return out

    def _found(self, arguments: Sequence[str]) -> list[str | Path]:
        files = (".json", ".jwt", ".key", ".jsonl")
        return [self.folder / one if one.endswith(files) and "/" not in one else one for one in arguments]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_what_is_issued_verifies_and_says_who_said_what(desk: Desk) -> None:
    shown = desk.done("verify", desk.issued("a.json"))
    assert shown.startswith(
        f"proven: a credential by {desk.did('assessor')}\n  types        VerifiableCredential, Assess"
    )
    said = json.loads(desk.done("verify", desk.issued("b.jwt", "--jwt", by="hardware"), "--json"))
    (one,) = said["credentials"]
    assert one["issuer"] == desk.did("hardware")
    assert one["document"]["credentialSubject"] == {"quality": 0.98}
    assert one["status"] == []


def test_an_issuer_is_asked_for_by_name(desk: Desk) -> None:
    issued = desk.issued("a.json")
    desk.done("verify", issued, "--issuer", "did:example:1", "--issuer", desk.did("assessor"))
    assert desk.refused("verify", issued, "--issuer", desk.did("factory")).startswith(
        f"disproven: credential_issuer_other: {desk.did('assessor')} "
    )


def test_a_presentation_of_nothing_is_from_no_issuer_that_was_asked_for(desk: Desk) -> None:
    key, asked = desk.key("factory"), {"challenge": "1", "domain": "bank"}
    bare = {"@context": [CONTEXT], "type": ["VerifiablePresentation"], "holder": desk.did("factory")}
    signed = sign_proof(bare, key, kid_of(key.public), START, "authentication", **asked)
    (desk.folder / "bare.json").write_text(json.dumps(signed))
    desk.done("verify", "bare.json", "--challenge", "1", "--domain", "bank")
    assert desk.refused("verify", "bare.json", "--issuer", desk.did("assessor")).endswith("holds no credential")


def test_what_was_changed_is_disproven(desk: Desk) -> None:
    said = json.loads((desk.folder / desk.issued("a.json")).read_text())
    desk.write("b.json", **said | {"credentialSubject": {"quality": 1}})
    assert desk.refused("verify", "b.json").startswith("disproven: proof_invalid: ")
    jwt = (desk.folder / desk.issued("c.jwt", "--jwt")).read_text()
    (desk.folder / "d.jwt").write_text(jwt[:-20] + "AAAAAAAAAAAAAAAAAA")
    assert desk.refused("verify", "d.jwt").startswith("disproven: ")


def test_a_credential_is_revoked_by_its_list(desk: Desk) -> None:
    issued = desk.issued("a.json", "--status", URL, "--index", "94567")
    assert desk.refused("verify", issued).startswith(f"refused: status_list_missing: {URL} ")
    desk.done("verify", issued, "--no-status")
    desk.done("status", "--id", URL, "--as", "assessor.key", "--out", "l.json")
    assert "revocation  unset" in desk.done("verify", issued, "--status", "l.json")
    desk.done("status", "--from", "l.json", "--set", "94567", "--set", "7", "--as", "assessor.key", "--out", "m.json")
    assert desk.refused("verify", issued, "--status", "m.json").startswith("disproven: credential_revoked: ")
    by_another = ("status", "--id", URL, "--as", "factory.key", "--out", "n.json")
    desk.done(*by_another)
    assert desk.refused("verify", issued, "--status", "n.json").startswith("disproven: status_list_other: ")
    trusted = ("--status-issuer", desk.did("factory"))
    assert "revocation  unset" in desk.done("verify", issued, "--status", "n.json", *trusted)


def test_a_suspension_is_lifted_and_a_revocation_is_not(desk: Desk) -> None:
    suspending = ("--purpose", "suspension")
    issued = desk.issued("a.jwt", "--jwt", "--status", URL, "--index", "5", *suspending)
    desk.done("status", "--id", URL, "--set", "5", "--as", "assessor.key", "--out", "l.jwt", "--jwt", *suspending)
    assert desk.refused("verify", issued, "--status", "l.jwt").startswith("disproven: credential_suspended: ")
    desk.done("status", "--from", "l.jwt", "--clear", "5", "--as", "assessor.key", "--out", "m.json")
    assert "suspension   unset" in desk.done("verify", issued, "--status", "m.json")
    desk.done("status", "--id", URL, "--set", "5", "--as", "assessor.key", "--out", "r.json")
    clearing = ("status", "--from", "r.json", "--clear", "5", "--as", "assessor.key", "--out", "s.json")
    assert "what was revoked stays revoked" in desk.misused(*clearing)
    outside = ("status", "--id", URL, "--set", "131072", "--as", "assessor.key", "--out", "t.json")
    assert desk.refused(*outside).startswith("refused: status_index_outside: ")


@pytest.mark.parametrize("sort", ["json", "jwt"])
def test_a_presentation_answers_whoever_asked(desk: Desk, sort: str) -> None:
    as_jwt = ["--jwt"] if sort == "jwt" else []
    issued = [desk.issued(f"{number}.{sort}", *as_jwt) for number in range(2)]
    asked = ("--challenge", "7f1c", "--domain", "bank.example")
    desk.done("present", *issued, "--as", "factory.key", *asked, "--out", f"p.{sort}", *as_jwt)
    said = json.loads(desk.done("verify", f"p.{sort}", *asked, "--json"))
    assert said["holder"] == desk.did("factory")
    assert [one["issuer"] for one in said["credentials"]] == [desk.did("assessor")] * 2
    assert "proven: a presentation by " in desk.done("verify", f"p.{sort}")
    other = ("--challenge", "8a", "--domain", "bank.example")
    assert desk.refused("verify", f"p.{sort}", *other).startswith("disproven: presentation_challenge: ")
    assert "answers no challenge" in desk.misused("verify", issued[0], *asked)


def test_an_organisation_s_keys_are_in_its_log(desk: Desk) -> None:
    key = desk.key("assessor")
    did, name = draft_did("works.example", ["org", "acme"]), multibase_of(key.public)
    method = {"id": f"{did}#{name}", "type": "Multikey", "controller": did, "publicKeyMultibase": name}
    document = {"@context": ["https://www.w3.org/ns/did/v1"], "id": did, "verificationMethod": [method]}
    document |= {purpose: [method["id"]] for purpose in ("assertionMethod", "authentication")}
    line = first_line(document, key, START, next_key_hashes=[])
    (desk.folder / "did.jsonl").write_bytes(format_log([line]))
    organisation = line["state"]["id"]
    desk.write("body.json", type="VerifiableCredential", issuer=organisation, credentialSubject={"quality": 1})

    issued = desk.issued("a.json")
    assert desk.refused("verify", issued).startswith(f"refused: did_keys_missing: {organisation}")
    assert f"proven: a credential by {organisation}" in desk.done("verify", issued, "--did-log", "did.jsonl")
    asked = ("--challenge", "7f1c", "--domain", "bank.example")
    holding = ("--holder", organisation, "--as", "assessor.key")
    desk.done("present", issued, *holding, *asked, "--out", "p.json")
    assert f"by {organisation}" in desk.done("verify", "p.json", *asked, "--did-log", "did.jsonl")
    by_another = desk.issued("b.json", by="factory")
    assert desk.refused("verify", by_another, "--did-log", "did.jsonl").startswith("disproven: did_key_unknown: ")
    last = next_line(advance(None, line, START), key, START + 1, update_keys=[], deactivated=True)
    (desk.folder / "left.jsonl").write_bytes(format_log([line, last]))
    assert desk.refused("verify", issued, "--did-log", "left.jsonl").startswith("disproven: did_deactivated: ")


def test_one_who_presents_what_is_about_another_is_told_of(desk: Desk) -> None:
    for about, beware in ((desk.did("factory"), False), (desk.did("assessor"), True)):
        name = "own" if about == desk.did("factory") else "others"
        desk.write("body.json", type="VerifiableCredential", credentialSubject={"id": about})
        asked, made = ("--challenge", "7f1c", "--domain", "bank.example"), f"{name}.vp.json"
        desk.done("present", desk.issued(f"{name}.json"), "--as", "factory.key", *asked, "--out", made)
        assert ("it is not about who presents it" in desk.done("verify", made, *asked)) == beware
        (one,) = json.loads(desk.done("verify", made, *asked, "--json"))["credentials"]
        assert one["aboutHolder"] != beware


def test_a_credential_holds_for_its_time(desk: Desk) -> None:
    desk.write("body.json", type="VerifiableCredential", validUntil="2030-01-01T00:00:00Z", credentialSubject={"a": 1})
    issued = desk.issued("a.json")
    assert "validUntil   2030-01-01T00:00:00Z" in desk.done("verify", issued)
    assert desk.refused("verify", issued, "--at", "2031-01-01").startswith("disproven: credential_expired: ")
    assert desk.refused("verify", issued, "--at", "2020-01-01").startswith("disproven: credential_early: ")


def test_what_cannot_be_issued_is_refused_and_nothing_is_written(desk: Desk) -> None:
    desk.write("body.json", type="VerifiableCredential", issuer=desk.did("factory"), credentialSubject={"a": 1})
    issuing = ("issue", "--body", "body.json", "--as", "assessor.key", "--out", "a.json")
    assert desk.refused(*issuing).startswith("refused: credential_key_other: ")
    desk.write("body.json", type="VerifiableCredential")
    assert desk.refused(*issuing).startswith("refused: credential_malformed: missing (at /credentialSubject)")
    assert not (desk.folder / "a.json").exists()
    assert "go together" in desk.misused(*issuing, "--status", URL)
    assert "--id of a list" in desk.misused("status", "--as", "assessor.key", "--out", "a.json")
    desk.write("a.json")
    assert desk.refused(*issuing).startswith("refused: file_exists: ")


def test_a_file_that_is_neither_is_refused(desk: Desk) -> None:
    (desk.folder / "x.json").write_bytes(b"\xff\xfe")
    assert desk.refused("verify", "x.json").startswith("disproven: envelope_malformed: ")
    (desk.folder / "y.jwt").write_text("a.b.c")
    assert desk.refused("verify", "y.jwt").startswith("disproven: ")
    (desk.folder / "z.json").write_bytes(b"{" + b" " * (9 << 20))
    assert desk.refused("verify", "z.json").startswith("disproven: credential_too_large: ")


def test_verify_says_where_credentials_are_verified(desk: Desk) -> None:
    issued = [desk.issued("a.json"), desk.issued("b.jwt", "--jwt")]
    asked = ("--challenge", "7f1c", "--domain", "bank.example")
    desk.done("present", issued[0], "--as", "factory.key", *asked, "--out", "p.json")
    desk.done("present", issued[1], "--as", "factory.key", *asked, "--out", "p.jwt", "--jwt")
    for file in (desk.folder / name for name in (*issued, "p.json", "p.jwt")):
        ended = run("verify", file, home=desk.folder)
        assert ended.exit_code == 1
        assert ended.stderr.startswith(f"refused: form_credential: {file} holds a credential or a presentation")
        assert f"next: verify it with: cadastre credential verify {file}\n" in ended.stderr
    for data in (b"{", b"{}", b'{"type": [1]}', b"a.b.c", b"\xff.\xff", b"[" * 10_000):
        (desk.folder / "x").write_bytes(data)
        assert run("verify", desk.folder / "x", home=desk.folder).stderr.startswith("refused: form_unknown: ")


def test_a_list_that_is_missing_is_asked_for_by_the_options_that_name_it(desk: Desk) -> None:
    issued = desk.issued("a.json", "--status", URL, "--index", "7")
    advice = run("credential", "verify", desk.folder / issued, home=desk.folder).stderr.split("\n")[1]
    assert "--status FILE" in advice
    assert "--ledger URL" in advice
