"""Settings that are missing, broken, or say what is not so; folders that are not the ones that Globus has."""

from __future__ import annotations

import json
import os
import shutil

import pytest

from mapshell.demo.run import ARCHIVE, RIG
from mapshell.sandbox.spec import CollectionSpec
from pipeline.errors import ConfigError, LocalDiskError

from .sickroom import examined, rewrite, roots_of, tree


def test_nothing_is_configured(pg_rig, tmp_path_factory):
    fresh = tmp_path_factory.mktemp("fresh")
    (fresh / "work").mkdir(parents=True)
    environ = {name: value for name, value in pg_rig.environ.items() if not name.startswith(("MAPSHELL_", "DJ_"))}
    pg_rig.environ = {**environ, "MAPSHELL_HOME": str(fresh / "home"), "HOME": str(fresh / "home")}
    pg_rig.folder = fresh / "work"
    done = pg_rig.run("doctor", "--offline", "--format", "json", check=5)
    levels = {each["check"]: each["level"] for each in json.loads(done.stdout)["findings"]}
    assert levels["settings"] == "warning"
    assert levels["connection"] == "warning"
    assert levels["client"] == "failure"
    assert levels["locations"] == "failure"
    assert levels["aliases"] == "ok"
    assert not (fresh / "home" / "data").exists()
    assert not list(pg_rig.folder.iterdir())


@pytest.mark.parametrize(
    "text", ['{"globus.client_id": ', '{"globus.cleint_id": "x"}', '{"database.port": "many"}', ""]
)
def test_a_broken_file_hides_nothing_that_does_not_need_it(pg_rig, text):
    (pg_rig.folder / "dj_local_conf.json").write_text(text)
    seen = examined(pg_rig)
    assert isinstance(seen.report.worst, ConfigError)
    assert "dj_local_conf.json" in seen.of("settings")[0].message or text == ""
    if text:
        assert seen.levels("versions") == seen.levels("own folders") == {"ok"}
        assert seen.levels("connection") == seen.levels("on disk") == seen.levels("listed") == {"skipped"}
        assert "because of configuration, settings" in seen.of("connection")[0].message


def test_warnings_of_the_settings_are_warnings(pg_rig):
    pg_rig.environ["MAPSHELL_GLOBUS_CLEINT_ID"] = "x"
    seen = examined(pg_rig, only=("configuration",))
    seen.one("settings", "warning", says="MAPSHELL_GLOBUS_CLEINT_ID")


def test_a_folder_that_is_not_there_or_a_file(pg_rig):
    shutil.rmtree(pg_rig.rig / "video")
    (pg_rig.rig / "video").write_text("no folder")
    shutil.rmtree(pg_rig.rig / "ephys")
    seen = examined(pg_rig, only=("folders",))
    seen.one("on disk", "failure", "raw-ephys", "does not exist", "connect the drive")
    seen.one("on disk", "failure", "raw-video", "is a file", "name the folder")
    assert seen.levels("same folder") == seen.levels("staging") == {"skipped"}
    assert isinstance(seen.report.worst, ConfigError)


def test_a_wrong_pairing_is_proven_and_the_right_path_is_named(pg_rig):
    before = tree(pg_rig.rig)
    rewrite(pg_rig, lambda document: roots_of(document)["raw-ephys"].update(endpoint_subdir="/video"))
    seen = examined(pg_rig, only=("folders",))
    said = seen.one("same folder", "failure", "raw-ephys", "is not the folder", '"endpoint_subdir": "/ephys"')
    assert isinstance(said.error, ConfigError)
    assert seen.levels("same folder", "raw-video") == {"ok"}
    assert tree(pg_rig.rig) == before


def test_a_path_that_the_collection_has_not(pg_rig):
    rewrite(pg_rig, lambda document: roots_of(document)["raw-ephys"].update(endpoint_subdir="/data/ephys"))
    seen = examined(pg_rig, only=("folders",))
    seen.one("in Globus", "failure", "raw-ephys", "has no folder /data/ephys", '"endpoint_subdir": "/ephys"')


def test_without_writing_a_wrong_pairing_is_seen_by_its_names(pg_rig):
    (pg_rig.rig / "ephys" / "only here").mkdir()
    rewrite(pg_rig, lambda document: roots_of(document)["raw-ephys"].update(endpoint_subdir="/video"))
    seen = examined(pg_rig, only=("folders",), write=False)
    seen.one("same folder", "failure", "raw-ephys", "only here")
    before = tree(pg_rig.rig)
    (pg_rig.rig / "video").rename(pg_rig.rig / "elsewhere")
    (pg_rig.rig / "video").mkdir()
    seen = examined(pg_rig, only=("folders",), write=False)
    seen.one("same folder", "warning", "raw-video", "empty")
    assert before != tree(pg_rig.rig)


def test_a_path_below_the_collections_default_folder(pg_rig):
    pg_rig.admin.set_collection(RIG, home="/ephys")
    rewrite(pg_rig, lambda document: roots_of(document)["raw-ephys"].update(endpoint_subdir=""))
    seen = examined(pg_rig, only=("folders",))
    assert not seen.bad(), seen.told()
    pg_rig.admin.set_collection(RIG, home="/")
    seen = examined(pg_rig, only=("folders",))
    seen.one("same folder", "failure", "raw-ephys", "is not the folder", '"endpoint_subdir": "/ephys"')


def test_nested_roots_are_each_proven(pg_rig):
    (pg_rig.rig / "ephys" / "more").mkdir()

    def add(document):
        first = roots_of(document)["raw-ephys"]
        inner = {"endpoint": RIG, "endpoint_subdir": "/ephys/more", "endpoint_path": "rig/ephys/more"}
        roots_of(document)["raw-ephys"] = [first, inner]

    rewrite(pg_rig, add)
    seen = examined(pg_rig, only=("folders",))
    assert not seen.bad(), seen.told()
    assert len(seen.of("same folder")) == 3
    assert len({line.about for line in seen.report.lines if line.check == "same folder"}) == 3
    rewrite(pg_rig, lambda document: roots_of(document)["raw-ephys"][1].update(endpoint_subdir="/video/more"))
    (pg_rig.rig / "video" / "more").mkdir()
    seen = examined(pg_rig, only=("folders",))
    assert [each.level for each in seen.of("same folder")].count("failure") == 1


def test_an_alias_without_archive_and_a_contradiction(pg_rig):
    from pipeline import publication
    from pipeline.locations import locations

    locations(pg_rig.settings, ("ephys", "video"))

    def spoil(document):
        roots_of(document)["raw-ephis"] = roots_of(document).pop("raw-ephys")
        document["custom"]["globus.storage_locations"]["raw-video"]["path"] = "/elsewhere"

    rewrite(pg_rig, spoil)
    seen = examined(pg_rig)
    seen.one("aliases", "warning", says="raw-ephis", remedy="did you mean raw-ephys")
    seen.one("locations", "failure", says="/elsewhere", remedy="mapshell storage set")
    assert isinstance(seen.report.worst, ConfigError)
    assert seen.levels("listed", "raw-video") == {"ok"}  # the database's word counts
    assert len(publication.GlobusStorageLocation()) == 2


def test_a_layout_that_is_none(pg_rig):
    rewrite(pg_rig, lambda document: document.update({"archive.video_layouts": ["{h2o}/{date:%Y%m%d}", "{foo}"]}))
    seen = examined(pg_rig, only=("configuration",))
    seen.one("settings", "failure", says="archive.video_layouts: The folder layout '{foo}'", remedy="fields are h2o")
    assert isinstance(seen.report.worst, ConfigError)


def test_a_disk_that_is_full_or_fills_up(pg_rig):
    seen = examined(pg_rig, only=("computer",), free=lambda _: 5_000_000)
    found = [each for each in seen.of("free space") if each.level == "failure"]
    assert found
    assert isinstance(found[0].error, LocalDiskError)
    assert "5.0 MB" in found[0].message
    seen = examined(pg_rig, only=("computer",), free=lambda _: 1_500_000_000)
    assert seen.levels("free space") == {"warning"}


@pytest.mark.skipif(os.name == "nt", reason="modes mean nothing on Windows")
def test_files_that_others_can_read_or_change(pg_rig):
    pg_rig.settings.globus.token_file.chmod(0o644)
    (pg_rig.folder / "dj_local_conf.json").chmod(0o666)
    seen = examined(pg_rig, only=("computer", "configuration"))
    seen.one("private files", "failure", says="0644", remedy="chmod 600")
    seen.one("private files", "warning", says="can change", remedy="chmod o-w")
    seen.one("settings", "warning", says="database.password", remedy="chmod 600")
    pg_rig.settings.globus.token_file.chmod(0o600)


def test_a_staging_folder_that_cannot_be_written(pg_rig):
    (pg_rig.rig / "ephys" / ".mapshell").write_text("a file")
    (pg_rig.rig / "video" / ".mapshell").symlink_to(pg_rig.rig / "ephys")
    seen = examined(pg_rig, only=("folders",))
    assert seen.levels("staging") == {"failure"}
    assert isinstance(seen.report.worst, LocalDiskError)
    assert seen.levels("same folder") == {"skipped"}
    assert seen.levels("in Globus") == {"ok"}
    assert (pg_rig.rig / "ephys" / ".mapshell").read_text() == "a file"


def test_files_with_times_to_come(pg_rig):
    (pg_rig.rig / "ephys" / "SC048").mkdir(exist_ok=True)
    file = pg_rig.rig / "ephys" / "SC048" / "new.bin"
    file.write_bytes(b"x")
    ahead = file.stat().st_mtime + 86_400
    os.utime(file, (ahead, ahead))
    seen = examined(pg_rig, only=("computer",))
    seen.one("times of files", "warning", says=("new.bin", "h ahead"))


def test_one_collection_for_rig_and_archive(pg_rig):
    """The archive is a folder of the rig's own collection: each is looked at for what it is."""
    pg_rig.admin.put_collection(ARCHIVE, CollectionSpec(pg_rig.folder / "archive", mapped=True))
    (pg_rig.rig / "archive").mkdir()

    def same_collection(document):
        place = {"endpoint": RIG, "path": "/archive", "dataset_type": "ephys"}
        document["custom"]["globus.storage_locations"] = {"raw-ephys": place}
        del roots_of(document)["raw-video"]

    rewrite(pg_rig, same_collection)
    seen = examined(pg_rig)
    assert not [each for each in seen.report.lines if each.finding.level == "failure"], seen.told()
    assert len(seen.of("collection")) == 1
    assert seen.report.lines[0].finding.level == "ok"
