"""What a database can answer instead of doing its work, for the layers that may not know SQLAlchemy."""

from __future__ import annotations

from sqlalchemy.exc import DataError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

UNAVAILABLE: tuple[type[Exception], ...] = (OperationalError, InterfaceError, PoolTimeoutError)
"""Locked for too long, gone, full, or out of connections: nothing was stored, trying again may help."""

REFUSED: tuple[type[Exception], ...] = (DataError, OverflowError)
"""A value that the column cannot hold, such as a number beyond 64 bits."""

DUPLICATE = IntegrityError
"""A unique key is taken."""
