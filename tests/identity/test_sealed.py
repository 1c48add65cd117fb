"""Sealed files: whatever is cut, swapped, doubled, appended or changed is refused, and nothing else is."""

from __future__ import annotations

import subprocess
import sys
from base64 import b64decode, b64encode
from collections.abc import Sequence
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st
from nacl import bindings as sodium

from identity.errors import Malformed, Problem, Unverifiable
from identity.recipient import Opener, Recipient
from identity.sealed import CHUNK_BYTES, MAGIC, RECIPIENTS_MAX, read_header, seal, unseal

KEY = bytes(range(32))
MINE = Opener.from_ed25519(b"\1" * 32)
OTHER = Opener.from_ed25519(b"\2" * 32)
HYBRID = Opener.generate("mlkem768-x25519")
WHOLE = CHUNK_BYTES + 17


def sealed(content: bytes, *to: Recipient) -> bytes:
    target, told = BytesIO(), [0]
    seal(BytesIO(content), target, to or [MINE.public], KEY, lambda done: told.append(done))
    assert sum(told) == len(content)
    return target.getvalue()


def opened(data: bytes, opener: Opener = MINE) -> bytes:
    target, told = BytesIO(), [0]
    unseal(BytesIO(data), target, opener, lambda done: told.append(done))
    assert sum(told) == len(data)
    return target.getvalue()


def code_of(data: bytes, opener: Opener = MINE) -> str:
    with pytest.raises(Problem) as refused:
        opened(data, opener)
    assert isinstance(refused.value, (Malformed, Unverifiable))
    return refused.value.code


def parts(data: bytes) -> tuple[bytes, list[bytes]]:
    """What stands before the chunks, and these."""
    source = BytesIO(data)
    read_header(source)
    source.read(24)
    begin = source.tell()
    return data[:begin], [data[at : at + WHOLE] for at in range(begin, len(data), WHOLE)]


def made(chunks: Sequence[tuple[bytes, int]], *, data_key: bytes = KEY, commitment: bytes | None = None) -> bytes:
    """A sealed file as whoever has the data key can make it: any chunks under any tags, as docs/format.md tells."""
    lines = MAGIC + b"x25519 " + b64encode(MINE.public.seal(data_key)) + b"\n"
    derived = HKDF(hashes.SHA512(), 64, sha256(lines).digest(), b"cadastre-sealed/1").derive(KEY)
    header = lines + b"commitment " + b64encode(commitment or derived[:32]) + b"\n"
    state = sodium.crypto_secretstream_xchacha20poly1305_state()
    data = header + sodium.crypto_secretstream_xchacha20poly1305_init_push(state, derived[32:])
    bound = sha256(header).digest()
    for content, tag in chunks:
        data += sodium.crypto_secretstream_xchacha20poly1305_push(state, content, bound, tag)
    return data


MESSAGE, PUSH, REKEY, FINAL = range(4)


@pytest.mark.parametrize(
    "size",
    [0, 1, 100, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES - 1, 2 * CHUNK_BYTES, 200_000],
)
def test_a_content_of_any_size_is_opened_again(size: int) -> None:
    content = bytes(place % 251 for place in range(size))
    data = sealed(content)
    assert opened(data) == content
    before, chunks = parts(data)
    assert len(chunks) == max(1, -(-size // CHUNK_BYTES))
    assert len(data) == len(before) + size + 17 * len(chunks)


def test_a_file_is_made_as_the_format_says() -> None:
    assert opened(made([(b"content", FINAL)])) == b"content"
    assert opened(made([(bytes(CHUNK_BYTES), MESSAGE), (b"end", FINAL)])) == bytes(CHUNK_BYTES) + b"end"


def test_the_file_in_the_documentation_opens() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "format.md").read_text()
    shown = b64decode(page.partition("```text sealed\n")[2].partition("\n```")[0], validate=True)
    assert opened(shown, Opener.from_ed25519(b"\3" * 32)) == b"spindle vibration\n"


def test_each_recipient_opens_it_and_nobody_else() -> None:
    everybody = [Opener.generate("x25519") for _ in range(RECIPIENTS_MAX - 2)] + [MINE, HYBRID]
    data = sealed(b"content", *(one.public for one in everybody))
    for one in (everybody[0], everybody[30], MINE, HYBRID):
        assert opened(data, one) == b"content"
    assert code_of(data, OTHER) == "sealed_for_others"
    assert code_of(data, Opener.generate("mlkem768-x25519")) == "sealed_for_others"


def test_who_receives_is_not_in_the_file() -> None:
    data = sealed(b"content", MINE.public, HYBRID.public)
    header = read_header(BytesIO(data))
    assert [type_ for type_, _ in header.sealed] == ["x25519", "mlkem768-x25519"]
    for told in (MINE.public.raw, HYBRID.public.raw[:64], str(MINE.public).encode()):
        assert told not in data
        assert told not in b"".join(one for _, one in header.sealed)


def test_it_is_sealed_for_at_least_one_and_at_most_64() -> None:
    for recipients in ([], [MINE.public] * (RECIPIENTS_MAX + 1)):
        with pytest.raises(Malformed, match="sealed_recipients"):
            seal(BytesIO(b""), BytesIO(), recipients, KEY, lambda _: None)
    before, chunks = parts(sealed(b"content"))
    magic, line, commitment, *_ = before.splitlines(keepends=True)
    assert code_of(magic + commitment + b"".join(chunks)) == "sealed_recipients"
    assert code_of(magic + line * (RECIPIENTS_MAX + 1) + commitment + b"".join(chunks)) == "sealed_recipients"


@pytest.mark.parametrize("content", [b"", b"content of some length"], ids=["empty", "short"])
@pytest.mark.parametrize(("opener", "bits"), [(MINE, range(8)), (HYBRID, (0, 7))], ids=["x25519", "hybrid"])
def test_no_byte_can_change(content: bytes, opener: Opener, bits: Sequence[int]) -> None:
    """Every byte in every bit, in two for the longer file; those of the other recipient's line, too."""
    data = sealed(content, OTHER.public, opener.public)
    for place in range(len(data)):
        changed = bytearray(data)
        for bit in bits:
            changed[place] = data[place] ^ 1 << bit
            assert code_of(bytes(changed), opener).startswith("sealed_")


def test_no_byte_can_change_across_chunks() -> None:
    data = sealed(bytes(2 * CHUNK_BYTES + 5))
    for place in range(0, len(data), 1_021):
        changed = bytearray(data)
        changed[place] ^= 0x10
        assert code_of(bytes(changed)).startswith("sealed_")


@pytest.mark.parametrize("content", [b"", b"content of some length"], ids=["empty", "short"])
def test_it_cannot_be_cut_anywhere(content: bytes) -> None:
    data = sealed(content, MINE.public, HYBRID.public)
    for end in range(len(data)):
        assert code_of(data[:end]) in {"sealed_malformed", "sealed_truncated", "sealed_changed"}


def test_it_cannot_be_cut_between_chunks() -> None:
    before, chunks = parts(sealed(bytes(3 * CHUNK_BYTES)))
    for kept in range(3):
        assert code_of(before + b"".join(chunks[:kept])) == "sealed_truncated"
    assert code_of(before + b"".join(chunks)[: 2 * WHOLE + 16]) == "sealed_truncated"
    assert code_of(before[:-1]) == "sealed_truncated"


def test_nothing_can_be_appended() -> None:
    data = sealed(b"content")
    for more in (b"\0", b"\n", data):
        assert code_of(data + more) == "sealed_changed"
    whole = sealed(bytes(CHUNK_BYTES))
    for more in (b"\0", bytes(16), bytes(17), parts(whole)[1][0]):
        assert code_of(whole + more) == "sealed_changed"
    assert code_of(b"\n" + data) == "sealed_malformed"


def test_chunks_cannot_be_swapped_doubled_dropped_or_taken_from_another_file() -> None:
    content = bytes(4 * CHUNK_BYTES)
    before, (one, two, three, four) = parts(sealed(content))
    foreign = parts(sealed(content))[1]
    for wrong in (
        [two, one, three, four],
        [one, three, two, four],
        [one, one, two, three, four],
        [one, three, four],
        [two, three, four],
        [four],
        [one, two, four, three],
        [one, foreign[1], three, four],
        foreign,
    ):
        assert code_of(before + b"".join(wrong)) == "sealed_changed"


def test_lines_of_the_header_cannot_be_swapped_doubled_dropped_or_added() -> None:
    data = sealed(b"content", MINE.public, OTHER.public, HYBRID.public)
    magic, mine, other, hybrid, rest = data.split(b"\n", 4)
    stranger = b"x25519 " + b64encode(OTHER.public.seal(KEY))
    for lines in (
        [other, mine, hybrid],
        [mine, mine, other, hybrid],
        [mine, other],
        [mine],
        [mine, other, hybrid, stranger],
        [stranger, mine, other, hybrid],
    ):
        assert code_of(b"\n".join([magic, *lines, rest])) == "sealed_changed"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"cadastre-sealed/1\n", b"cadastre-sealed/1\r\n"),
        (b"cadastre-sealed/1\n", b"cadastre-sealed/01x\n"),
        (b"\nx25519 ", b"\n\nx25519 "),
        (b"\nx25519 ", b"\nx25519  "),
        (b"\nx25519 ", b"\nX25519 "),
        (b"\nx25519 ", b"\nmlkem768-x25519 "),
        (b"\nx25519 ", b"\nx25519 ="),
        (b"\ncommitment ", b"\ncommitment  "),
        (b"\ncommitment ", b" \ncommitment "),
        (b"\ncommitment ", b"\ncommitments "),
        (b"=\n", b"\n"),
        (b"=\n", b"=\r\n"),
        (b"\n", b""),
    ],
)
def test_a_header_has_one_spelling(old: bytes, new: bytes) -> None:
    data = sealed(b"content")
    assert old in data
    assert code_of(data.replace(old, new, 1)) == "sealed_malformed"


def test_unused_bits_of_base64_are_zero() -> None:
    data = sealed(b"content")
    line = data.split(b"\n")[2]
    last = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    other = bytes([last[last.index(line[-2]) + 1]])
    assert code_of(data.replace(line, line[:-2] + other + b"=")) == "sealed_malformed"


def test_a_line_without_end_is_not_read_to_its_end() -> None:
    source = BytesIO(MAGIC + b"x25519 " + b"A" * 1_000_000)
    with pytest.raises(Malformed, match="sealed_malformed"):
        read_header(source)
    assert source.tell() < 3_000


def test_another_version_is_called_so() -> None:
    assert code_of(sealed(b"").replace(b"/1\n", b"/2\n", 1)) == "sealed_version"


@pytest.mark.parametrize("data", [b"", b"\n", b"PK\3\4", bytes(100_000), MAGIC])
def test_what_is_no_sealed_file_is_called_so(data: bytes) -> None:
    assert code_of(data) == "sealed_malformed"


@given(st.binary(max_size=400))
def test_no_bytes_end_in_anything_but_a_refusal(tail: bytes) -> None:
    for data in (tail, MAGIC + tail, parts(sealed(b"content"))[0] + tail):
        code_of(data)


@pytest.mark.parametrize(
    ("chunks", "code"),
    [
        ([(b"content", MESSAGE)], "sealed_truncated"),
        ([(b"content", PUSH)], "sealed_changed"),
        ([(b"content", REKEY)], "sealed_changed"),
        ([(bytes(CHUNK_BYTES), PUSH), (b"end", FINAL)], "sealed_changed"),
        ([(bytes(CHUNK_BYTES), FINAL), (b"end", FINAL)], "sealed_changed"),
        ([(bytes(CHUNK_BYTES), MESSAGE), (b"", FINAL)], "sealed_malformed"),
        ([(b"short", MESSAGE), (b"end", FINAL)], "sealed_changed"),
        ([(bytes(CHUNK_BYTES + 1), FINAL)], "sealed_changed"),
    ],
)
def test_who_has_the_data_key_cannot_spell_a_content_in_another_way(chunks: list[tuple[bytes, int]], code: str) -> None:
    assert code_of(made(chunks)) == code


def test_no_two_data_keys_fit_one_file() -> None:
    """So a sender cannot show two recipients two contents: a line with another data key is refused at once."""
    assert opened(made([(b"content", FINAL)], data_key=KEY)) == b"content"
    assert code_of(made([(b"content", FINAL)], data_key=KEY[::-1])) == "sealed_changed"
    assert code_of(made([(b"content", FINAL)], commitment=bytes(31) + b"\1")) == "sealed_changed"


def test_a_pipe_that_gives_little_at_once_is_read_whole() -> None:
    class Pipe(BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(size or 0, 1_000))

    content = bytes(CHUNK_BYTES + 10)
    target, again = BytesIO(), BytesIO()
    seal(Pipe(content), target, [MINE.public], KEY, lambda _: None)
    unseal(Pipe(target.getvalue()), again, MINE, lambda _: None)
    assert again.getvalue() == content


MEASURED = """
import resource, sys
from identity.recipient import Opener
from identity.sealed import seal, unseal
opener = Opener.from_ed25519(bytes(32))
def run():
    with open(sys.argv[1], "rb") as a, open(sys.argv[2], "wb") as b:
        seal(a, b, [opener.public], bytes(32), lambda _: None)
    with open(sys.argv[2], "rb") as a, open(sys.argv[3], "wb") as b:
        unseal(a, b, opener, lambda _: None)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
sys.argv[1:4], big = sys.argv[4:7], sys.argv[1:4]
small = run()
sys.argv[1:4] = big
print(run() - small)
"""


def test_fifty_megabytes_take_no_more_memory_than_one(tmp_path: Path) -> None:
    names = [str(tmp_path / f"{size}{made}") for size in ("big", "small") for made in ("", ".sealed", ".again")]
    Path(names[0]).write_bytes(bytes(50_000_000))
    Path(names[3]).write_bytes(bytes(1_000_000))
    root = Path(__file__).resolve().parents[2]
    ran = subprocess.run([sys.executable, "-c", MEASURED, *names], cwd=root, capture_output=True, check=True)
    assert int(ran.stdout) * (1 if sys.platform == "linux" else 1 / 1024) < 2_000  # kB
    assert Path(names[2]).stat().st_size == 50_000_000
