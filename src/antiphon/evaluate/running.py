"""The program in force together with the kernel's tables for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from antiphon.evaluate.program import InForce
from antiphon.model.subject import SubjectKind
from antiphon.rules.computed import ComputedSpec
from antiphon.rules.kernel.blocks import Ints
from antiphon.rules.kernel.lower import Kernel
from antiphon.rules.live import WatchSpec
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
        numbers: Mapping[str, int],
        computed: Sequence[ComputedSpec],
    ) -> None:
        """See InForce; `numbers` gives each metric that may be needed its number in blocks."""
        super().__init__(rows, watches, time_zone, now, computed)
        self.watched = bool(watches)
        self.numbers = numbers
        self.company_computed = bool(self.program.computed_names("company"))
        self.kernel = Kernel(self.program, numbers, self.program.days)
        self.first: Ints = np.array([self.kernel.rules_plan(self.initial(kind)) for kind in KINDS])
        self.earlier: Ints = np.array(
            [self.kernel.rules_plan(self.program.rules_for_first_seen(kind)) for kind in KINDS]
        )
