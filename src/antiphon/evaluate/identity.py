"""Who an id is: anonymous and former ids that mean a user.

Links are a function of the set of identify and alias calls: of several links of one id the earliest wins (ties: the
smaller user id), so that the order of arrival does not matter.
"""

from __future__ import annotations

from antiphon.model.event import Event
from antiphon.model.identity import root_of
from antiphon.model.subject import SubjectKey


def user_key(user_id: str) -> SubjectKey:
    """The key of a user."""
    return SubjectKey("user", user_id)


def id_of(event: Event) -> SubjectKey | None:
    """The id under which an event is folded: the user id as given, else the anonymous id, else none."""
    if event.user_id is not None:
        return SubjectKey("user", event.user_id)
    if event.anonymous_id is not None:
        return SubjectKey("anonymous", event.anonymous_id)
    return None


def links_of(event: Event) -> list[tuple[SubjectKey, str]]:
    """The links that an event states: (an id, the user it means)."""
    if event.user_id is None:
        return []
    if event.type == "identify" and event.anonymous_id is not None:
        return [(SubjectKey("anonymous", event.anonymous_id), event.user_id)]
    if event.type == "alias" and event.previous_id is not None and event.previous_id != event.user_id:
        return [
            (SubjectKey("anonymous", event.previous_id), event.user_id),
            (SubjectKey("user", event.previous_id), event.user_id),
        ]
    return []


class Identities:
    """All links, in memory: a dict from id to user, and back."""

    def __init__(self, links: dict[SubjectKey, tuple[str, int]]) -> None:
        """Start from the stored links: id -> (user id, clock in ms)."""
        self._links = dict(links)
        self._children: dict[str, set[SubjectKey]] = {}
        for key, (user_id, _) in links.items():
            self._children.setdefault(user_id, set()).add(key)

    def link(self, key: SubjectKey, user_id: str, clock: int) -> bool:
        """Take in that `key` means `user_id` since `clock`; whether that changed anything."""
        old = self._links.get(key)
        if old is not None and (old[1], old[0]) <= (clock, user_id):
            return False
        self._links[key] = (user_id, clock)
        if old is not None:
            self._children[old[0]].discard(key)
        self._children.setdefault(user_id, set()).add(key)
        return True

    def get(self, key: SubjectKey) -> tuple[str, int] | None:
        """The link of an id: (user id, clock), or None."""
        return self._links.get(key)

    def root(self, key: SubjectKey) -> SubjectKey:
        """Who `key` is in the end; a key that is linked to nobody is itself."""
        return root_of(key, self._target) if key in self._links else key

    def _target(self, key: SubjectKey) -> str | None:
        link = self._links.get(key)
        return None if link is None else link[0]

    def group(self, root: SubjectKey) -> list[SubjectKey]:
        """Every id that means `root`, itself first."""
        found = [root]
        for key in found:
            if key.kind == "user":
                found.extend(k for k in sorted(self._children.get(key.id, ())) if k not in found)
        return found

    @property
    def any(self) -> bool:
        """Whether there are any links."""
        return bool(self._links)

    def has_others(self, root: SubjectKey) -> bool:
        """Whether other ids mean this one."""
        return root.kind == "user" and bool(self._children.get(root.id))
