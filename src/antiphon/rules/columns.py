"""A JSON value of each row, as Ibis columns: the counterpart of `values.py` over history.

`json_extract_path`, `json_type`, `md5` and `epoch_ms` are the only functions named here that an engine must have under that name, or
be given (`engines.py`); all else is Ibis, so this is the one place to look at when another engine joins.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import ibis

from antiphon.rules.sketches import CELLS, DIGITS
from antiphon.rules.values import DATE, EXACT_INTEGER, LARGEST_DATE, SECONDS_BELOW

# An Ibis expression's type is known when it runs, and its stubs refuse most of what it can do: these names say what is meant.
Table = Any
Flags = Any
Numbers = Any
Texts = Any
Jsons = Any
Values = Any


@ibis.udf.scalar.builtin(name="json_extract_path", signature=(("json", "string"), "json"))
def json_extract(document: object, pointer: str) -> Any:
    """The part of a document that a JSON pointer names.

    By its other name, as translations take what is called `json_extract` for something with a path of names.
    """


@ibis.udf.scalar.builtin(name="json_type", signature=(("json",), "string"))
def json_type(document: object) -> Any:
    """What a document is: VARCHAR, BOOLEAN, UBIGINT, BIGINT, DOUBLE, ARRAY, OBJECT or NULL."""


@ibis.udf.scalar.builtin(name="md5", signature=(("string",), "string"))
def md5(text: object) -> Any:
    """The digest of a text, in hexadecimal."""


def hexadecimal(digits: Texts) -> Numbers:
    """The number that hexadecimal digits write; they stand in the query once, as what they are made of is long."""
    return ("0x" + digits).cast("int64")


def cells(number: Numbers) -> Numbers:
    """The middle of the cell that each number lies in, see `sketches.cell`."""
    size = number.abs()
    about = size.nullif(0).log2().floor()
    # a logarithm may be off by its last bit; powers of two are exact, and tell
    power = ibis.cases(
        (_power(about) > size, _power(about - 1)), (_power(about + 1) <= size, _power(about + 1)), else_=_power(about)
    )
    middle = power * (((size / power - 1) * CELLS).floor() * 2 + 2 * CELLS + 1) / (2 * CELLS)
    return ibis.ifelse(number > 0, middle, ibis.ifelse(number < 0, -middle, 0.0))


def _power(exponent: Numbers) -> Numbers:
    two: Numbers = ibis.literal(2.0)
    return two.pow(exponent)


@ibis.udf.scalar.builtin(name="epoch_ms", signature=(("timestamp('UTC')",), "int64"))
def epoch_ms(instant: object) -> Any:
    """Milliseconds since the epoch, exactly; the engine's seconds as a float would be rounded, not cut."""


class Column:
    """One JSON value per row, seen as each type; a column is NULL where the value is of another type."""

    def __init__(self, json: Jsons) -> None:
        """Take a column of JSON values; SQL NULL and JSON null are both a missing value."""
        self.json = json

    @classmethod
    def of(cls, document: Texts, key: str) -> Column:
        """The value under `key` of each row's JSON object, which is given as text."""
        pointer = "/" + key.replace("~", "~0").replace("/", "~1")
        return cls(json_extract(document.cast("json"), pointer))

    @cached_property
    def exists(self) -> Flags:
        """Whether there is a value."""
        return (self._type != "NULL").fill_null(False)

    @cached_property
    def _type(self) -> Texts:
        return json_type(self.json)

    @cached_property
    def number(self) -> Numbers:
        """The value as a number."""
        return self.json.float

    @cached_property
    def text(self) -> Texts:
        """The value as a text."""
        return self.json.str

    @cached_property
    def flag(self) -> Flags:
        """The value as true or false."""
        return self.json.bool

    @cached_property
    def items(self) -> Jsons:
        """The value as a list of JSON values."""
        return self.json.array

    @cached_property
    def written(self) -> Texts:
        """The value's text form, see `values.written`."""
        small = (self.number.abs() < EXACT_INTEGER) & (self.number == self.number.floor())
        integral = self._type.isin(["UBIGINT", "BIGINT"])
        as_number = ibis.ifelse(
            integral,
            self.json.cast("string"),
            ibis.ifelse(
                small, ibis.ifelse(small, self.number, 0.0).cast("int64").cast("string"), self.number.cast("string")
            ),
        )
        as_flag = ibis.cases((self.flag, "true"), (~self.flag, "false"))
        return ibis.coalesce(self.text, as_number, as_flag)

    @cached_property
    def digest(self) -> Texts:
        """The digits of the value's digest, see `sketches.digest`."""
        kind = ibis.cases((self.text.notnull(), "s:"), (self.flag.notnull(), "b:"), else_="n:")
        found: Texts = md5(kind + self.written)
        return found.substr(0, DIGITS)

    @cached_property
    def date(self) -> Numbers:
        """The instant that the value names in ms since the epoch, see `values.date`."""
        return ibis.coalesce(self._date_of_text, self._date_of_number)

    @property
    def _date_of_number(self) -> Numbers:
        number = self.number
        ms: Any = ibis.ifelse(number.abs() >= SECONDS_BELOW, number, number * 1000)
        return ibis.ifelse(number.abs() <= LARGEST_DATE, ms.floor(), ibis.null("float64")).cast("int64")

    @property
    def _date_of_text(self) -> Numbers:
        text = self.text

        def part(index: int, default: str) -> Texts:
            found = text.re_extract(DATE, index)
            return ibis.ifelse(found.length() > 0, found, default)

        minute = part(1, "x") + " " + part(2, "00") + ":" + part(3, "00") + ":00"
        start = minute.try_cast("timestamp").epoch_seconds() * 1000
        seconds = part(4, "0").try_cast("int64") * 1000
        milliseconds = (part(5, "0") + "00").substr(0, 3).try_cast("int64")
        offset = part(6, "Z").replace(":", "")
        minutes = offset.substr(1, 2).try_cast("int64") * 60 + offset.substr(3, 2).try_cast("int64")
        sign = ibis.ifelse(offset.startswith("-"), -1, 1)
        shift = ibis.ifelse(offset == "Z", 0, sign * minutes.fill_null(0) * 60_000)
        return ibis.ifelse(text.re_search(DATE), start + seconds + milliseconds - shift, ibis.null("int64"))


OWN = {"method": "string", "route": "string", "status": "int32", "latency_ms": "float64"}
"""Properties of API calls that history also has as columns: null where the property is missing or of another type."""


_BY_TEXT = ("matches", "matches_regex")
_ANSWERED = ("=", "!=", "in", "not_in", "<", "<=", ">", ">=", *_BY_TEXT)
"""Operators that an own column answers as its JSON would."""


class OwnColumn(Column):
    """A property that stands in a column of its own, for the rows in which it does; no JSON is read for it."""

    def __init__(self, column: Values, kind: str) -> None:
        """Take the column and its type."""
        self._column, self._kind = column, kind
        super().__init__(ibis.null("json"))

    @cached_property
    def exists(self) -> Flags:
        """Whether the column has the value; where it has not, the property may still be there as another type."""
        return self._column.notnull()

    @cached_property
    def number(self) -> Numbers:
        """The value as a number."""
        return self._none("float64") if self._kind == "string" else self._column.cast("float64")

    @cached_property
    def text(self) -> Texts:
        """The value as a text."""
        return self._column if self._kind == "string" else self._none("string")

    @cached_property
    def flag(self) -> Flags:
        """These are never true or false."""
        return self._none("boolean")

    @cached_property
    def written(self) -> Texts:
        """The value's text form, of a text or a whole number."""
        return self._column.cast("string")

    def _none(self, kind: str) -> Values:
        """NULL, as a column: a literal of it is no expression that can be compared."""
        there = self._column.isnull()
        return ibis.ifelse(there & ~there, ibis.literal("0"), ibis.null("string")).try_cast(kind)


def tested(events: Table, key: str, operator: str, test: Callable[[Column], Flags]) -> Flags:
    """A test of each event's property: of its own column where that has it and can answer, else of its JSON."""
    from_json = test(Column.of(events.properties, key))
    kind = OWN.get(key)
    if kind is None or key not in events.columns or operator not in _ANSWERED:
        return from_json
    if operator in _BY_TEXT and kind == "float64":  # a fraction's text form is made from its JSON
        return from_json
    own = OwnColumn(events[key], kind)
    return ibis.ifelse(own.exists, test(own), from_json)
