"""The command: what a person reads, what programs get, and what is said of what does not exist."""

from __future__ import annotations

import shlex

import pytest
from click.testing import CliRunner

from mapshell.output import Output
from mapshell.show_why import ask_which
from pipeline.why import Subject
from tests.integration.publish.bench import DAY, SC038
from tests.unit.test_why import parsed

from .asking import document


def said(bench, *args, check=2):
    """Return message and remedy of a refused command line."""
    error = document(bench, *args, check=check)["error"]
    return error["message"], error["remedy"]


def commands_in(remedy):
    return [part for part in remedy.split("`")[1::2] if part.startswith("mapshell ")]


def test_a_person_reads_the_state_the_reasons_and_what_to_run(bench):
    folder = bench.session("one")
    next(folder.rglob("*.meta")).unlink()
    stdout, stderr = bench.run("publication-why", "SC038", "1", "--type", "ephys", check=0)
    assert stderr == ""
    lines = stdout.splitlines()
    assert lines[0].startswith("SC038 (subject 480133) session 1 of 2020-05-01 10:00:00")
    assert "raw-ephys: refused" in lines
    (bad,) = [line for line in lines if line.startswith("  NO")]
    assert bad.startswith("  NO  bin-without-meta: SC038_050120_g0_imec0/")
    following = lines[lines.index("  Next:") + 1 :]
    for line in following:
        parsed(line.strip())
    assert any("--accept bin-without-meta" in line for line in following)
    every, _ = bench.run("publication-why", "SC038", "1", "--type", "ephys", "--all", check=0)
    assert len(every.splitlines()) > len(lines) + 15
    csv, _ = bench.run("publication-why", "SC038", "1", "--type", "ephys", "--format", "csv", check=0)
    assert csv.splitlines()[0].startswith("alias,state,rule,stage,verdict,evidence")


def test_programs_get_each_decision(bench):
    bench.session("one")
    told = document(bench, "SC038", "1", "--offline")
    assert told["session"]["h2o"] == "SC038"
    assert told["globus_asked"] is False
    assert [place["alias"] for place in told["locations"]] == ["raw-ephys", "raw-video"]
    for place in told["locations"]:
        for each in place["decisions"]:
            assert {"rule", "verdict", "evidence", "computer", "remedy"} <= set(each)
            assert each["verdict"] in ("passed", "failed", "not reached", "unknown")
    (only,) = document(bench, "SC038", "1", "--archive", "raw-video")["locations"]
    assert only["alias"] == "raw-video"


@pytest.mark.parametrize("day", ["2020-05-01", "20200501", "050120", "05012020"])
def test_a_day_as_people_write_it(bench, day):
    bench.session("one")
    assert document(bench, "480133", day, "--type", "ephys")["session"]["session"] == 1


def test_several_sessions_of_a_day_are_named(bench):
    bench.enter("first", DAY, "10:00:00")
    bench.enter("second", DAY, "18:00:00")
    message, remedy = said(bench, "SC038", "2020-05-01")
    assert message == "SC038 has 2 sessions on 2020-05-01."
    lines = commands_in(remedy)
    assert len(lines) == 2
    for line in lines:
        bench.run(*shlex.split(line)[1:], check=0)


def test_a_person_is_asked_which_of_several_sessions(bench):
    found = [Subject(SC038, number, "SC038", "2020-05-01", at, None) for number, at in ((1, "10:00:00"), (2, None))]
    with CliRunner().isolation(input="2\n"):
        assert ask_which(Output(), found) is found[1]


def test_what_does_not_exist_is_named_with_what_comes_near(bench):
    bench.session("one")
    message, remedy = said(bench, "SC38", "1")
    assert message == "There is no subject SC38."
    assert "SC038" in remedy
    for wrong in ("9", "2020-05-03", "20200509"):
        message, remedy = said(bench, "SC038", wrong)
        assert message.startswith("SC038 has no session")
        for line in commands_in(remedy):
            bench.run(*shlex.split(line)[1:], check=0)
    for wrong in ("soon", "99999", "2020-13-01", "", "-"):
        message, _ = said(bench, "SC038", wrong)
        assert "neither a session number nor a day" in message
    message, remedy = said(bench, "SC048", "today")
    assert message == "SC048 has no session at all in the lab's tables."
    message, remedy = said(bench, "SC038", "1", "--archive", "cellar")
    assert message == "There is no storage location 'cellar'."
    assert "raw-ephys (ephys), raw-video (video)" in remedy
    message, _ = said(bench, "SC038", "1", "--archive", "raw-video", "--type", "ephys")
    assert message == "There is no storage location 'raw-video' of ephys."


def test_folders_of_a_day_without_session_are_named_and_the_command_enters_it(bench):
    bench.session("one")
    bench.record("SC038_060120", DAY.replace(month=6))
    message, remedy = said(bench, "SC038", "2020-06-01")
    assert "SC038/SC038_060120_g0" in message
    (line,) = commands_in(remedy)
    bench.run(*shlex.split(line)[1:], check=0)
    told = document(bench, "SC038", "2020-06-01", "--type", "ephys")
    assert told["locations"][0]["state"] == "queued"
