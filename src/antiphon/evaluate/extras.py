"""What Python keeps of subjects beside their blocks: encoded, and decoded while a tick works with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from antiphon.evaluate.record import Extra, decode_extra, encode_extra
from antiphon.model.subject import StateKind, SubjectKind


class Extras:
    """An `Extra` for those slots that have one; its metrics go by key here, and by number where they are encoded."""

    def __init__(self, kind_of: Sequence[StateKind]) -> None:
        """`kind_of` tells the kind of each slot; `use` must follow."""
        self._kind_of = kind_of
        self._encoded: dict[int, bytes] = {}
        self._open: dict[int, Extra] = {}
        self._changed: set[int] = set()
        self._numbers: Mapping[SubjectKind, Mapping[str, int]] = {}
        self._keys: dict[SubjectKind, dict[int, str]] = {}

    def use(self, numbers: Mapping[SubjectKind, Mapping[str, int]]) -> None:
        """Work with other numbers of metrics, by kind and key; what has none is dropped when it is next met."""
        self.close()  # under the old numbers
        self._numbers = numbers
        self._keys = {kind: {number: key for key, number in found.items()} for kind, found in numbers.items()}

    def has(self, slot: int) -> bool:
        """Whether there is anything."""
        return slot in self._encoded or slot in self._open

    def get(self, slot: int) -> Extra:
        """A slot's extra; not to be changed."""
        found = self._open.get(slot)
        if found is None:
            found = self._open[slot] = self._known(slot, decode_extra(self._encoded.get(slot, b"")))
        return found

    def change(self, slot: int) -> Extra:
        """The same, to be changed."""
        self._changed.add(slot)
        return self.get(slot)

    def encoded(self, slots: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        """Those of `slots` that have any, as they are stored: which, and what."""
        self.encode()
        found = map(self._encoded.get, slots)
        return ((index, encoded) for index, encoded in enumerate(found) if encoded)

    def put(self, slot: int, encoded: bytes) -> None:
        """Set what was read; empty for nothing."""
        if encoded:
            self._encoded[slot] = encoded
        else:
            self._encoded.pop(slot, None)

    def encode(self) -> None:
        """Bring what is encoded up to date."""
        for slot in self._changed:
            self.put(slot, encode_extra(self._numbered(slot, self._open[slot])))
        self._changed.clear()

    def close(self) -> None:
        """Keep only what is encoded."""
        self.encode()
        self._open.clear()

    def _kind(self, slot: int) -> SubjectKind:
        return "company" if self._kind_of[slot] == "company" else "user"

    def _known(self, slot: int, extra: Extra) -> Extra:
        if extra.metrics or extra.part_metrics:
            extra.metrics = _renamed(extra.metrics, self._keys[self._kind(slot)])
            extra.part_metrics = _renamed(extra.part_metrics, self._keys["company"])
        return extra

    def _numbered(self, slot: int, extra: Extra) -> Extra:
        if not extra.metrics and not extra.part_metrics:
            return extra
        metrics = _renamed(extra.metrics, self._numbers[self._kind(slot)])
        part_metrics = _renamed(extra.part_metrics, self._numbers["company"])
        return Extra(extra.traits, extra.company, metrics, part_metrics, extra.computed)


def _renamed(metrics: Mapping[Any, Any], names: Mapping[Any, Any]) -> dict[Any, Any]:
    return {names[name]: value for name, value in metrics.items() if name in names}
