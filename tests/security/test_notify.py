"""No secret reaches the program that gets the report: not by its environment, not by the report, not by a message."""

from __future__ import annotations

import json
import sys
import uuid

import pytest

from pipeline import database, publication, settings
from pipeline.morning.notifying import handed_on

from .leaks import leaked
from .test_no_secret_anywhere import guarded, run

__all__ = ["guarded"]

KEEP = (
    "import json, os, sys; "
    "open('given.json', 'w').write(sys.stdin.read()); "
    "open('environ.json', 'w').write(json.dumps(dict(os.environ))); "
    "print(*sys.argv, file=sys.stderr); sys.exit(int(os.environ.get('ENDS', '0')))"
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the fixture looks at processes as Linux shows them")


def name_program(bench):
    file = bench.rig.folder / "dj_local_conf.json"
    document = json.loads(file.read_text())
    file.write_text(json.dumps({**document, "notify.command": [sys.executable, "-c", KEEP]}))


def test_no_secret_reaches_the_program(guarded):
    bench, known = guarded
    name_program(bench)
    password = known["database password"]
    more = {
        "LAB_TOKEN": "lab-token-0815",
        "SMTP_PASSWORD": "smtp-0815",
        "MAPSHELL_GLOBUS_CLIENT_SECRET": "",
        "HTTPS_PROXY": "http://me:proxy-0815@proxy.invalid:3128",
        "SPELT_OTHERWISE": f"db={password}",
        "HARMLESS": "42",
    }
    known |= {"lab token": "lab-token-0815", "smtp": "smtp-0815", "proxy": "proxy-0815"}
    status, _, _ = run(bench, known, "publication-report", environ=more)
    assert status == 0
    environ = json.loads((bench.rig.folder / "environ.json").read_text())
    assert environ["HARMLESS"] == "42"
    assert "DJ_PASS" not in environ
    assert leaked(json.dumps(environ), known) == set()
    assert leaked((bench.rig.folder / "given.json").read_text(), known) == set()


def test_no_secret_is_in_a_report_or_in_a_message(guarded):
    bench, known = guarded
    name_program(bench)
    secret = known["database password"]
    now = database.now()
    row = {"round_id": uuid.uuid4(), "computer": "rig-2", "verb": "verify", "program": "x", "began_at": now}
    times = {"seen_at": now, "ended_at": now, "archived_sessions": 0, "archived_bytes": 0, "disks": []}
    reason = f"connecting failed: password='{secret}'"
    publication.Round.insert1({**row, **times, "result": "failed", "reason": reason})
    status, out, err = run(bench, known, "publication-report", environ={"ENDS": "3"})
    assert status == 1
    assert "connecting failed" in out
    assert "exit code 3" in err
    assert leaked((bench.rig.folder / "given.json").read_text(), known) == set()


def test_the_environment_of_the_program_is_a_copy_without_secrets():
    loaded = settings.parse("{}", file=None, environ={"DJ_HOST": "db", "DJ_USER": "me", "DJ_PASS": "s3cret-word"})
    environ = {"PATH": "/bin", "A": "xs3cret-wordx", "API_KEY": "1", "DJ_PASS": "s3cret-word", "URL": "https://a:b@c/"}
    assert handed_on(environ, loaded) == {"PATH": "/bin"}
