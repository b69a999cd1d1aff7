"""Two computers, one database, one Globus identity; and a person who interrupts."""

import json
import shutil
import signal
import subprocess
import sys
from collections import Counter

import pytest

from mapshell.demo.run import ARCHIVE
from mapshell.errors import INTERRUPTED
from mapshell.sandbox.spec import CollectionSpec
from pipeline.archive.manifest import from_json
from tests.integration.publish.faults import COMMAND, bind, converges, journal_states, told
from tests.integration.rig import wait_until

SECOND = "d3e0a001-0000-4000-8000-00000000a003"
OLD = ("publication-publish", "--until", "2021-01-02")  # not the session that still records


class SecondRig:
    """Another computer: a folder, a collection and a configuration of its own."""

    def __init__(self, rig):
        self.rig, self.folder = rig, rig.folder / "second"
        self.data = self.folder / "rig"
        shutil.copytree(rig.rig, self.data)
        document = json.loads(rig.settings.file.read_text())
        document["archive.computer"] = "rig-2"
        document["globus.sandbox"] = str(rig.folder / ".mapshell/sandbox")
        document["globus.token_file"] = str(rig.settings.globus.token_file)
        for root in document["custom"]["globus.local_endpoints"].values():
            root["endpoint"] = SECOND
        file = self.folder / "dj_local_conf.json"
        file.write_text(json.dumps(document))
        file.chmod(0o600)
        rig.admin.put_collection(SECOND, CollectionSpec(self.data, personal=True))

    def start(self, *args):
        return begin(self.rig, self.folder, *args)


def begin(rig, folder, *args):
    code = "import sys\nfrom mapshell.cli import main\nmain(sys.argv[1:])"
    return subprocess.Popen(
        [sys.executable, "-c", code, *args, "--format", "json"],
        cwd=folder,
        env=rig.environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end(process, code=0):
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == code, stdout + stderr
    assert "Traceback" not in stderr
    return json.loads(stdout)


@pytest.mark.fault(33)
def test_two_rigs_publish_the_same_sessions_at_once(rig):
    second = SecondRig(rig)
    both = [begin(rig, rig.folder, *OLD), second.start(*OLD)]
    first = [end(process) for process in both]
    sent = Counter((s["alias"], s["subject_id"], s["session"]) for d in first for s in d["sessions"] if s["sent_files"])
    assert set(sent.values()) == {1}
    assert len(sent) == 9
    again = [end(process) for process in (begin(rig, rig.folder, *OLD), second.start(*OLD))]
    for document in again:
        assert {session["state"] for session in document["sessions"]} == {"archived"}
        assert not any(session["sent_files"] for session in document["sessions"])
    tables = bind(rig)
    assert len(tables.ArchivedRawEphys()) + len(tables.ArchivedTrackingVideo()) == len(tables.DataSet()) == 9
    assert not tables.Claim()
    assert not tables.SessionState()
    published = [row for row in tables.Transfer.to_dicts() if row["purpose"] == "publish"]
    assert {row["state"] for row in published} == {"done"}
    assert len(published) == 9
    moved = [task for task in rig.tasks() if task["label"].startswith("mapshell publish")]
    assert len(moved) == 9
    computers = {row["computer"] for row in published}
    assert computers <= {"rig-2", rig.settings.archive.computer}
    assert len(rig.manifests()) == 9


@pytest.mark.fault(33)
def test_one_session_lies_on_two_rigs(pg_rig):
    """Each rig archives what it has; the second one's files are the next generation."""
    rig, second = pg_rig, SecondRig(pg_rig)
    shutil.rmtree(rig.rig / "ephys/SC038/catgt_SC038_111919_115124_g0")
    shutil.rmtree(second.data / "ephys/SC038/SC038_111919_115124_g0")
    day = ("publication-publish", "--subject", "SC038", "--since", "2019-11-19", "--type", "ephys")
    for _ in range(2):
        for process in [begin(rig, rig.folder, *day), second.start(*day)]:
            end(process)
    (row,) = [row for row in bind(rig).ArchivedRawEphys.to_dicts() if row["generation"] > 1]
    assert row["generation"] == 2
    name = {"globus_alias": "raw-ephys", "dataset_name": row["dataset_name"]}
    files = (bind(rig).DataSet.PhysicalFile & name).to_dicts()
    folders = {each["file_subpath"].split("/")[1]: each["file_generation"] for each in files}
    assert sorted(folders) == ["SC038_111919_115124_g0", "catgt_SC038_111919_115124_g0"]
    assert sorted(folders.values()) == [1, 2]
    for each in files:
        there = (rig.archive / "raw-ephys" / each["file_subpath"]).read_bytes()
        here = [base / "ephys" / each["file_subpath"] for base in (rig.rig, second.data)]
        assert there == next(path for path in here if path.exists()).read_bytes()
    manifests = sorted(path.name for name, path in rig.manifests().items() if "115124" in name or "_s3_" in name)
    assert [each[-9:] for each in manifests] == ["0001.json", "0002.json"]
    latest = next(path for path in rig.manifests().values() if path.name == manifests[-1])
    manifest = from_json(latest.read_bytes(), name=latest.name)
    assert {entry.subpath for entry in manifest.files} == {each["file_subpath"] for each in files}
    published = [each for each in rig.tasks() if each["label"].startswith("mapshell publish")]
    assert len(published) == 3  # the day's other session once, this one twice


@pytest.mark.fault(33)
def test_a_session_that_another_rig_has_under_way_is_left_to_it(pg_rig):
    rig, second = pg_rig, SecondRig(pg_rig)
    rig.admin.fail_tasks("hold")
    told(rig, wait=False)
    (task,) = rig.tasks()
    (session,) = end(second.start(*COMMAND))["sessions"]
    assert session["state"] == "in flight"
    assert f"submitted from {rig.settings.archive.computer}" in session["reason"]
    assert len(rig.tasks()) == 1
    rig.admin.control_task(task["task_id"], "release")
    told(rig)
    (session,) = end(second.start(*COMMAND))["sessions"]
    assert session["state"] == "archived"
    converges(rig, tasks=2)
    rig.admin.set_collection(ARCHIVE, offline=True)
    end(second.start(*COMMAND))  # and nobody is asked


@pytest.mark.fault(4)
@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT to another process is POSIX")
def test_somebody_presses_ctrl_c_while_waiting(pg_rig):
    pg_rig.admin.fail_tasks("hold")
    process = begin(pg_rig, pg_rig.folder, *COMMAND)
    wait_until(lambda: ("publish", "submitted") in journal_states(pg_rig))
    process.send_signal(signal.SIGINT)
    document = end(process, INTERRUPTED)
    assert document["error"]["exit_code"] == INTERRUPTED
    assert journal_states(pg_rig) == [("publish", "submitted")]
    assert not bind(pg_rig).Claim()
    (task,) = pg_rig.tasks()
    pg_rig.admin.control_task(task["task_id"], "release")
    converges(pg_rig, tasks=2)
