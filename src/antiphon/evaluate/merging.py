"""Merging into states what the past adds, many values at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from antiphon.evaluate.residents import Residents
from antiphon.model.subject import SubjectKind
from antiphon.rules.accumulators import exact_weight
from antiphon.rules.kernel.layout import COUNT, FOLLOW_UP, WEIGHT_ONE, how_of, is_ever
from antiphon.rules.state import SubjectState


class Merger:
    """Gathers what is to be added to the metrics of subjects; `finish` must follow."""

    def __init__(self, residents: Residents) -> None:
        """Nothing is gathered yet."""
        self._residents = residents
        self._rings: dict[tuple[int, int], list[tuple[int, int, int, int]]] = {}

    def add(self, slot: int, kind: SubjectKind, key: str, value: Any, *, part: bool = False) -> None:
        """Add what the past has of one metric to what an id (or its part) has of it."""
        residents = self._residents
        metric = residents.kernel.native[kind].get(key)
        where = residents.part_of(slot) if part and metric is not None else slot
        if metric is not None and how_of(metric) != FOLLOW_UP:
            numbers, values = ([0], [value]) if is_ever(metric) else value
            if how_of(metric) == COUNT:
                values = [round(exact_weight(one) * WEIGHT_ONE) for one in values]
            number = 2 * residents.kernel.numbers[kind][key]
            rows = self._rings.setdefault((how_of(metric), metric.limit), [])
            rows += [(where, number, bucket, amount) for bucket, amount in zip(numbers, values, strict=True)]
            return
        kept = residents.part_state(slot) if part else residents.state(slot, kind, frozenset([key]))
        old = None if kept is None else kept.metrics.get(key)
        both = SubjectState(metrics={key: residents.kernel.metric(kind, key).merge(old, value)})
        residents.put(slot, both, kind, [key], part=part)

    def finish(self) -> None:
        """Do what is gathered."""
        for (how, limit), rows in self._rings.items():
            self._residents.memory.merge_rings(np.array(rows, dtype=np.int64), how, limit)
        self._rings.clear()
