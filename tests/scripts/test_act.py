"""Any kind of act; signed without a network; handed in one by one and many at once."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from ledger.statement import receive
from tests.scripts.house import Hands, run


@pytest.fixture(scope="module")
def factory(hands: Hands) -> str:
    return hands.join("factory")


@pytest.fixture(scope="module")
def audience(hands: Hands, factory: str) -> str:
    return (hands.home / "charters").read_text().strip()


def body_file(folder: Path, **body: object) -> Path:
    path = folder / "body.json"
    path.write_bytes(orjson.dumps(body))
    return path


def description(title: str) -> dict[str, object]:
    return {
        "title": title,
        "content": {"sha256": "A" * 43, "size": 1},
        "source": {"basis": "produced", "statement": "ours"},
        "classification": "general",
        "personal": False,
    }


def sign(hands: Hands, folder: Path, title: str, *more: str) -> bytes:
    """What ``sign`` makes of the registration of an asset, offline."""
    body = body_file(folder, **description(title))
    key = str(hands.key("factory"))
    made = run("sign", "asset.registered", "--body", body, *more, home=hands.home, CADASTRE_KEY=key)
    assert made.exit_code == 0, made.output
    return made.stdout.strip().encode()


def test_any_kind_can_be_said(hands: Hands, factory: str, tmp_path: Path) -> None:
    file = body_file(tmp_path, **description("by hand"))
    made = hands.json("act", "asset.registered", "--body", file, by="factory")
    assert made["kind"] == "asset.registered"
    hands.json(
        "act", "asset.retired", "--body", body_file(tmp_path, reason="test"), "--sub", made["subject"], by="factory"
    )
    assert hands.json("show", made["subject"])["state"]["status"] == "retired"


def test_the_body_comes_from_stdin_as_well(hands: Hands, factory: str) -> None:
    typed = orjson.dumps(description("from a pipe")).decode()
    assert "recorded: asset.registered" in hands.done(
        "act", "asset.registered", "--body", "-", by="factory", typed=typed
    )


def test_what_cannot_be_said_is_refused_before_it_is_sent(hands: Hands, factory: str, tmp_path: Path) -> None:
    file = body_file(tmp_path, **{**description("x"), "title": ""})
    assert "(at /payload/body/title)" in hands.refused(
        "body_malformed", "act", "asset.registered", "--body", file, by="factory"
    )
    hands.refused("kind_unknown", "act", "asset.annotated", "--body", file, by="factory")
    told = hands.misused("act", "asset.registered", "--body", file, "--hide", "/title", by="factory")
    assert "'/title' cannot be private in asset.registered; what can: nothing" in told
    named = body_file(tmp_path, name="Hush Ltd")
    hands.refused("pointer_astray", "act", "party.joined", "--body", named, "--hide", "contact", by="newcomer")
    reason = body_file(tmp_path, reason="x")
    hands.refused("subject_not_fitting", "act", "asset.retired", "--body", reason, "--sub", factory, by="factory")


def test_a_private_field_is_hidden_from_the_ledger(hands: Hands, tmp_path: Path) -> None:
    file = body_file(tmp_path, name="Hush Ltd", contact={"email": "hush@example.com"})
    made = hands.json("act", "party.joined", "--body", file, "--hide", "/name", "--hide", "/contact", by="quiet")
    assert "withheld" in hands.done("show", made["subject"])
    assert "Hush" not in hands.done("show", made["subject"], "--json")


def test_an_act_is_signed_without_a_network_and_handed_in_later(hands: Hands, audience: str, tmp_path: Path) -> None:
    sent = sign(hands, tmp_path, "offline")
    statement = receive(sent)
    assert statement.claims.aud == audience
    assert statement.claims.exp - statement.claims.iat == 86_400
    file = tmp_path / "act.jws"
    file.write_bytes(sent + b"\n")
    first = hands.json("submit", file)
    again = hands.json("submit", file)
    assert (first["again"], again["again"]) == (False, True)
    assert first["index"] == again["index"]
    assert first["subject"] in statement.opened.values()


def test_acts_can_be_chained_offline_by_their_ids(hands: Hands, audience: str, tmp_path: Path) -> None:
    opened = receive(first := sign(hands, tmp_path, "chained"))
    asset = opened.opened["asset"]
    arguments = ("asset.retired", "--body", body_file(tmp_path, reason="test"), "--sub", asset)
    out = tmp_path / "second.jws"
    hands.done("sign", *arguments, "--prev", f"{asset}={opened.id}", "--out", out, by="factory")
    both = tmp_path / "both"
    both.write_bytes(first + b"\n" + out.read_bytes())
    hands.done("submit", both)
    assert hands.json("show", asset)["state"]["status"] == "retired"


def test_what_sign_needs_to_know_is_wrong_use_to_leave_out(hands: Hands, audience: str, tmp_path: Path) -> None:
    file = body_file(tmp_path, **description("x"))
    key = str(hands.key("factory"))
    nowhere = run("sign", "asset.registered", "--body", file, home=tmp_path / "new", CADASTRE_KEY=key)
    assert nowhere.exit_code == 2
    assert "--audience" in nowhere.stderr
    given = run(
        "sign", "asset.registered", "--body", file, "--audience", audience, home=tmp_path / "new", CADASTRE_KEY=key
    )
    assert given.exit_code == 0
    hands.misused("sign", "asset.registered", "--body", file, "--prev", "nonsense", by="factory")
    hands.misused("sign", "asset.registered", "--body", file, "--valid-for", "soon", by="factory")


def test_a_pin_that_is_left_out_is_named_with_where_it_is_found(hands: Hands, audience: str, tmp_path: Path) -> None:
    asset = f"asset_{'0' * 26}"
    retired = ("sign", "asset.retired", "--body", body_file(tmp_path, reason="x"), "--sub", asset)
    said = hands.refused("pins_not_fitting", *retired, by="factory")
    assert f"asset.retired also pins {asset}" in said
    assert "--prev ID=LAST with 'last' of cadastre show ID" in said


def test_a_ledger_that_is_named_is_asked_for_audience_and_pins(hands: Hands, factory: str, tmp_path: Path) -> None:
    made = hands.json("act", "asset.registered", "--body", body_file(tmp_path, **description("asked")), by="factory")
    retired = ("sign", "asset.retired", "--body", body_file(tmp_path, reason="x"), "--sub", made["subject"])
    home, key = tmp_path / "elsewhere", str(hands.key("factory"))
    signed = run(*retired, "--ledger", hands.url, home=home, CADASTRE_KEY=key)
    assert signed.exit_code == 0, signed.output
    assert receive(signed.stdout.strip().encode()).claims.prev == {made["subject"]: made["id"]}
    file = tmp_path / "act.jws"
    file.write_text(signed.stdout)
    assert hands.json("submit", file)["subject"] == made["subject"]


def test_what_is_signed_never_overwrites_a_file(hands: Hands, audience: str, tmp_path: Path) -> None:
    file = body_file(tmp_path, **description("x"))
    said = hands.refused("file_exists", "sign", "asset.registered", "--body", file, "--out", file, by="factory")
    assert "choose another name" in said
    assert file.read_bytes().startswith(b"{")


def test_a_batch_gets_one_verdict_a_line_and_a_bad_one_does_not_sink_it(
    hands: Hands, audience: str, tmp_path: Path
) -> None:
    good = [sign(hands, tmp_path, f"batch {number}") for number in range(3)]
    forged = good[2][:-4] + (b"AAAA" if good[2][-4:] != b"AAAA" else b"BBBA")
    file = tmp_path / "batch.ndjson"
    lines = [good[0], b'{"statement":"%s"}' % good[1], b"", b'{"statement":"nonsense"}', forged, good[2]]
    file.write_bytes(b"\n".join(lines) + b"\n")
    result = hands.run("submit", file, "--json")
    assert result.exit_code == 1
    assert orjson.loads(result.stderr.splitlines()[-1])["detail"] == "2 of 5 statements"
    assert "batch_refused" in result.stderr
    verdicts = [orjson.loads(line) for line in result.stdout.splitlines()]
    assert [verdict["line"] for verdict in verdicts] == [1, 2, 3, 4, 5]
    assert [verdict.get("code") for verdict in verdicts] == [
        None,
        None,
        "statement_malformed",
        "signature_invalid",
        None,
    ]
    good_ones = tmp_path / "good"
    good_ones.write_bytes(b"\n".join(good))
    assert hands.done("submit", good_ones).count("recorded before") == 3


def test_what_is_no_file_of_statements_is_told(hands: Hands, tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_bytes(b"\n\n")
    hands.refused("nothing_to_submit", "submit", file)
    file.write_bytes(b'{"no":"statement"}\n')
    hands.misused("submit", file)
    hands.refused("file_failed", "submit", tmp_path / "missing")
