"""What a benchmark found: figures, rates with their ratio to V, and targets where there are any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Target:
    """A bound on a figure's value, or on its ratio to V."""

    bound: float
    side: Literal["at least", "at most"]
    of: Literal["value", "ratio"]


def at_least(ratio: float) -> Target:
    """A rate of at least ``ratio`` times V."""
    return Target(ratio, "at least", "ratio")


def at_most(value: float) -> Target:
    return Target(value, "at most", "value")


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing measured. ``rated`` figures are rates that V bounds; ``note`` says how it was measured."""

    name: str
    value: float
    unit: str
    rated: bool = False
    target: Target | None = None
    note: str = ""


@dataclass(frozen=True)
class Report:
    """All figures of one run. ``before`` and ``after`` are V (verifications a second) at its two ends."""

    before: float
    after: float
    figures: Sequence[Figure]
    conditions: Sequence[str] = ()
    skipped: Sequence[str] = field(default_factory=list)

    @property
    def v(self) -> float:
        return (self.before + self.after) / 2

    def ratio(self, figure: Figure) -> float | None:
        """The figure's ratio to V, if it is a rate that V bounds."""
        return figure.value / self.v if figure.rated else None

    def met(self, figure: Figure) -> bool | None:
        """Whether the figure meets its target; None if it has none."""
        target = figure.target
        if target is None:
            return None
        measured = figure.value / self.v if target.of == "ratio" else figure.value
        return measured >= target.bound if target.side == "at least" else measured <= target.bound

    def members(self) -> dict[str, Any]:
        """The report as JSON."""
        return {
            "v": self.v,
            "vBefore": self.before,
            "vAfter": self.after,
            "conditions": list(self.conditions),
            "skipped": list(self.skipped),
            "figures": [
                {
                    "name": figure.name,
                    "value": figure.value,
                    "unit": figure.unit,
                    "ratio": self.ratio(figure),
                    "target": _shown_target(figure) or None,
                    "met": self.met(figure),
                    "note": figure.note or None,
                }
                for figure in self.figures
            ],
        }

    def table(self) -> str:
        """The report as people read it: one line a figure, the conditions below."""
        v = Figure(
            "V: bare verification, one core", self.v, "/s", note=f"{self.before:,.0f} before, {self.after:,.0f} after"
        )
        rows: list[tuple[str, ...]] = [("", "measured", "ratio to V", "target", "met", "")]
        rows += [(v.name, _shown(v), "1", "", "", v.note)]
        rows += [self._row(figure) for figure in self.figures]
        widths = [max(len(row[column]) for row in rows) for column in range(5)]
        lines = [_line(row, widths) for row in rows]
        lines += ["", *self.conditions, *(f"skipped: {reason}" for reason in self.skipped)]
        return "\n".join(lines)

    def _row(self, figure: Figure) -> tuple[str, ...]:
        ratio, met = self.ratio(figure), self.met(figure)
        verdict = "" if met is None else "yes" if met else "NO"
        shown = "" if ratio is None else f"{ratio:.3f}"
        return figure.name, _shown(figure), shown, _shown_target(figure), verdict, figure.note


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    name, measured, ratio, target, met, note = row
    cells = [f"{name:{widths[0]}}", f"{measured:>{widths[1]}}", f"{ratio:>{widths[2]}}"]
    cells += [f"{target:>{widths[3]}}", f"{met:{widths[4]}}", note]
    return "  ".join(cells).rstrip()


def _shown(figure: Figure) -> str:
    digits = 0 if abs(figure.value) >= 100 else 1 if abs(figure.value) >= 10 else 2
    return f"{figure.value:,.{digits}f} {figure.unit}".replace(" /s", "/s")


def _shown_target(figure: Figure) -> str:
    target = figure.target
    if target is None:
        return ""
    sign = "≥" if target.side == "at least" else "≤"
    return f"{sign} {target.bound:g} {'V' if target.of == 'ratio' else figure.unit}"
