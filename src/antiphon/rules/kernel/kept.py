"""What one kernel leaves to the next: rules as nodes, metrics as rows, readings of traits, calendar frames."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from antiphon.model.subject import SubjectKind
from antiphon.rules import tree
from antiphon.rules.kernel.blocks import Ints
from antiphon.rules.metrics import Kept
from antiphon.rules.pieces import Piece
from antiphon.rules.windows import CalendarFrame

Numbers = Mapping[SubjectKind, Mapping[str, int]]
SPARE = 64
"""Readings that no rule makes any more are kept up to as many as are made, and these beside."""

Traits = Mapping[str, Any]
Reading = Callable[[Traits, Traits], float]
"""What a rule reads of the subject's own traits and its company's, as a number; NaN when it is missing."""


class Readings:
    """The distinct readings of traits that a program's rules make."""

    def __init__(self) -> None:
        """Start with none."""
        self._places: dict[bytes, int] = {}
        self._readings: list[Reading] = []

    def place(self, key: object, reading: Reading) -> int:
        """Where a reading stands; equal keys share a place."""
        place = self._places.setdefault(tree.canonical(key), len(self._readings))
        if place == len(self._readings):
            self._readings.append(reading)
        return place

    def of(self, own: Traits, company: Traits) -> list[float]:
        """All readings of a subject."""
        return [reading(own, company) for reading in self._readings]

    def __len__(self) -> int:
        """How many there are."""
        return len(self._readings)


class Lowered(NamedTuple):
    """A rule's nodes (see `tick.Rules`; ends of groups count from its first node), of the piece that it was made of."""

    piece: Piece
    nodes: Ints
    numbers: NDArray[np.float64]


class MetricRow(NamedTuple):
    """A metric that the kernel keeps: its `layout.Names` entry, and how it is counted, but for its number."""

    name: tuple[str, int, bool]
    width: int
    limit: int


class Lowerings:
    """What one kernel leaves to the next, so that only rules that changed are lowered anew: rules, readings of traits, calendar frames.

    It is for one time zone.
    """

    def __init__(self) -> None:
        """Start with nothing."""
        self.readings = Readings()
        self.frames: list[CalendarFrame] = []
        self.rules: dict[int, Lowered] = {}
        self.metrics: dict[Kept, MetricRow | None] = {}
        self._numbers: Numbers = {}

    def use(self, numbers: Numbers) -> None:
        """Forget the rules that read a metric which has another number from now on."""
        for kind, before in self._numbers.items():
            now = numbers[kind]
            changed = {} if before.items() <= now.items() else dict(before.items() - now.items())
            if changed:
                self.rules = {
                    rule_id: lowered
                    for rule_id, lowered in self.rules.items()
                    if lowered.piece.reads.kind != kind or changed.keys().isdisjoint(lowered.piece.metrics)
                }
        self._numbers = numbers

    def keep(self, rules: dict[int, Lowered], readings: int) -> None:
        """Keep these rules for the next kernel, which make so many readings; with too many that none of them makes, begin anew."""
        self.rules = rules
        if len(self.readings) > 2 * readings + SPARE:
            self.readings, self.rules = Readings(), {}
