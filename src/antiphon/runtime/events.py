"""Events as the page reads them: history and the log's tail, by subject."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from antiphon.model.event import Event
from antiphon.model.subject import SubjectKind
from antiphon.store import replayed, subjects
from antiphon.store.engine import Store
from antiphon.store.history import HistoryReader
from antiphon.store.history import StoredEvent as Row
from antiphon.web.context import StoredEvent


class Ids(msgspec.Struct, frozen=True):
    """Every id under which a subject's events may lie."""

    user_ids: list[str]
    anonymous_ids: list[str]
    company_id: str | None = None


class Events:
    """Reads for the page; see `web.context.EventReader`."""

    def __init__(self, store: Store, reader: HistoryReader) -> None:
        """Read by `reader`; who is who comes from `store`."""
        self._store = store
        self._reader = reader

    def newest(
        self, *, limit: int, before_offset: int | None, name: str | None, user_id: str | None, search: str | None
    ) -> list[StoredEvent]:
        """The newest events that the filters take."""
        rows = self._reader.newest(limit=limit, before_offset=before_offset, name=name, user_id=user_id, search=search)
        return _stored(rows)

    def timeline(
        self, kind: SubjectKind, subject_id: str, *, limit: int, before_offset: int | None
    ) -> list[StoredEvent]:
        """The newest events of a subject, under all its ids."""
        ids = self._ids(kind, subject_id)
        rows = self._reader.of_ids(
            user_ids=ids.user_ids,
            anonymous_ids=ids.anonymous_ids,
            company_id=ids.company_id,
            limit=limit,
            before_offset=before_offset,
        )
        return _stored(rows)

    def count(self, kind: SubjectKind, subject_id: str) -> int:
        """How many events a subject has."""
        ids = self._ids(kind, subject_id)
        return self._reader.count_ids(user_ids=ids.user_ids, anonymous_ids=ids.anonymous_ids, company_id=ids.company_id)

    def since(self, kind: SubjectKind, subject_id: str, offset: int) -> Iterator[tuple[int, Event]]:
        """Every event of a subject from a log offset on, with its offset."""
        ids = self._ids(kind, subject_id)
        rows = self._reader.of_ids_since(
            offset, user_ids=ids.user_ids, anonymous_ids=ids.anonymous_ids, company_id=ids.company_id
        )
        for row in rows:
            yield row.offset, row.event

    def past_of(self, kind: SubjectKind, subject_id: str, *, most: int) -> list[Event] | None:
        """All that made a subject what it is, in log order; None when that is more than `most` events.

        A user's events with the group calls of its companies; a company's with those of everybody who was ever in it.
        """
        ids = self._ids(kind, subject_id)
        calls: list[tuple[int, Event]] = []
        if kind == "company":
            calls = replayed.group_calls(self._reader, [subject_id])
            ids = self._with_former(ids, [event for _, event in calls])
        users, devices, company = ids.user_ids, ids.anonymous_ids, ids.company_id
        if self._reader.count_ids(user_ids=users, anonymous_ids=devices, company_id=company) > most:
            return None
        found = self._reader.of_ids(user_ids=users, anonymous_ids=devices, company_id=company, limit=most)
        rows = {row.offset: row.event for row in found}
        companies = sorted({event.company_id or "" for event in rows.values() if event.type == "group"})
        if kind == "user" and companies:
            calls = replayed.group_calls(self._reader, companies)
        rows.update(calls)
        return [rows[offset] for offset in sorted(rows)]

    def _with_former(self, ids: Ids, calls: list[Event]) -> Ids:
        """The ids of a company with those of the people whom group calls once put into it."""
        users, devices = set(ids.user_ids), set(ids.anonymous_ids)
        with self._store.state.read() as conn:
            for user_id in {event.user_id for event in calls if event.user_id} - users:
                users.add(user_id)
                devices.update(key.id for key in subjects.identities_of(conn, user_id) if key.kind == "anonymous")
        devices.update(event.anonymous_id for event in calls if event.anonymous_id and not event.user_id)
        return Ids(sorted(users), sorted(devices), ids.company_id)

    def _ids(self, kind: SubjectKind, subject_id: str) -> Ids:
        with self._store.state.read() as conn:
            if kind == "user":
                links = subjects.identities_of(conn, subject_id)
                users = [subject_id, *(key.id for key in links if key.kind == "user")]
                return Ids(users, [key.id for key in links if key.kind == "anonymous"])
            members = subjects.members_of(conn, subject_id)
            keys = [*members]
            for member in members:
                keys += subjects.identities_of(conn, member.id) if member.kind == "user" else ()
        by_kind = {kind: [key.id for key in keys if key.kind == kind] for kind in ("user", "anonymous")}
        return Ids(by_kind["user"], by_kind["anonymous"], subject_id)


def _stored(rows: list[Row]) -> list[StoredEvent]:
    return [StoredEvent(row.offset, row.event) for row in rows]
