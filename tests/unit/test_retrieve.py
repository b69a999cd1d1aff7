"""The pure parts of retrieving: places, names, what errors of tasks say of files, the journal's files, the result."""

from __future__ import annotations

import os
import uuid
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.archive.fetch import Entry, Item, Site
from pipeline.archive.fetchplan import check_names
from pipeline.archive.fetchtasks import complete, staged_name
from pipeline.archive.haul import Haul, _names
from pipeline.archive.paths import is_safe
from pipeline.archive.place import Tree
from pipeline.archive.ports import TransferRequest
from pipeline.archive.session import Location, SessionRef
from pipeline.errors import LocalDiskError, MapshellError, Refused, UsageError
from pipeline.retrievals import FileJournal
from pipeline.retrieved import Retrieved, RetrievedFile
from pipeline.settings import GlobusSettings, LocalRoot, Settings
from pipeline.targets import Targets

ARCHIVE = Location("raw-ephys", "5f0e4cb1-0000-4000-8000-00000000000a", "/archive", "ephys")
SESSION = SessionRef(480133, 1, "SC038", date(2020, 5, 1), "10:00:00")
RIG, CLUSTER = "5f0e4cb1-0000-4000-8000-00000000000b", "5f0e4cb1-0000-4000-8000-00000000000c"
PARTS = ["..", ".", "", "a", "b c", "/", "\\", "C:", "\0", ".mapshell", "é"]
HOSTILE = st.one_of(
    st.text(max_size=40),
    st.lists(st.sampled_from(["..", ".", "", "a", "b c", "/", "\\", "C:", "\0", ".mapshell", "é"]), max_size=6).map(
        "/".join
    ),
)


def item(subpath, site=None, **facts):
    values = {"size": 3, "mtime": 5, "sha1": "a" * 40, **facts}
    return Item(ARCHIVE, SESSION, subpath, site=site or Site(Path("/data")), **values)


# --- names ---------------------------------------------------------------------------------------------------------


@given(HOSTILE)
def test_whatever_the_index_says_nothing_leaves_the_folder(subpath):
    one = item(subpath)
    check_names([one], ".mapshell")
    if one.verdict == "wanted":
        assert is_safe(subpath)
        assert Path(os.path.normpath(one.path)).is_relative_to("/data")
        assert ".mapshell" not in one.path.parts
    else:
        assert one.verdict == "refused"
        assert one.reason


@given(HOSTILE)
def test_a_tree_places_only_within_its_folder(subpath):
    import tempfile

    with tempfile.TemporaryDirectory() as base:
        folder, staged = Path(base) / "in", Path(base) / "staged"
        folder.mkdir()
        staged.write_bytes(b"x")
        try:
            final = Tree(folder).place(staged, subpath, replace=False)
        except MapshellError:
            assert [path for path in Path(base).rglob("*") if path.is_file()] == [staged]
        else:
            assert final.resolve().is_relative_to(folder.resolve())
            assert final.read_bytes() == b"x"
            assert not staged.exists()
            staged.write_bytes(b"other")
            with pytest.raises(Refused):
                Tree(folder).place(staged, subpath, replace=False)
            assert final.read_bytes() == b"x"
            Tree(folder).place(staged, subpath, replace=True)
            assert final.read_bytes() == b"other"


def test_a_disk_without_hard_links_still_keeps_what_is_there(tmp_path, monkeypatch):
    def no_links(*args, **options):
        raise OSError(95, "not supported")

    monkeypatch.setattr(os, "link", no_links)
    staged, folder = tmp_path / "staged", tmp_path / "in"
    staged.write_bytes(b"x")
    Tree(folder).place(staged, "a/b", replace=False)
    assert (folder / "a/b").read_bytes() == b"x"
    staged.write_bytes(b"other")
    with pytest.raises(Refused):
        Tree(folder).place(staged, "a/b", replace=False)
    assert (folder / "a/b").read_bytes() == b"x"


def test_a_folder_on_another_disk_gets_a_whole_file_too(tmp_path, monkeypatch):
    real = os.link

    def other_disk(source, target, **options):
        if Path(source).parent == tmp_path:
            raise OSError(18, "cross-device")
        real(source, target, **options)

    monkeypatch.setattr(os, "link", other_disk)
    staged, folder = tmp_path / "staged", tmp_path / "in"
    staged.write_bytes(b"x")
    Tree(folder).place(staged, "a/b", replace=False)
    assert [path.name for path in (folder / "a").iterdir()] == ["b"]
    assert not staged.exists()


def test_a_link_on_the_way_is_not_followed(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "in/a").symlink_to(tmp_path / "out")
    (tmp_path / "in/f").write_bytes(b"x")
    tree = Tree(tmp_path / "in")
    for subpath in ("a/b", "a/b/c", "f/b"):
        with pytest.raises(Refused, match="is no folder"):
            tree.look(subpath)
    assert tree.look("z/b") is None


@given(st.integers(0, 10**6 - 1), st.integers(0, 10**6 - 1))
def test_staged_names_are_short_and_each_is_used_once(one, other):
    assert (staged_name(one) == staged_name(other)) == (one == other)
    assert is_safe(staged_name(one))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("No such file: /a/b.bin", True),
        ('{"path": "/a/b.bin"}', True),
        ("/a/b.bin", True),
        ("cannot read /a/b.bin.", True),
        ("/a/b.bin2 is gone", False),
        ("/a/b.bin.meta is gone", False),
        ("/a/b.bin/c", False),
        ("/a/b.bin2 and /a/b.bin", True),
        ("", False),
    ],
)
def test_an_error_names_a_file_or_another_that_begins_like_it(text, named):
    assert _names(text, "/a/b.bin") is named


# --- places --------------------------------------------------------------------------------------------------------


def settings(tmp_path, **facts):
    roots = (
        LocalRoot("raw-ephys", RIG, "/ephys", tmp_path / "ephys"),
        LocalRoot("raw-video", RIG, "/video", tmp_path / "video", **facts),
    )
    for root in roots:
        root.local_path.mkdir(exist_ok=True)
    return Settings(globus=GlobusSettings(local_roots=roots))


def test_places_and_their_paths_in_globus(tmp_path):
    own = settings(tmp_path)

    def site(to, via="globus"):
        return Targets(own, [ARCHIVE], to, via).site(ARCHIVE, [])

    assert site(None) == Site(tmp_path / "ephys", RIG, "/ephys")
    assert site(str(tmp_path / "video" / "x" / "y")) == Site(tmp_path / "video" / "x" / "y", RIG, "/video/x/y")
    assert site(tmp_path / "ephys") == Site(tmp_path / "ephys", RIG, "/ephys")
    assert site(f"{RIG}:/video/x") == Site(tmp_path / "video" / "x", RIG, "/video/x")
    assert site(f"{CLUSTER}:/a//b/") == Site(None, CLUSTER, "/a/b")
    assert site(f"{CLUSTER}:a") == Site(None, CLUSTER, "/~/a")
    assert site(str(tmp_path / "else"), "https") == Site(tmp_path / "else")
    assert site(None, "https").folder == tmp_path / "ephys"
    assert site("2019-11-18", "https").folder == Path("2019-11-18").absolute()
    (tmp_path / "link").symlink_to(tmp_path / "video")
    assert site(str(tmp_path / "link" / "x")) == Site(tmp_path / "link" / "x", RIG, "/video/x")
    assert str(site(f"{CLUSTER}:/a")) == f"{CLUSTER}:/a"


def test_places_that_are_refused(tmp_path):
    own = settings(tmp_path, upload_only=True)
    for to in (tmp_path / "video", tmp_path / "video" / "x", f"{RIG}:/video/x", f"{RIG}:/elsewhere"):
        with pytest.raises(Refused, match="upload-only"):
            Targets(own, [ARCHIVE], to, "globus")
    for to in (tmp_path, "relative", f"{ARCHIVE.endpoint}:/archive/x", f"{CLUSTER}:/a/../b", CLUSTER):
        with pytest.raises(MapshellError):
            Targets(own, [ARCHIVE], to, "globus")
    for to in (None, tmp_path / "ephys", f"{RIG}:/ephys/x"):  # one root that is marked closes its whole endpoint
        with pytest.raises(Refused, match="upload-only"):
            Targets(own, [ARCHIVE], to, "globus").site(ARCHIVE, [])
    own = settings(tmp_path)
    (tmp_path / "ephys").rmdir()
    with pytest.raises(LocalDiskError, match="mount its disk"):
        Targets(own, [ARCHIVE], None, "globus").site(ARCHIVE, [])
    with pytest.raises(UsageError, match="no folder of its own"):
        Targets(Settings(), [ARCHIVE], None, "https").site(ARCHIVE, [])


# --- the journal ---------------------------------------------------------------------------------------------------


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30).filter(is_safe)
FILES = st.tuples(NAMES, st.integers(0, 2**60), st.none() | st.just("b" * 40), st.booleans())


@given(
    st.lists(
        st.tuples(NAMES, st.integers(0, 2**60), st.none() | st.just("b" * 40), st.booleans()), min_size=1, max_size=8
    ),
    st.none() | st.uuids().map(str),
)
def test_the_journal_gives_back_the_very_request(files, task_id):
    import tempfile

    sites = (Site(Path("/data").absolute(), RIG, "/ephys"), Site(None, CLUSTER, "/a"))
    items = [item(name, sites[away], size=size, sha1=sha1) for name, size, sha1, away in files]
    haul = Haul(TransferRequest("id", "source", "target", "label", ()), "me", datetime(2020, 5, 1), 7, task_id)  # noqa: DTZ001
    entry = Entry(uuid.uuid4(), haul, items, "rig")
    complete(entry, ".mapshell")
    with tempfile.TemporaryDirectory() as folder:
        journal = FileJournal(Path(folder) / "new", ".mapshell")
        assert journal.all() == []
        journal.save(entry)
        (read,) = journal.unfinished([items[0].site])
        assert journal.unfinished([Site(Path("/other"))]) == []
        assert read.haul.request == entry.haul.request
        assert (read.haul.task_id, read.haul.identity) == (task_id, "me")
        assert [each.identity for each in read.items] == [each.identity for each in items]
        assert [each.session.key for each in read.items] == [SESSION.key] * len(items)
        (Path(folder) / "new" / "torn.json.gz").write_bytes(b"no gzip")
        assert len(journal.all()) == 1
        journal.remove(entry)
        assert journal.all() == []


# --- the result ----------------------------------------------------------------------------------------------------


def file(**facts):
    values = {"subpath": "a", "verdict": "fetched", "path": Path("/data/a"), "place": "/data/a", **facts}
    return RetrievedFile((1, 2), "SC038", "2020-05-01", "ephys", "raw-ephys", file_type="unknown", size=1000, **values)


def test_a_result_shows_what_matters_first_and_steers_no_terminal():
    bad = file(subpath="z", place="/data/<b>\x1b[31m&z", verdict="refused", reason="<script>", bad=True)
    result = Retrieved([*(file() for _ in range(100)), bad], targets=["/data"], notes=["<i>"])
    assert not result.whole
    assert result.problems == [bad]
    assert result.bytes == 100_000
    assert len(result.paths) == 100
    assert repr(result).startswith("refused: ")
    assert str(result).startswith("100 files (100.0 kB) fetched")
    html = result._repr_html_()
    assert "<script>" not in html
    assert "<b>" not in html
    assert "&lt;i&gt;" in html
    assert "SC038 2020-05-01, session 2" in html
    assert "71 more files" in html
    assert str(Retrieved()) == "Nothing to fetch."
    assert Retrieved([replace(bad, bad=False)]).whole
