"""Rules over history: the same truth as live, as one Ibis expression over events, profiles and identities.

Tables: `events` (event_id, name, source, user_id, anonymous_id, company_id, timestamp, weight, late, properties as JSON text),
`profiles` (kind, id, traits as JSON text, company_id, first_seen in ms), `identities` (kind, id, user_id). Late events are
left out. The subjects are the profiles of the rule's kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ibis
import msgspec

from antiphon.errors import InvalidInput
from antiphon.model.subject import SubjectKind
from antiphon.rules import tree
from antiphon.rules.columns import Flags, Table
from antiphon.rules.history_leaves import Leaf, LeafCompiler
from antiphon.rules.history_rows import HistoryTables, event_rows, subject_rows
from antiphon.rules.history_windows import Make
from antiphon.rules.zones import LocalDays


class LeafColumns(msgspec.Struct, frozen=True, kw_only=True):
    """The columns of one condition that is no group: its truth, and its two sides (None: it has none)."""

    path: str
    node: tree.Leaf
    truth: str
    value: str
    right: str


class Members(msgspec.Struct, frozen=True, kw_only=True):
    """A rule over history: one row per subject, with `subject_id`, `matched`, and the columns of each condition.

    A value column holds JSON text for conditions on traits and for first and last, ms for ages, else a number.
    """

    rows: Table
    leaves: tuple[LeafColumns, ...]


def members(
    rule: tree.Tree,
    subject_kind: SubjectKind,
    events: Table,
    profiles: Table,
    identities: Table,
    *,
    now: int,
    time_zone: str,
    segments: Mapping[str, tree.Tree] | None = None,
    by_subject: Table | None = None,
) -> Members:
    """Who a rule holds for at `now` (ms), which is not before any event's receipt.

    `by_subject` is what `event_rows` makes of the tables, where that is there already (a view, see `rows_by_name`).
    `segments` are the rules that others may refer to, by name; a name that is not there has no members.
    Raises InvalidInput for a rule that cannot be evaluated.
    """
    compiler = LeafCompiler(subject_kind, LocalDays(time_zone), now)
    assembly = _Assembly(compiler, segments or {}, named=True)
    matched = assembly.truth(rule, "")
    if by_subject is None:
        counted = event_rows(HistoryTables(compiler.needed(events), profiles, identities), subject_kind)
    else:
        counted = compiler.needed(by_subject)
    rows = compiler.joined(subject_rows(profiles, subject_kind, with_company=compiler.reads_company), counted)
    columns: dict[str, Any] = {}
    leaves: list[LeafColumns] = []
    for number, (path, node, leaf) in enumerate(assembly.leaves):
        found = LeafColumns(
            path=path, node=node, truth=_truth(number), value=f"value_{number}", right=f"right_{number}"
        )
        leaves.append(found)
        columns |= {found.truth: leaf.truth(rows), found.value: leaf.value(rows), found.right: leaf.right(rows)}
    judged = rows.select(subject_id=rows.subject_id, **columns)
    return Members(rows=judged.select("subject_id", *columns, matched=matched(judged)), leaves=tuple(leaves))


def _truth(number: int) -> str:
    return f"truth_{number}"


def condition_truth(rule: tree.Tree, compiler: LeafCompiler, segments: Mapping[str, tree.Tree]) -> Make:
    """The truth of a rule's tree as a column of what `compiler` joins; `segments` as in `members`."""
    return _Assembly(compiler, segments, named=False).truth(rule, "")


class _Assembly:
    """Puts the conditions together as the tree says; the trees of segments stand in for references to them.

    `leaves` are the rule's own conditions in reading order; their truths are made anew, or, `named`, are columns already.
    """

    def __init__(self, compiler: LeafCompiler, segments: Mapping[str, tree.Tree], *, named: bool) -> None:
        self._compiler, self._segments, self._named = compiler, segments, named
        self._inlined: list[str] = []
        self.leaves: list[tuple[str, tree.Leaf, Leaf]] = []

    def truth(self, node: tree.Condition, path: str) -> Make:
        """The truth of a condition."""
        if isinstance(node, tree.GROUPS):
            children = [self.truth(child, f"{path}.{index}".lstrip(".")) for index, child in enumerate(node.of)]
            return lambda rows: _combined(node, [child(rows) for child in children])
        place = len(self.leaves)
        leaf = self._segment(node) if isinstance(node, tree.InSegment) else self._compiler.leaf(node)
        if self._inlined:
            return leaf.truth
        self.leaves.append((path, node, leaf))
        return (lambda rows: rows[_truth(place)]) if self._named else leaf.truth

    def _segment(self, node: tree.InSegment) -> Leaf:
        if node.name in self._inlined:
            raise InvalidInput(f"The segment {node.name!r} refers to itself.")
        inside: Make = lambda _: ibis.literal(False)  # noqa: E731 - a rule that is not there has no members
        if node.name in self._segments:
            self._inlined.append(node.name)
            inside = self.truth(self._segments[node.name], "")
            self._inlined.pop()
        return Leaf(inside if node.inside else _negated(inside), inside, lambda _: ibis.literal(node.inside))


def _negated(make: Make) -> Make:
    return lambda rows: ~make(rows)


def _combined(node: tree.Group, truths: list[Flags]) -> Flags:
    if isinstance(node, tree.AtLeast):
        held: Any = sum(truth.cast("int32") for truth in truths)
        return held >= node.count
    whole = truths[0]
    for truth in truths[1:]:
        whole = whole & truth if isinstance(node, tree.AllOf) else whole | truth
    return ~whole if isinstance(node, tree.NoneOf) else whole
