"""Archives: one spelling, read by tools that are not ours, and nothing else accepted."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.archive import HEAD_MAX, Archive, begins_as_archive, write_archive
from ledger.errors import Malformed

NAMES = st.text("abc/.0", min_size=1, max_size=20)
MEMBERS = st.dictionaries(NAMES, st.lists(st.binary(max_size=40), max_size=4), max_size=6)


def written(members: dict[str, list[bytes]]) -> bytes:
    file = io.BytesIO()
    write_archive(file, ((name, iter(pieces)) for name, pieces in members.items()))
    return file.getvalue()


def read(data: bytes) -> dict[str, bytes]:
    archive = Archive(io.BytesIO(data))
    return {member.name: archive.read(member, 10**9) for member in archive.members}


@given(MEMBERS)
def test_what_is_written_is_read_by_us_and_by_others(members: dict[str, list[bytes]]) -> None:
    data = written(members)
    whole = {name: b"".join(pieces) for name, pieces in members.items()}
    assert read(data) == whole
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == whole


def test_the_same_members_give_the_same_bytes_however_they_come() -> None:
    assert written({"a": [b"one", b"two"], "b": []}) == written({"a": [b"onetwo"], "b": [b"", b""]})


def test_every_flipped_byte_is_refused() -> None:
    data = written({"checkpoint": [b"hello\n"], "tile/entries/000": [b"some entries"], "state.ndjson": [b"{}\n"]})
    for place in range(len(data)):
        for mask in (1, 0x80, 0xFF):
            flipped = data[:place] + bytes([data[place] ^ mask]) + data[place + 1 :]
            with pytest.raises(Malformed) as refused:
                read(flipped)
            assert refused.value.code == "archive_malformed"


def test_what_was_an_archive_still_begins_as_one_after_damage_in_one_place() -> None:
    data = written({"checkpoint": [b"hello\n"], "state.ndjson": [b"{}\n"]})
    for place in range(len(data)):
        flipped = data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :]
        assert begins_as_archive(flipped[:HEAD_MAX], "checkpoint"), place


@pytest.mark.parametrize("other", [b"", b"PK\3\4", b"# checkpoint\n" * 9, written({"other": [b"x"]})[:12], b"\0" * 600])
def test_what_never_was_an_archive_does_not_begin_as_one(other: bytes) -> None:
    assert not begins_as_archive(other[:HEAD_MAX], "checkpoint")


def test_every_shorter_or_longer_file_is_refused() -> None:
    data = written({"a": [b"one"], "b": [b"two"]})
    for end in range(len(data)):
        with pytest.raises(Malformed):
            read(data[:end])
    for more in (b"\0", b"PK\3\4", data):
        with pytest.raises(Malformed):
            read(data + more)
        with pytest.raises(Malformed):
            read(more + data)


@given(st.binary(max_size=200))
def test_anything_else_is_refused_and_nothing_else_raised(data: bytes) -> None:
    with pytest.raises(Malformed):
        read(b"PK\3\4" + data)


def test_archives_that_other_tools_write_are_refused() -> None:
    for compression in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", compression) as archive:
            archive.writestr("a", b"one" * 99)
        with pytest.raises(Malformed):
            read(file.getvalue())


def test_more_members_than_two_bytes_count() -> None:
    def members() -> Iterator[tuple[str, list[bytes]]]:
        return ((str(number), [b"x"]) for number in range(65_600))

    file = io.BytesIO()
    write_archive(file, members())
    assert [member.name for member in Archive(file).members] == [name for name, _ in members()]
    with zipfile.ZipFile(file) as archive:
        assert len(archive.namelist()) == 65_600


class Hole(io.RawIOBase):
    """A file in which long runs of zeros take no room: written and read as if it were 5 GB."""

    def __init__(self) -> None:
        self.place = 0
        self.written: dict[int, bytes] = {}

    def seek(self, place: int, whence: int = 0) -> int:
        assert whence == 0
        self.place = place
        return place

    def tell(self) -> int:
        return self.place

    def write(self, data: bytes) -> int:  # type: ignore[override]
        if data != ZEROS:
            self.written[self.place] = data
        self.place += len(data)
        return len(data)


ZEROS = bytes(2**24)


def test_sizes_and_places_beyond_four_bytes_are_spelt_as_others_read_them() -> None:
    hole = Hole()
    many = 2**32 // len(ZEROS) + 1
    write_archive(hole, [("large", [ZEROS] * many), ("after", [b"small"])])  # type: ignore[arg-type]
    places = sorted(hole.written)
    assert all(place + len(hole.written[place]) <= after for place, after in pairwise(places))
    end = places[-1]
    tail = io.BytesIO(hole.written[end])
    size = many * len(ZEROS)
    assert tail.getvalue().startswith(b"PK\1\2")
    assert size.to_bytes(8, "little") * 2 in tail.getvalue()
    with zipfile.ZipFile(_Sparse(hole)) as archive:  # type: ignore[arg-type]
        assert [(info.filename, info.file_size) for info in archive.infolist()] == [("large", size), ("after", 5)]
        assert archive.read("after") == b"small"


class _Sparse(io.RawIOBase):
    """Reads what a :class:`Hole` was told, zeros where it was told nothing."""

    def __init__(self, hole: Hole) -> None:
        self.hole = hole
        self.place = 0
        self.size = max(place + len(data) for place, data in hole.written.items())

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def seek(self, place: int, whence: int = 0) -> int:
        self.place = place + {0: 0, 1: self.place, 2: self.size}[whence]
        return self.place

    def tell(self) -> int:
        return self.place

    def read(self, count: int = -1) -> bytes:
        stop = self.size if count < 0 else min(self.size, self.place + count)
        found = bytearray(max(0, stop - self.place))
        for place, data in self.hole.written.items():
            for at in range(max(place, self.place), min(place + len(data), stop)):
                found[at - self.place] = data[at - place]
        self.place += len(found)
        return bytes(found)


def test_a_member_larger_than_it_may_be() -> None:
    archive = Archive(io.BytesIO(written({"a": [b"x" * 100]})))
    assert len(archive.read(archive.members[0], 100)) == 100
    with pytest.raises(Malformed):
        archive.read(archive.members[0], 99)
