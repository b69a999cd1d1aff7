"""A real volume with label and identity: found again wherever it is connected, and never taken for its twin."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from pipeline import database, publication
from pipeline.drives.volumes import volume_of
from tests.integration.kills import kill_at
from tests.integration.publish.bench import only

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="loop devices are Linux")


class Volumes:
    """Images of volumes, connected with ``mount``."""

    def __init__(self, folder):
        self.folder, self.mounted = folder, []

    def make(self, name, *options):
        image = self.folder / f"{name}.img"
        with image.open("wb") as stream:
            stream.truncate(16 << 20)
        subprocess.run(["mkfs.ext4", "-q", *options, str(image)], check=True, capture_output=True)
        return image

    def connect(self, image, place):
        place.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(["mount", "-o", "loop", str(image), str(place)], capture_output=True, check=False)
        if done.returncode:
            pytest.skip(f"NO LOOP MOUNTS: {done.stderr.decode().strip()}")
        self.mounted.append(place)

    def pull(self, place):
        subprocess.run(["umount", "--lazy", str(place)], check=True)
        self.mounted.remove(place)


@pytest.fixture
def volumes(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("PATH", os.environ["PATH"] + os.pathsep + "/usr/sbin" + os.pathsep + "/sbin")
    if os.geteuid() != 0 or shutil.which("mkfs.ext4") is None:
        pytest.skip("NO LOOP MOUNTS: root and mkfs.ext4 are needed")
    made = Volumes(tmp_path_factory.mktemp("images"))
    yield made
    for place in list(made.mounted):
        made.pull(place)


@pytest.fixture
def loaded(drawer_here, volumes):
    """A rig, and a connected volume with a session that is nowhere else."""
    drawer = drawer_here
    drawer.rig.environ["PATH"] = os.environ["PATH"]
    image = volumes.make("one", "-L", "BACK UP3")
    volumes.connect(image, drawer.drive)
    folder = drawer.session("one")
    drawer.copy(folder, f"SC038/{folder.name}")
    shutil.rmtree(folder)
    return drawer, image


def test_a_volume_is_known_again_elsewhere(loaded, volumes):
    drawer, image = loaded
    first = volume_of(drawer.drive)
    assert (first.label, first.filesystem, first.top) == ("BACK UP3", "ext4", drawer.drive)
    assert first.volume_id
    found = drawer.ingest_drive(check=0)["drive"]
    assert (found["label"], found["folder"]) == ("BACK UP3", "")
    volumes.pull(drawer.drive)
    other = drawer.rig.rig / "second place"
    volumes.connect(image, other)
    again = drawer.ingest_drive(str(other), check=0)["drive"]
    assert again["drive_id"] == found["drive_id"]
    (row,) = drawer.ingest_drive("--list", check=0)
    assert (row["label"], row["path"]) == ("BACK UP3", str(other))


@pytest.mark.parametrize("step", ["planned", "submitted", "succeeded"])
def test_what_began_at_one_place_goes_on_at_another(loaded, volumes, step):
    drawer, image = loaded
    words = ("publication-publish", "--type", "ephys", "--root")
    if step == "submitted":
        drawer.rig.admin.fail_tasks("hold", count=None, label="mapshell publish*")
    drawer.rig.run(*words, str(drawer.drive), prelude=kill_at(step))
    volumes.pull(drawer.drive)
    stdout, _ = drawer.run("publication-publish", "--type", "ephys", "--format", "json", check=0)
    assert "it waits for the drive BACK UP3" in stdout
    other = drawer.rig.rig / "elsewhere"
    volumes.connect(image, other)
    drawer.release()
    for _ in range(3):  # a transfer that looks at the old place is cancelled first
        if drawer.rig.run(*words, str(other)).returncode == 0:
            break
    (folder,) = (other / "SC038").iterdir()
    database.bind(drawer.rig.settings)
    drawer.assert_archived_as({folder: f"SC038/{folder.name}"})
    assert not publication.Claim()


def test_another_volume_at_the_same_place_is_read_itself(loaded, volumes):
    """A backup of the drive has the same names, sizes and times; one of its bytes has rotted."""
    drawer, image = loaded
    assert drawer.publish_drive().whole
    assert set(drawer.verdicts().values()) == {"identical"}
    data = only(drawer.drive, "*.ap.bin").read_bytes()
    volumes.pull(drawer.drive)
    subprocess.run(["sync"], check=True)
    twin = volumes.folder / "twin.img"
    raw = bytearray(image.read_bytes())
    raw[raw.index(data[:1000]) + 500] ^= 1
    twin.write_bytes(raw)
    subprocess.run(["e2fsck", "-fy", str(twin)], check=False, capture_output=True)
    subprocess.run(["tune2fs", "-U", "random", str(twin)], check=True, capture_output=True)
    volumes.connect(twin, drawer.drive)
    assert set(drawer.verdicts().values()) == {"damaged"}  # neither its meta's nor the archive's
    assert len(publication.Drive()) == 2


def test_pulled_for_good_while_it_is_read(loaded, volumes):
    drawer, _ = loaded
    prelude = (
        "import subprocess, sys\nseen = []\n"
        "def watch(event, args):\n"
        "    if event == 'mapshell.step' and args[0] == 'submitted' and not seen:\n"
        f"        seen.append(1)\n        subprocess.run(['umount', '--lazy', {str(drawer.drive)!r}])\n"
        "sys.addaudithook(watch)\n"
    )
    volumes.mounted.remove(drawer.drive)
    done = drawer.rig.run("publication-publish", "--root", str(drawer.drive), prelude=prelude, check=1)
    assert "The drive BACK UP3" in done.stderr
    assert "was disconnected" in done.stderr
    database.bind(drawer.rig.settings)
    assert not publication.ArchivedRawEphys()
