"""Metas, names, listings and settings: what is read twice is the same, and what agrees is never refused."""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import replace
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline import settings
from pipeline.archive.filetypes import RULES, classify
from pipeline.archive.paths import check_subpath, is_safe, join_local, printable, steers, top_folders, visible
from pipeline.archive.session import Root, dataset_name, file_id, join_remote, token
from pipeline.errors import ConfigError, NameRefused
from pipeline.globus import documents
from pipeline.spikeglx import bin_name, defects, meta_name, parse_meta, write_meta

from .strategies import JSON, SUBPATH

ANY = st.text(max_size=40)

# ---- metas


@given(st.integers(1, 20_000), st.integers(1, 10**9), st.sampled_from([2500, 25_000.5, 30_000, 30_003.0003]))
def test_a_file_that_is_as_its_meta_says_has_no_defect_and_any_other_has_one(channels, frames, rate):
    size = 2 * channels * frames
    fields = {"typeThis": "nidq", "niSampRate": repr(rate), "nSavedChans": channels, "fileSizeBytes": size}
    meta = parse_meta(write_meta({**fields, "fileTimeSecs": repr(frames / rate), "fileSHA1": "0" * 40}), name="x.meta")
    assert defects(meta, size) == []
    for other in (0, size - 1, size + 1, size + meta.frame_bytes, 2 * size):
        assert "size" in {defect.rule for defect in defects(meta, other)}
    running = parse_meta(write_meta(fields | {"fileTimeSecs": "1.0"}), name="x.meta")
    assert "still-recording" in {defect.rule for defect in defects(running, size)}


@given(st.dictionaries(st.from_regex(r"[A-Za-z~][A-Za-z0-9_]{0,8}", fullmatch=True), st.text("ab 1.,()=", max_size=9)))
def test_the_order_of_lines_and_their_ends_mean_nothing(more):
    fields = {"typeThis": "obx", "obSampRate": "30000", "nSavedChans": "3"} | {f"x{key}": v for key, v in more.items()}
    one = parse_meta(write_meta(fields), name="m")
    other = parse_meta(write_meta(dict(reversed(fields.items())), newline="\n"), name="m")
    assert replace(one, raw={}, channels={}) == replace(other, raw={}, channels={})
    assert dict(one.raw) == dict(other.raw)


@given(st.from_regex(r"[A-Za-z0-9_./ ]{0,20}", fullmatch=True))
def test_names_of_metas_and_binaries_belong_together(stem):
    assert meta_name(bin_name(f"{stem}.meta")) == f"{stem}.meta"
    assert meta_name(f"{stem}.cbin") == meta_name(f"{stem}.bin")


# ---- names


@given(st.sampled_from(["/", "/rig", ".", "rig", "//net/share", ""]), SUBPATH, st.sampled_from(["", "SC038/a"]))
def test_where_a_file_lies_is_the_text_of_its_path(top, subpath, below):
    root = Root("raw-ephys", "e", "/", Path(top), below=below)
    for lies in (f"{below}/{subpath}".lstrip("/"), below):
        assert root.text_on_disk(lies) == str(root.on_disk(lies))


@given(ANY)
def test_a_name_that_was_made_visible_stays_as_it_is(name):
    assert visible(visible(name)) == visible(name)
    assert printable(printable(name)) == printable(name)
    assert not any(map(steers, visible(name)))


@given(ANY)
def test_what_is_safe_is_below_every_root_and_under_its_own_name(name):
    if not is_safe(name):
        with pytest.raises(NameRefused):
            join_local(Path("/root"), name, windows=False)
        return
    assert check_subpath(name) == name
    path = join_local(Path("/root"), name, windows=False)
    assert PurePosixPath(*path.parts[path.parts.index("root") + 1 :]) == PurePosixPath(name)
    assert join_remote("/4D/", name) == join_remote("/4D", name) == f"/4D/{name}"


@given(SUBPATH, SUBPATH)
def test_two_safe_names_are_safe_one_below_the_other(one, other):
    assert is_safe(f"{one}/{other}") == (len(one) + len(other) < 1024)


@given(SUBPATH)
@example("0:")
@example("a/C:/x")
@example("a:b")
def test_on_windows_no_name_leads_to_another_drive_or_stream(name):
    """Windows takes any character before a colon for a drive, in whatever component; elsewhere a colon is a letter."""
    root = PureWindowsPath("D:/root")
    try:
        path = join_local(root, name, windows=True)
    except NameRefused:
        return
    assert path.parts == (*root.parts, *name.split("/"))
    assert ":" not in name


@given(st.lists(SUBPATH, max_size=8))
def test_the_top_folders_hold_every_file_and_none_holds_another(subpaths):
    folders = top_folders(subpaths)
    assert folders == sorted(set(folders))
    for subpath in subpaths:
        assert "/" not in subpath or any(subpath.startswith(f"{folder}/") or not folder for folder in folders)
    assert top_folders(reversed(subpaths)) == folders
    assert not any(one and other.startswith(f"{one}/") for one in folders for other in folders)


@given(SUBPATH, SUBPATH)
def test_files_have_one_identity_each(one, other):
    assert (file_id(one) == file_id(other)) == (one == other)
    assert (token(one, "a", 1) == token(other, "a", 1)) == (one == other)


@given(ANY)
def test_the_identity_of_a_file_is_the_uuid_that_the_standard_makes_of_its_name(name):
    assert file_id(name) == uuid.uuid5(uuid.uuid5(uuid.NAMESPACE_URL, "https://mapshell/physical-file"), name)
    assert (file_id(name).version, file_id(name).variant) == (5, uuid.RFC_4122)


@given(st.tuples(st.integers(0, 2**31), st.integers(0, 2**31)), st.tuples(st.integers(0, 2**31), st.integers(0, 2**31)))
def test_sessions_have_a_name_each(one, other):
    assert (dataset_name("ephys", one) == dataset_name("ephys", other)) == (one == other)


@given(SUBPATH, SUBPATH)
def test_a_folder_that_stands_below_the_top_of_the_layout_holds_the_same_files(below, name):
    whole = Root("a", "e", "/data", Path("/data"))
    part = Root("a", "e", f"/data/{below}", Path("/data").joinpath(*below.split("/")), below=below)
    subpath = f"{below}/{name}"
    assert part.holds(subpath)
    assert part.on_disk(subpath) == whole.on_disk(subpath)
    assert part.in_globus(subpath) == whole.in_globus(subpath)
    assert not part.holds(f"{below}x/{name}")


PIECES = sorted({piece for rule in RULES for piece in re.split(r"[*? ]|\[[^]]*\]", rule.glob)} | set("x1._/A\n"))


@given(st.lists(st.sampled_from(PIECES), max_size=6).map("".join))
@example("a/.phy/b.npy")
@example(".phy/params.py")
@example("templates_ind.npy")
@example("x.nidq.xd_1.txt")
@example("")
def test_a_file_is_of_the_first_type_that_matches(name):
    assert classify(name) == next(rule.name for rule in RULES if rule.matches(name))
    assert RULES[-1].globs == ("*",)


@given(SUBPATH)
def test_the_type_of_a_file_depends_on_its_name_alone(name):
    assert classify(name) == classify(name)
    assert classify(f"SC038/run/{name}") == classify(f"SC048/run/{name}")


# ---- listings


@given(st.dictionaries(st.sampled_from(["name", "type", "size", "last_modified", "link_target", "x"]), JSON))
def test_any_entry_of_a_listing_is_read_or_refused(document):
    try:
        found = documents.entry(document)
    except ValueError:
        return
    assert found.name == document["name"]
    assert 0 <= found.size < 2**63
    assert found.link == (document.get("link_target") is not None)
    assert documents.entry({**document, "x": 1}) == found


@given(
    st.one_of(
        st.text(max_size=30),
        st.datetimes().map(lambda at: f"{at:%Y-%m-%d %H:%M:%S}".rjust(19, "0")),
        st.datetimes(timezones=st.timezones() | st.just(None)).map(lambda at: at.isoformat()),
    ),
    st.sampled_from(["", "Z", "+00:00", "+14:00", "-12:00", "+23:59"]),
)
@example("0001-01-01T00:00:00", "+14:00")
@example("9999-12-31T23:59:59", "-12:00")
def test_any_instant_of_the_service_is_one_or_none(text, zone):
    found = documents.instant(text + zone)
    assert found is None or found.tzinfo is None
    entry = documents.entry({"name": "a", "type": "file", "size": 1, "last_modified": text + zone})
    assert (entry.mtime is None) == (found is None)


# ---- settings

VALUES = {
    "globus.client_id": "5f0e4cb1-0000-4000-8000-00000000000a",
    "globus.patience_seconds": 5,
    "globus.requests_per_second": 0,
    "archive.staging_name": ".ours",
    "archive.quiet_seconds": 7,
    "archive.leave_out": ["*.tmp"],
    "database.prefix": "lab_",
    "database.host": "db.example.org",
}
CHOSEN = st.lists(st.sampled_from(sorted(VALUES)), unique=True)


def read(document, **environ):
    found = settings.parse(json.dumps(document), file=None, environ={"HOME": "/home/me", **environ})
    return found.database, found.globus, found.archive


@given(CHOSEN, st.randoms(use_true_random=False))
def test_settings_mean_the_same_in_every_spelling_and_order(names, random):
    flat = {name: VALUES[name] for name in names}
    random.shuffle(names)
    nested: dict[str, dict[str, object]] = {}
    custom: dict[str, object] = {}
    for name in names:
        section, _, key = name.partition(".")
        if section != "database" and random.random() < 0.3:
            custom[name] = VALUES[name]
        else:
            nested.setdefault(section, {})[key] = VALUES[name]
    assert read(flat) == read({**nested, "custom": custom}) == read({"other": [1], **{n: flat[n] for n in names}})


@given(CHOSEN, JSON)
def test_what_is_of_other_programs_changes_nothing(names, value):
    document = {name: VALUES[name] for name in names}
    assert read({**document, "loglevel": value, "_remark": value, "custom": {"their.key": value}}) == read(document)


@given(st.integers(1, 60), st.integers(1, 60))
def test_the_environment_wins(one, other):
    document = {"archive.quiet_seconds": one}
    assert read(document, MAPSHELL_ARCHIVE_QUIET_SECONDS=str(other)) == read({"archive.quiet_seconds": other})


@pytest.mark.parametrize("value", [10**400, -(10**400), float("inf"), float("nan"), 1e308, True])
@pytest.mark.parametrize("name", ["archive.quiet_seconds", "globus.patience_seconds", "archive.hash_mb_per_second"])
def test_a_number_beyond_all_bounds_is_refused_in_words(name, value):
    with pytest.raises(ConfigError) as refused:
        read({name: value})
    assert len(refused.value.message) < 200


def test_a_structure_in_the_environment_that_has_no_end_is_refused():
    with pytest.raises(ConfigError, match="not JSON"):
        read({}, MAPSHELL_GLOBUS_STORAGE_LOCATIONS="[" * 100_000)


@pytest.mark.parametrize("key", ["globus.\u202ex", "archive.a\nb", "archive.\x1b[2J"])
def test_no_key_or_value_forges_a_line(key):
    for document in ({key: 1}, {"globus.client_id": key}, {key.split(".")[0]: key}):
        with pytest.raises(ConfigError) as refused:
            read(document)
        assert not any(map(steers, refused.value.message))


@given(st.sampled_from(sorted(VALUES)), JSON)
def test_a_setting_that_stands_twice_is_never_chosen_from(name, value):
    if name.startswith("database") or value == VALUES[name]:
        return
    with pytest.raises(ConfigError):
        read({name: VALUES[name], "custom": {name: value}})
