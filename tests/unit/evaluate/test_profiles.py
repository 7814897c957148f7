"""How soon a profile shows when somebody was last seen."""

from __future__ import annotations

import pytest

from antiphon.evaluate import profiles
from antiphon.model.clock import MINUTE, SECOND
from antiphon.store import tables
from antiphon.store.engine import Store
from factories import ManualClock, api_call
from pipeline import Pipeline


@pytest.mark.parametrize(("others", "lag"), [(0, MINUTE), (199, 200 * SECOND)])
def test_last_seen_lags_a_minute_or_longer_among_many(
    store: Store, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, others: int, lag: int
) -> None:
    """Rewriting profiles for their last_seen alone is bounded by how many there are a second, whatever the traffic."""
    monkeypatch.setattr(profiles, "PROFILES_A_SECOND", 1)
    pipeline = Pipeline(store, clock)
    began = clock()
    pipeline.hear(*(api_call(user_id=f"u{number}", at=began) for number in range(1, others + 2)))

    def shown() -> int:
        pipeline.advance(0)
        return next(row["last_seen"] - began for row in pipeline.rows(tables.profiles) if row["id"] == "u1")

    assert shown() == 0
    pipeline.hear(api_call(user_id="u1", at=began + lag))
    assert shown() == 0
    pipeline.hear(api_call(user_id="u1", at=began + lag + 1))
    assert shown() == lag + 1
