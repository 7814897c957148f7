"""The program in force together with the kernel's tables for it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from antiphon.evaluate.program import InForce
from antiphon.model.subject import SubjectKind
from antiphon.rules.computed import ComputedSpec
from antiphon.rules.kernel.blocks import Ints
from antiphon.rules.kernel.kept import Lowerings
from antiphon.rules.kernel.lower import Kernel
from antiphon.rules.live import WatchSpec
from antiphon.rules.pieces import Pieces
from antiphon.rules.tree import Tree
from antiphon.rules.zones import local_days
from antiphon.store.metric_numbers import Numbers
from antiphon.store.program import RuleRow

KINDS: tuple[SubjectKind, ...] = ("user", "company")


class Before:
    """What is left of the program before, for the next one: a change of one rule compiles one rule. It is for one time zone."""

    def __init__(self, time_zone: str) -> None:
        """Start with nothing."""
        self.time_zone = time_zone
        self.trees: dict[str, Tree] = {}
        self.pieces = Pieces(local_days(time_zone))
        self.lowerings = Lowerings()


class Running(InForce):
    """What evaluation runs: compiled once per change of a rule or a workflow."""

    def __init__(
        self,
        rows: Sequence[RuleRow],
        watches: Sequence[WatchSpec],
        now: int,
        computed: Sequence[ComputedSpec],
        before: Before,
    ) -> None:
        """See InForce; `lower` must follow."""
        super().__init__(rows, watches, now, before.pieces, computed)
        self.company_computed = bool(self.program.computed_names("company"))
        self._before = before
        self._reads: dict[tuple[int, ...], frozenset[str]] = {}

    def lower(self, numbers: Numbers, waiting: Collection[int]) -> None:
        """Make the tables: `numbers` has every metric that is needed, rules that are `waiting` judge nobody yet."""
        self.kernel = Kernel(self.program, numbers, self.program.days, waiting, self._before.lowerings)
        self._plan()

    def wait(self, waiting: Collection[int]) -> None:
        """Have only these rules judge nobody; not to be called within a batch of events."""
        self.kernel.wait(waiting)
        self._plan()

    def tidy(self) -> None:
        """Call between batches: plans are met anew when there are too many."""
        if self.kernel.plans.full:
            self.wait(self.kernel.waiting)

    def _plan(self) -> None:
        kernel, program = self.kernel, self.program
        self.first: Ints = np.array([kernel.rules_plan(self.initial(kind)) for kind in KINDS])
        self.earlier: Ints = np.array([kernel.rules_plan(program.rules_for_first_seen(kind)) for kind in KINDS])

    def reads(self, rules: Sequence[int]) -> frozenset[str]:
        """The keys of the metrics that these rules read and that the kernel keeps."""
        found = self._reads.get(tuple(rules))
        if found is None:
            keys = self.program.keys_of(rules)
            native = {key for metrics in self.kernel.native.values() for key in metrics}
            found = self._reads[tuple(rules)] = keys & native
        return found
