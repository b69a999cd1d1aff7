"""The database server is away for a while: the service tells it, and goes on when it is back."""

from __future__ import annotations

import sys

import pytest

from pipeline import database
from tests.faults.database.servers import SERVERS
from tests.integration.publish.bench import Bench
from tests.integration.rig import make_rig, wait_until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="it is ended by a signal")


@pytest.fixture(params=["postgresql", pytest.param("mariadb", marks=pytest.mark.mariadb)])
def own(request, tmp_path, bare_lab, monkeypatch):
    """A bench, and the server of its database."""
    database.unbind()
    server = SERVERS[request.param](tmp_path / "server")
    try:
        (tmp_path / "lab").mkdir()
        for rig in make_rig(server.settings, bare_lab, tmp_path / "lab", monkeypatch):
            yield Bench(rig), server
    finally:
        database.unbind()
        server.delete()


@pytest.mark.slow
def test_the_database_restarts_between_rounds(own, serving, faster):
    bench, server = own
    first, second = bench.session("first"), bench.session("second")
    service = serving(bench.rig, "--every", "0.2", prelude=faster)
    wait_until(lambda: any(each["sessions"] == {"archived": 2} for each in service.told("round")), 60)
    server.stop()
    wait_until(lambda: service.told("round")[-1]["result"] == "failed", 60)
    assert service.told("round")[-1]["remedy"]
    server.start()
    wait_until(lambda: service.told("round")[-1]["result"] == "done", 60)
    service.signal()
    code, said = service.end()
    assert code == 0, said
    database.unbind()
    database.bind(bench.rig.settings)
    bench.assert_archived(first, second)


@pytest.mark.slow
def test_a_service_begins_although_the_database_is_away(own, serving, faster):
    bench, server = own
    server.stop()
    service = serving(bench.rig, "--every", "0.2", prelude=faster)
    assert service.wait_for("round")["result"] == "failed"
    server.start()
    wait_until(lambda: service.told("round")[-1]["result"] == "done", 60)
    service.signal()
    assert service.end()[0] == 0
