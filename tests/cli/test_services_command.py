"""``mapshell services`` with an embedded database in the working directory."""

import json

from pipeline import embedded


def test_the_services_of_the_settings_start_show_and_stop(mapshell, workplace):
    folder = workplace / "my database"
    (workplace / "dj_local_conf.json").write_text(json.dumps({"database.embedded": "my database"}))
    try:
        stopped = mapshell("services", "status", "--format", "json")
        assert stopped.json[0]["state"] == "stopped"
        assert mapshell("services", "stop").stderr.strip() == "Nothing was running."
        started = mapshell("services", "start", "--idle-minutes", "2", "--format", "json")
        assert started.code == 0
        assert started.json == mapshell("services", "status", "--format", "json").json
        assert started.json[0]["address"] == f"127.0.0.1:{embedded.address(folder).port}"
        table = mapshell("services", "status")
        assert "running" in table.stdout
        assert embedded.address(folder).password not in table.stdout + table.stderr
        assert mapshell("services", "stop", "--format", "json").json == {"stopped": ["database"]}
        assert mapshell("services", "status", "--format", "json").json[0]["pid"] is None
    finally:
        embedded.delete(folder)


def test_settings_that_name_no_service_say_so(mapshell, workplace):
    (workplace / "dj_local_conf.json").write_text(json.dumps({"database.host": "db.example.org"}))
    result = mapshell("services", "status")
    assert result.code == 0
    assert "no local service" in result.stderr
    assert mapshell("services", "status", "--format", "json").json == []
