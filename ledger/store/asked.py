"""What is asked for by name: statements, subjects and unique look-ups, in SQL prepared once for the engine at hand.

The writer asks with every batch. One short statement a name, on the driver's own cursor, takes some 3 microseconds; to
put together one statement for all of them takes longer than a small batch may.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress

from sqlalchemy import bindparam, select
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.interfaces import DBAPICursor

from ledger.errors import Corrupt
from ledger.store.postings import Row
from ledger.store.tables import ENTRY, NAMING
from ledger.store.views import NAMED, OPENER, SUBJECTS, named_row, subject_row
from ledger.values import statement_key
from ledger.world import STATES


class Asked:
    """The prepared statements. Raises what the driver raises, and ``Corrupt``."""

    def __init__(self, dialect: Dialect) -> None:
        by_name = (NAMING.c.name == bindparam("name")) & (NAMING.c.value == bindparam("value"))
        by_key = select(ENTRY.c.rest, ENTRY.c.index).where(ENTRY.c.key == bindparam("key"))
        self._index = str(by_key.compile(dialect=dialect))
        self._subjects = str(SUBJECTS.where(OPENER.c.key == bindparam("key")).compile(dialect=dialect))
        self._named = str(NAMED.where(by_name).compile(dialect=dialect))

    def indexes(self, cursor: DBAPICursor, ids: Iterable[bytes]) -> Mapping[bytes, int]:
        """The index of each statement id that is in the ledger."""
        found = {}
        for id_ in ids:
            cursor.execute(self._index, (id_[:16],))
            row = cursor.fetchone()
            if row is not None and row[0] == id_[16:]:
                found[id_] = row[1]
        return found

    def subjects(self, cursor: DBAPICursor, ids: Iterable[str]) -> dict[str, Row]:
        """Rows of ``subject_row`` of the subjects that exist among these ids.

        Raises ``Corrupt`` if one that an entry named by them opened is of no type there is.
        """
        found: dict[str, Row] = {}
        for id_ in dict.fromkeys(ids):
            key = None
            with suppress(ValueError):  # what is no id names no subject
                key = statement_key(id_)
            if key is None:
                continue
            cursor.execute(self._subjects, (key,))
            for row in map(subject_row, cursor.fetchall()):
                no, name, type_ = row[:3]
                if not isinstance(name, str):
                    raise Corrupt("store_corrupt", f"subject {no} has no id that can be read")
                if type_ not in STATES:
                    raise Corrupt("store_corrupt", f"{name!r} is of no type there is", subject=name)
                if name == id_:
                    found[name] = row
        return found

    def named(self, cursor: DBAPICursor, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
        """The id of the subject under each unique look-up that there is. Raises ``Corrupt`` if it leads to none."""
        found = {}
        for key in keys:
            cursor.execute(self._named, key)
            for name, value, subject_id in map(named_row, cursor.fetchall()):
                if subject_id is None:
                    raise Corrupt("store_corrupt", f"what is listed under {name}={value} is no subject")
                found[key] = subject_id
        return found
