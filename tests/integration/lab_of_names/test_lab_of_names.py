"""A lab made of names seen in the field: entered, published, every file accounted for, lost, found and fetched."""

from __future__ import annotations

import re
import shlex
import shutil

from pipeline import database, experiment
from tests.integration.discover.losing import LAB, PUBLICATION, drop, rows

from .lab import DASHES, ONEBOX, SHANKS
from .rounds import LEFT_OUT

UNKNOWN_AT_FIRST = ("dl59", "test4olivier", "trial4anna", "77.230125", "6.22", DASHES, SHANKS)


def patterns(lab, told):
    """Return the patterns that the remedies propose, with the animals that only a person knows."""
    found = []
    for each in told:
        if "_layouts" in each["remedy"] and " such as " in each["remedy"]:
            pattern = each["remedy"].rsplit(" such as ", 1)[1].removesuffix(".")
            pattern = pattern.replace("ANIMAL", lab.apart.get(each["folder"], "ANIMAL"))
            if pattern not in found:
                found.append(pattern)
    return found


def test_every_name_is_archived_found_again_and_fetched(computer, tmp_path):
    lab = computer.lab
    assert set(lab.pool.all) == set(lab.pool.used)
    assert all(path.exists() for path in lab.placed.values())

    # As a lab begins: some animals are in the sheet, the configuration knows nothing of other labs' names.
    computer.run("ingest-subjects", lab.sheet(tmp_path / "animals.csv", without=UNKNOWN_AT_FIRST))
    entered = computer.ingest()
    published = computer.publish()
    assert computer.there()
    assert computer.open_files()
    computer.account(entered, published)

    # What the remedies say, one after the other.
    proposed = patterns(lab, entered["skipped"])
    computer.configure(archive_ephys_layouts=proposed)
    computer.run("ingest-subjects", lab.sheet(tmp_path / "animals.csv"))
    (loose,) = lab.ephys.glob("*/*bitcode.mat")
    (home,) = loose.parent.glob("*/1")
    loose.rename(home / loose.name)
    entered = computer.ingest("--with-video-sessions")
    published = computer.publish()
    computer.account(entered, published)
    shanks = {name for name in lab.files() if lab.apart.get(name.split("/")[0]) == SHANKS}
    (nameless,) = {skip["folder"] for skip in entered["skipped"]}
    assert computer.open_files() == shanks | {name for name in lab.files() if name.startswith(f"{nameless}/")}

    # A recording that a crash cut short, and CatGT's output of a run that is gone.
    (refused,) = [session for session in published["sessions"] if session["failed"]]
    (command,) = re.findall(r"`mapshell (publication-publish [^`]*)`", refused["remedy"])
    computer.run(*shlex.split(command.replace("WHY", "the rig lost power")))
    (ident,) = re.findall(r"the ident '([^']*)'", entered["skipped"][0]["remedy"])
    enter_by_hand(lab.animals[ONEBOX])
    computer.run("session-ident", ONEBOX, "2024-02-29", ident)
    assert computer.ingest("--with-video-sessions", codes=(0,))["skipped"] == []
    computer.publish(codes=(0,))
    assert computer.open_files() == set()

    # Nothing is left to do, and every screen says so.
    before = rows(*LAB, *PUBLICATION)
    tasks = len(computer.rig.tasks())
    again = computer.ingest("--with-video-sessions", codes=(0,))
    assert {each["outcome"] for each in again["sessions"]} == {"known"}
    assert rows(*LAB, *PUBLICATION) == before
    document = computer.publish(codes=(0,))
    assert (document["folders_without_session"], document["animals_without_session"]) == ([], [])
    assert len(computer.rig.tasks()) == tasks
    states = status(computer)
    assert set(states) == {(row["subject_id"], row["session"]) for row in before["experiment.Session"]}
    assert all(each <= {"archived", "not here"} and "archived" in each for each in states.values())
    sent = sum(row["files"] for row in computer.run("publication-status")["sessions"] if row["state"] == "archived")
    assert sent == len([name for name in lab.files() if not name.endswith(LEFT_OUT)])
    verified = computer.run("publication-verify")
    assert (verified["no_session"], verified["unknown_animals"]) == ([], {})
    assert {session["verdict"] for session in verified["sessions"]} == {"present"}

    # Everything is lost, and comes back from the archive alone.
    lost = rows(*LAB, *PUBLICATION)
    drop(computer.rig)
    computer.run("publication-discover", "--create-sessions")
    database.bind(computer.configure())
    assert rows(*LAB, *PUBLICATION) == lost
    originals = {name: data for name, data in tree(lab).items() if not name.endswith(LEFT_OUT)}
    for root in (lab.ephys, lab.drive, lab.video):
        shutil.rmtree(root)
        root.mkdir()
    computer.run("publication-retrieve", "--everything")
    assert tree(lab) == originals


def enter_by_hand(subject_id):
    """Enter a session as a person does from a notebook."""
    row = {"session_date": "2024-02-29", "session_time": None}
    number = 1 + max(row["session"] for row in (experiment.Session() & {"subject_id": subject_id}).to_dicts())
    experiment.Session.insert1({"subject_id": subject_id, "session": number, **row})


def status(computer):
    """Return the states of every session, at both storage locations."""
    states = {}
    for row in computer.run("publication-status")["sessions"]:
        states.setdefault((row["subject_id"], row["session"]), set()).add(row["state"])
    return states


def tree(lab):
    """Return every file with its bytes and its time."""
    return {name: (path.read_bytes(), int(path.stat().st_mtime)) for name, path in lab.files().items()}
