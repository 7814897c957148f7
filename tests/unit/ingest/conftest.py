"""The door with everything behind it in the test's hands."""

from __future__ import annotations

import pytest

from antiphon.ingest.settings import IngestSettings
from factories import ManualClock
from ingest_door import Door


@pytest.fixture
def settings() -> IngestSettings:
    """The defaults; a test file may have its own."""
    return IngestSettings()


@pytest.fixture
def door(clock: ManualClock, settings: IngestSettings) -> Door:
    """The door."""
    return Door(clock, settings)
