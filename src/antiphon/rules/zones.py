"""Calendar days of a time zone, with its changes of the clock; days are numbered as `date.toordinal` does."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from antiphon.errors import InvalidInput
from antiphon.model.clock import DAY, MINUTE

QUARTER = 15 * MINUTE
"""Every zone's clock changes, and its days begin, at a whole quarter of an hour UTC."""

EPOCH_DAY = date(1970, 1, 1).toordinal()
_CACHED = 50_000


@lru_cache(maxsize=1_000)
def local_days(time_zone: str) -> LocalDays:
    """The days of a time zone, kept; raises InvalidInput when there is no such zone."""
    return LocalDays(time_zone)


class LocalDays:
    """The days of one time zone."""

    def __init__(self, time_zone: str) -> None:
        """Take an IANA name such as `Europe/Paris`; raises InvalidInput when there is no such zone."""
        try:
            self._zone = ZoneInfo(time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise InvalidInput(f"There is no time zone {time_zone!r}; use a name such as Europe/Paris.") from error
        self.name = time_zone
        self._days: dict[int, int] = {}
        self._offsets: dict[tuple[int, int], list[tuple[int, int]]] = {}

    def day(self, instant: int) -> int:
        """The day that an instant (ms since the epoch) falls on."""
        quarter = instant // QUARTER
        day = self._days.get(quarter)
        if day is None:
            if len(self._days) >= _CACHED:
                self._days.clear()
            utc = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=quarter * QUARTER)
            day = self._days[quarter] = utc.astimezone(self._zone).date().toordinal()
        return day

    def start(self, day: int) -> int:
        """The first instant of a day in ms since the epoch; where the clock skips midnight, the first that exists."""
        midnight = datetime.combine(date.fromordinal(day), datetime.min.time(), tzinfo=self._zone)
        return round(midnight.timestamp()) * 1000

    def offsets(self, start: int, end: int) -> list[tuple[int, int]]:
        """The zone's offsets between two instants: (from ms, offset in ms), oldest first; found once for each pair of them."""
        known = self._offsets.get((start, end))
        if known is None:
            known = self._offsets[start, end] = self._changes(start, end)
        return known

    def _changes(self, start: int, end: int) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        instant = start - start % DAY
        while instant <= end:
            offset = self._offset(instant)
            if not found:
                found.append((instant, offset))
            elif offset != found[-1][1]:
                low, high = instant - DAY, instant
                while high - low > QUARTER:
                    middle = (low + high) // 2 // QUARTER * QUARTER
                    low, high = (low, middle) if self._offset(middle) == offset else (middle, high)
                found.append((high, offset))
            instant += DAY
        return found

    def _offset(self, instant: int) -> int:
        utc = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=instant)
        offset = utc.astimezone(self._zone).utcoffset() or timedelta()
        return offset // timedelta(milliseconds=1)
