"""The rows that rules over history are made of."""

from __future__ import annotations

import duckdb
import ibis
import pytest

from antiphon.rules.history_rows import event_rows, history_tables
from factories import NOW, track
from rules_world import COMPANIES, USERS, World


@pytest.mark.parametrize("part", [0, 1, 499, 500, 501, 999])
def test_instants_are_exact(part):
    """An event's instant is what it was to the millisecond, in either half of its second."""
    at = NOW // 1000 * 1000 + part
    traits = {subject: {} for subject in (*USERS, *COMPANIES)}
    world = World({"events": [track(at=at)], "traits": traits, "homes": {}, "links": {("user", "old"): "u1"}})
    with duckdb.connect() as db:
        for name, table in world.tables().items():
            db.register(name, table)
        rows = db.sql(str(ibis.to_sql(event_rows(history_tables(), "user"), dialect="duckdb")))
        assert rows.to_arrow_table().column("at").to_pylist() == [at]
