"""One kind, one place: the guide of CONTRIBUTING.md, done word for word, and nothing else touched.

The module and the table that it shows are run as they stand there: a kind, its state and its refusal, and a story.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from ledger.errors import CATALOGUE
from ledger.statement import KINDS
from ledger.world import STATES, decode_state
from scripts.docs import kinds, refusals
from tests.ledger.circulation.test_random_play import check_touches_suffice
from tests.stories.stage import lines_of, outcomes_of, play_story

GUIDE = (Path(__file__).resolve().parents[2] / "CONTRIBUTING.md").read_text()
SHOWN = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)


def run_module(name: str, source: str) -> ModuleType:
    """What the guide shows, as the module it says."""
    module = sys.modules[name] = ModuleType(name)
    exec(compile(source, f"CONTRIBUTING.md: {name}", "exec"), module.__dict__)
    return module


@pytest.fixture
def story() -> Iterator[str]:
    """The guide is followed: the kind is declared. What it gives is the story; afterwards all is taken back."""
    named = re.findall(r"`((?:ledger|tests)/[a-z/]+/annotation)\.py`", GUIDE)
    declared, told = (name.replace("/", ".") for name in named)
    run_module(declared, SHOWN[0])
    yield "\n".join(run_module(told, SHOWN[1]).STORIES.values())
    del KINDS["asset.annotated"], STATES["annotation"], CATALOGUE["annotation_own"]
    del sys.modules[declared], sys.modules[told]


def test_a_declared_kind_is_signed_judged_folded_and_found(story: str) -> None:
    stage = play_story(story)
    remark = stage.play.subjects[stage.names["remark"]]
    assert remark.id.startswith("annotation_")
    assert set(remark.state.lookups()) == {("asset", stage.names["blades"]), ("author", stage.play.party("partner"))}
    assert "超速" in remark.state.words()
    assert decode_state("annotation", remark.state.encode()) == remark.state
    check_touches_suffice(stage.play)


def test_the_story_of_the_guide_reaches_the_kind_and_its_refusal(story: str) -> None:
    assert {"recorded", "annotation_own"} <= outcomes_of(story)
    assert [line for line in lines_of(story) if "asset.annotated" in line and line.endswith("recorded")]


def test_the_documents_are_written_from_the_declaration(story: str) -> None:
    assert "### asset.annotated" in kinds()
    assert "`annotation_own`" in refusals()


def test_the_declaration_leaves_no_trace() -> None:
    assert "asset.annotated" not in KINDS
    assert "annotation" not in STATES
    assert "annotation_own" not in CATALOGUE
