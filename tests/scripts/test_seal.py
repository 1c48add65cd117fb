"""Files sealed and opened by the command: by every sort of key, whole or not at all."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from typer.testing import Result

from identity.recipient import Opener
from identity.sealed import CHUNK_BYTES
from scripts.command import Halted
from scripts.files import made_whole
from scripts.seal import _keys_of
from scripts.session import session
from tests.scripts.house import ROOT, Hands, run
from tests.waiting import eventually

CONTENT = b"spindle vibration\n" * 10_000  # three chunks


class Room:
    """Some keys, a file, and hands without a ledger."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.data = path / "data.csv"
        self.data.write_bytes(CONTENT)

    def run(self, *arguments: str | Path, typed: str | None = None) -> Result:
        return run(*arguments, home=self.path / "home", typed=typed)

    def done(self, *arguments: str | Path, typed: str | None = None) -> str:
        result = self.run(*arguments, typed=typed)
        assert result.exit_code == 0, result.output
        return result.stdout

    def key(self, type_: str, *more: str, typed: str | None = None) -> Path:
        file = self.path / f"{type_}.key"
        if not file.exists():
            self.done("key", "new", file, "--type", type_, *more, typed=typed)
        return file

    def public(self, type_: str) -> str:
        return self.done("key", "show", self.key(type_), "--public").strip()

    def sealed(self, *to: str | Path) -> Path:
        out = self.path / f"sealed-{len(list(self.path.iterdir()))}"
        self.done("seal", self.data, *(part for one in to for part in ("--to", one)), "--out", out)
        return out

    def refused(self, code: str, *arguments: str | Path, exit_code: int = 1) -> str:
        """Stderr of a command that is refused by this code and leaves the folder as it was."""
        before = sorted(self.path.iterdir())
        result = self.run(*arguments)
        assert result.exit_code == exit_code, result.output
        assert f"refused: {code}: " in result.stderr
        assert "\nnext: " in result.stderr
        assert sorted(self.path.iterdir()) == before
        return result.stderr


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


@pytest.mark.parametrize("type_", ["ed25519", "x25519", "mlkem768-x25519"])
def test_what_is_sealed_to_a_key_is_opened_with_its_file(room: Room, type_: str) -> None:
    key, out = room.key(type_), room.path / "out"
    file = room.sealed(key)
    assert CONTENT[:18] not in file.read_bytes()
    assert room.done("unseal", file, "--as", key, "--out", out) == f"opened: {out}, {len(CONTENT)} bytes\n"
    assert out.read_bytes() == CONTENT
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert file.stat().st_mode == room.data.stat().st_mode  # to be passed on


def test_recipients_are_named_in_every_way_and_counted_once(room: Room) -> None:
    types = ("ed25519", "x25519", "mlkem768-x25519")
    did = orjson.loads(room.done("key", "show", room.key("ed25519"), "--json"))["did"]
    listed = room.path / "partners.pub"
    listed.write_text(f"# those who may\n{did}\n\n{room.public('mlkem768-x25519')}\n")
    out = room.path / "out.sealed"
    ways = [did, room.key("ed25519"), room.public("ed25519"), room.public("x25519"), listed]
    result = room.run("seal", room.data, *(part for one in ways for part in ("--to", one)), "--out", out, "--json")
    assert result.exit_code == 0, result.output
    assert orjson.loads(result.stdout) == {
        "file": str(out),
        "bytes": out.stat().st_size,
        "recipients": [room.public(type_) for type_ in types[:2]] + [room.public("mlkem768-x25519")],
    }
    assert "as safe as the weakest" in orjson.loads(result.stderr)["note"]
    for type_ in types:
        opened = room.path / f"opened-{type_}"
        shown = orjson.loads(room.done("unseal", out, "--as", room.key(type_), "--out", opened, "--json"))
        assert shown == {"file": str(opened), "bytes": len(CONTENT)}
        assert opened.read_bytes() == CONTENT


def test_hybrid_keys_alone_need_no_note(room: Room) -> None:
    result = room.run("seal", room.data, "--to", room.key("mlkem768-x25519"), "--out", room.path / "x")
    assert (result.exit_code, result.stderr) == (0, "")


def test_a_key_to_receive_with_is_shown_and_signs_nothing(room: Room) -> None:
    for type_, begins in (("x25519", "z6LS"), ("mlkem768-x25519", "mlkem768-x25519:")):
        shown = orjson.loads(room.done("key", "show", room.key(type_), "--json"))
        assert (shown["type"], shown["publicKey"]) == (type_, room.public(type_))
        assert shown["publicKey"].startswith(begins)
        room.refused("key_type_unsupported", "join", "--as", room.key(type_), "--name", "Blade Works")
        room.refused("log_key_type", "key", "show", room.key(type_), "--origin", "house.example/ledger")
    room.refused("recipient_type", "key", "show", room.key("p256"), "--public")


def test_a_key_behind_a_passphrase_asks_once(room: Room) -> None:
    key = room.key("mlkem768-x25519", "--passphrase", typed="secret\nsecret\n")
    out = room.path / "out"
    room.done("key", "show", key, typed="secret\n")
    room.done("seal", room.data, "--to", key, "--out", room.path / "x", typed="secret\n")
    room.done("unseal", room.path / "x", "--as", key, "--out", out, typed="secret\n")
    assert out.read_bytes() == CONTENT


def test_nothing_is_sealed_to_what_is_no_recipient(room: Room) -> None:
    out = ("--out", room.path / "x")
    p256 = orjson.loads(room.done("key", "show", room.key("p256"), "--json"))["did"]
    room.refused("recipient_type", "seal", room.data, "--to", p256, *out)
    room.refused("recipient_type", "seal", room.data, "--to", room.key("p256"), *out)
    notes, empty = room.path / "notes.txt", room.path / "empty.pub"
    notes.write_text("call the works\n")
    empty.write_text("# nobody\n")
    room.refused("recipient_malformed", "seal", room.data, "--to", notes, *out)
    for nobody in ("works", "zebra"):
        misused = room.run("seal", room.data, "--to", nobody, *out)
        assert misused.exit_code == 2
        assert nobody in misused.stderr
    for no_list in (empty, room.data):
        assert room.run("seal", room.data, "--to", no_list, *out).exit_code == 2
    assert room.run("seal", room.data, *out).exit_code == 2
    assert not out[1].exists()


def test_a_key_in_a_token_receives_nothing(room: Room) -> None:
    token = "pkcs11:token=works;object=signing"
    file = room.sealed(room.key("x25519"))
    room.refused("recipient_type", "unseal", file, "--as", token, "--out", room.path / "x")
    room.refused("recipient_type", "key", "new", token, "--type", "x25519")
    room.refused("recipient_type", "key", "show", token, "--public")
    said = room.refused(
        "recipient_type", "seal", room.data, "--to", f"{token};pin-value=2468", "--out", room.path / "x"
    )
    assert "2468" not in said


def test_nothing_is_overwritten(room: Room) -> None:
    key = room.key("x25519")
    file = room.sealed(key)
    room.refused("file_exists", "seal", room.data, "--to", key, "--out", room.data)
    room.refused("file_exists", "unseal", file, "--as", key, "--out", room.data)
    room.refused("file_failed", "seal", room.data, "--to", key, "--out", room.path / "none" / "x")
    room.refused("file_failed", "seal", room.path / "none", "--to", key, "--out", room.path / "x")
    assert room.data.read_bytes() == CONTENT


def test_content_is_not_written_to_stdout_before_it_is_verified(room: Room) -> None:
    key = room.key("x25519")
    sealed = room.sealed(key)
    for command in (("seal", sealed, "--to", key), ("unseal", sealed, "--as", key)):
        result = room.run(*command, "--out", "-")
        assert (result.exit_code, "name a file" in result.stderr) == (2, True)
    assert not Path("-").exists()


def test_another_key_opens_nothing(room: Room) -> None:
    file = room.sealed(room.key("x25519"))
    said = room.refused("sealed_for_others", "unseal", file, "--as", room.key("ed25519"), "--out", room.path / "x")
    assert "sealed for 1 (x25519)" in said


def test_what_was_changed_or_cut_leaves_nothing(room: Room) -> None:
    key, out = room.key("x25519"), room.path / "out"
    file = room.sealed(key)
    data = file.read_bytes()
    for code, wrong in (
        ("sealed_changed", data[:-1] + bytes([data[-1] ^ 1])),
        ("sealed_changed", data + b"\0"),
        ("sealed_changed", data[:-1]),
        ("sealed_truncated", data[: len(data) - (len(CONTENT) - 2 * CHUNK_BYTES + 17)]),
        ("sealed_malformed", data[1:]),
        ("sealed_version", data.replace(b"/1", b"/9", 1)),
        ("sealed_malformed", CONTENT),
    ):
        file.write_bytes(wrong)
        room.refused(code, "unseal", file, "--as", key, "--out", out)


def test_more_than_64_recipients_are_refused(room: Room) -> None:
    listed = room.path / "all.pub"
    listed.write_text("\n".join(str(Opener.generate("x25519").public) for _ in range(65)))
    room.refused("sealed_recipients", "seal", room.data, "--to", listed, "--out", room.path / "x")


def test_a_problem_is_told_as_json(room: Room) -> None:
    file = room.sealed(room.key("x25519"))
    result = room.run("unseal", file, "--as", room.key("ed25519"), "--out", room.path / "x", "--json")
    assert result.exit_code == 1
    assert orjson.loads(result.stderr)["code"] == "sealed_for_others"


def test_a_name_that_is_taken_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "x"

    def make() -> None:
        with made_whole(path) as file:
            file.write(b"mine")
            path.write_bytes(b"theirs")

    with pytest.raises(FileExistsError):
        make()
    assert path.read_bytes() == b"theirs"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_system_without_hard_links_gets_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unable(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "link", unable)
    monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    path = tmp_path / "x"
    with made_whole(path) as file:
        file.write(b"mine")
    with pytest.raises(FileExistsError), made_whole(path) as file:
        file.write(b"other")
    assert path.read_bytes() == b"mine"
    assert list(tmp_path.iterdir()) == [path]


def test_a_stream_is_sealed_and_opened_and_an_interrupted_one_leaves_nothing(room: Room) -> None:
    key, out = room.key("x25519"), room.path / "piped"
    room.done("seal", "-", "--to", key, "--out", out, typed=CONTENT.decode())
    room.done("unseal", out, "--as", key, "--out", room.path / "opened")
    assert (room.path / "opened").read_bytes() == CONTENT


@pytest.mark.parametrize("ended", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_opening_that_is_interrupted_or_killed_leaves_nothing(room: Room, ended: signal.Signals) -> None:
    if not hasattr(os, "O_TMPFILE") and ended != signal.SIGINT:
        pytest.skip("needs files without a name, as Linux has them")
    key, place = room.key("x25519"), room.path / "place"
    place.mkdir()
    data = room.sealed(key).read_bytes()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CADASTRE_")}
    command = [sys.executable, "-m", "scripts.main", "unseal", "-", "--as", str(key), "--out", str(place / "out")]
    opening = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    assert opening.stdin is not None
    opening.stdin.write(data[: 2 * CHUNK_BYTES])
    opening.stdin.flush()
    eventually(lambda: _begun(opening.pid, place), "nothing is written")
    assert not (place / "out").exists()
    opening.send_signal(ended)
    opening.communicate(timeout=60)
    assert opening.returncode != 0
    assert list(place.iterdir()) == []


def _begun(pid: int, place: Path) -> bool:
    """Whether a process has a file open in this folder, with a name or without."""
    if list(place.iterdir()):
        return True
    return any(_leads_into(one, place) for one in Path(f"/proc/{pid}/fd").iterdir())


def _leads_into(descriptor: Path, place: Path) -> bool:
    try:
        return descriptor.readlink().is_relative_to(place)
    except FileNotFoundError:  # it was closed meanwhile
        return False


@pytest.fixture(scope="module")
def party(hands: Hands) -> str:
    return hands.join("receiver")


def test_a_party_receives_with_the_key_it_joined_with(hands: Hands, party: str, room: Room) -> None:
    file, out = room.path / "x", room.path / "out"
    hands.done("seal", room.data, "--to", party, "--out", file)
    hands.done("unseal", file, "--out", out, by="receiver")
    assert out.read_bytes() == CONTENT


def test_a_party_that_signs_with_p256_receives_nothing(hands: Hands, room: Room) -> None:
    shown = hands.json("join", "--as", room.key("p256"), "--name", "P-256 Works")
    said = hands.refused("recipient_type", "seal", room.data, "--to", shown["subject"], "--out", room.path / "x")
    assert "ES256" in said
    hands.refused("party_absent", "seal", room.data, "--to", "party_" + "0" * 26, "--out", room.path / "x")


def test_a_ledger_cannot_name_a_key_of_its_own(hands: Hands, party: str, monkeypatch: pytest.MonkeyPatch) -> None:
    other = hands.join("liar")
    monkeypatch.setenv("CADASTRE_HOME", str(hands.home))
    with session(hands.url) as at:
        honest, index = at.client.subject(party), at.index_of
        liar = at.client.subject(other)
        assert _keys_of(at, party) == honest.state["dids"]
        for lie in (
            honest.model_copy(update={"state": {**honest.state, "dids": liar.state["dids"]}}),
            honest.model_copy(update={"state": {**honest.state, "dids": honest.state["dids"] + liar.state["dids"]}}),
            liar,
        ):
            monkeypatch.setattr(at.client, "subject", lambda *_, lie=lie: lie)
            for place in (index(party), index(other)):
                monkeypatch.setattr(at, "index_of", lambda _, place=place: place)
                with pytest.raises(Halted) as halted:
                    _keys_of(at, party)
                assert halted.value.code == "party_key_unproven"


def test_a_party_with_a_did_webvh_receives_with_the_keys_of_its_document(hands: Hands, tmp_path: Path) -> None:
    name = f"{tmp_path.name}-works"
    hands.done("did", "new", "works.example/org", "--as", hands.key(f"{name}-update"), "--next",
               str(tmp_path / "next.key"), "--key", hands.key(name), "--out", tmp_path / "did.jsonl")  # fmt: skip
    party = hands.json("join", "--name", "Works", "--did-log", tmp_path / "did.jsonl", by=name)["subject"]
    plain, sealed, opened = tmp_path / "plain", tmp_path / "sealed", tmp_path / "opened"
    plain.write_bytes(b"for the works alone")
    hands.done("seal", plain, "--to", party, "--out", sealed)
    hands.refused("sealed_for_others", "unseal", sealed, "--as", hands.key("somebody"), "--out", opened)
    hands.done("unseal", sealed, "--as", hands.key(name), "--out", opened)
    assert opened.read_bytes() == b"for the works alone"


def test_a_did_that_is_no_key_leads_to_the_partys_id(hands: Hands, room: Room) -> None:
    did = "did:webvh:QmRetfz4LMmVSr6CTzWr2Hfz9TtqbDn3bDqd1KPaYyJBgR:works.example:org"
    told = hands.refused("party_key_unproven", "seal", room.data, "--to", did, "--out", room.path / "x")
    assert f"cadastre show {did}" in told
