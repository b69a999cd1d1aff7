"""Copies of what grows, changes, is superseded or reassigned: never other bytes under one name, never a wrong row."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from pipeline import publication
from tests.integration.copies.conftest import FIRST, OTHER
from tests.integration.publish.bench import DAY, only, write


def publish(two, *options, check=0):
    stdout, _ = two.bench.run("publication-publish", "--type", "ephys", "--format", "json", *options, check=check)
    return {row["alias"]: row for row in json.loads(stdout)["sessions"]}


@pytest.fixture
def folder(two):
    """A session that is archived at both places, and still here."""
    two.name_both()
    folder = two.bench.session("one")
    two.publish_at_first()
    two.assert_same()
    return folder


def forget_copies(two):
    two.bench.run("storage", "copies", "ephys", "--none", check=0)


def test_what_was_added_at_the_first_follows_as_the_next_generation(two, folder):
    forget_copies(two)
    write(folder / "notes.txt", b"late")
    assert set(publish(two)) == {FIRST}
    held = two.take_away(folder)
    two.name_both()
    row = publish(two)[OTHER]
    assert (row["state"], row["copied_from"], row["sent_files"]) == ("archived", FIRST, 1)
    assert two.data(two.other) == held
    two.assert_same()
    assert {row["generation"] for row in publication.ArchivedRawEphys.to_dicts()} == {2}
    assert len(two.manifests(two.other)) == 2


def test_a_file_that_changed_here_is_refused_at_a_copy_that_lacks_it_too(two):
    folder = two.bench.session("one")
    two.publish_at_first()
    archived = two.data(two.first)
    name = only(folder, "*.ap.bin")
    write(name, b"x" * name.stat().st_size)
    two.name_both()
    rows = publish(two, check=3)
    assert {alias: row["state"] for alias, row in rows.items()} == dict.fromkeys(rows, "archived with changes")
    assert two.data(two.other) == archived
    two.assert_same()


def test_a_folder_that_lacks_some_of_it_makes_no_smaller_copy(two):
    folder = two.bench.session("one")
    two.publish_at_first()
    archived = two.data(two.first)
    only(folder, "*.ap.bin").unlink()
    two.name_both()
    publish(two)
    assert two.data(two.other) == archived
    two.assert_same()
    assert {row["state"] for row in publish(two).values()} == {"archived"}


def test_what_is_new_here_follows_what_was_copied(two):
    folder = two.bench.session("one")
    two.publish_at_first()
    only(folder, "*.ap.bin").unlink()
    forget_copies(two)
    write(folder / "notes.txt", b"late")
    two.name_both()
    publish(two)
    assert two.rows(FIRST) == two.rows(OTHER)
    assert "SC038/" + folder.name + "/notes.txt" in two.rows(OTHER)
    assert two.data(two.first) == two.data(two.other)


def test_superseded_here_both_copies_follow(two, folder):
    name = only(folder, "*.ap.meta")
    write(name, name.read_bytes() + b"userNotes=corrected\r\n")
    rows = publish(two, "--subject", "SC038", "--session", "1", "--supersede", "--because", "a wrong note")
    assert {alias: row["state"] for alias, row in rows.items()} == dict.fromkeys(rows, "archived")
    in_force = [
        {sub: facts for sub, facts in two.rows(alias).items() if ".superseded-" not in sub} for alias in (FIRST, OTHER)
    ]
    assert in_force[0] == in_force[1]
    two.take_away(folder)
    tasks = len(two.rig.tasks())
    assert publish(two) == {}
    assert len(two.rig.tasks()) == tasks


def test_superseded_at_one_alone_is_said_and_not_copied(two, folder):
    forget_copies(two)
    name = only(folder, "*.ap.meta")
    write(name, name.read_bytes() + b"userNotes=corrected\r\n")
    publish(two, "--subject", "SC038", "--session", "1", "--supersede", "--because", "a wrong note")
    two.take_away(folder)
    before = two.rows(OTHER)
    two.name_both()
    row = publish(two, check=3)[OTHER]
    assert row["state"] == "archived with changes"
    assert "other bytes" in row["reason"]
    assert "--supersede" in row["remedy"]
    assert two.rows(OTHER) == before


def reassign(two):
    """Give the session's files to another session, wherever the index has them."""
    two.bench.enter("right", DAY.date() + timedelta(days=9))
    words = ("SC038/1", "SC038/2", "--type", "ephys", "--because", "the other day", "--yes")
    two.bench.run("publication-reassign", *words, check=0)


def test_reassigned_at_both_it_is_one_session_at_both(two, folder):
    two.take_away(folder)
    reassign(two)
    assert publish(two) == {}
    keys = {(row["globus_alias"], row["session"]) for row in publication.ArchivedRawEphys.to_dicts()}
    assert keys == {(FIRST, 2), (OTHER, 2)}
    two.assert_same()


def test_reassigned_at_one_alone_is_said_and_not_copied(two, folder):
    two.take_away(folder)
    for table in (publication.ArchivedRawEphys, publication.DataSet.PhysicalFile, publication.DataSet):
        (table & {"globus_alias": OTHER}).delete_quick()  # the index of one archive is lost
    for table in (publication.Transfer.Session, publication.Withdrawal):
        (table & {"globus_alias": OTHER}).delete_quick()
    reassign(two)
    two.bench.run("publication-discover", "--type", "ephys", check=0)
    before = {alias: (two.data(where), two.rows(alias)) for alias, where in places(two)}
    rows = json.loads(two.bench.run("publication-publish", "--type", "ephys", "--format", "json", check=3)[0])[
        "sessions"
    ]
    assert {(row["alias"], row["session"], row["state"]) for row in rows} == {
        (FIRST, 1, "refused"),
        (OTHER, 2, "refused"),
    }
    assert all("publication-reassign" in row["remedy"] for row in rows)
    assert before == {alias: (two.data(where), two.rows(alias)) for alias, where in places(two)}


def places(two):
    return ((FIRST, two.first), (OTHER, two.other))
