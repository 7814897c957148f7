"""Rules as the kernel reads them: a rule is a run of nodes in reading order, each a row of integers and one of two floats.

The names here are those of kernel.c, in the same order; a test holds them equal.
"""

from __future__ import annotations

(
    OP, END, KEY, OTHER, WINDOW, WIDTH, LENGTH, FRAME, COMPARE, MISSING, TARGET, KNOWN, KNOWN_FOR, LEAST, NEGATED, FROM,
    TO, BASELINE, BUCKETS, COLUMNS,
) = range(20)  # fmt: skip
"""Columns of integers; of the floats the first is the right-hand side, or the second the percentage of the input TARGET."""

LOOKAHEAD = 48
"""See `baselines.LOOKAHEAD`."""

GROUP, NUMBER_OF, SHARE, AGE, TEST, DATE, UNANSWERED = range(7)
"""What a node is: a group of those up to END; a count, a ratio of counts, a time since, all compared; a test of a trait; a date; a follow-up that
is missing."""

EVER, SLIDING, CALENDAR = range(3)

EQUAL, UNEQUAL, LESS, AT_MOST, MORE, AT_LEAST = range(6)

KNOWN_ANYHOW, KNOWN_AFTER, KNOWN_SINCE_START = range(3)
"""How long the subject must be known: not at all, for KNOWN_FOR ms, since the start of the calendar window."""

FIRST, START, NEXT, NEXT_AT, AFTER_AT, FRAME_COLUMNS = range(6)
"""Columns of a calendar frame at an instant: its first bucket; when it began (ms); the next frame's first bucket; when that and when the
one after begins (ms)."""

LEVELS = 12
"""Groups that may be nested, with one to spare."""
