"""A tick's work over blocks: fold what subjects did, judge them by the rules that this touches, note who entered and left."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from antiphon.model.native import address, structure, whole
from antiphon.rules.kernel.blocks import ArenaFull, Ints, Memory
from antiphon.rules.kernel.library import library
from antiphon.rules.kernel.nodes import LEVELS

ROOM = 65_536
"""Moves, and judgements left to Python, that are noted before Python takes them over."""

MOST_CONDITIONS = 512

_NEVER_DONE = -2


class Metrics(NamedTuple):
    """The metrics of a program, by index: `key` in blocks, `how` buckets add up, `width` of a bucket in ms (0: one for all time; -1: local
    days; -2: days UTC), `limit` in buckets."""  # noqa: D205, D209 - one sentence

    key: Ints
    how: Ints
    width: Ints
    limit: Ints


class Plans(NamedTuple):
    """What an event can mean to one subject, by index: its metrics and its rules, each a run in a list."""

    metric_start: Ints
    metrics: Ints
    rule_start: Ints
    rules: Ints


class Rules(NamedTuple):
    """The rules of a program, by index: `id`, ascending; `start` in `nodes` (-1: Python judges it).

    `defaults` are the inputs of somebody without traits, `frames` the calendar windows at the tick's instant,
    `zone_from` and `zone_offset` (ms) the time zone's offsets from UTC.
    """

    id: Ints
    start: Ints
    nodes: Ints
    numbers: NDArray[np.float64]
    defaults: NDArray[np.float64]
    frames: Ints
    zone_from: Ints
    zone_offset: Ints


class Deeds(NamedTuple):
    """What happened to subjects, those of one slot next to each other: slot, plan, timestamp, weight (in 2^-20), and from when on it makes
    the subject known (NEVER: it does not)."""  # noqa: D205, D209 - one sentence

    slot: Ints
    plan: Ints
    at: Ints
    weight: Ints
    seen: Ints


class Past:
    """Deeds of a stretch of time, those of one `who` (the slot that is judged by them) next to each other and in the order of the instants
    at which they were received (`when`, ms); `folds` is 1 where Python folds too, before the kernel does."""  # noqa: D205, D209 - one sentence

    def __init__(self, deeds: Deeds, who: Ints, when: Ints, folds: Ints) -> None:
        """Take the columns, each in one piece."""
        self.deeds, self.who, self.when, self.folds = deeds, who, when, folds
        self.structure = structure(deeds, (len(who),))
        self.addresses = address(who), address(when), address(folds)


class Tables:
    """A program for the kernel, and room for what it finds."""

    def __init__(self, metrics: Metrics, rules: Rules) -> None:
        """Take the tables; plans come later."""
        self.metrics, self.rules = metrics, rules
        self._metrics = structure(metrics)
        self._rules = structure(rules, (len(rules.id), len(rules.zone_from)))
        count = len(rules.id)
        room = ROOM + 2 * count
        self._moves, self._todo = np.zeros((room, 5), dtype=np.int64), np.zeros((room, 2), dtype=np.int64)
        self._sizes = np.zeros(4, dtype=np.int64)
        scratch = (
            np.zeros(count + 1, dtype=np.int64),
            np.zeros(count + 1, dtype=np.int64),
            np.zeros((LEVELS, MOST_CONDITIONS), dtype=np.int64),
            np.zeros((LEVELS, MOST_CONDITIONS), dtype=np.int64),
        )
        self._arrays = (self._moves, self._todo, self._sizes, *scratch)
        self._found = structure(self._arrays, (room, count, MOST_CONDITIONS))
        self._plans: tuple[Plans, object] | None = None

    def use(self, plans: Plans) -> None:
        """Work with these plans from now on."""
        self._plans = (plans, structure(plans))

    def absorb(
        self,
        memory: Memory,
        deeds: Deeds,
        at: int,
        first: Ints,
        earlier: Ints,
        now: int,
        position: int,
        *,
        judging: bool,
    ) -> int:
        """Fold deeds from `at` on, slot by slot, and judge each slot by what they touch; see kernel.c.

        Gives the deed that comes next when `taken` must be called first, else their number. `first` and `earlier` are plans by
        kind (USER, COMPANY): the rules for somebody new, and for somebody known for longer now. Without `judging` the rules are
        only noted as due, which is how the past is replayed. Raises ArenaFull.
        """
        assert self._plans is not None, "plans come before deeds"  # noqa: S101
        done = structure(deeds, (len(deeds.slot),))
        end = library().absorb(
            memory.arena, memory.slots, self._metrics, self._plans[1], self._rules, done, self._found, at,
            address(first), address(earlier), now, position, int(judging),
        )  # fmt: skip
        return _checked(end)

    def judge_due(self, memory: Memory, due: Ints, at: int, now: int, position: int) -> int:
        """Judge slots, from the `at`-th on, by the rules whose time has come; see `absorb` for the result."""
        due = whole(due)
        end = library().judge_due(
            memory.arena, memory.slots, self._rules, self._found, address(due), len(due), at, now, position
        )
        return _checked(end)

    def live(
        self, memory: Memory, past: Past, at: int, first: Ints, earlier: Ints, position: int, *, eager: bool
    ) -> int:
        """Fold and judge a stretch from the `at`-th deed on, subject by subject, each deed at its own instant, timers between them.

        Gives the deed that comes next when Python comes first, for `moment`: `taken` must be called, what it gives be done, and deeds
        with `folds` of that slot and instant be folded; else the number of deeds. `eager` stops at every move. Raises as `pass_time`.
        """
        assert self._plans is not None, "plans come before deeds"  # noqa: S101
        end = library().live(
            memory.arena, memory.slots, self._metrics, self._plans[1], self._rules, past.structure, self._found, at,
            *past.addresses, address(first), address(earlier), position, int(eager),
        )  # fmt: skip
        return _checked(end)

    def pass_time(self, memory: Memory, slots: Ints, until: Ints, at: int, position: int, *, eager: bool) -> int:
        """Let time pass for slots, from the `at`-th on, each up to its own instant (ms, not included), timers at theirs; see `live`.

        Raises ArenaFull, and RuntimeError for rules that are never done with an instant.
        """
        end = library().pass_time(
            memory.arena, memory.slots, self._rules, self._found, address(slots), address(until), len(slots), at,
            position, int(eager),
        )  # fmt: skip
        return _checked(end)

    @property
    def moment(self) -> tuple[int, int]:
        """Where work stands in a stretch: at which instant (ms), with which slot."""
        return int(self._sizes[2]), int(self._sizes[3])

    def settle(self, memory: Memory, verdicts: Ints) -> None:
        """Remember verdicts that Python came to, at the instant of the last call: at most ROOM rows of (slot, rule index, truth, when to look again)."""
        verdicts = whole(verdicts)
        result = library().settle_all(
            memory.arena, memory.slots, self._rules, self._found, address(verdicts), len(verdicts)
        )
        _checked(result)

    def verdict(self, memory: Memory, slot: int, rule: int, now: int) -> tuple[bool, int]:
        """The truth of one rule (by index) for one slot, and when to look again."""
        flip = np.zeros(1, dtype=np.int64)
        truth = library().verdict_of(
            memory.arena, memory.slots, self._rules, self._found, slot, rule, now, address(flip)
        )
        return bool(truth), int(flip[0])

    def taken(self) -> tuple[list[list[int]], list[list[int]]]:
        """What was found since the last call: moves (slot, rule index, episode, member, instant), and what Python must
        judge (slot, rule index)."""  # noqa: D205, D209 - one sentence
        moves, todo = self._moves[: self._sizes[0]].tolist(), self._todo[: self._sizes[1]].tolist()
        self._sizes[:2] = 0
        return moves, todo


def _checked(end: int) -> int:
    if end == _NEVER_DONE:
        raise RuntimeError("the rules do not come to rest at an instant")
    if end < 0:
        raise ArenaFull("There is no more room for the state of subjects: lower hot_subjects, or use a larger machine.")
    return end
