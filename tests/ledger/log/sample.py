"""A log of 21 entries, for tests of what proves them."""

from identity.note import Signer
from ledger.log.chain import LINK_OF_FIRST, Entry, format_entry, link_of

ORIGIN = "example.com/registry"
LOG = Signer(ORIGIN, bytes([3]) * 32)
SIZE = 21


def entries() -> list[bytes]:
    made: list[bytes] = []
    link = LINK_OF_FIRST
    for index in range(SIZE):
        made.append(format_entry(Entry(ORIGIN, index, 1_767_139_200_000_000 + index, link, b"e30.e30.%d" % index)))
        link = link_of(made[-1])
    return made


ENTRIES = entries()
