"""What the system is told: units of systemd, XML of Windows, lines of cron; every path arrives as it is."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import xml.etree.ElementTree as ET
from datetime import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import settings
from pipeline.errors import ConfigError, UsageError
from pipeline.schedule import cron, systemd, windows
from pipeline.schedule.plan import Job, Plan, name_of, plan

PROGRAM = ("/opt/my lab/python", "-m", "mapshell")
texts = st.text(st.characters(codec="utf-8"), max_size=30) | st.text("ab %\\\"'$\n\t;#=", max_size=12)
printable = st.text("aBc üß%&'\"<>;$=_-", min_size=1, max_size=30)


def systemd_reads(line, *, variables):
    """Split a value as systemd does (systemd.syntax(7), systemd.service(5)): quotes, escapes, specifiers, variables."""
    found, rest = [], line
    while rest := rest.lstrip(" "):
        match = re.match(r'"((?:[^"\\]|\\.)*)"', rest, re.DOTALL)
        assert match, rest
        raw = re.sub(
            rb"\\(?:x([0-9a-f]{2})|(.))",
            lambda m: bytes([int(m[1], 16)]) if m[1] else {b"n": b"\n", b"t": b"\t", b"r": b"\r"}.get(m[2], m[2]),
            match[1].encode(),
        )
        text = raw.decode("utf-8", "surrogateescape")
        assert not re.search(r"%(?!%)", text.replace("%%", ""))
        text = text.replace("%%", "%")
        if variables and found:
            assert not re.search(r"\$(?!\$)", text.replace("$$", ""))
            text = text.replace("$$", "$")
        found.append(text)
        rest = rest[match.end() :]
    return found


@given(st.lists(texts, max_size=5))
def test_arguments_arrive_as_they_are(args):
    line = systemd.command_line([*PROGRAM, *args])
    assert "\n" not in line
    assert systemd_reads(line, variables=True) == [*PROGRAM, *args]


@given(texts)
def test_variables_arrive_as_they_are(value):
    assert systemd_reads(systemd.quoted(f"NAME={value}"), variables=False) == [f"NAME={value}"]


def made(file="/home/me/my lab/dj_local_conf.json", **more):
    jobs = more.pop("jobs", (Job("", "the round", ("publication-publish",), time(22)), Job("-x", "on", ("y",))))
    return Plan(name_of(file), file, PROGRAM, jobs, **more)


@given(printable, st.dictionaries(st.just("MAPSHELL_HOME"), printable, max_size=1))
def test_a_unit_says_what_it_is_and_nothing_leaves_its_line(folder, environment):
    plan_ = made(f"/home/{folder}/dj_local_conf.json", environment=environment)
    for name, text in systemd.units(plan_).items():
        read = systemd.read(name, text)
        assert read.settings_file == plan_.settings_file
        assert read.command[: len(PROGRAM)] == PROGRAM
        keys = {
            "Description",
            "Type",
            "Environment",
            "ExecStart",
            "SuccessExitStatus",
            "KillMode",
            "TimeoutStopSec",
            "TimeoutStartSec",
        }
        keys |= {"Restart", "RestartSec", "RestartPreventExitStatus", "WantedBy", "OnCalendar", "Persistent"}
        for line in systemd.lines(text):
            assert line.startswith("[") or line.partition("=")[0] in keys
    assert systemd.read("x.service", "[Service]\nExecStart=/bin/true\n") is None
    assert systemd.enabled(plan_) == [f"{plan_.name}.timer", f"{plan_.name}-x.service"]


@given(st.text(max_size=40), st.text(max_size=40))
def test_a_name_is_plain_and_of_its_configuration_alone(one, other):
    assert re.fullmatch(r"mapshell-[a-z0-9]+(-[a-z0-9]+)*-[0-9a-f]{8}", name_of(one))
    assert (name_of(one) == name_of(other)) == (one == other)


@pytest.mark.parametrize("program", ["/opt/a$b/python", "/opt/a\nb/python", '/opt/a"b/python', "/opt/a\\b/python"])
def test_a_program_that_systemd_cannot_start_is_refused(program):
    with pytest.raises(ConfigError, match="systemd cannot start"):
        systemd.units(Plan("mapshell-a-1", "/a/b", (program,), (Job("", "x", ("y",)),)))


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed here")
def test_systemd_itself_finds_nothing_wrong(tmp_path):
    place = tmp_path / "a b%h ü;#"
    place.mkdir()
    program = place / "python"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    environ = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}
    plan_ = Plan(
        "mapshell-a-12345678",
        f"{place}/c'\"\\$d.json",
        (str(program), "-m", "mapshell"),
        made().jobs,
        {"MAPSHELL_HOME": "a %n\n\\"},
        "America/New_York",
    )

    def verify(text=None):
        for name, unit in systemd.units(plan_).items():
            (tmp_path / name).write_text(unit if text is None else text(unit), "utf-8")
        files = [str(tmp_path / name) for name in systemd.units(plan_)]
        command = ["systemd-analyze", "--user", "verify", *files]
        return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)

    fine = verify()
    if "Failed to initialize manager" in fine.stderr:
        pytest.skip(f"systemd-analyze cannot work here: {fine.stderr}")
    assert (fine.returncode, fine.stderr) == (0, "")
    assert verify(lambda text: text.replace('python"', 'pithon"')).returncode != 0  # it does look
    for job in plan_.jobs[:1]:
        when = f"*-*-* {job.at:%H:%M}:00 {plan_.zone}"
        assert subprocess.run(["systemd-analyze", "calendar", when], capture_output=True, check=False).returncode == 0


SCHEMA = {
    "Task": ["RegistrationInfo", "Triggers", "Principals", "Settings", "Actions"],
    "RegistrationInfo": ["Description", "URI"],
    "CalendarTrigger": ["StartBoundary", "Enabled", "ScheduleByDay"],
    "LogonTrigger": ["Enabled", "UserId"],
    "ScheduleByDay": ["DaysInterval"],
    "Principal": ["UserId", "LogonType", "RunLevel"],
    "Exec": ["Command", "Arguments"],
}
"""The elements that we use of Microsoft's task schema, in its order."""


@given(printable)
def test_a_task_of_windows_has_what_the_schema_asks_for(folder):
    file = f"C:\\{folder}\\dj_local_conf.json"
    plan_ = Plan(name_of(file), file, ("C:\\py thon\\python.exe", "-m", "mapshell"), made().jobs)
    for job in plan_.jobs:
        text = windows.task(plan_, job, "LAB\\me")
        document = text.encode("utf-16")
        root = ET.fromstring(document)
        ns = f"{{{windows.NAMESPACE}}}"
        assert root.attrib == {"version": "1.2"}
        for name, wanted in SCHEMA.items():
            for element in root.iter(ns + name):
                assert [child.tag.removeprefix(ns) for child in element] == wanted
        found = {each.tag.removeprefix(ns): each.text for each in root.iter()}
        assert found["Command"] == "C:\\py thon\\python.exe"
        assert found["Arguments"] == subprocess.list2cmdline(plan_.command(job)[1:])
        assert found["URI"] == windows.task_name(plan_, job)
        assert root.find(f"{ns}Principals/{ns}Principal").attrib["id"] == root.find(f"{ns}Actions").attrib["Context"]
        trigger = "CalendarTrigger" if job.at else "LogonTrigger"
        assert [each.tag for each in root.find(f"{ns}Triggers")] == [ns + trigger]
    with pytest.raises(ConfigError):
        windows.task(Plan("a", "C:\\a\x07", ("a",), plan_.jobs), plan_.jobs[0], "me")


@given(printable.filter(lambda text: "\n" not in text))
def test_a_line_of_cron_is_what_the_shell_reads(folder):
    plan_ = made(f"/home/{folder}/c.json", environment={"MAPSHELL_HOME": folder})
    first, second = cron.lines(plan_)
    assert first.startswith("0 22 * * * MAPSHELL_HOME=")
    assert second.startswith("@reboot ")
    assert not re.search(r"(?<!\\)%", first)
    words = shlex.split(first.removeprefix("0 22 * * * ").replace("\\%", "%"))
    assert words[0] == f"MAPSHELL_HOME={folder}"
    assert words[1:] == [*PROGRAM, "--quiet", *plan_.command(plan_.jobs[0])[len(PROGRAM) :]]


def configured(folder, environ=None, **document):
    file = folder / "dj_local_conf.json"
    file.write_text(json.dumps({"database.host": "db", "database.user": "me", **document}))
    return settings.load(file=file, environ=environ or {})


def test_what_is_planned(tmp_path):
    loaded = configured(tmp_path)
    jobs = plan(loaded, {}, PROGRAM).jobs
    assert [(job.args[0], job.at) for job in jobs] == [
        ("publication-publish", time(22)),
        ("publication-report", time(7)),
    ]
    (job,) = plan(loaded, {}, PROGRAM, at="22-6", every="15m").jobs
    assert job.at is None
    assert job.args == ("publication-publish", "--every", "15m", "--at", "22:00-06:00", "--report-at", "06:00")
    assert plan(loaded, {}, PROGRAM, every="15m", report_at="never").jobs[0].args[-1] == "never"
    assert len(plan(loaded, {}, PROGRAM, at="21:30", report_at="never").jobs) == 1
    freeing = plan(loaded, {}, PROGRAM, reclaim="30d").jobs[-1]
    assert freeing.at == time(6)
    assert freeing.args == ("publication-reclaim", "--older-than", "30d", "--yes")
    for job in (*jobs, *plan(loaded, {}, PROGRAM, every="15m").jobs):
        assert "publication-reclaim" not in job.args  # nothing that deletes, unless it is asked for by name


def test_secrets_are_not_written_down(tmp_path):
    environ = {"DJ_PASS": "hush hush", "DJ_USER": "rig", "MAPSHELL_HOME": "/h", "OTHER": "x"}
    planned = plan(configured(tmp_path, environ), environ, PROGRAM)
    assert planned.environment == {"MAPSHELL_HOME": "/h", "DJ_USER": "rig"}
    assert planned.lacking == ("DJ_PASS",)
    for text in (*systemd.units(planned).values(), *cron.lines(planned)):
        assert "hush" not in text


def test_what_may_hold_a_secret_is_not_written_down(tmp_path):
    command = '["post", "https://chat.example.org/services/hush"]'
    environ = {"MAPSHELL_NOTIFY_COMMAND": command, "DJ_HOST": "rig:hush@db.example.org", "DJ_USER": "token=hush"}
    planned = plan(configured(tmp_path, environ), environ, PROGRAM)
    assert "MAPSHELL_NOTIFY_COMMAND" in planned.lacking
    assert "DJ_USER" in planned.lacking
    for text in (*systemd.units(planned).values(), *cron.lines(planned)):
        assert "services/hush" not in text
        assert "token=hush" not in text


def test_one_configuration_has_one_name_however_it_is_spelled(tmp_path):
    loaded = configured(tmp_path)
    (tmp_path / "deep" / "er").mkdir(parents=True)
    asked = Path(tmp_path, "deep", "..", "dj_local_conf.json")
    detour = settings.load(file=asked, environ={})
    assert plan(detour, {}, PROGRAM) == plan(loaded, {}, PROGRAM)
    if os.name == "nt":  # where ".." is taken from the name alone
        return
    (tmp_path / "link").symlink_to(tmp_path / "deep" / "er")
    (tmp_path / "deep" / "dj_local_conf.json").write_text((tmp_path / "dj_local_conf.json").read_text())
    other = settings.load(file=Path(tmp_path, "link", "..", "dj_local_conf.json"), environ={})
    assert Path(plan(other, {}, PROGRAM).settings_file).samefile(tmp_path / "deep" / "dj_local_conf.json")


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"at": "22:00-06:00"}, "is a window"),
        ({"at": "99"}, "no time of the day"),
        ({"every": "15m", "at": "22:00"}, "no window"),
        ({"every": "5s"}, "too often"),
        ({"reclaim": "1h"}, "nobody looking"),
        ({"reclaim": "old"}, "no time span"),
        ({"report_at": "late"}, "no time of the day"),
    ],
)
def test_wishes_that_make_no_sense(tmp_path, wish, said):
    with pytest.raises(UsageError, match=said) as refused:
        plan(configured(tmp_path), {}, PROGRAM, **wish)
    assert refused.value.remedy


def test_without_a_settings_file_nothing_is_scheduled(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="no settings file"):
        plan(settings.load(start=Path(tmp_path.anchor), environ={"MAPSHELL_HOME": str(tmp_path)}), {}, PROGRAM)
