"""The period of a backtest: lengths of time and dates as a rule file has them."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from antiphon.errors import InvalidInput
from antiphon.model.backtest import RuleFile
from antiphon.rules import tree


def period(file: RuleFile, span: tuple[int, int] | None, now: int | None, zone: str) -> tuple[int, int]:
    """From when to when: of a file's events all of them (`span`), of a server's the last 30 days up to now; raises InvalidInput."""
    if span is not None:
        first, last = span
    elif now is not None:
        first, last = now - parse_length("30d"), now
    else:  # pragma: no cover - a server has a now
        raise InvalidInput("There is no period to replay.")
    until = last + 1 if file.until is None else _moment(file.until, last, zone, sign=1)
    end = min(last, until)
    since = first if file.since is None else _moment(file.since, end, zone, sign=-1)
    if since >= until:
        raise InvalidInput("`since` must be before `until`.")
    return since, until


def _moment(text: str, origin: int, zone: str, *, sign: int) -> int:
    """An ISO date or time, or a length of time before (or after) `origin`; in ms."""
    try:
        return origin + sign * parse_length(text)
    except InvalidInput:
        pass
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise InvalidInput(
            f"{text!r} is neither a length of time such as 30d nor a date such as 2026-10-01."
        ) from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(zone))
    return round(moment.timestamp() * 1_000)


_UNITS: dict[str, tree.Unit] = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_length(text: str) -> int:
    """`30d`, `12h`, `90m` or `2w` in ms; raises InvalidInput."""
    number, unit = text.strip()[:-1], text.strip()[-1:]
    if unit not in _UNITS or not number.isdecimal() or not number.isascii():
        raise InvalidInput(f"{text!r} is no length of time; use one such as 30d, 12h, 90m or 2w.")
    return int(number) * tree.UNIT_MS[_UNITS[unit]]
