"""An unchanged configuration of map-ephys on the lab's server: its database is found by the names that it has there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from pipeline import database
from pipeline.errors import ConfigError, DatabaseError

from .old_lab import PASSWORD
from .old_lab import old_lab as make_old_lab

pytestmark = [pytest.mark.mariadb, pytest.mark.slow]


@pytest.fixture
def found(empty_mariadb_server):
    """A server with a map-ephys database, under the very names that it has in labs."""
    with make_old_lab(empty_mariadb_server.settings, "") as lab:
        yield lab
        database.unbind()


def own_schemas(lab):
    query = r"SELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE 'mapshell\_%' ORDER BY 1"
    return [name for (name,) in lab.query(query)]


def test_an_old_file_is_enough_and_what_it_means_is_kept_to(found, tmp_path, monkeypatch):
    before = found.snapshot()
    document = {
        "database.host": "127.0.0.1",
        "database.port": found.server.port,
        "database.user": found.reader,
        "database.password": PASSWORD,
        "database.reconnect": True,
        "connection.init_function": None,
        "history": [],
        "do_unittest": False,
        "custom": {"ephys_data_paths": ["D:/ephys"], "database.prefix": "map_v2_"},
    }
    file = tmp_path / "dj_local_conf.json"
    file.write_text(json.dumps(document))
    file.chmod(0o600)
    monkeypatch.setenv("MAPSHELL_HOME", str(tmp_path / "home"))

    def run(*args, check=0):
        code = "import sys\nfrom mapshell.cli import main\nmain(sys.argv[1:])"
        done = subprocess.run(
            [sys.executable, "-c", code, *args],
            cwd=tmp_path,
            env=dict(os.environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == check, done.stdout + done.stderr
        return done

    run("session-ident", "SC033", "5", "morning")
    shown = json.loads(run("session-ident", "SC033", "--format", "json").stdout)
    assert {row["session"]: row["ident"] for row in shown} == {4: "1", 5: "morning", 6: None}
    assert own_schemas(found) == ["mapshell_publication"]
    told = json.loads(run("database", "status", "--format", "json").stdout)
    assert {each["schema"] for each in told["schemas"] if each["lab"]} == {
        f"map_v2_{group}" for group in ("lab", "experiment", "ephys", "tracking")
    }
    # The same, said in so many words; and what does not fit it.
    for key, value, code, said in (
        ("database.lab_prefix", "map_v2_", 0, ""),
        ("database.lab_prefix", "mapshell_", 1, "were made for the lab's own tables"),
        ("database.lab_prefix", "map_v3_", 5, "map_v3_lab.subject is not at"),
        ("lab.database", "another_lab", 5, "another_lab.subject is not at"),
        ("experiment.database", "map_v2_experiment", 0, ""),
    ):
        place = document["custom"] if key.startswith(("lab.", "experiment.")) else document
        place[key] = value
        file.write_text(json.dumps(document))
        assert said in " ".join(run("session-ident", "SC033", check=code).stderr.split())
        del place[key]
    assert found.snapshot() == before
    assert own_schemas(found) == ["mapshell_publication"]


def test_tables_of_our_own_stay_ours(found):
    before = found.snapshot()
    ours = replace(found.settings(), database=replace(found.settings().database, lab_schemas=()))
    database.bind(ours)
    from pipeline import experiment

    assert len(experiment.Session()) == 0
    assert own_schemas(found) == [
        f"mapshell_{each}" for each in ("ephys", "experiment", "lab", "publication", "tracking")
    ]
    # Somebody who says nothing about it afterwards keeps them.
    nothing_said = replace(ours, database=replace(ours.database, lab_schemas=None))
    database.unbind()
    database.bind(nothing_said)
    assert len(experiment.Session()) == 0
    database.unbind()
    with pytest.raises(DatabaseError, match="made with tables of their own") as refused:
        database.bind(found.settings())
    assert "set database.prefix to a new name" in refused.value.remedy
    assert found.snapshot() == before


def test_tables_that_cannot_stand_in(found):
    found.query("ALTER TABLE `map_v2_lab`.`water_restriction` CHANGE water_restriction_number wr varchar(16)")
    with pytest.raises(ConfigError, match="has no water_restriction_number"):
        database.bind(found.settings())
    found.query(f"REVOKE SELECT ON `map\\_v2\\_%`.* FROM {found.reader}")
    with pytest.raises(ConfigError, match="may not read it") as refused:
        database.bind(found.settings())
    assert "GRANT SELECT ON `map_v2_lab`.*" in refused.value.remedy
    assert own_schemas(found) == []
