"""A day with secrets of which each is known: then everything that was shown, kept and sent is searched for them."""

from __future__ import annotations

import json
import secrets as randoms
import sqlite3
import subprocess
import sys
import uuid
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg2
import pytest
from psycopg2 import sql

from mapshell.cli import COMMANDS
from mapshell.sandbox.consent import code_from_page
from pipeline import database, settings
from pipeline.embedded import cluster
from pipeline.settings.types import Secret, Settings
from tests.conftest import SERVERS
from tests.integration import ready
from tests.integration.publish.bench import Bench, write
from tests.integration.rig import make_rig

from .leaks import Onlooker, in_files, leaked, private

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/cmdline").exists(), reason="looks at processes as Linux shows them"
)
# What a careless quoting, an address or a pattern of a redaction would stumble over.
ODD = "q\"w'e\\r t,y;u&i}o@p/%41ü"
# The traceback of a defect shows what the driver was called with.
CRASH = """
import psycopg2
def connect(**options):
    raise RuntimeError(f"a defect while connecting with {options} (again: {options!r})")
psycopg2.connect = connect
"""


@contextmanager
def account(server):
    """A role of the database whose password nobody else has; it may do what the lab's account may do."""
    import os

    name, password = f"t{uuid.uuid4().hex[:10]}", f"dbpw{randoms.token_hex(8)}{ODD}"
    own = cluster.read_secrets(Path(os.environ[SERVERS]) / "postgresql").superuser
    options = {"host": server.host, "port": server.port, "user": cluster.SUPERUSER, "password": own}
    with closing(psycopg2.connect(**options, dbname=server.name)) as connection:
        connection.autocommit = True
        role = sql.Identifier(name)
        with connection.cursor() as cursor:
            cursor.execute(
                sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} IN ROLE {}").format(
                    role, sql.Literal(password), sql.Identifier(server.user)
                )
            )
            yield replace(server, user=name, password=Secret(password), schema_prefix=f"{name}_")
            database.unbind()
            cursor.execute(sql.SQL("DROP OWNED BY {} CASCADE").format(role))
            cursor.execute(sql.SQL("DROP ROLE {}").format(role))


@pytest.fixture
def guarded(postgresql_server, bare_lab, tmp_path, monkeypatch):
    """A rig whose database password stands in the environment alone, and the secrets that are known of it."""
    with account(postgresql_server.settings) as own:
        for rig in make_rig(Settings(database=own), bare_lab, tmp_path, monkeypatch):
            password = own.password.get_secret_value()
            file = rig.folder / "dj_local_conf.json"
            document = json.loads(file.read_text())
            del document["database.password"]
            file.write_text(json.dumps(document))
            monkeypatch.setenv("DJ_PASS", password)
            rig.environ["DJ_PASS"] = password
            rig.settings = settings.load(file=file)
            known = {"database password": password, "admin token": rig.sandbox.admin_token}
            yield Bench(rig), known


def run(bench, known, *args, environ=None, answers=None, prelude=""):
    """Run a command line as a person does; nothing that it shows may be a secret."""
    code = f"import sys\n{prelude}\nfrom mapshell.cli import main\nmain(sys.argv[1:])"
    environ = {**bench.rig.environ, **(environ or {})}
    if answers is None:
        done = ready.run(code, args, cwd=bench.rig.folder, env=environ, timeout=120)
        status, out, err = done.returncode, done.stdout, done.stderr
    else:
        with subprocess.Popen(
            [sys.executable, "-c", code, *args],
            cwd=bench.rig.folder,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            said = answering(process, known, answers)
            out, err = process.communicate(timeout=120)
            status, err = process.returncode, said + err
    assert leaked(out + err, known) == set(), (args, out, err)
    return status, out, err


def answering(process, known, give):
    """Give a code for every address that is shown; return what was said."""
    said, since = "", ""
    while character := process.stderr.read(1):
        said, since = said + character, since + character
        if "http" in since and since.endswith("\n\n"):
            code = give(next(word for word in since.split() if word.startswith("http")))
            known[f"code {code[:6]}"] = code
            process.stdin.write(f"{code}\n")
            process.stdin.flush()
            since = ""
    return said


def tokens(bench):
    """Return every token that is kept for this computer."""
    with closing(sqlite3.connect(bench.rig.settings.globus.token_file)) as connection:
        kept = [json.loads(text) for (text,) in connection.execute("SELECT token_data_json FROM token_storage")]
    return {
        f"{kind} {each[kind][:6]}": each[kind]
        for each in kept
        for kind in ("access_token", "refresh_token")
        if each.get(kind)
    }


def in_database(bench, known):
    """Return the tables of the database in whose rows a secret stands."""
    bound = database.bind(bench.rig.settings)
    prefix = bench.rig.settings.database.schema_prefix
    tables = bound.query(
        "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema LIKE %s", (f"{prefix}%",)
    ).fetchall()
    assert len(tables) > 10
    found = {}
    for schema, table in tables:
        rows = bound.query(f'SELECT t::text FROM "{schema}"."{table}" t').fetchall()
        if held := leaked("\n".join(row[0] for row in rows), known):
            found[table] = held
    return found


PLACE = "raw-ephys:/SC038"
# Every command, with what makes it work and what makes it fail.
LINES = {
    "ingest-subjects": [["animals.csv"], ["none.csv"]],
    "ingest-recordings": [[], ["--dry-run"]],
    "ingest-drive": [["drive", "--dry-run"], ["none"]],
    "session-ident": [["480133", "1"], ["480133", "99"]],
    "publication-publish": [["--type", "ephys"], ["--dry-run", "--format", "json"]],
    "publication-status": [[], ["--format", "json"], ["--computers"], ["--subject", "nobody"]],
    "publication-report": [[], ["--format", "json"], ["--since", "nonsense"]],
    "publication-why": [["SC038", "1"], ["SC038", "99", "--format", "json"]],
    "publication-reclaim": [["--dry-run", "--older-than", "0d"], ["--yes", "--older-than", "0d", "--type", "ephys"]],
    "publication-discover": [["--type", "ephys"]],
    "publication-retrieve": [
        ["--subject", "SC038", "--via", "https", "--to", "fetched"],
        ["--subject", "SC038", "--to", "no/where/x"],
    ],
    "publication-verify": [["--type", "ephys", "--checksum", "all"], ["--format", "json"]],
    "publication-reassign": [["SC038/1", "SC038/9", "--dry-run"]],
    "tasks": [["list", "--all"], ["cancel", "none"]],
    "schedule": [["show"], ["install", "--dry-run"]],
    "ls": [[PLACE], ["raw-ephys:/none"]],
    "stat": [[PLACE]],
    "du": [[PLACE]],
    "find": [[PLACE]],
    "get": [[PLACE, "got"]],
    "mkdir": [[f"{PLACE}/new"]],
    "mv": [[f"{PLACE}/new", f"{PLACE}/newer"]],
    "cp": [[f"{PLACE}/none", f"{PLACE}/newest"]],
    "cd": [[PLACE]],
    "pwd": [[]],
    "demo": [["--dir", "archive"]],
    "doctor": [[], ["--format", "json"]],
    "config": [["show"], ["show", "--format", "json"], ["show", "--format", "csv"], ["reference"]],
    "storage": [["list"], ["set", "raw-ephys", "x"]],
    "database": [["status"], ["upgrade"], ["adopt", "--from", "none_"]],
    "erd": [["--out", "tables.svg"]],
    "completion": [["show", "bash"], ["install", "bash"]],
    "whoami": [[], ["--format", "json"]],
    "shell": [["-c", "status"], ["-c", "print(context.settings.database)\nraise ValueError(context.settings)"]],
    "sandbox": [["status"], ["log"], ["env"], ["fault", "list"]],
    "services": [["status"]],
}
ALSO = {"login", "logout"}  # tried with codes below


def test_every_command_is_tried():
    assert set(LINES) | ALSO == set(COMMANDS)


def test_no_secret_is_shown_kept_or_sent(guarded):
    bench, known = guarded
    first = bench.session("one")
    write(first / "fyi.txt", b"side file")
    (bench.rig.folder / "animals.csv").write_text("water_restriction_number,subject_id\nSC038,480133\n")
    (bench.rig.folder / "drive").mkdir()
    known |= tokens(bench)
    with Onlooker(known) as onlooker:
        code, _, err = run(bench, known, "login", "--no-browser", "--force", answers=code_from_page)
        assert code == 0, err
        known |= tokens(bench)
        run(bench, known, "login", "--no-browser", "--force", answers=lambda _: f"wrong{randoms.token_hex(8)}")
        codes = {}
        for command, lines in LINES.items():
            for line in lines:
                codes[command, *line] = run(bench, known, command, *line, "--debug")[0]
        assert 130 not in codes.values()
        assert codes["publication-publish", "--type", "ephys"] == 0
        assert codes["publication-retrieve", "--subject", "SC038", "--via", "https", "--to", "fetched"] == 0
        known |= tokens(bench)
        failing(bench, known)
        run(bench, known, "publication-status", prelude=CRASH)
        run(bench, known, "publication-status", "--debug", prelude=CRASH)
        unattended(bench, known)
        assert run(bench, known, "logout")[0] == 0
    onlooker.know(known)
    assert onlooker.looks > 10
    assert onlooker.seen == set()
    assert len(known) > 8
    assert bench.archived_keys() == set(bench.keys.values())
    assert in_database(bench, known) == {}
    everywhere(bench, known)


def failing(bench, known):
    """Passwords and a file that are wrong, and a login that was taken back at the service."""
    known["wrong password"] = f"wrong{randoms.token_hex(8)}{ODD}"
    code, _, err = run(bench, known, "database", "status", "--debug", environ={"DJ_PASS": known["wrong password"]})
    assert (code, "password" in err) == (1, True)
    file = bench.rig.folder / "broken.json"
    known["password in a broken file"] = f"torn{randoms.token_hex(8)}"
    file.write_text(f'{{"database.host": "x", "database.password": "{known["password in a broken file"]}", }} oops')
    file.chmod(0o600)
    assert run(bench, known, "--config", str(file), "config", "show", "--debug")[0] == 5
    bench.rig.admin.expire_tokens("access")
    assert run(bench, known, "ls", "raw-ephys:/", "--debug")[0] == 0
    known |= tokens(bench)
    token_file = bench.rig.settings.globus.token_file
    token_file.chmod(0o644)
    assert run(bench, known, "whoami", "--debug")[0] == 5
    token_file.chmod(0o600)


def unattended(bench, known):
    """A client with a secret of its own instead of a person; then a wrong secret."""
    client, secret = str(uuid.uuid4()), f"client{randoms.token_hex(8)}"
    known["client secret"] = secret
    bench.rig.admin.add_client(client, secret)
    environ = {"MAPSHELL_GLOBUS_CLIENT_ID": client, "MAPSHELL_GLOBUS_CLIENT_SECRET": secret}
    assert run(bench, known, "whoami", "--debug", environ=environ)[0] == 0
    run(bench, known, "ls", "raw-ephys:/", "--debug", environ=environ)
    assert run(bench, known, "config", "show", environ=environ)[0] == 0
    known |= tokens(bench)
    known["wrong client secret"] = f"wrong{randoms.token_hex(8)}"
    environ["MAPSHELL_GLOBUS_CLIENT_SECRET"] = known["wrong client secret"]
    environ["MAPSHELL_GLOBUS_TOKEN_FILE"] = str(bench.rig.folder / "home" / "data" / "other.db")
    assert run(bench, known, "whoami", "--debug", environ=environ)[0] != 0


def everywhere(bench, known):
    """Only the files that are there for it hold a secret, and each is its owner's alone."""
    rig = bench.rig
    home = rig.folder / "home"
    allowed = {
        rig.settings.globus.token_file: {"access", "refresh"},
        home / "data" / "other.db": {"access", "refresh"},
        rig.folder / ".mapshell" / "sandbox" / "state.json": {"admin"},
        rig.folder / "broken.json": {"password in a broken file"},
    }
    found = in_files([rig.folder], known)
    wrong = {
        str(path): names
        for path, names in found.items()
        if not all(any(name.startswith(kind) for kind in allowed.get(path, ())) for name in names)
    }
    assert wrong == {}
    assert [path for path in found if not private(path)] == []
    assert (home / "log" / "mapshell.log").stat().st_size > 1000
