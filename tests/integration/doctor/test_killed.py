"""A doctor that is killed with its probes in place: what stays has an unmistakable name, and a later run clears it."""

from __future__ import annotations

from datetime import timedelta

from pipeline.work import SystemClock

from .sickroom import examined, tree

DIE = """
import os
def die(event, args):
    if event == "mapshell.step" and args[0] == "{step}":
        os._exit(9)
sys.addaudithook(die)
"""


STEPS = ("doctor: probe", "doctor: renamed")


class Later(SystemClock):
    """The clock two hours on."""

    def now(self):
        return super().now() + timedelta(hours=2)


def test_a_probe_that_was_left_is_taken_away_later(pg_rig):
    before = tree(pg_rig.rig)
    pg_rig.run("doctor", "--only", "folders", prelude=DIE.format(step=STEPS[0]), check=9)
    left = set(tree(pg_rig.rig)) - set(before)
    assert left
    assert all(name.rpartition("/")[2] == ".mapshell" or ".mapshell/doctor-probe-" in name for name in left), left
    assert not examined(pg_rig, only=("folders",)).bad()
    assert set(tree(pg_rig.rig)) - set(before) == left  # it may be another doctor's, at work
    assert not examined(pg_rig, only=("folders",), clock=Later()).bad()
    assert not list(pg_rig.rig.rglob("doctor-probe-*"))
    report = pg_rig.publish({"subject_id": 502716, "session": 1}, types=("ephys",))
    assert [outcome.state for outcome in report.outcomes] == ["archived"], (report.outcomes, report.stopped)
    assert not [name for name in pg_rig.archived() if "doctor" in name]


def test_a_folder_that_was_renamed_at_the_archive_gets_its_name_back(pg_rig):
    examined(pg_rig, only=("archive",))
    pg_rig.run("doctor", "--only", "archive", prelude=DIE.format(step=STEPS[1]), check=9)
    names = sorted(path.name for path in pg_rig.archive.rglob(".mapshell-doctor*"))
    assert ".mapshell-doctor-renamed" in names
    assert not examined(pg_rig, only=("archive",)).bad()
    assert {path.name for path in pg_rig.archive.rglob(".mapshell-doctor*")} == {".mapshell-doctor"}
