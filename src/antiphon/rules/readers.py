"""Which rules and computed traits read what: the way from a change to those that it may matter to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from antiphon.model.subject import SubjectKind
from antiphon.rules.computed import Reads


class Readers:
    """Looked up by what changed, so that a change costs what reads it and not what there is; answers keep the order given."""

    def __init__(self, reads: Mapping[int, Reads]) -> None:
        """Take what each rule and computed trait reads, by number."""
        self._order = {number: place for place, number in enumerate(reads)}
        self._kinds: dict[SubjectKind, list[int]] = defaultdict(list)
        self._traits: dict[tuple[SubjectKind, str], list[int]] = defaultdict(list)
        self._company_traits: dict[str, list[int]] = defaultdict(list)
        self._segments: dict[tuple[SubjectKind, str], list[int]] = defaultdict(list)
        self._first_seen: dict[SubjectKind, list[int]] = defaultdict(list)
        for number, one in reads.items():
            self._kinds[one.kind].append(number)
            if one.known_for:
                self._first_seen[one.kind].append(number)
            for name in one.own_traits:
                self._traits[one.kind, name].append(number)
            for name in one.company_traits:
                self._company_traits[name].append(number)
            for name in one.segments:
                self._segments[one.kind, name].append(number)

    @property
    def segments(self) -> Collection[tuple[SubjectKind, str]]:
        """The segments that are read, by the kind of those who read them and by name."""
        return self._segments.keys()

    def about(self, kind: SubjectKind) -> list[int]:
        """All about a kind."""
        return list(self._kinds.get(kind, ()))

    def of_traits(self, kind: SubjectKind, names: Iterable[str]) -> list[int]:
        """Those that read any of these own traits of a kind."""
        return self._any(self._traits.get((kind, name), ()) for name in names)

    def of_company_traits(self, names: Iterable[str] | None) -> list[int]:
        """Those about users that read any of these traits of their company (None: any at all)."""
        return self._any(
            self._company_traits.get(name, ()) for name in (self._company_traits if names is None else names)
        )

    def of_segment(self, kind: SubjectKind, name: str) -> list[int]:
        """Those about a kind that read this segment."""
        return list(self._segments.get((kind, name), ()))

    def of_first_seen(self, kind: SubjectKind) -> list[int]:
        """Those about a kind that depend on how long a subject has been known."""
        return list(self._first_seen.get(kind, ()))

    def _any(self, found: Iterable[Iterable[int]]) -> list[int]:
        return sorted({number for some in found for number in some}, key=self._order.__getitem__)
