"""The rows that rules over history are made of: events by subject, and subjects."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import ibis
import msgspec

from antiphon.model.subject import SubjectKind
from antiphon.rules import tree
from antiphon.rules.accumulators import WEIGHT_STEPS
from antiphon.rules.columns import OWN, Numbers, Table, Values, epoch_ms
from antiphon.rules.values import LARGEST_DATE
from antiphon.rules.zones import LocalDays

DAY_MS = 86_400_000


class HistoryTables(msgspec.Struct, frozen=True):
    """The tables that rules over history read; see `history_tables` for their columns."""

    events: Table
    profiles: Table
    identities: Table


def history_tables() -> HistoryTables:
    """Tables by name only: `events`, `profiles` and `identities`, of whichever connection runs the expression."""
    texts = ("event_id", "name", "source", "user_id", "anonymous_id", "company_id", "properties")
    events = dict.fromkeys(texts, "string") | {
        "timestamp": "timestamp('UTC', 6)",
        "weight": "float64",
        "late": "boolean",
    }
    events |= OWN
    profiles = {"kind": "string", "id": "string", "traits": "string", "company_id": "string", "first_seen": "int64"}
    return HistoryTables(
        events=ibis.table(events, name="events"),
        profiles=ibis.table(profiles, name="profiles"),
        identities=ibis.table({"kind": "string", "id": "string", "user_id": "string"}, name="identities"),
    )


class Needed:
    """Which events several selectors and windows may look at, so that the others are not read: by name, and from when on."""

    def __init__(self) -> None:
        """None, as long as nothing is added."""
        self._names: set[str] | None = set()
        self._start: int | None = LARGEST_DATE

    def add(self, selector: tree.Selector, start: int | None = None) -> None:
        """Add the events of a selector, from `start` (ms) on, or of all time."""
        self._names = None if self._names is None or selector.match != "exact" else {*self._names, selector.event}
        self._start = None if self._start is None or start is None else min(self._start, start)

    def of(self, events: Table) -> Table:
        """Those of the table's events; the conditions are such as the statistics of its files can answer."""
        if self._names is not None:
            names = sorted(self._names)
            events = events.filter(events.name == names[0] if len(names) == 1 else events.name.isin(names))
        return events if self._start is None else events.filter(events.timestamp >= instant(self._start))


def instant(ms: int) -> Values:
    """A constant instant."""
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
    return ibis.literal(at, type="timestamp('UTC')")


def event_rows(tables: HistoryTables, kind: SubjectKind) -> Table:
    """The events that are not late, each with its `subject_id`, `at` in ms, and its weight as it is counted.

    An event is its user's (a former id stands for the user), else that of the user that its anonymous id is linked to; a
    company's are those with its `company_id`, and those of its users that have none.
    """
    events, profiles, identities = tables.events, tables.profiles, tables.identities
    users = identities.filter(identities.kind == "user").select(former_id="id", former_user="user_id")
    devices = identities.filter(identities.kind == "anonymous").select(device_id="id", device_user="user_id")
    rows = events.filter(~events.late)
    rows = rows.left_join(users, rows.user_id == users.former_id)
    rows = rows.left_join(devices, rows.anonymous_id == devices.device_id)
    own = ibis.coalesce(rows.former_user, rows.user_id)
    rows = rows.mutate(known_user=ibis.ifelse(rows.user_id.notnull(), own, rows.device_user))
    if kind == "company":
        homes = profiles.filter(profiles.kind == "user").select(home_user="id", home="company_id")
        rows = rows.left_join(homes, rows.known_user == homes.home_user)
        subject: Values = ibis.coalesce(rows.company_id, rows.home)
    else:
        subject = rows.known_user
    chosen = rows.select(
        "name",
        "event_id",
        "source",
        "timestamp",
        "properties",
        *OWN,
        subject_id=subject,
        weight=counted_weight(rows),
        at=epoch_ms(rows.timestamp),
    )
    return chosen.filter(chosen.subject_id.notnull())


def rows_by_name(kind: SubjectKind) -> Table:
    """What `event_rows` gives, by the name of a view that has been made of it: `user_events` or `company_events`."""
    texts = dict.fromkeys(("name", "event_id", "source"), "string")
    kinds = {**texts, "timestamp": "timestamp('UTC', 6)", "properties": "string", **OWN, "subject_id": "string"}
    return ibis.table({**kinds, "weight": "float64", "at": "int64"}, name=f"{kind}_events")


def counted_weight(rows: Table) -> Numbers:
    """The weight of each event as it is counted, see `accumulators.exact_weight`."""
    return (rows.weight * WEIGHT_STEPS + 0.5).floor() / WEIGHT_STEPS


def subject_rows(profiles: Table, kind: SubjectKind, *, with_company: bool) -> Table:
    """The subjects of a kind: `subject_id`, `traits`, `company_traits` (both JSON text) and `first_seen` in ms."""
    own = profiles.filter(profiles.kind == kind).select(
        "company_id", subject_id="id", traits=profiles.traits.cast("string"), first_seen="first_seen"
    )
    if not with_company:
        return own.select("subject_id", "traits", "first_seen", company_traits=ibis.null("string"))
    companies = profiles.filter(profiles.kind == "company").select(
        employer="id", company_traits=profiles.traits.cast("string")
    )
    joined = own.left_join(companies, own.company_id == companies.employer)
    return joined.select("subject_id", "traits", "first_seen", "company_traits")


def local_day(at: Numbers, days: LocalDays, now: int) -> Numbers:
    """The number of the local day that instants (ms) fall on: the zone's offsets, written out as cases."""
    offsets = days.offsets(0, now + DAY_MS)
    cases = [(at < start, offset) for (start, _), (_, offset) in zip(offsets[1:], offsets, strict=False)]
    offset = ibis.cases(*cases, else_=offsets[-1][1]) if cases else ibis.literal(offsets[-1][1])
    return ((at + offset) / DAY_MS).floor().cast("int64")
