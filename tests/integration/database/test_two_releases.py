"""Two computers whose programs are one release apart: both publish and see all of it, or the older must upgrade."""

import json
import os

import pytest

from mapshell.errors import FAILED
from pipeline import database
from pipeline.database import binding, migrations
from pipeline.errors import SchemaVersionError
from tests.integration.publish.faults import bind

LATEST = migrations.latest_version()


def next_release(connection, prefix):
    """Add what a later release may add: a table, a column that may stay empty, one with a default."""
    name = connection.adapter.make_full_table_name
    files, sets = name(f"{prefix}publication", "data_set__physical_file"), name(f"{prefix}publication", "data_set")
    connection.query(f"CREATE TABLE {name(f'{prefix}publication', 'later_table')} (id INTEGER PRIMARY KEY)")
    connection.query(f"ALTER TABLE {sets} ADD COLUMN dataset_note VARCHAR(32) NULL")
    connection.query(f"ALTER TABLE {files} ADD COLUMN file_copies INTEGER NOT NULL DEFAULT 1")


ADDS = migrations.Migration(LATEST + 1, "copies", next_release, migrations.oldest_writer(migrations.MIGRATIONS))
LOCKS = migrations.Migration(LATEST + 1, "another key", lambda *_: None)


def states(rig):
    """Return what the older program, a process of its own, says of every session."""
    done = rig.run("publication-status", "--format", "json", check=0)
    return {(row["alias"], row["h2o"], row["session"]): row["state"] for row in json.loads(done.stdout)["sessions"]}


def newer(rig, *steps):
    """Make this process the newer program."""
    database.unbind()
    database.bind(rig.settings, migrations=(*migrations.MIGRATIONS, *steps))


def archived():
    from pipeline import publication

    return {
        (row["globus_alias"], row["subject_id"], row["session"])
        for table in (publication.ArchivedRawEphys, publication.ArchivedTrackingVideo)
        for row in table.to_dicts()
    }


def test_programs_one_release_apart_publish_into_one_index(rig):
    older = ("publication-publish", "--until", "2021-01-02", "--type")
    rig.run(*older, "ephys", check=0)
    first = archived()
    assert first
    newer(rig, ADDS)
    assert archived() == first
    rig.publish("session_date <= '2021-01-02'", types=("video",))
    both = archived()
    assert both > first
    said = states(rig)
    assert list(said.values()).count("archived") == len(both)
    # A file that comes later is added by the older program to what the newer one published, and the other way round.
    late = {}
    for kind in ("ephys", "video"):
        folder = next(path.parent for name, path in rig.files().items() if name.startswith(f"{kind}/"))
        late[kind] = folder / "late.txt"
        late[kind].write_text("late")
        os.utime(late[kind], (1_600_000_000, 1_600_000_000))
    rig.run(*older, "video", check=0)
    newer(rig, ADDS)
    rig.publish("session_date <= '2021-01-02'", types=("ephys",))
    from pipeline import publication

    names = [row["file_subpath"].rpartition("/")[2] for row in publication.DataSet.PhysicalFile.to_dicts()]
    assert names.count("late.txt") == 2
    assert set(states(rig).values()) & {"archived with changes"} == set()
    rig.run("publication-verify", "--checksum", "all", "--until", "2021-01-02", check=0)


def test_a_step_that_locks_out_is_asked_for_and_refuses_the_older_program(rig):
    bind(rig)
    database.unbind()
    with pytest.raises(SchemaVersionError, match="mapshell database upgrade"):
        newer(rig, LOCKS)
    rig.run("publication-publish", "--until", "2021-01-02", "--type", "video", check=0)
    database.unbind()
    database.bind(rig.settings, migrations=(*migrations.MIGRATIONS, LOCKS), lock_out=True)
    assert archived()
    done = rig.run("publication-publish", "--format", "json", check=FAILED)
    error = json.loads(done.stdout)["error"]
    assert error["type"] == "SchemaVersionError"
    assert f"version {LATEST + 1}" in error["message"]
    assert "Upgrade mapshell" in error["remedy"]
    assert binding.get_current().knows == LATEST + 1
