"""The database is away, breaks, forgets or refuses, while a session is published."""

from dataclasses import replace

import pytest

from mapshell.errors import FAILED
from pipeline import database, publication
from pipeline.database import binding, migrations
from pipeline.database import lab_connection as db_connection
from pipeline.database.server import version
from pipeline.errors import DatabaseReadOnly, DatabaseUnavailable
from tests.integration.accounts import read_only
from tests.integration.publish.faults import COMMAND, ONE, aged, bind, command, converges, journal_states, refused, told
from tests.integration.publish.proxy import STEPS, Proxy
from tests.integration.rig import enter, wait_until


@pytest.fixture
def steps():
    STEPS.forget()
    yield STEPS
    STEPS.forget()


@pytest.fixture
def proxied(rig, monkeypatch):
    """The rig, whose connections to the database can be broken; it gives up reconnecting early."""
    monkeypatch.setattr(db_connection, "RECONNECT_FOR_S", 0.3)
    direct = rig.settings
    proxy = Proxy(direct.database.port)
    rig.environ["MAPSHELL_DATABASE_PORT"] = str(proxy.port)
    rig.settings = replace(direct, database=replace(direct.database, port=proxy.port))
    rig.proxy = proxy
    rig.direct = direct
    yield rig
    database.unbind()
    proxy.close()


def mended(rig):
    """Everything works again; look without the proxy."""
    rig.proxy.come_up()
    rig.environ.pop("MAPSHELL_DATABASE_PORT")
    rig.settings = rig.direct


# ---- away


@pytest.mark.fault(29)
def test_a_database_that_is_down_at_the_start(proxied):
    proxied.proxy.go_down()
    done = proxied.run(*COMMAND, check=FAILED)
    assert f"The database at 127.0.0.1:{proxied.proxy.port} cannot be reached" in done.stderr
    assert "Remedy:" in done.stderr
    assert "Traceback" not in done.stderr
    assert proxied.tasks() == []
    mended(proxied)
    converges(proxied, tasks=2)


@pytest.mark.fault(28)
@pytest.mark.parametrize(
    ("step", "states", "tasks"),
    [
        ("accepted", [("publish", "planned")], 2),
        ("succeeded", [("publish", "submitted")], 2),
        ("committing", [("publish", "checked"), ("manifest", "submitted")], 2),
    ],
)
def test_a_database_that_is_lost_ends_the_run_and_the_next_goes_on(proxied, steps, step, states, tasks):
    steps.at(step, proxied.proxy.go_down)
    outcomes, report = told(proxied, code=FAILED, seconds=30)
    assert steps.reached == [step]
    assert isinstance(report.stopped, DatabaseUnavailable)
    assert report.stopped.remedy
    assert not [outcome for outcome in outcomes if outcome.state == "archived"]
    mended(proxied)
    assert journal_states(proxied) == states
    assert not bind(proxied).ArchivedRawEphys()
    converges(proxied, tasks)  # in this very process, whose lease of then counts for nothing


@pytest.mark.fault(28)
@pytest.mark.parametrize("step", ["succeeded", "committing", "committed"])
def test_a_connection_that_breaks_is_opened_again(proxied, steps, step):
    """As when the server restarts; what was under way is repeated or rolled back and repeated."""
    steps.at(step, proxied.proxy.cut)
    told(proxied)
    assert steps.reached == [step]
    mended(proxied)
    converges(proxied, tasks=2)


@pytest.mark.fault(28)
@pytest.mark.parametrize("step", ["planning", "accepted", "committing"])
def test_the_answer_to_a_commit_is_lost(proxied, steps, step):
    """The transaction took place: reading the tables again decides that, and nothing is written twice."""
    steps.at(step, proxied.proxy.lose_the_next_commit)
    told(proxied)
    assert (steps.reached, proxied.proxy.lost) == ([step], 1)
    mended(proxied)
    converges(proxied, tasks=2)


# ---- lost with all its rows


@pytest.mark.fault(28)
def test_a_database_that_was_lost_while_a_transfer_was_under_way(rig):
    aged(rig)
    rig.admin.fail_tasks("hold", after_files=3)
    told(rig, wait=False)
    (task,) = rig.tasks()
    migrations.drop_everything(binding.get_current())
    database.unbind()
    bind(rig)
    enter(rig.lab)
    # What moves is not sent a second time, though no row tells of it.
    session = refused(rig, state="in flight", says=(task["task_id"], "the journal does not know"))
    assert "publish again" in session.remedy
    assert len(rig.tasks()) == 1
    rig.admin.control_task(task["task_id"], "release")
    wait_until(lambda: rig.tasks()[0]["status"] == "SUCCEEDED")
    converges(rig, tasks=2)  # the task of then is adopted: nothing was sent again


# ---- refusing


@pytest.mark.fault(29)
def test_an_account_that_may_not_write_is_told_before_anything_is_sent(rig):
    # The locations are known, as they are after the first run of any computer.
    rig.publish({"subject_id": 480133, "session": 99})
    with read_only(rig):
        assert version(bind(rig) and database.connection())
        _, report = told(rig, code=FAILED)
        assert isinstance(report.stopped, DatabaseReadOnly)
        assert "nothing was transferred" in report.stopped.message
        document, stderr = command(rig, code=FAILED)
        assert "may not write" in document["stopped"]
        assert "administrator" in stderr
        dry, _ = told(rig, dry_run=True)  # looking needs no right to write
        assert [outcome.state for outcome in dry] == ["queued"]
        assert rig.tasks() == []
    assert rig.tasks() == []
    assert journal_states(rig) == []
    converges(rig, tasks=2)


@pytest.mark.fault(29)
def test_an_account_that_may_only_read_finds_out_that_there_is_nothing_to_do(rig):
    told(rig)
    with read_only(rig):
        outcomes, _ = told(rig)
        assert [outcome.state for outcome in outcomes] == ["archived"]


# ---- in the middle of a round


@pytest.mark.fault(28)
def test_an_interrupt_in_the_middle_gives_the_session_back(pg_rig, steps):
    def stumble():
        raise KeyboardInterrupt

    steps.at("planned", stumble)
    with pytest.raises(KeyboardInterrupt):
        pg_rig.publish(ONE, types=("ephys",))
    assert not publication.Claim()
    converges(pg_rig, tasks=2)


@pytest.mark.fault(29)
def test_nothing_is_archived_while_the_database_cannot_tell(proxied, steps):
    steps.at("claimed", proxied.proxy.go_down)
    _, report = told(proxied, code=FAILED, seconds=30)
    assert isinstance(report.stopped, DatabaseUnavailable)
    assert proxied.tasks() == []
    mended(proxied)
    assert journal_states(proxied) == []
    converges(proxied, tasks=2)
