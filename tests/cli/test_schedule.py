"""``mapshell schedule`` beside a program that stands for systemctl and writes down what it is told."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="systemd is Linux's")


@pytest.fixture
def lab(workplace, monkeypatch):
    """A configuration, and a systemctl; returns the folder of units."""
    (workplace / "dj_local_conf.json").write_text(json.dumps({"archive.timezone": "Europe/Berlin"}))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    systemctl(workplace, monkeypatch)
    return Path(os.environ["HOME"]) / ".config" / "systemd" / "user"


def systemctl(workplace, monkeypatch, says="ActiveState=active", code=0):
    programs = workplace / "bin"
    programs.mkdir(exist_ok=True)
    script = programs / "systemctl"
    script.write_text(f"#!/bin/sh\necho \"$@\" >> '{workplace}/told'\nprintf '{says}\\n'\nexit {code}\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/bin:/usr/bin")


def told(workplace):
    """Return what systemctl was told since the last time."""
    file = workplace / "told"
    lines = file.read_text().splitlines() if file.exists() else []
    file.unlink(missing_ok=True)
    return [line for line in lines if " show " not in line]


def units(folder):
    return {path.name: path.read_text() for path in sorted(folder.glob("*"))} if folder.exists() else {}


def test_install_show_and_remove(mapshell, lab, workplace):
    assert "Nothing is scheduled" in mapshell("schedule", "show").stderr
    dry = mapshell("schedule", "install", "--dry-run")
    assert (dry.code, units(lab), told(workplace)) == (0, {}, [])
    assert "OnCalendar=*-*-* 22:00:00 Europe/Berlin" in dry.stdout
    assert "Nothing was changed" in dry.stderr

    first = mapshell("schedule", "install")
    assert first.code == 0, first.stderr
    written = units(lab)
    (name,) = {each.removesuffix(".timer") for each in written if each.endswith(".timer") and "report" not in each}
    assert sorted(written) == [f"{name}-report.service", f"{name}-report.timer", f"{name}.service", f"{name}.timer"]
    assert (
        f'"{sys.executable}" "-m" "mapshell" "--config" "{workplace / "dj_local_conf.json"}"'
        in written[f"{name}.service"]
    )
    assert told(workplace) == ["--user daemon-reload", f"--user enable --now {name}.timer {name}-report.timer"]

    again = mapshell("schedule", "install", "--format", "json").json
    assert {each["what"] for each in again["files"]} == {"as it was"}
    assert units(lab) == written
    told(workplace)

    changed = mapshell("schedule", "install", "--every", "15m", "--at", "22:00-06:00")
    assert "removed" in changed.stderr
    assert "+Type=notify" in changed.stderr
    assert list(units(lab)) == [f"{name}.service"]
    assert told(workplace) == [
        f"--user disable --now {name}.timer {name}-report.service {name}-report.timer",
        "--user daemon-reload",
        f"--user enable --now {name}.service",
        f"--user restart {name}.service",
    ]
    (row,) = mapshell("schedule", "show", "--format", "json").json
    assert (row["what"], row["at"], row["active"], row["troubles"]) == ("rounds of publishing", None, "active", [])

    (lab / "default.target.wants").mkdir()
    (lab / "default.target.wants" / f"{name}.service").symlink_to(lab / f"{name}.service")
    (lab / "default.target.wants" / "other.service").symlink_to(lab / "other.service")
    assert mapshell("schedule", "remove", "--dry-run").code == 0
    assert f"{name}.service" in units_of(lab)
    told(workplace)
    assert mapshell("schedule", "remove").code == 0
    assert units_of(lab) == []
    assert [link.name for link in (lab / "default.target.wants").iterdir()] == ["other.service"]
    assert told(workplace) == [f"--user disable --now {name}.service", "--user daemon-reload"]
    assert "Nothing is scheduled" in mapshell("schedule", "remove").stderr


def units_of(folder):
    return sorted(path.name for path in folder.glob("*.service"))


def test_nothing_of_others_is_touched(mapshell, lab):
    name = mapshell("schedule", "install", "--dry-run", "--format", "json").json["schedule"]
    lab.mkdir(parents=True)
    mine = lab / f"{name}.service"
    mine.write_text("[Service]\nExecStart=/usr/bin/true\n")
    refused = mapshell("schedule", "install")
    assert refused.code == 1
    assert "was not written by mapshell" in refused.stderr
    assert "Nothing is scheduled" in mapshell("schedule", "remove").stderr
    assert mine.read_text() == "[Service]\nExecStart=/usr/bin/true\n"
    assert mapshell("schedule", "show", "--format", "json").json == []


def test_where_no_manager_listens_it_says_what_to_type(mapshell, lab, workplace, monkeypatch):
    systemctl(workplace, monkeypatch, "Failed to connect to bus", 1)
    done = mapshell("schedule", "install")
    assert done.code == 0
    assert "systemctl --user daemon-reload\n" in done.stderr
    assert "systemctl --user enable --now mapshell-work-" in done.stderr
    assert units(lab)
    assert "nobody tells when they run" in mapshell("schedule", "show").stderr
    assert mapshell("schedule", "remove").code == 0
    assert not units(lab)


def test_without_systemd_there_is_a_line_for_cron(mapshell, lab, workplace, monkeypatch):
    monkeypatch.setenv("PATH", str(workplace))
    refused = mapshell("schedule", "install")
    assert refused.code == 1
    assert "crontab -e" in refused.stderr
    assert "\n0 22 * * * " in refused.stderr
    assert not units(lab)
    assert mapshell("schedule", "show").code == 1


def test_what_keeps_it_from_running_is_told(mapshell, lab, workplace, monkeypatch):
    mapshell("schedule", "install", "--report-at", "never")
    systemctl(workplace, monkeypatch, "ActiveState=inactive")
    (file,) = lab.glob("*.service")
    file.write_text(file.read_text().replace(sys.executable, "/opt/gone/python"))
    (workplace / "dj_local_conf.json").rename(workplace / "away.json")
    shown = mapshell("schedule", "show")
    assert shown.code == 3
    assert "/opt/gone/python is not there any more" in shown.stderr
    assert "dj_local_conf.json is not there any more" in shown.stderr
    assert "is inactive" in shown.stderr
    (lab / file.with_suffix(".timer").name).unlink()
    assert "timer is not there" in mapshell("schedule", "show").stderr


def test_a_folder_that_cannot_be_written(mapshell, lab):
    lab.parent.mkdir(parents=True)
    lab.write_text("no folder")
    refused = mapshell("schedule", "install")
    assert refused.code == 1
    assert str(lab) in refused.stderr
    assert "Remedy: check who owns" in refused.stderr
