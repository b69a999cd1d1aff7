"""The database server itself is restarted, killed or made read-only while a session is being committed."""

from __future__ import annotations

import pytest

from pipeline import database, publication
from pipeline.database import lab_connection
from pipeline.errors import DatabaseReadOnly, DatabaseUnavailable
from tests.integration.publish.bench import Bench
from tests.integration.publish.proxy import STEPS
from tests.integration.rig import make_rig

from .servers import SERVERS


@pytest.fixture(params=["postgresql", pytest.param("mariadb", marks=pytest.mark.mariadb)])
def own(request, tmp_path, bare_lab, monkeypatch):
    """A bench, and the server of its database."""
    database.unbind()
    server = SERVERS[request.param](tmp_path / "server")
    STEPS.forget()
    try:
        (tmp_path / "lab").mkdir()
        for rig in make_rig(server.settings, bare_lab, tmp_path / "lab", monkeypatch):
            yield Bench(rig), server
    finally:
        STEPS.forget()
        database.unbind()
        server.delete()


def archived_whole(bench, name, folder):
    """A session is archived by just two tasks and one set of rows, and nobody holds it any more."""
    key = dict(zip(("subject_id", "session"), bench.keys[name], strict=True))
    bench.assert_archived(folder)
    assert len(publication.ArchivedRawEphys & key) == 1
    dataset = (publication.ArchivedRawEphys & key).fetch1("dataset_name")
    rows = (publication.DataSet.PhysicalFile & {"dataset_name": dataset}).to_dicts()
    assert sorted(row["file_subpath"] for row in rows) == sorted(bench.here(folder))
    transfers = publication.Transfer & (publication.Transfer.Session & key)
    assert sorted((row["purpose"], row["state"]) for row in transfers.to_dicts()) == [
        ("manifest", "done"),
        ("publish", "done"),
    ]
    assert not publication.Claim & key


def publish(bench, name, **options):
    return bench.publish({"session": bench.keys[name][1]}, **options)


@pytest.mark.fault(28)
def test_a_server_that_is_restarted_or_killed_while_something_is_written(own):
    """One server for all of it: each time a session more is archived, and none of those before is hurt."""
    bench, server = own
    done = []

    def restarted():
        server.stop()
        server.start()

    def killed():
        server.kill()
        server.start()

    for act in (restarted, killed):
        for step in ("planning", "accepted", "committing", "committed"):
            name = f"{act.__name__} at {step}"
            folder = bench.session(name)
            STEPS.at(step, act)
            report = publish(bench, name)
            assert STEPS.reached == [step], name
            STEPS.forget()
            assert report.whole, (name, report)
            archived_whole(bench, name, folder)
            done.append((name, folder))
    assert len(bench.rig.tasks()) == 2 * len(done)
    for name, folder in done:
        archived_whole(bench, name, folder)


@pytest.mark.fault(28)
def test_a_server_that_is_killed_in_a_commit_and_stays_away(own, monkeypatch):
    bench, server = own
    for step, rolled_back in (("committing", True), ("committed", False)):
        name = f"killed at {step}"
        folder = bench.session(name)
        STEPS.at(step, server.kill)
        with monkeypatch.context() as patch:
            patch.setattr(lab_connection, "RECONNECT_FOR_S", 0.3)
            report = publish(bench, name)
        assert STEPS.reached == [step]
        STEPS.forget()
        assert isinstance(report.stopped, DatabaseUnavailable), report
        assert report.stopped.remedy
        server.start()
        # Whole or not at all: what was not committed is not there, what was committed is.
        assert (bench.keys[name] in bench.archived_keys()) is not rolled_back
        assert bool([each for each in bench.indexed() if each in bench.here(folder)]) is not rolled_back
        assert publish(bench, name).whole
        archived_whole(bench, name, folder)
    assert len(bench.rig.tasks()) == 4


@pytest.mark.fault(29)
def test_a_server_that_becomes_read_only_in_the_middle(own):
    bench, server = own
    for step in ("planning", "accepted", "succeeded", "committing"):
        name = f"read-only from {step}"
        folder, other = bench.session(name), bench.session(f"after {step}") if step == "planning" else None
        STEPS.at(step, lambda: server.refuse_writing(True))
        report = publish(bench, name)
        assert STEPS.reached == [step]
        STEPS.forget()
        assert not report.whole, (name, report)
        said = [report.stopped] if report.stopped else [outcome for outcome in report.outcomes if outcome.failed]
        assert said, (name, report)
        assert all(each.remedy for each in said)
        assert "may not" in str(report.stopped or said[0].reason), (name, said)
        # Before anything is sent, the next run says so too.
        tasks = len(bench.rig.tasks())
        refused = bench.publish()
        assert isinstance(refused.stopped, DatabaseReadOnly), (name, refused)
        assert len(bench.rig.tasks()) == tasks
        server.refuse_writing(False)
        assert bench.publish().whole
        archived_whole(bench, name, folder)
        if other is not None:
            archived_whole(bench, f"after {step}", other)
