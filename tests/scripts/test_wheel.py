"""What is installed on a rig: the wheel holds both packages, all of them, and nothing of the clone beside them."""

import os
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], cwd=ROOT, check=True)
    (built,) = folder.glob("*.whl")
    return built


def test_it_holds_every_module_of_both_packages_and_no_other(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    modules = {
        path.relative_to(ROOT).as_posix()
        for package in ("mapshell", "pipeline")
        for path in (ROOT / package).rglob("*")
        if path.suffix in {".py", ".typed"}
    }
    assert modules <= names
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"mapshell", "pipeline"}


def test_it_is_for_every_computer_and_brings_the_command(wheel):
    assert wheel.name.endswith("-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as opened:
        (entry_points,) = (name for name in opened.namelist() if name.endswith("entry_points.txt"))
        assert "mapshell = mapshell.cli:main" in opened.read(entry_points).decode()
        (metadata,) = (name for name in opened.namelist() if name.endswith(".dist-info/METADATA"))
        about = Parser().parsestr(opened.read(metadata).decode())
    assert about["License-Expression"] == "MIT"
    assert about["Requires-Python"] == ">=3.11"


def test_installed_alone_it_answers(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path)  # all that installing a wheel of pure Python means
    code = "import sys, mapshell.cli as cli; print(cli.__file__, file=sys.stderr); sys.exit(cli.main(['--help']))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert str(tmp_path) in done.stderr
    assert "publication-publish" in done.stdout
