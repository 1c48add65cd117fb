"""Which subjects entries from some index on have changed, and how they stood before: queries over the tables.

Entries name the subjects they touched by chapters (``mention``), and subjects the entry that opened them, so that what
has changed is found without a look at the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, and_, func, select

from ledger.store.postings import chapter_of
from ledger.store.tables import MENTION, PAST, SUBJECT
from ledger.store.views import PASTS, SUBJECTS


def changed_since(start: int) -> Select[Any]:
    """Rows for ``subject_row`` of subjects opened before ``start`` and changed from there on, in order of number."""
    touched = select(MENTION.c.no).where(MENTION.c.chapter >= chapter_of(start))
    return SUBJECTS.where(SUBJECT.c.no.in_(touched), SUBJECT.c.opened < start, SUBJECT.c.index >= start).order_by(
        SUBJECT.c.no
    )


def opened_since(start: int) -> Select[Any]:
    """The same of subjects opened from ``start`` on."""
    return SUBJECTS.where(SUBJECT.c.opened >= start).order_by(SUBJECT.c.no)


def stood_at(numbers: Sequence[int], start: int) -> Select[Any]:
    """Rows for ``past_row``: how these subjects, all changed since, stood when the ledger had ``start`` entries."""
    last = select(PAST.c.no, func.max(PAST.c.index).label("index"))
    last_before = last.where(PAST.c.no.in_(numbers), PAST.c.index < start).group_by(PAST.c.no).subquery()
    return PASTS.join(last_before, and_(last_before.c.no == PAST.c.no, last_before.c.index == PAST.c.index))
