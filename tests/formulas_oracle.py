"""An independent reading of formulas: plain recursion over the tree, sharing no code with the product's evaluation."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from antiphon.rules import formula as f
from antiphon.rules import tree
from rules_oracle import DAY, Oracle, covered, instant, is_number, length

HOUR = DAY // 24
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Date:
    """An instant, so that it cannot be taken for a number."""

    def __init__(self, ms):
        self.ms = ms


class FormulaOracle:
    def __init__(self, kind, time_zone, segments=None):
        self.rules = Oracle(kind, time_zone, segments)

    def value(self, formula, subject, now):
        """The value as a profile shows it; None when there is none."""
        found = self.part(formula, subject, now, self.type_of(formula))
        if isinstance(found, Date):
            return (EPOCH + timedelta(milliseconds=found.ms)).date().isoformat()
        if self.type_of(formula) == "number" and found is not None:
            found = math.floor(found * 1e6 + 0.5) / 1e6 if abs(found) < 1e9 else found
        return found

    def type_of(self, node):  # noqa: PLR0911 - one line for each kind of node
        """What a part gives: number, date, text or (a trait's or property's) value."""
        if isinstance(node, f.Words):
            return "text"
        if isinstance(node, f.TraitInput) or (
            isinstance(node, f.Measured) and node.aggregate.kind in ("first", "last")
        ):
            return "value"
        if isinstance(node, (f.Now, f.Today)) or (isinstance(node, f.Call) and node.function == "date"):
            return "date"
        if isinstance(node, f.Choice):
            types = {self.type_of(node.then), self.type_of(node.otherwise)} - {"value"}
            return types.pop() if types else "value"
        if isinstance(node, f.Operation):
            dates = [self.type_of(node.left), self.type_of(node.right)].count("date")
            return "date" if dates == 1 else "number"
        if isinstance(node, f.Call) and node.function in ("min", "max"):
            return "date" if "date" in map(self.type_of, node.of) else "number"
        return "number"

    def part(self, node, subject, now, wanted):  # noqa: PLR0911 - one for each kind of node
        if isinstance(node, (f.Number, f.Words)):
            return node.value
        if isinstance(node, tree.Duration):
            return length(node) / DAY
        if isinstance(node, f.TraitInput):
            return taken(self.rules.trait(node.owner, node.name, subject), wanted)
        if isinstance(node, f.Measured):
            return self.measured(node, subject, now, wanted)
        if isinstance(node, f.Now):
            return Date(now - now % HOUR)
        if isinstance(node, f.Today):
            day = self.rules.day(now)
            return Date((datetime(day.year, day.month, day.day, tzinfo=UTC) - EPOCH) // timedelta(milliseconds=1))
        if isinstance(node, f.Negative):
            found = self.part(node.of, subject, now, "number")
            return None if found is None else -found
        if isinstance(node, f.Choice):
            held = self.rules.truth(node.condition, subject, now)
            return self.part(node.then if held else node.otherwise, subject, now, wanted)
        if isinstance(node, f.Operation):
            sides = [self.part(side, subject, now, self.asked(side)) for side in (node.left, node.right)]
            return None if None in sides else bounded(reckon(node.sign, *sides))
        if node.function == "date":
            return self.part(node.of[0], subject, now, "date")
        asked = "date" if self.type_of(node) == "date" else "number"
        return bounded(called(node.function, [self.part(item, subject, now, asked) for item in node.of]))

    def asked(self, node):
        return "date" if self.type_of(node) == "date" else "number"

    def measured(self, node, subject, now, wanted):
        edges = self.rules.edges(node.window, subject, now)
        if edges is None:
            return None
        value = self.rules.aggregate(node.aggregate, covered(subject.events, *edges), now)
        if node.aggregate.kind.startswith("time_since"):
            return None if value is None else max(0, value // HOUR) / 24
        if node.aggregate.kind in ("first", "last"):
            return taken(value, wanted)
        return None if value is None or abs(value) > 1e15 else float(value)


def taken(value, wanted):
    if wanted == "number":
        return value if is_number(value) and abs(value) <= 1e15 else None
    if wanted == "date":
        ms = instant(value)
        return None if ms is None or not -30_610_224_000_000 <= ms <= 253_402_300_799_999 else Date(ms)
    if wanted == "text":
        return value if isinstance(value, str) else None
    return value


def reckon(sign, left, right):
    if isinstance(left, Date) and isinstance(right, Date):
        return (left.ms - right.ms) / DAY
    if isinstance(right, Date):
        left, right = right, left
    if isinstance(left, Date):
        return Date(left.ms + math.floor((-right if sign == "-" else right) * DAY + 0.5))
    if sign == "/":
        return left / right if abs(right) >= 1e-9 else None
    return {"+": left + right, "-": left - right, "*": left * right}[sign]


def called(function, of):
    if None in of:
        return None
    if function in ("min", "max"):
        dates = isinstance(of[0], Date)
        found = (min if function == "min" else max)(item.ms if dates else item for item in of)
        return Date(found) if dates else found
    if function == "round":
        digits = of[1] if len(of) > 1 else 0
        if digits < 0:
            return math.floor(of[0] / 10.0**-digits + 0.5) * 10.0**-digits
        return math.floor(of[0] * 10.0**digits + 0.5) / 10.0**digits
    return {"floor": math.floor, "ceil": math.ceil, "abs": abs}[function](of[0])


def bounded(found):
    if isinstance(found, Date):
        return found if -30_610_224_000_000 <= found.ms <= 253_402_300_799_999 else None
    return found if found is not None and abs(found) <= 1e15 else None
