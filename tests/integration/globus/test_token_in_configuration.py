"""A Globus token that lies in the configuration, as map-ephys kept it, is named and never used."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing


def test_even_a_good_token_in_the_configuration_is_not_used(bench):
    bench.session("one")
    place = bench.rig.settings.globus.token_file
    with closing(sqlite3.connect(place)) as database:
        kept = "\n".join(database.iterdump())
    token = re.search(r'"refresh_token": ?"([^"]+)"', kept)[1]
    bench.run("whoami", check=0)
    place.unlink()
    file = bench.rig.folder / "dj_local_conf.json"
    document = json.loads(file.read_text())
    document["custom"]["globus.token"] = token
    file.write_text(json.dumps(document))

    for command in ("whoami", "publication-publish-ephys"):
        _, stderr = bench.run(command, check=4)
        assert stderr.count("globus.token") == 1
        assert "Remove the line" in stderr
        assert token not in stderr
    assert not bench.rig.tasks()
    assert not place.exists() or token.encode() not in place.read_bytes()
