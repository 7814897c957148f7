"""Following links from id to id, to who somebody is in the end."""

from __future__ import annotations

from collections.abc import Callable

from antiphon.model.subject import SubjectKey


def root_of(key: SubjectKey, target: Callable[[SubjectKey], str | None]) -> SubjectKey:
    """Who `key` is in the end; `target` gives the user that an id is linked to, or None.

    Users that alias each other in a ring are all the one with the smallest id.
    """
    seen: list[SubjectKey] = []
    while (user_id := target(key)) is not None:
        if key in seen:
            return min(seen[seen.index(key) :])
        seen.append(key)
        key = SubjectKey("user", user_id)
    return key
