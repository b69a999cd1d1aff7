"""What one line changes holds for the next: settings, database; and completion in a real bash."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = str(Path(sys.executable).with_name("mapshell"))

SCRIPT = """\
ingest-subjects one.csv
print("mine", len(lab.Subject()))
ingest-subjects two.csv --config ../other/dj_local_conf.json
print("mine still", len(lab.Subject()))
services stop
print("mine again", len(lab.Subject()))
import shutil
shutil.copy("../other/dj_local_conf.json", "dj_local_conf.json")
pwd
print("the other", len(lab.Subject()))
"""


@pytest.fixture
def places(tmp_path):
    """Two places with an embedded database each, and the environment of a person."""
    for name in ("here", "other"):
        folder = tmp_path / name
        folder.mkdir()
        settings = {"database.embedded": str(tmp_path / f"{name}-database")}
        (folder / "dj_local_conf.json").write_text(json.dumps(settings), encoding="utf-8")
    here = tmp_path / "here"
    head = "subject_id,water_restriction_number\n"
    (here / "one.csv").write_text(head + "1,SC001\n", encoding="utf-8")
    (here / "two.csv").write_text(head + "2,SC002\n3,SC003\n", encoding="utf-8")
    first = (here / "dj_local_conf.json").read_text(encoding="utf-8")
    environ = {**os.environ, "MAPSHELL_HOME": str(tmp_path / "home")}
    yield here, environ
    (here / "dj_local_conf.json").write_text(first, encoding="utf-8")
    for folder in (here, tmp_path / "other"):
        subprocess.run([PROGRAM, "services", "stop"], cwd=folder, env=environ, check=True)


def test_each_line_works_with_what_is_at_hand_then(places):
    folder, environ = places
    done = subprocess.run(
        [PROGRAM, "shell"], cwd=folder, env=environ, input=SCRIPT, capture_output=True, text=True, check=False
    )

    said = [line for line in done.stdout.splitlines() if line.startswith(("mine", "the other"))]
    assert (said, done.returncode) == (["mine 1", "mine still 1", "mine again 1", "the other 2"], 0), done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo terminals of this kind")
def test_bash_completes_what_is_typed(places):
    import pexpect

    folder, environ = places
    environ = {**environ, "HOME": str(folder), "PATH": f"{Path(PROGRAM).parent}{os.pathsep}{os.environ['PATH']}"}
    (folder / "data").mkdir()
    subprocess.run([PROGRAM, "ingest-subjects", "two.csv"], cwd=folder, env=environ, check=True)
    subprocess.run([PROGRAM, "completion", "install", "bash"], cwd=folder, env=environ, check=True)
    bash = pexpect.spawn("bash", ["-i"], env=environ, cwd=str(folder), encoding="utf-8", timeout=60)
    try:
        for begun, whole in (
            ("publication-pu", "publication-publish "),
            ("status --subj", "status --subject "),
            ("status --subject SC002 --subject=SC00", "SC002 --subject=SC00"),
            ("--format js", "--format json "),
            ("retrieve --to da", "retrieve --to data/"),
        ):
            bash.send(f"\x15mapshell {begun}\t")
            bash.expect_exact(f"mapshell {whole}" if whole.startswith(begun.split()[0]) else whole)
    finally:
        bash.close(force=True)
