"""Metrics filled from history: the rows that a live metric's state is made of, as one Ibis expression over events.

State is kept under the id that an event carries, never under whom the id means (ADR 17). So the rows of a metric of users are
by user id or anonymous id; those of a metric of companies are by company id for the events that name a company, and by user
id or anonymous id (a person's contribution to whichever company is theirs) for those that name none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any

import duckdb
import ibis
import msgspec

from antiphon.model.subject import SubjectKey, SubjectKind
from antiphon.rules import buckets, sketches
from antiphon.rules.accumulators import LARGEST, MICRO, exact_weight, plain
from antiphon.rules.columns import Column, Numbers, Table, Values, epoch_ms, hexadecimal
from antiphon.rules.engines import duckdb_sql
from antiphon.rules.history_leaves import selected
from antiphon.rules.history_rows import counted_weight, local_day
from antiphon.rules.metrics import Metric
from antiphon.rules.tree import Selector
from antiphon.rules.zones import EPOCH_DAY, LocalDays, local_days

_GROUP = ("kind", "id", "bucket")
_BETWEEN, _DAY = "between:", "day:"
_BATCH = 50_000


class _Form(msgspec.Struct, frozen=True):
    """How one accumulator is had from history.

    `rows` turns the chosen events (`kind, id, bucket, at, weight, event_id, source, value, day`) into one row a group, with
    columns of its own after those of the group; `accumulated` turns the values of these into what is kept live. Unless `alone`
    there are several rows a group.
    """

    rows: Callable[[Table], Table]
    accumulated: Callable[..., Any]
    alone: bool = True


def metric_rows(metric: Metric, selector: Selector, kind: SubjectKind, events: Table, *, now: int) -> Table | None:
    """What `metric` of subjects of `kind` holds of the events that `selector` takes: a row for each id and bucket.

    Columns: `kind` (user, anonymous, company), `id`, `bucket` (0 for a metric of all time), then the accumulator's own.
    Late events are left out, and so are buckets that no window reaches from `now` (ms) on. None: this accumulator has no
    such form, and its events must be folded one by one.
    """
    form = _FORMS.get(metric.accumulator.key)
    if form is None:
        return None
    chosen = selected(selector, events) & ~events.late
    start = _start(metric, now)
    if start is not None:
        chosen = chosen & (events.timestamp >= ibis.literal(_instant(start), type="timestamp('UTC')"))
    if (fixed := _fixed(metric)) is not None:
        chosen = chosen & (events.timestamp < ibis.literal(_instant(fixed[1]), type="timestamp('UTC')"))
    rows = events.filter(chosen)
    person = ibis.coalesce(rows.user_id, rows.anonymous_id)
    of_person = ibis.ifelse(rows.user_id.notnull(), "user", "anonymous")
    if kind == "company":
        named = rows.company_id.notnull()
        whose, which = ibis.ifelse(named, "company", of_person), ibis.ifelse(named, rows.company_id, person)
    else:
        whose, which = of_person, person
    value = Column.of(rows.properties, metric.of).json if metric.of is not None else ibis.null("json")
    rows = rows.select(
        "event_id", "source", kind=whose, id=which, at=epoch_ms(rows.timestamp), weight=counted_weight(rows), value=value
    )  # fmt: skip
    rows = rows.filter(rows.id.notnull())
    return form.rows(rows.mutate(bucket=_bucket(metric, rows.at, now), day=_day(rows.at, metric.days, now)))


def filled(
    db: duckdb.DuckDBPyConnection,
    metric: Metric,
    selector: Selector,
    kind: SubjectKind,
    events: Table,
    *,
    now: int,
) -> Iterator[tuple[SubjectKey, Any]] | None:
    """The value under `metric.key` in the state of each id that has one, as folding its events one by one would leave it.

    `db` has the tables of `events`, which end where the caller wants them to (`HistoryReader.connect(before=...)`). Buckets
    out of reach at `now` (ms) are not there. None: as in `metric_rows`.
    """
    rows = metric_rows(metric, selector, kind, events, now=now)
    if rows is None:
        return None
    if metric.ever and _FORMS[metric.accumulator.key].alone:
        return _single_values(metric, db.sql(duckdb_sql(rows)))
    return _values(metric, db.sql(duckdb_sql(rows.order_by(list(_GROUP)))))


def _rows(found: duckdb.DuckDBPyRelation) -> Iterator[tuple[Any, ...]]:
    return (row for batch in found.to_arrow_reader(_BATCH) for row in zip(*batch.to_pydict().values(), strict=True))


def _single_values(metric: Metric, found: duckdb.DuckDBPyRelation) -> Iterator[tuple[SubjectKey, Any]]:
    """The values of rows that are one for each id, in any order."""
    accumulated = _FORMS[metric.accumulator.key].accumulated
    for kind, subject_id, _, *values in _rows(found):
        yield SubjectKey(kind, subject_id), accumulated(*values)


def _values(metric: Metric, found: duckdb.DuckDBPyRelation) -> Iterator[tuple[SubjectKey, Any]]:
    """The values of rows that come by id and bucket."""
    accumulated = _FORMS[metric.accumulator.key].accumulated
    rows = _rows(found)
    for (kind, subject_id), of_id in groupby(rows, key=lambda row: (row[0], row[1])):
        numbers, values = [], []
        for row in of_id:
            if numbers and numbers[-1] == row[2]:  # days, digests and numbers have several rows a bucket
                values[-1] = metric.accumulator.merge(values[-1], accumulated(*row[3:]))
            else:
                numbers.append(row[2])
                values.append(accumulated(*row[3:]))
        ring: buckets.Ring = [numbers, values]
        if not metric.ever:
            buckets.prune(ring, metric.limit)
        yield SubjectKey(kind, subject_id), values[0] if metric.ever else ring


# -- time --------------------------------------------------------------------------------------------------------


def _start(metric: Metric, now: int) -> int | None:
    """The first instant (ms) whose bucket a window may still reach; None when all of time counts."""
    if metric.ever:
        return None
    if metric.width:
        return (now // metric.width - metric.limit) * metric.width
    if (fixed := _fixed(metric)) is not None:
        return fixed[0]
    days = _days_of(metric)
    return days.start(days.day(now) - metric.limit)


def _fixed(metric: Metric) -> tuple[int, int] | None:
    """The edges (ms) of a window between two days, see `windows.BetweenFrame`."""
    if not metric.step.startswith(_BETWEEN):
        return None
    start, end = metric.step.removeprefix(_BETWEEN).split(":")
    return int(start), int(end)


def _days_of(metric: Metric) -> LocalDays:
    """The days that are the metric's buckets: of the workspace's zone, or UTC where a trait says which of them count."""
    return local_days(metric.step.removeprefix(_DAY))


def _bucket(metric: Metric, at: Numbers, now: int) -> Numbers:
    if metric.width:
        return (at / metric.width).floor().cast("int64")
    return _day(at, _days_of(metric), now) if metric.step.startswith(_DAY) else ibis.literal(0, "int64")


def _day(at: Numbers, days: LocalDays, now: int) -> Numbers:
    return local_day(at, days, now) + EPOCH_DAY


def _instant(ms: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)


# -- accumulators ------------------------------------------------------------------------------------------------


def _grouped(**columns: Callable[[Table], Values]) -> Callable[[Table], Table]:
    return lambda rows: rows.group_by(list(_GROUP)).aggregate(**{name: make(rows) for name, make in columns.items()})


def _totals(rows: Table) -> Table:
    number = Column(rows.value).number
    rows = rows.mutate(weighted=number * rows.weight).filter((number.abs() < LARGEST).fill_null(False))
    whole = rows.weighted.floor()
    micro = ((rows.weighted - whole) * MICRO + 0.5).floor()
    exact = "decimal(38, 0)"  # sums beyond 64 bits and beyond what a float holds exactly
    return rows.group_by(list(_GROUP)).aggregate(
        whole=whole.cast(exact).sum(), micro=micro.cast("int64").sum().cast(exact), total_weight=rows.weight.sum()
    )


def _extreme(pick: str) -> Callable[[Table], Table]:
    def rows(events: Table) -> Table:
        numbers = events.mutate(number=Column(events.value).number)
        numbers = numbers.filter(numbers.number.notnull())
        return numbers.group_by(list(_GROUP)).aggregate(number=getattr(numbers.number, pick)())

    return rows


def _picked(*, newest: bool) -> Callable[[Table], Table]:
    def rows(events: Table) -> Table:
        there = events.filter(Column(events.value).exists)
        order = [there[name].desc() if newest else there[name].asc() for name in ("at", "event_id", "source")]
        group = [there[name] for name in _GROUP]
        ranked = there.mutate(place=ibis.row_number().over(group_by=group, order_by=order))
        best = ranked.filter(ranked.place == 0)
        return best.select(*_GROUP, "at", "event_id", "source", picked=best.value.cast("string"))

    return rows


def _days(rows: Table) -> Table:
    return rows.select(*_GROUP, "day").distinct()


def _alone(number: int) -> list[int]:
    return [number]


def _digests(rows: Table) -> Table:
    """The smallest digests of each group: more are never kept."""
    digests = rows.select(*_GROUP, digest=hexadecimal(Column(rows.value).digest))
    digests = digests.filter(digests.digest.notnull()).distinct()
    order = ibis.window(group_by=[digests[name] for name in _GROUP], order_by=digests.digest)
    placed = digests.mutate(place=ibis.row_number().over(order))
    return placed.filter(placed.place <= sketches.DISTINCT).select(*_GROUP, "digest")


def _spread(rows: Table) -> Table:
    numbers = rows.mutate(number=Column(rows.value).number)
    numbers = numbers.filter((~numbers.number.isinf()).fill_null(False))
    return numbers.group_by([*_GROUP, "number"]).aggregate(total_weight=numbers.weight.sum())


def _number(number: float, weight: float) -> sketches.Spread:
    return [0, [plain(number)], [plain(weight)]]


def _weight(total: float) -> int | float:
    return exact_weight(total)


def _total(whole: Decimal, micro: Decimal, weight: float) -> list[Any]:
    return [int(whole), int(micro), plain(weight)]


def _value(at: int, event_id: str, source: str, picked: str) -> list[Any]:
    return [at, event_id, source, msgspec.json.decode(picked)]


_FORMS: dict[str, _Form] = {
    "count": _Form(_grouped(count=lambda rows: rows.weight.sum()), _weight),
    "total": _Form(_totals, _total),
    "min": _Form(_extreme("min"), plain),
    "max": _Form(_extreme("max"), plain),
    "first": _Form(_picked(newest=False), _value),
    "last": _Form(_picked(newest=True), _value),
    "first_at": _Form(_grouped(first_at=lambda rows: rows["at"].min()), int),
    "last_at": _Form(_grouped(last_at=lambda rows: rows["at"].max()), int),
    "days": _Form(_days, _alone, alone=False),
    "digests": _Form(_digests, _alone, alone=False),
    "spread": _Form(_spread, _number, alone=False),
}
