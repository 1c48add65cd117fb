"""A ZIP archive in exactly one spelling: the same members give the same bytes, and any other byte is refused.

Members are stored as they are (whoever wants it smaller compresses the whole file), in the order given, dated 1980,
without comments, attributes or anything between them (PKWARE APPNOTE 6.3.10: sections 4.3.7, 4.3.12, 4.3.14 to 16).
Every common tool reads it. The ZIP64 form is used where a number needs it, and only there.

Reading formats each header again and compares, so nothing hides in an archive; no name is ever used as a path, and
nothing is larger than the file it comes in.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO
from zlib import crc32

from ledger.errors import Malformed, declare

declare(
    "malformed",
    archive_malformed=("the bundle is not an archive in its one spelling", "export or fetch it again, unaltered"),
)

NAME_MAX = 255  # bytes
HEAD_MAX = 512  # bytes of a file that tell whether it is an archive
_PIECE = 2**20  # bytes read at a time
_U16, _U32 = 0xFFFF, 0xFFFFFFFF
_PLAIN, _ZIP64 = 10, 45  # versions needed to extract, times ten
_DATE = 0x21  # 1 January 1980
_LOCAL = struct.Struct("<4s5H3I2H")
_FIXED = 14  # bytes of a header before the checksum: signature, version, flags, method, time and date
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR = struct.Struct("<4sIQI")
_END = struct.Struct("<4s4H2IH")


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an archive. ``start`` is where its header begins, ``size`` that of its data in bytes."""

    name: str
    start: int
    size: int
    crc: int

    @property
    def data(self) -> int:
        """Where its data begin."""
        return self.start + len(_header(self))

    @property
    def end(self) -> int:
        return self.data + self.size


def _header(member: Member) -> bytes:
    """Always with sizes in the ZIP64 form, so that its length is known before the data are."""
    name = member.name.encode("ascii")
    extra = struct.pack("<2H2Q", 1, 16, member.size, member.size)
    fixed = (b"PK\3\4", _ZIP64, 0, 0, 0, _DATE, member.crc, _U32, _U32, len(name), len(extra))
    return _LOCAL.pack(*fixed) + name + extra


def _central(member: Member) -> bytes:
    name = member.name.encode("ascii")
    sizes = (member.size, member.size) if member.size >= _U32 else ()
    wide = (*sizes, member.start) if member.start >= _U32 else sizes
    extra = struct.pack(f"<2H{len(wide)}Q", 1, 8 * len(wide), *wide) if wide else b""
    version = _ZIP64 if wide else _PLAIN
    size, start = min(member.size, _U32), min(member.start, _U32)
    fixed = (b"PK\1\2", version, version, 0, 0, 0, _DATE, member.crc, size, size, len(name), len(extra), 0, 0, 0, 0)
    return _CENTRAL.pack(*fixed, start) + name + extra


def _directory(members: list[Member]) -> bytes:
    """The central directory and what ends the archive."""
    start = members[-1].end if members else 0
    entries = b"".join(map(_central, members))
    count, size = len(members), len(entries)
    end64 = b""
    if count >= _U16 or size >= _U32 or start >= _U32:
        end64 = _END64.pack(b"PK\6\6", 44, _ZIP64, _ZIP64, 0, 0, count, count, size, start)
        end64 += _LOCATOR.pack(b"PK\6\7", 0, start + size, 1)
    counts = (min(count, _U16), min(count, _U16))
    return entries + end64 + _END.pack(b"PK\5\6", 0, 0, *counts, min(size, _U32), min(start, _U32), 0)


# ---- Writing -----------------------------------------------------------------------------------------------


def write_archive(file: BinaryIO, members: Iterable[tuple[str, Iterable[bytes]]]) -> None:
    """Write named members, their data piece by piece, to an empty file that can be written anywhere."""
    file.write(_directory([_write(file, name, pieces) for name, pieces in members]))


def _write(file: BinaryIO, name: str, pieces: Iterable[bytes]) -> Member:
    start = file.tell()
    file.write(_header(Member(name, start, 0, 0)))
    size = crc = 0
    for piece in pieces:
        file.write(piece)
        size, crc = size + len(piece), crc32(piece, crc)
    member = Member(name, start, size, crc)
    file.seek(start)
    file.write(_header(member))
    file.seek(member.end)
    return member


# ---- Reading -----------------------------------------------------------------------------------------------


def begins_as_archive(head: bytes, name: str) -> bool:
    """Whether a file that begins so was ever an archive of this spelling whose first member has this name.

    ``head`` is its first ``HEAD_MAX`` bytes or all there are. What was damaged in one place still passes: either the
    fixed beginning of a header is left, or the name.
    """
    fixed = _header(Member(name, 0, 0, 0))[:_FIXED]
    return head.startswith(fixed) or head[_LOCAL.size :].startswith(name.encode("ascii"))


class Archive:
    """An archive that is open for reading. Its headers were all looked at; data are checked as they are read."""

    def __init__(self, file: BinaryIO) -> None:
        """Raises ``Malformed`` unless every byte outside the data is the one it must be. Reads no data."""
        self._file = file
        self.members = list(self._walk())
        directory = _directory(self.members)
        if file.read(len(directory) + 1) != directory:
            raise Malformed("archive_malformed", "the directory at its end is not that of its members")

    def _walk(self) -> Iterator[Member]:
        """Members as their headers say; leaves the file where they end."""
        start = 0
        while True:
            self._file.seek(start)
            fixed = self._file.read(_LOCAL.size)
            if not fixed.startswith(b"PK\3\4") or len(fixed) < _LOCAL.size:
                self._file.seek(start)
                return
            *_, crc, _, _, name_length, extra_length = _LOCAL.unpack(fixed)
            rest = self._file.read(name_length + extra_length)
            try:
                name = rest[:name_length].decode("ascii")
                (size,) = struct.unpack_from("<Q", rest, name_length + 4)
            except (ValueError, struct.error):
                raise Malformed("archive_malformed", f"the header at byte {start}") from None
            member = Member(name, start, size, crc)
            if not 0 < name_length <= NAME_MAX or fixed + rest != _header(member) or member.end >= 2**63:
                raise Malformed("archive_malformed", f"the header at byte {start}")
            yield member
            start = member.end

    def read(self, member: Member, most: int) -> bytes:
        """All data of a member of at most ``most`` bytes. Raises ``Malformed``."""
        if member.size > most:
            raise Malformed("archive_malformed", f"{member.name} has {member.size} bytes, more than {most}")
        return b"".join(self.pieces(member))

    def pieces(self, member: Member) -> Iterator[bytes]:
        """The data of a member, in order. Raises ``Malformed``, at the end of them if not before."""
        place, crc = member.data, 0
        while place < member.end:
            self._file.seek(place)
            piece = self._file.read(min(_PIECE, member.end - place))
            if not piece:
                break
            place, crc = place + len(piece), crc32(piece, crc)
            yield piece
        if place < member.end or crc != member.crc:
            raise Malformed("archive_malformed", f"the data of {member.name} are not those that were written")
