"""A scribe who writes down what a world would have changed, as batches for a store; no statement is signed for it."""

import base64
import hashlib
from dataclasses import replace

from ledger.circulation.asset import Asset
from ledger.circulation.party import Party
from ledger.store import Batch
from ledger.values import subject_id
from ledger.world import Change, State, Subject


def digest(*parts: object) -> bytes:
    return hashlib.sha256(repr(parts).encode()).digest()


class Scribe:
    """Each method writes one entry, numbered from 0; ``take`` hands over the entries since the last one."""

    def __init__(self) -> None:
        self.size = 0
        self.subjects: list[Subject] = []
        self._batch = Batch(0)

    def take(self, *, tiles: list[tuple[int, int, bytes]] | None = None) -> Batch:
        batch, self._batch = self._batch, Batch(self.size)
        batch.tiles += tiles or []
        return batch

    def join(self, name: str, *roles: str) -> Subject:
        party = Party([f"did:key:{len(self.subjects)}"], name, None, list(roles), [])
        return self._write([(None, party)])

    def register(self, holder: Subject, title: str, *keywords: str, derived: tuple[str, ...] = ()) -> Subject:
        sha256 = _text(digest(title))
        asset = Asset(
            holder.id, self.size, title, "", list(keywords), "general", False, "", 1, sha256, derivedFrom=list(derived)
        )
        return self._write([(None, asset)], mentioned=[holder])

    def retitle(self, subject: Subject, title: str) -> Subject:
        state = self.subjects[subject.no].state
        changed = replace(state, title=title) if isinstance(state, Asset) else replace(state, name=title)  # type: ignore[call-arg]
        return self._write([(subject, changed)])

    def rename(self, subject: Subject, *dids: str) -> Subject:
        """A party speaks through other DIDs from here on."""
        return self._write([(subject, replace(self.subjects[subject.no].state, dids=list(dids)))])  # type: ignore[call-arg]

    def advance(self, subject: Subject) -> Subject:
        """An act that leaves the state as it is, and is the last act of the subject from here on."""
        return self._write([(subject, self.subjects[subject.no].state)])

    def amend(self, after: Subject) -> None:
        """Put another outcome in place of that of the entry written last."""
        ((before, _),) = self._batch.changes[-1].changed
        self._batch.changes[-1].changed = [(before, after)]

    def mention(self, *subjects: Subject) -> None:
        self._write([], mentioned=list(subjects))

    def disclose(self, subject: Subject, *disclosures: str) -> None:
        self._batch.disclosures += [(self.size, disclosure) for disclosure in disclosures]
        self.mention(subject)

    def _write(self, states: list[tuple[Subject | None, State]], mentioned: list[Subject] | None = None) -> Subject:
        index, id_ = self.size, digest("statement", self.size)
        change = Change("")
        for known, state in states:
            before = None if known is None else self.subjects[known.no]
            name = subject_id(state.TYPE, id_) if before is None else before.id
            no = len(self.subjects) if before is None else before.no
            after = Subject(name, no, index, _text(id_), state)
            self.subjects[no : no + 1] = [after]
            change.changed.append((before, after))
        touched = [after for _, after in change.changed] + (mentioned or [])
        change.mentioned = sorted({subject.no for subject in touched})
        change.subject = touched[0].id if touched else ""
        self._batch.entries.append(b"entry %d\n" % index)
        self._batch.ids.append(id_)
        self._batch.links.append(digest("link", index))
        self._batch.changes.append(change)
        self.size += 1
        return touched[0]


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
