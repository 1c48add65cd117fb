"""One kind, one place: a kind declared here, with its state, its refusal and its story, and nothing else touched.

What CONTRIBUTING.md tells a reader to do is done here: one class for the state, one for the kind, one table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated

import pytest

from ledger.circulation.asset import Asset
from ledger.errors import CATALOGUE, Refused, declare
from ledger.statement import KINDS, Kind
from ledger.values import AssetId, Text
from ledger.words import words_of
from ledger.world import STATES, Act, State, World, decode_state
from tests.ledger.circulation.test_random_play import check_touches_suffice
from tests.stories.stage import play_story

STORY = """
    joined      factory partner
    factory     asset.registered       blades                                  recorded
    partner     asset.annotated        remark asset=blades text=超速           recorded
    so          remark                 asset=blades author=partner text=超速
    factory     asset.annotated        own asset=blades text=mine              annotation_own
    partner     asset.annotated        none asset=no-asset text=lost           subject_unknown
    partner     asset.annotated        mute asset=blades                       body_malformed
    # remarks of others do not come between the holder's acts
    factory     asset.revised          blades line-5                           recorded
"""


@pytest.fixture
def annotations() -> Iterator[None]:
    """The declaration, as it would stand in ledger/circulation/annotation.py; taken back after the test."""
    declare("rule", annotation_own=("holders describe their assets by revising them", "revise the asset"))

    @dataclass(frozen=True)
    class Annotation(State, of="annotation"):
        """A remark on an asset."""

        asset: str
        author: str
        text: str

        def lookups(self) -> Iterable[tuple[str, str]]:
            return [("asset", self.asset), ("author", self.author)]

        def words(self) -> Iterable[str]:
            return words_of(self.text)

    class AssetAnnotated(Kind, name="asset.annotated", opens=("annotation",)):
        """Remarks on somebody else's asset."""

        asset: AssetId
        text: Annotated[str, Text(1, 500, "remark")]

        def touches(self, sub: str | None) -> Iterable[str]:
            return (self.asset,)

        def check(self, world: World, act: Act[AssetAnnotated]) -> None:
            if world.get(Asset, self.asset).holder == act.party:
                raise Refused("annotation_own", subject=self.asset)

        def fold(self, world: World, act: Act[AssetAnnotated]) -> None:
            world.put(act.sub, Annotation(self.asset, act.party, self.text))

    yield
    del KINDS["asset.annotated"], STATES["annotation"], CATALOGUE["annotation_own"]


@pytest.mark.usefixtures("annotations")
def test_a_declared_kind_is_signed_judged_folded_and_found() -> None:
    stage = play_story(STORY)
    remark = stage.play.subjects[stage.names["remark"]]
    assert remark.id.startswith("annotation_")
    assert set(remark.state.lookups()) == {("asset", stage.names["blades"]), ("author", stage.play.party("partner"))}
    assert "超速" in remark.state.words()
    assert decode_state("annotation", remark.state.encode()) == remark.state
    check_touches_suffice(stage.play)


def test_the_declaration_leaves_no_trace() -> None:
    assert "asset.annotated" not in KINDS
    assert "annotation" not in STATES
    assert "annotation_own" not in CATALOGUE
