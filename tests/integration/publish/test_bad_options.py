"""Options that name what does not exist: said, never silence."""

import json

from mapshell.errors import CONFIGURATION

from .faults import command, told


def test_options_that_fit_nothing_say_so(bench):
    bench.session("one")
    publish = ("publication-publish",)
    _, told = bench.run(*publish, "--subject", "SC083", check=2)
    assert "There is no subject SC083" in told
    assert "did you mean" in told
    assert "SC038" in told
    _, told = bench.run(*publish, "--since", "2020-13-01", check=2)
    assert "2020-13-01" in told
    _, told = bench.run(*publish, "--since", "2021-01-01", "--until", "2020-01-01", check=2)
    assert "--since" in told
    _, told = bench.run(*publish, "--subject", "SC038", "--session", "99", check=2)
    assert "SC038 has no session 99: nothing matches" in told
    assert "publication-status --subject SC038" in told
    _, told = bench.run(*publish, "--session", "1", "--session", "98", check=2)
    assert "98" in told
    _, told = bench.run("publication-status", "--session", "99", check=2)
    assert "99" in told
    _, told = bench.run(*publish, "--since", "2030-01-01", check=0)
    assert "No session matches" in told
    _, told = bench.run("publication-status", "--since", "2030-01-01", check=0)
    assert "No session matches" in told
    _, told = bench.run(*publish, "--type", "audio", check=2)
    assert "ephys" in told
    assert bench.rig.tasks() == []


def test_a_database_without_sessions_says_so(bench):
    told = " ".join(bench.tell(check=0).split())
    assert "There is no session yet" in told
    assert "mapshell publication-discover --create-sessions" in told  # it may have been lost


def test_a_computer_without_folders_says_so(bench):
    bench.session("one")
    document = json.loads(bench.rig.settings.file.read_text())
    del document["custom"]["globus.local_endpoints"]
    bench.rig.settings.file.write_text(json.dumps(document))
    assert "This computer has no local folder" in bench.tell(check=0)


def test_a_configuration_that_places_the_archive_elsewhere_than_the_database(pg_rig):
    told(pg_rig)
    file = pg_rig.settings.file
    document = json.loads(file.read_text())
    document["custom"]["globus.storage_locations"]["raw-ephys"]["path"] = "/elsewhere"
    file.write_text(json.dumps(document))
    shown, stderr = command(pg_rig, code=CONFIGURATION)
    assert "raw-ephys" in shown["error"]["message"]
    assert "/elsewhere" in shown["error"]["message"]
    assert "globus.storage_locations" in stderr
    assert len(pg_rig.tasks()) == 2
