"""Rows that somebody else holds: waited for in bounded time, said, and gone on with when they are free."""

from __future__ import annotations

import contextlib

import pytest

from pipeline import database, publication
from pipeline.database import drivers
from tests.integration.publish.faults import ONE, converges, journal_states
from tests.integration.publish.proxy import STEPS


@contextlib.contextmanager
def held(rig, table):
    """Hold all rows of a table in a transaction of another connection."""
    from pipeline.database.lab_connection import LabConnection

    other = LabConnection(lambda: database._target(rig.settings.database))
    other.start_transaction()
    try:
        other.query(f"SELECT * FROM {table.full_table_name} FOR UPDATE").fetchall()
        yield
    finally:
        other.cancel_transaction()
        other.close()


@pytest.mark.fault(29)
def test_rows_that_stay_locked_end_the_wait_in_bounded_time(rig, monkeypatch):
    monkeypatch.setattr(drivers, "_LOCK_TIMEOUT_S", 1)
    monkeypatch.setattr(database, "ATTEMPTS", 2)
    STEPS.forget()
    holding = contextlib.ExitStack()
    database.unbind()
    database.bind(rig.settings)
    STEPS.at("accepted", lambda: holding.enter_context(held(rig, publication.Transfer)))
    with holding:
        report = rig.publish(ONE, types=("ephys",))
    assert STEPS.reached == ["accepted"]
    STEPS.forget()
    said = report.stopped or next(outcome for outcome in report.outcomes if outcome.failed)
    assert "busy with the same rows" in str(said), said
    assert said.remedy
    assert not publication.DataSet()
    assert journal_states(rig) == [("publish", "planned")]
    converges(rig, tasks=2)
