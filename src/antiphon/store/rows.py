"""Rows to structs."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from sqlalchemy import RowMapping

T = TypeVar("T")


def to_struct(row: RowMapping, kind: type[T], **more: Any) -> T:
    """The struct whose fields the columns are named after; `more` adds fields or replaces them.

    A column's name is a subclass of str, which msgspec takes for no key.
    """
    return msgspec.convert({**{str(name): value for name, value in row.items()}, **more}, kind)
