"""A refusal nobody can reach by a line of a story does not exist."""

import ledger.circulation
from ledger.errors import CATALOGUE
from ledger.statement import KINDS
from tests.stories.stage import DIRECTIONS, lines_of, outcomes_of, read_line
from tests.stories.tables import stories

assert ledger.circulation  # imported for its kinds

TOLD = [story for table in stories().values() for story in table.values()]


def test_every_rule_is_reached_by_a_line_of_a_story() -> None:
    reached = set().union(*map(outcomes_of, TOLD))
    unreached = {code for code, meaning in CATALOGUE.items() if meaning.family == "rule"} - reached
    assert not unreached, f"no story ends in {', '.join(sorted(unreached))}: add a line to tests/stories"


def test_every_outcome_of_a_story_is_a_declared_code() -> None:
    assert set().union(*map(outcomes_of, TOLD)) - CATALOGUE.keys() == {"recorded"}


def test_every_kind_is_recorded_in_a_story() -> None:
    lines = [read_line(line) for story in TOLD for line in lines_of(story) if line.split()[0] not in DIRECTIONS]
    recorded = {line.kind for line in lines if line.outcome == "recorded"}
    assert recorded == KINDS.keys()
