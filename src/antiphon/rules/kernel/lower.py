"""A program as tables for the kernel: which metrics, rules and readings of traits it can work on, and how.

What it cannot (see `_Lowering.node` and `how`) stays in Python: such a rule is handed back to be judged there, such a metric is kept
beside the block. Both ways give the same answer; a property test holds them equal. A computed trait is a rule that the kernel hands
back, and so is what reads one: it must be judged after the trait.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from antiphon.model.subject import SubjectKind
from antiphon.rules import aggregates, dates, operators, tree
from antiphon.rules.compile import Compiler, fixed_target, needed, of_company
from antiphon.rules.follow_ups import Closes, FollowUpMetric
from antiphon.rules.kernel import nodes as n
from antiphon.rules.kernel.blocks import FAR, Ints
from antiphon.rules.kernel.kept import Lowered, Lowerings, MetricRow, Numbers, Traits
from antiphon.rules.kernel.layout import CLOSES, FOLLOW_UP, OPENS, how_of, is_ever, is_native
from antiphon.rules.kernel.plans import PlanTable
from antiphon.rules.kernel.tick import Metrics, Rules, Tables
from antiphon.rules.known import is_absence, known_from, needed_length
from antiphon.rules.live import Program
from antiphon.rules.metrics import Kept, Metric
from antiphon.rules.pieces import Piece
from antiphon.rules.touch import Plan, Touch
from antiphon.rules.trait_windows import trait_window
from antiphon.rules.values import date, number
from antiphon.rules.windows import CalendarFrame, EverFrame, Frame, SlidingFrame, frame
from antiphon.rules.zones import LocalDays

COMPARE = {"=": n.EQUAL, "!=": n.UNEQUAL, "<": n.LESS, "<=": n.AT_MOST, ">": n.MORE, ">=": n.AT_LEAST}


class Unsupported(Exception):  # noqa: N818 - it says what is the case
    """A rule that the kernel cannot judge."""


class Meant(NamedTuple):
    """What touches mean to the kernel, a row each.

    The plans for the user and the company, whether Python keeps any metric of theirs, and whether a watch is met.
    """

    user: Ints
    company: Ints
    kept: NDArray[np.bool_]
    watched: NDArray[np.bool_]

    @classmethod
    def of(cls, rows: Ints) -> Meant:
        """From rows of four numbers."""
        return cls(rows[:, 0], rows[:, 1], rows[:, 2] != 0, rows[:, 3] != 0)


class Kernel:
    """A program's tables, and what changes in them: plans as they are met, calendar frames as time passes."""

    def __init__(
        self,
        program: Program,
        numbers: Numbers,
        days: LocalDays,
        waiting: Collection[int] = (),
        lowerings: Lowerings | None = None,
    ) -> None:
        """`numbers` gives each metric, by kind and key, its number in blocks; `days` are those of the workspace's time zone.

        Rules that are `waiting` have their metrics kept, and judge nobody yet. `lowerings` are those of the kernel before.
        """
        self._program, self.days = program, days
        self.numbers = numbers
        lowerings = Lowerings() if lowerings is None else lowerings
        lowerings.use(numbers)
        self.readings, self._frames = lowerings.readings, lowerings.frames
        self._frames_from = self._frames_until = 0
        self._metric_index: dict[tuple[SubjectKind, str, bool], int] = {}  # whether it is what closes a follow-up
        self.native: dict[SubjectKind, dict[str, Kept]] = {"user": {}, "company": {}}
        self.names: dict[SubjectKind, dict[int, tuple[str, int, bool]]] = {"user": {}, "company": {}}
        self._metrics = self._lower_metrics(numbers, lowerings)
        self.rule_ids = sorted((*program.specs, *program.computed))
        self.rule_index = {rule_id: index for index, rule_id in enumerate(self.rule_ids)}
        self.tables = Tables(self._metrics, self._lower_rules(lowerings))
        self._starts = self.tables.rules.start.copy()
        self.wait(waiting)

    # -- plans ---------------------------------------------------------------------------------------------------

    def wait(self, waiting: Collection[int]) -> None:
        """Have only these rules judge nobody. All plans get new numbers."""
        self.waiting = frozenset(waiting)
        held = [self.rule_index[rule] for rule in self.waiting if rule in self.rule_index]
        self.tables.rules.start[:] = self._starts
        self.tables.rules.start[held] = -1  # when their time comes by timers, Python leaves them as they are
        self.plans = PlanTable()
        self._met = list[Touch]()
        self._meant_rows = np.zeros((0, 4), np.int64)
        self._meant = Meant.of(self._meant_rows)
        self.nothing = self.plans.place((), ())

    def meant(self, met: list[Touch]) -> Meant:
        """What the touches met so far mean to the kernel; the same list may have grown since."""
        if met is not self._met:
            self._met, self._meant_rows = met, np.zeros((0, 4), np.int64)
            self._meant = Meant.of(self._meant_rows)
        new = met[len(self._meant.user) :]
        if new:
            rows = [
                (
                    self._native(touch.user, "user"),
                    self._native(touch.company, "company"),
                    bool(touch.user.kept or touch.company.kept),
                    bool(touch.watches),
                )
                for touch in new
            ]
            self._meant_rows = np.concatenate((self._meant_rows, np.array(rows, np.int64)))
            self._meant = Meant.of(self._meant_rows)
        return self._meant

    def _native(self, plan: Plan, kind: SubjectKind) -> int:
        places = [self._metric_index.get((kind, metric.key, isinstance(metric, Closes))) for metric in plan.metrics]
        plan.kept = tuple(m for m, place in zip(plan.metrics, places, strict=True) if place is None)
        return self.plans.place(
            tuple(place for place in places if place is not None),
            tuple(self.rule_index[rule] for rule in plan.rules if rule not in self.waiting),
        )

    def metric(self, kind: SubjectKind, key: str) -> Kept:
        """A metric of the program."""
        return self._program.compilers[kind].metrics[key]

    def rules_plan(self, rules: Iterable[int]) -> int:
        """A plan that only has these rules (ids) judged."""
        chosen = (rule for rule in rules if rule in self.rule_index and rule not in self.waiting)
        return self.plans.place((), tuple(self.rule_index[rule] for rule in chosen))

    def ready(self, now: int) -> Tables:
        """The tables with all plans met so far and the calendar frames of an instant."""
        plans = self.plans.taken()
        if plans is not None:
            self.tables.use(plans)
        frames = self.tables.rules.frames
        if self._frames and not self._frames_from <= now < self._frames_until:
            for row, window in enumerate(self._frames):
                first = window.first(now)
                next_at = window.gone_at(first)
                following = window.bucket(next_at)
                frames[row] = (first, window.start(now), following, next_at, window.gone_at(following))
            self._frames_from = int(frames[:, n.START].max())
            self._frames_until = int(frames[:, n.NEXT_AT].min())
        return self.tables

    @property
    def same_until(self) -> int:
        """Up to when (ms, not included) the tables of the last `ready` hold."""
        return self._frames_until if self._frames else FAR

    # -- the tables ----------------------------------------------------------------------------------------------

    def _lower_metrics(self, numbers: Numbers, lowerings: Lowerings) -> Metrics:
        known, kept = lowerings.metrics, dict[Kept, MetricRow | None]()
        keys: list[int] = []
        hows: list[int] = []
        widths: list[int] = []
        limits: list[int] = []
        for kind, compiler in self._program.compilers.items():
            native, names, number_of = self.native[kind], self.names[kind], numbers[kind]
            for key, metric in compiler.metrics.items():
                row = kept[metric] = known[metric] if metric in known else _metric_row(metric, self.days)
                if row is None:
                    continue
                native[key] = metric
                number = 2 * number_of[key]
                names[number] = row.name
                sides = (OPENS, CLOSES) if row.name[1] == FOLLOW_UP else (row.name[1],)
                for side in sides:
                    self._metric_index[kind, key, side == CLOSES] = len(keys)
                    keys.append(number)
                    hows.append(side)
                    widths.append(row.width)
                    limits.append(row.limit)
        lowerings.metrics = kept
        return Metrics(_column(keys), _column(hows), _column(widths), _column(limits))

    def _lower_rules(self, lowerings: Lowerings) -> Rules:
        known, kept = lowerings.rules, dict[int, Lowered]()
        nodes: list[Ints] = [np.zeros((0, n.COLUMNS), dtype=np.int64)]
        numbers: list[NDArray[np.float64]] = [np.zeros((0, 2), dtype=np.float64)]
        starts, end = np.full(len(self.rule_ids), -1, dtype=np.int64), 0
        for index, rule_id in enumerate(self.rule_ids):
            piece = self._program.pieces[rule_id]
            lowered = known.get(rule_id)
            if lowered is None or lowered.piece is not piece:
                lowered = self._lower(piece)
            kept[rule_id] = lowered
            if not len(lowered.nodes) or self._program.reads_computed(rule_id):
                continue
            nodes.append(lowered.nodes)
            numbers.append(lowered.numbers)
            starts[index] = end
            end += len(lowered.nodes)
        table = np.concatenate(nodes)
        first = np.repeat(starts[starts >= 0], [len(one) for one in nodes[1:]])
        groups = table[:, n.OP] == n.GROUP
        table[groups, n.END] += first[groups]
        lowerings.keep(kept, len(np.unique(table[:, n.TARGET])))
        offsets = self.days.offsets(0, _END) if (self._metrics.width == -1).any() else [(0, 0)]
        return Rules(
            id=_column(self.rule_ids),
            start=starts,
            nodes=table,
            numbers=np.concatenate(numbers),
            defaults=np.array([*self.readings.of({}, {}), np.nan], dtype=np.float64),
            frames=np.zeros((max(len(self._frames), 1), n.FRAME_COLUMNS), dtype=np.int64),
            zone_from=_column([start for start, _ in offsets]),
            zone_offset=_column([offset for _, offset in offsets]),
        )

    def _lower(self, piece: Piece) -> Lowered:
        """A rule's nodes; none for one that Python judges, and for a computed trait."""
        lowering = _Lowering(self, self._program.compilers[piece.reads.kind], self.days)
        try:
            if piece.tree is not None:
                lowering.node(piece.tree)
        except Unsupported:
            lowering.ints, lowering.floats = [], []
        nodes = np.array(lowering.ints, dtype=np.int64).reshape(-1, n.COLUMNS)
        return Lowered(piece, nodes, np.array(lowering.floats, dtype=np.float64).reshape(-1, 2))

    def native_key(self, kind: SubjectKind, key: str) -> int:
        """A metric's key in blocks; raises Unsupported when Python keeps it."""
        place = self._metric_index.get((kind, key, False))
        if place is None:
            raise Unsupported
        return int(self._metrics.key[place])

    def frame_row(self, window: CalendarFrame) -> int:
        """The row of a calendar window's frame."""
        for row, other in enumerate(self._frames):
            if other.same_as(window):
                return row
        self._frames.append(window)
        return len(self._frames) - 1


_END = 4_102_444_800_000  # the year 2100: offsets beyond it are those of then


class _Lowering:
    """One rule's nodes."""

    def __init__(self, kernel: Kernel, compiler: Compiler, days: LocalDays) -> None:
        self._kernel, self._compiler, self._days = kernel, compiler, days
        self._rows = aggregates.by_key()
        self._operators = operators.by_key()
        self._dates = {row.key: row for row in dates.DATE_OPERATORS}
        self.ints: list[list[int]] = []
        self.floats: list[list[float]] = []

    def node(self, node: tree.Condition) -> None:
        """Add a condition and those below it; raises Unsupported."""
        if isinstance(node, tree.GROUPS):
            self._group(node)
        elif isinstance(node, tree.TraitCondition):
            self._trait(node)
        elif isinstance(node, tree.Measure):
            self._measure(node)
        elif isinstance(node, tree.FollowUpMissing):
            (key,) = self._compiler.keys(node)
            self._add(
                (float(node.wait.ms), 0.0), OP=n.UNANSWERED, KEY=self._kernel.native_key(self._compiler.kind, key)
            )
        else:
            raise Unsupported

    def _add(self, numbers: Sequence[float] = (0.0, 0.0), **columns: int) -> list[int]:
        row = [0] * n.COLUMNS
        row[n.TARGET] = -1
        for name, value in columns.items():
            row[getattr(n, name)] = value
        self.ints.append(row)
        self.floats.append(list(numbers))
        return row

    def _group(self, node: tree.Group) -> None:
        least = 1 if isinstance(node, tree.NoneOf) else needed(node)
        row = self._add(OP=n.GROUP, LEAST=least, OTHER=len(node.of) - least, NEGATED=int(isinstance(node, tree.NoneOf)))
        for child in sorted(node.of, key=_cost):
            self.node(child)
        row[n.END] = len(self.ints)

    def _read(self, owner: tree.Owner, key: object, read: Callable[[Traits], float]) -> int:
        if of_company(owner, self._compiler.kind):
            return self._kernel.readings.place(["company", key], lambda _, company: read(company))
        return self._kernel.readings.place(["own", key], lambda own, _: read(own))

    def _trait(self, node: tree.TraitCondition) -> None:
        name = node.name
        if isinstance(node.value, tree.Duration):
            start, end = self._dates[node.op].interval(0, node.value.ms)
            place = self._read(node.owner, ["date", name], lambda traits: _or_nan(date(traits.get(name))))
            self._add(OP=n.DATE, TARGET=place, FROM=start, TO=int(FAR) if end is None else end)
            return
        test = self._operators[node.op].test(node.value)
        key = ["test", msgspec.to_builtins(node)]
        place = self._read(node.owner, key, lambda traits: 1.0 if test(traits.get(name)) else 0.0)
        self._add(OP=n.TEST, TARGET=place)

    def _measure(self, node: tree.Measure) -> None:
        row = self._rows[node.aggregate.kind]
        if row.key not in ("count", "ratio", "time_since_first", "time_since_last") or node.op not in COMPARE:
            raise Unsupported
        if not isinstance(node.value, (int, float, tree.Duration, tree.Percent, tree.TraitValue, tree.Baseline)):
            raise Unsupported
        if trait_window(node.window, self._days) is not None:
            raise Unsupported
        window = frame(node.window, self._days)
        columns = self._window(window) | self._known(node, window)
        columns |= {"COMPARE": COMPARE[node.op], "MISSING": int(self._operators[node.op].if_missing)}
        keys = [self._kernel.native_key(self._compiler.kind, key) for key in self._compiler.keys(node)]
        columns["KEY"] = keys[0]
        if row.key == "ratio":
            columns |= {"OP": n.SHARE, "OTHER": keys[1]}
        elif row.key == "count":
            columns["OP"] = n.NUMBER_OF
        else:
            columns |= {"OP": n.AGE, "OTHER": int(row.key == "time_since_last")}
        numbers = (0.0, 0.0)
        if isinstance(node.value, tree.Baseline):
            if row.key != "count" or not isinstance(window, SlidingFrame):
                raise Unsupported
            columns |= {"BASELINE": node.value.over.ms // window.length, "BUCKETS": window.buckets}
            numbers = (0.0, float(node.value.percent))
        elif isinstance(node.value, tree.TraitValue):
            name = node.value.name
            place = self._read(node.value.owner, ["number", name], lambda traits: _or_nan(number(traits.get(name))))
            columns["TARGET"], numbers = place, (0.0, float(node.value.percent))
        else:
            numbers = (_or_nan(fixed_target(node.value)), 0.0)
        self._add(numbers, **columns)

    def _window(self, window: Frame) -> dict[str, int]:
        if isinstance(window, EverFrame):
            return {"WINDOW": n.EVER}
        if isinstance(window, SlidingFrame):
            return {"WINDOW": n.SLIDING, "WIDTH": window.width, "LENGTH": window.length}
        if isinstance(window, CalendarFrame):
            return {"WINDOW": n.CALENDAR, "FRAME": self._kernel.frame_row(window)}
        raise Unsupported

    def _known(self, node: tree.Measure, window: Frame) -> dict[str, int]:
        if known_from(node, window) is None:
            return {"KNOWN": n.KNOWN_ANYHOW}
        length = needed_length(node)
        if length is not None:
            return {"KNOWN": n.KNOWN_AFTER, "KNOWN_FOR": length}
        if is_absence(node) and isinstance(window, SlidingFrame):
            return {"KNOWN": n.KNOWN_AFTER, "KNOWN_FOR": window.length}
        if is_absence(node) and isinstance(window, CalendarFrame):
            return {"KNOWN": n.KNOWN_SINCE_START}
        raise Unsupported


def _metric_row(metric: Kept, days: LocalDays) -> MetricRow | None:
    """None for a metric that Python keeps."""
    if not is_native(metric, days):
        return None
    name = (metric.key, how_of(metric), is_ever(metric))
    if isinstance(metric, FollowUpMetric):
        return MetricRow(name, metric.width, 0)
    assert isinstance(metric, Metric)  # noqa: S101 - there is no other kind
    local = metric.step == f"day:{days.name}"
    return MetricRow(name, 0 if metric.ever else metric.width or (-1 if local else -2), metric.limit)


def _cost(node: tree.Condition) -> int:
    return 0 if isinstance(node, tree.TraitCondition) else 2 if isinstance(node, tree.GROUPS) else 1


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def _column(values: Sequence[int]) -> Ints:
    return np.array(values, dtype=np.int64)
