"""The program in force together with the kernel's tables for it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from antiphon.evaluate.program import InForce
from antiphon.model.subject import SubjectKind
from antiphon.rules.computed import ComputedSpec
from antiphon.rules.kernel.blocks import Ints
from antiphon.rules.kernel.lower import Kernel
from antiphon.rules.live import WatchSpec
from antiphon.store.metric_numbers import Numbers
from antiphon.store.program import RuleRow

KINDS: tuple[SubjectKind, ...] = ("user", "company")


class Running(InForce):
    """What evaluation runs: compiled once per change of a rule or a workflow."""

    def __init__(
        self,
        rows: Sequence[RuleRow],
        watches: Sequence[WatchSpec],
        time_zone: str,
        now: int,
        numbers: Numbers,
        computed: Sequence[ComputedSpec] = (),
        waiting: Collection[int] = (),
    ) -> None:
        """See InForce and Kernel; `numbers` has every metric that is needed, rules that are `waiting` judge nobody yet."""
        super().__init__(rows, watches, time_zone, now, computed)
        self.company_computed = bool(self.program.computed_names("company"))
        self.kernel = Kernel(self.program, numbers, self.program.days, waiting)
        self.first: Ints = np.array([self.kernel.rules_plan(self.initial(kind)) for kind in KINDS])
        self.earlier: Ints = np.array(
            [self.kernel.rules_plan(self.program.rules_for_first_seen(kind)) for kind in KINDS]
        )
        self._reads: dict[tuple[int, ...], frozenset[str]] = {}

    def reads(self, rules: Sequence[int]) -> frozenset[str]:
        """The keys of the metrics that these rules read and that the kernel keeps."""
        found = self._reads.get(tuple(rules))
        if found is None:
            keys = self.program.keys_of(rules)
            native = {key for metrics in self.kernel.native.values() for key in metrics}
            found = self._reads[tuple(rules)] = keys & native
        return found
