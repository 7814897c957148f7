"""Random worlds and rules for the property tests, and the same world as live states and as tables of history."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta

import duckdb
import ibis
import msgspec
import pyarrow as pa
from hypothesis import strategies as st

from antiphon.model.clock import DAY, HOUR, MINUTE
from antiphon.model.event import LATE, Event
from antiphon.rules import tree
from antiphon.rules.history import members
from antiphon.rules.history_rows import history_tables
from antiphon.rules.state import SubjectState, SubjectView
from factories import NOW
from rules_oracle import Subject

USERS = ("u1", "u2", "u3")
DEVICES = ("a1", "a2", "a3")
COMPANIES = ("c1", "c2")
ZONES = (
    "UTC",
    "Europe/Paris",
    "America/New_York",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Africa/Cairo",
)
"""With changes of the clock by an hour, half an hour and none, at midnight too, and an offset of three quarters."""
TODAY = datetime.fromtimestamp(NOW / 1000, UTC).date()
NAMES = ("api_call", "api_call", "api_call", "api_batch", "order created")

values = st.sampled_from(
    [400, 400.0, 500, 5, 0.5, -1, "400", "500", "pro", "/v1/items", "", "é", True, False, None, [400, "pro"], {"a": 1}]
)
operands = st.sampled_from([400, 500, 5, 0.5, "400", "pro", "/v1", True, False])
weights = st.sampled_from([1, 1, 1, 1, 2, 0.5, 3.3333333, 1 / 3, 2.0])
durations = st.sampled_from(
    [
        tree.Duration(amount, unit)
        for amount, unit in (
            (5, "minutes"),
            (10, "minutes"),
            (61, "minutes"),
            (1, "hours"),
            (24, "hours"),
            (3, "days"),
            (1, "weeks"),
            (1, "months"),
        )
    ]
)
ages = st.one_of(
    st.integers(-5 * MINUTE, 10 * MINUTE),
    st.integers(0, 40 * DAY),
    st.builds(lambda hours: hours * HOUR, st.integers(0, 24 * 35)),
    # at the edges of the windows that rules ask for
    st.builds(lambda long, off: max(0, long.ms + off), durations, st.integers(-2 * MINUTE, 2 * MINUTE)),
    st.builds(lambda long, sixtieths: long.ms + sixtieths * long.ms // 60, durations, st.integers(-2, 2)),
    durations.map(lambda long: long.ms),
)


# made once: to make a strategy takes longer than to draw from it
event_parts = st.tuples(
    ages,
    st.sampled_from(NAMES),
    st.sampled_from([*USERS, "old1", None]),
    st.sampled_from([None, *DEVICES]),
    st.sampled_from([None, None, *COMPANIES]),
    st.dictionaries(st.sampled_from(["status", "amount", "plan"]), values, max_size=3),
    weights,
    st.sampled_from([0, 0, 0, 0, 0, LATE]),
)


def event_of(number, parts):
    """An event of the last 40 days, perhaps late, of a user, a device or a company."""
    age, name, user, device, company, properties, weight, flags = parts
    return Event(
        id=f"m{number}",
        type="track",
        name=name,
        timestamp=NOW - age,
        received_at=NOW,
        source="1",
        user_id=user,
        anonymous_id=device,
        company_id=company,
        properties=properties,
        weight=weight,
        flags=flags,
    )


def events(least=0, most=25):
    """Some events, ids all different."""
    several = st.lists(event_parts, min_size=least, max_size=most)
    return several.map(lambda found: [event_of(number, parts) for number, parts in enumerate(found)])


@st.composite
def traits(draw):
    """A subject's traits, of any type, with dates around now."""
    found = {key: draw(values) for key in draw(st.sets(st.sampled_from(["plan", "role"])))}
    if draw(st.booleans()):
        at = NOW + draw(st.integers(-20 * DAY, 20 * DAY))
        written = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at)
        text = written.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        found["signed_up"] = draw(st.sampled_from([at, at // 1000, text, text[:10], "soon", True]))
    if draw(st.booleans()):
        found["timezone"] = draw(st.sampled_from([*ZONES, *ZONES, "Mars/Phobos", "", 5]))
    if draw(st.booleans()):
        found["billing_anchor"] = draw(st.sampled_from(["2024-01-31", "2024-02-29", "2023-11-30T23:30:00-05:00", NOW - 5 * DAY, NOW + 3 * DAY, NOW // DAY * DAY, "31.1.2024", True]))  # fmt: skip
    if draw(st.booleans()):
        found["limit"] = draw(st.sampled_from([1, 2, 2.5, 5, "5", None]))
    return found


windows = st.one_of(
    st.just(tree.Ever()),
    durations.map(lambda long: tree.Last(long.amount, long.unit)),
    st.builds(tree.Calendar, st.sampled_from(["day", "week", "month"])),
    st.builds(tree.Calendar, st.sampled_from(["day", "week", "month"]), st.sampled_from(["user", "company"])),
    st.builds(
        tree.BillingPeriod,
        st.sampled_from(["billing_anchor", "billing_anchor", "signed_up"]),
        st.sampled_from(["own", "company"]),
        st.sampled_from(["month", "year"]),
    ),
    st.builds(
        tree.SinceTrait,
        st.sampled_from(["signed_up", "billing_anchor"]),
        st.sampled_from(["own", "company"]),
        st.sampled_from([None, tree.Duration(1, "days"), tree.Duration(24, "hours"), tree.Duration(1, "weeks")]),
    ),
    st.builds(
        lambda back, days: tree.Between(str(TODAY - timedelta(days=back)), str(TODAY - timedelta(days=back - days))),
        st.integers(-2, 40),
        st.integers(0, 10),
    ),
)


@st.composite
def predicates(draw):
    """A test of a property with a fitting operand."""
    op = draw(st.sampled_from(["=", "!=", "<", "<=", ">", ">=", "in", "not_in", "contains", "starts_with", "ends_with", "matches", "matches_regex", "exists", "missing"]))  # fmt: skip
    return tree.Predicate(draw(st.sampled_from(["status", "amount", "plan"])), op, draw(operand_of(op)))


def operand_of(op):  # noqa: PLR0911 - one for each kind of operand
    """What an operator takes."""
    if op in ("in", "not_in"):
        return st.lists(operands, min_size=1, max_size=3).map(tuple)
    if op in ("exists", "missing"):
        return st.none()
    if op in ("starts_with", "ends_with"):
        return st.sampled_from(["/v1", "pro", "o", "", "é"])
    if op == "matches":
        return st.sampled_from(["4*", "*0", "*", "pro", "/v1/*", "tr*", "0.*", "f*"])
    if op == "matches_regex":
        return st.sampled_from(["^4", "0$", "^pro$", "items", r"\.", "t"])
    if op in ("<", "<=", ">", ">="):
        return operands.filter(lambda operand: not isinstance(operand, bool))
    return operands


selectors = st.builds(
    lambda name, where: tree.Selector(name[0], name[1], tuple(where)),
    st.sampled_from(
        [("api_call", "exact"), ("order created", "exact"), ("api_*", "wildcard"), ("*", "wildcard"), ("^api", "regex")]
    ),
    st.lists(predicates(), max_size=2),
)
comparisons = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])
limits = st.one_of(st.sampled_from([0, 0, 1, 2, 3, 5, 0.5, 2.5]), st.builds(tree.TraitValue, st.just("limit"), st.sampled_from(["own", "company"]), st.sampled_from([100, 80, 50])))  # fmt: skip


# what most rules are: a count of something simple over a window that slides
usual = st.builds(
    lambda selector, op, value, long, known: tree.Measure(
        tree.Aggregate("count", selector), op, value, tree.Last(long.amount, long.unit), known
    ),
    st.sampled_from([tree.Selector("api_call"), tree.Selector("*", "wildcard")]),
    st.sampled_from([">=", ">=", ">=", "=", "<=", ">", "<"]),
    st.sampled_from([0, 1, 1, 2, 3, 4]),
    durations,
    st.sampled_from([None, None, None, tree.Duration(0, "days"), tree.Duration(2, "days")]),
)


@st.composite
def any_measure(draw):
    """An aggregate of any kind, compared with what it may be compared with."""
    kind = draw(st.sampled_from(["count"] * 6 + ["sum", "avg", "min", "max", "distinct", "p50", "p90", "p99", "days_active", "ratio", "first", "last", "time_since_first", "time_since_last", "time_since_last"]))  # fmt: skip
    of = (
        draw(st.sampled_from(["status", "amount"]))
        if kind in ("sum", "avg", "min", "max", "distinct", "p50", "p90", "p99", "first", "last")
        else None
    )
    to = draw(selectors) if kind == "ratio" else None
    if kind.startswith("time"):
        value = draw(durations)
    elif kind in ("first", "last"):
        value = draw(operands.filter(lambda operand: not isinstance(operand, bool)))
    elif kind == "ratio":
        value = draw(st.sampled_from([10, 50, 100]).map(tree.Percent))
    else:
        value = draw(limits)
    known = draw(st.one_of(st.none(), st.none(), st.builds(tree.Duration, st.integers(0, 30), st.just("days"))))
    return tree.Measure(tree.Aggregate(kind, draw(selectors), of, to), draw(comparisons), value, draw(windows), known)


@st.composite
def baselines(draw):
    """An aggregate compared with a part of what it has been before."""
    kind = draw(
        st.sampled_from(
            ["count", "count", "count", "sum", "avg", "min", "max", "distinct", "p90", "days_active", "ratio"]
        )
    )
    of = draw(st.sampled_from(["status", "amount"])) if kind not in ("count", "days_active", "ratio") else None
    to = draw(selectors) if kind == "ratio" else None
    amount, unit, periods = draw(st.sampled_from([(5, "minutes", 3), (1, "hours", 24), (3, "days", 3), (1, "days", 7), (1, "weeks", 4)]))  # fmt: skip
    value = tree.Baseline(draw(st.sampled_from([50, 100, 200, 33.3])), tree.Duration(amount * periods, unit))
    known = draw(st.sampled_from([None, None, tree.Duration(0, "days"), tree.Duration(3, "days")]))
    return tree.Measure(
        tree.Aggregate(kind, draw(selectors), of, to), draw(comparisons), value, tree.Last(amount, unit), known
    )


measures = st.one_of(usual, any_measure(), any_measure(), baselines())
steps = st.sampled_from(
    [
        tree.Selector("api_call"),
        tree.Selector("order created"),
        tree.Selector("*", "wildcard"),
        tree.Selector("api_call", where=(tree.Predicate("status", "=", 400),)),
        tree.Selector("api_batch"),
    ]
)
ordered = st.one_of(
    st.builds(tree.Sequence, st.lists(steps, min_size=2, max_size=5).map(tuple), durations),
    st.builds(tree.FollowUpMissing, steps, steps, durations),
)


@st.composite
def trait_conditions(draw):
    """A test of a trait, of a date too."""
    owner = draw(st.sampled_from(["own", "company"]))
    if draw(st.booleans()):
        op = draw(st.sampled_from(["in_the_last", "within_the_next", "more_than_ago"]))
        return tree.TraitCondition("signed_up", op, draw(durations), owner)
    test = draw(predicates())
    return tree.TraitCondition(draw(st.sampled_from(["plan", "role", "limit"])), test.op, test.value, owner)


segments = st.builds(tree.InSegment, st.sampled_from(["S1", "S2", "unknown"]), st.booleans())


def groups(children):
    """Groups of conditions."""
    several = st.lists(children, min_size=1, max_size=3).map(tuple)
    return st.one_of(
        st.builds(tree.AllOf, several),
        st.builds(tree.AnyOf, several),
        st.builds(tree.NoneOf, several),
        several.flatmap(lambda of: st.builds(tree.AtLeast, st.integers(1, len(of)), st.just(of))),
    )


plain_rules = st.recursive(st.one_of(measures, measures, ordered, trait_conditions()), groups, max_leaves=4)
rules = st.recursive(
    st.one_of(measures, measures, measures, ordered, trait_conditions(), segments), groups, max_leaves=5
)

worlds = st.fixed_dictionaries(
    {
        "events": events(),
        "traits": st.fixed_dictionaries({subject: traits() for subject in (*USERS, *COMPANIES)}),
        "homes": st.fixed_dictionaries({user: st.sampled_from([None, *COMPANIES]) for user in USERS}),
        "links": st.fixed_dictionaries(
            {("user", "old1"): st.sampled_from(USERS)},
            optional={("anonymous", device): st.sampled_from(USERS) for device in DEVICES},
        ),
    }
)


def about(rule, kind):
    """The rule for a subject kind: a company has no user's time zone, so it takes its own."""
    if kind == "user":
        return rule
    return tree.decode(json.loads(json.dumps(tree.encode(rule)).replace('"zone": "user"', '"zone": "company"')))


def own_columns(event):
    """What stands of an API call's properties in columns of its own: values of the column's very type."""
    status = event.properties.get("status") if event.name == "api_call" else None
    return {"method": None, "route": None, "status": status if type(status) is int else None, "latency_ms": None}


class World:
    """One world: who is who, and which events are whose, worked out as plainly as can be."""

    def __init__(self, drawn):
        self.events, self.traits = drawn["events"], drawn["traits"]
        self.homes, self.links = drawn["homes"], drawn["links"]

    def user_of(self, event):
        if event.user_id is not None:
            return self.links.get(("user", event.user_id), event.user_id)
        return self.links.get(("anonymous", event.anonymous_id))

    def company_of(self, event):
        return event.company_id or self.homes.get(self.user_of(event))

    def subjects(self, kind):
        return USERS if kind == "user" else COMPANIES

    def events_of(self, kind, subject):
        whose = self.user_of if kind == "user" else self.company_of
        return [event for event in self.events if whose(event) == subject and not event.late]

    def company_traits(self, kind, subject):
        return self.traits.get(self.homes[subject]) if kind == "user" and self.homes[subject] else None

    def for_oracle(self, kind, subject):
        return Subject(self.events_of(kind, subject), self.traits[subject], self.company_traits(kind, subject))

    # -- live ----------------------------------------------------------------------------------------------------

    def states(self, program, kind, seed=0):
        """Folds the events in an order of its own; users' and devices' states are kept apart, then merged."""
        order = random.Random(seed)
        shuffled = order.sample(self.events, len(self.events))
        parts = {}
        for event in shuffled:
            touch = program.touch(event)
            if kind == "company":
                key, plan = ("company", self.company_of(event)), touch.company
            else:
                key, plan = ("user", event.user_id) if event.user_id else ("anonymous", event.anonymous_id), touch.user
            program.fold(parts.setdefault(key, SubjectState()), event, plan)
        states = {}
        for key in order.sample(sorted(parts, key=repr), len(parts)):
            subject = key[1] if kind == "company" else self.links.get(key, key[1] if key[0] == "user" else None)
            if subject is not None:
                state = parts[key]
                states[subject] = program.merge(states[subject], state, kind) if subject in states else state
        return {subject: states.get(subject, SubjectState()) for subject in self.subjects(kind)}

    def live(self, program, rule_ids, kind, subject, state, now):
        """Truth by rule id, evaluated in the order given; a rule's truth is what later ones see of its segment."""
        inside = {}
        truths = {}
        view = SubjectView(state, self.traits[subject], self.company_traits(kind, subject), inside)
        for rule_id, name in rule_ids:
            truths[rule_id] = program.evaluate(rule_id, view, now).truth
            inside[name] = truths[rule_id]
        return truths

    # -- history -------------------------------------------------------------------------------------------------

    def history(self, rule, kind, now, zone, segment_trees):
        """Truth by subject, from DuckDB."""
        connection = duckdb.connect()
        for name, table in self.tables().items():
            connection.register(name, table)
        tables = history_tables()
        found = members(
            rule,
            kind,
            tables.events,
            tables.profiles,
            tables.identities,
            now=now,
            time_zone=zone,
            segments=segment_trees,
        )
        rows = connection.sql(ibis.to_sql(found.rows, dialect="duckdb")).to_arrow_table().to_pylist()
        connection.close()
        return {row["subject_id"]: row["matched"] for row in rows}

    def tables(self):
        texts = ("event_id", "name", "source", "user_id", "anonymous_id", "company_id", "properties")
        columns = [*((text, pa.string()) for text in texts), ("timestamp", pa.timestamp("us", "UTC"))]
        own = [("method", pa.string()), ("route", pa.string()), ("status", pa.int32()), ("latency_ms", pa.float64())]
        schema = pa.schema([*columns, ("weight", pa.float64()), ("late", pa.bool_()), *own])
        rows = [
            {
                "event_id": event.id,
                "name": event.name,
                "source": event.source,
                "user_id": event.user_id,
                "anonymous_id": event.anonymous_id,
                "company_id": event.company_id,
                "properties": msgspec.json.encode(event.properties).decode(),
                "timestamp": event.timestamp * 1000,
                "weight": float(event.weight),
                "late": event.late,
                **own_columns(event),
            }
            for event in self.events
        ]
        profiles = [
            {
                "kind": kind,
                "id": subject,
                "traits": json.dumps(self.traits[subject], ensure_ascii=False),
                "company_id": self.homes.get(subject),
                "first_seen": min((event.timestamp for event in self.events_of(kind, subject)), default=None),
            }
            for kind in ("user", "company")
            for subject in self.subjects(kind)
        ]
        identities = [{"kind": kind, "id": former, "user_id": user} for (kind, former), user in self.links.items()]
        profile_schema = pa.schema([*((text, pa.string()) for text in ("kind", "id", "traits", "company_id")), ("first_seen", pa.int64())])  # fmt: skip
        return {
            "events": pa.Table.from_pylist(rows, schema=schema),
            "profiles": pa.Table.from_pylist(profiles, schema=profile_schema),
            "identities": pa.Table.from_pylist(identities),
        }
