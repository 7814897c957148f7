"""What a tick's calls changed besides behaviour: whom the rules must judge again, and what must be saved with it."""

from __future__ import annotations

from collections.abc import Iterable

from antiphon.model.subject import SubjectKey


class Changes:
    """Whom a tick touched, and which rules may judge them differently now.

    `rules` maps a subject to the rules to judge again; `everything` holds subjects whom every rule must judge (merged, or put
    together anew). `company_traits` maps a company to the names of its traits that changed (its members may be judged by them).
    `stored` are subjects whose state must be stored in this very tick: what changed of them is more than a fold of events.
    """

    def __init__(self) -> None:
        """Start with nothing changed."""
        self.rules: dict[SubjectKey, set[int]] = {}
        self.everything: set[SubjectKey] = set()
        self.company_traits: dict[str, set[str]] = {}
        self.rebuild: set[str] = set()
        self.moved: set[SubjectKey] = set()
        self.profiles: set[SubjectKey] = set()
        self.links: dict[SubjectKey, tuple[str, int]] = {}
        self.stored: set[SubjectKey] = set()
        self.refused: dict[str, int] = {}

    def refuse(self, counter: str) -> None:
        """Count a call that tried to set a computed trait."""
        self.refused[counter] = self.refused.get(counter, 0) + 1

    def judge(self, key: SubjectKey, rules: Iterable[int]) -> None:
        """Note that `rules` must judge `key` again."""
        if rules:
            self.rules.setdefault(key, set()).update(rules)
