"""One session that is published while something is wrong, and again when it is mended."""

from __future__ import annotations

import json
import time
from dataclasses import replace

from mapshell.errors import DONE, PARTLY, exit_code
from pipeline import database, publication, settings
from pipeline.board.status import status
from tests.integration.rig import wait_until

SUBJECT = 502716
ONE = {"subject_id": SUBJECT, "session": 1}
TWO = [{"subject_id": SUBJECT, "session": 1}, {"subject_id": SUBJECT, "session": 2}]
COMMAND = ("publication-publish", "--subject", "SC048", "--session", "1", "--type", "ephys")
BOTH = ("publication-publish", "--subject", "SC048", "--session", "1", "--session", "2", "--type", "ephys")
DATA, MANIFEST = "mapshell publish*", "mapshell manifest*"


def impatient(rig, patience=1.0, stall=0.5):
    """Give up early, in this process and in others."""
    rig.environ["MAPSHELL_GLOBUS_PATIENCE_SECONDS"] = str(patience)
    rig.environ["MAPSHELL_ARCHIVE_STALL_SECONDS"] = str(stall)
    own = rig.settings
    globus, archive = replace(own.globus, patience_s=patience), replace(own.archive, stall_seconds=stall)
    rig.settings = replace(own, globus=globus, archive=archive)


def patient(rig):
    """Wait as long as by default."""
    for name in ("MAPSHELL_GLOBUS_PATIENCE_SECONDS", "MAPSHELL_ARCHIVE_STALL_SECONDS"):
        rig.environ.pop(name, None)
    rig.settings = settings.load(file=rig.settings.file)


def code_of(report):
    """Return the exit code that the command makes of a report."""
    if report.stopped is not None:
        return exit_code(report.stopped)
    return DONE if report.whole else PARTLY


def told(rig, keys=ONE, *, code=DONE, seconds=30, **options):
    """Publish in this process, in bounded time; return the outcomes and the report."""
    began = time.monotonic()
    report = rig.publish(keys, types=("ephys",), **options)
    assert time.monotonic() - began < seconds
    assert code_of(report) == code, (report.stopped, report.outcomes)
    return report.outcomes, report


def aged(rig):
    """Wait until no file is of the second in which a task would be requested: the service tells no more of it."""
    newest = max(path.stat().st_ctime for path in rig.rig.rglob("*") if path.is_file())
    wait_until(lambda: int(time.time()) > newest)


def command(rig, *args, code, seconds=60):
    """Publish in a process of its own; return its JSON document and what it said on the side."""
    began = time.monotonic()
    done = rig.run(*(args or COMMAND), "--format", "json", check=code)
    assert time.monotonic() - began < seconds
    assert "Traceback" not in done.stderr
    if code not in (DONE, PARTLY):
        assert "error:" in done.stderr.lower(), done.stderr
        assert "remedy:" in done.stderr.lower(), done.stderr
    return json.loads(done.stdout), done.stderr


def refused(rig, *, code=PARTLY, state="queued", says=(), seconds=30, **options):
    """Publish one session, which must not be archived; return its outcome."""
    (session,), report = told(rig, code=code, seconds=seconds, **options)
    assert session.state == state, session
    assert session.failed
    assert session.remedy
    assert report.stopped is None or report.stopped.remedy
    for word in (says,) if isinstance(says, str) else says:
        assert word.lower() in session.reason.lower(), session
    nothing_archived(rig)
    return session


def bind(rig):
    """Look at the database from this process."""
    database.bind(rig.settings)
    return publication


def nothing_archived(rig):
    """No row says that anything is archived, and nobody holds the session."""
    tables = bind(rig)
    assert not tables.ArchivedRawEphys()
    assert not tables.DataSet()
    assert not tables.DataSet.PhysicalFile()
    assert not tables.Claim()
    assert "archived" not in {row.state for row in status(rig.settings, ("ephys",))}
    return tables


def files_of(rig, *indexes, base=None):
    """Return the files of SC048's sessions (0: 2020-12-29, 1: 2021-01-01), by name at the archive."""
    sessions = [session for session in rig.lab.sessions if session.h2o == "SC048"]
    base = base or rig.rig / "ephys"
    return {f"ephys/{f.subpath}": base / f.subpath for i in indexes or (0,) for f in sessions[i].of_kind("ephys")}


def journal_states(rig):
    """Return purpose and state of all transfers of the journal, oldest first."""
    rows = sorted(bind(rig).Transfer.to_dicts(), key=lambda row: row["created_at"])
    return [(row["purpose"], row["state"]) for row in rows]


def whole(rig, expected=None, sessions=1):
    """The archive holds every byte, the index every file, and nothing is left over."""
    tables = bind(rig)
    expected = expected or files_of(rig)
    there = rig.archived()
    assert set(there) == set(expected)
    for name, path in expected.items():
        assert there[name].read_bytes() == path.read_bytes(), name
    assert len(tables.ArchivedRawEphys()) == len(tables.DataSet()) == sessions
    rows = {row["file_subpath"]: row for row in tables.DataSet.PhysicalFile.to_dicts()}
    assert {f"ephys/{subpath}" for subpath in rows} == set(expected)
    assert all(row["file_size"] == expected[f"ephys/{name}"].stat().st_size for name, row in rows.items())
    assert not tables.Claim()
    assert not tables.SessionState()
    assert set(tables.Transfer().to_arrays("state")) <= {"done", "failed"}
    assert not list((rig.rig / "ephys/.mapshell").glob("*"))


def converges(rig, tasks, keys=ONE):
    """What was wrong is mended: one run archives, the next has nothing to do; so many tasks were made in all."""
    patient(rig)
    outcomes, _ = told(rig, keys)
    assert {outcome.state for outcome in outcomes} == {"archived"}
    rig.admin.reset_counts()
    again, _ = told(rig, keys)
    assert not any(outcome.sent_files for outcome in again)
    assert rig.admin.counts() == {}
    whole(rig, files_of(rig, *range(len(outcomes))), sessions=len(outcomes))
    made = rig.tasks()
    assert len(made) in ((tasks,) if isinstance(tasks, int) else tasks), [(t["label"], t["status"]) for t in made]
