"""The synthetic lab: what it holds, that it is true to itself, and that programs of the field read it."""

from __future__ import annotations

import hashlib
import os
import warnings
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from mapshell.demo.lab import make_lab
from mapshell.demo.metas import Probe
from mapshell.demo.recordings import write_recording
from mapshell.demo.videos import avi
from pipeline import spikeglx
from pipeline.archive.filetypes import classify
from pipeline.archive.naming import parse_file, parse_folder, parse_probe, parse_video
from pipeline.errors import LocalDiskError, UsageError

NOW = datetime.fromisoformat("2024-03-05T14:00:00")
ZONE = "America/New_York"


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    return make_lab(tmp_path_factory.mktemp("lab"), now=NOW, timezone=ZONE)


def metas(lab, session):
    for file in session.of_kind("ephys"):
        if file.subpath.endswith(".meta"):
            path = lab.path(file)
            yield (
                file,
                spikeglx.parse_meta(path.read_bytes(), name=file.subpath),
                path.with_name(path.name[:-5] + ".bin"),
            )


def test_it_holds_what_the_demonstration_needs(lab):
    assert [subject.h2o for subject in lab.subjects] == ["SC038", "SC048"]
    assert len(lab.sessions) == 6
    assert len(lab.good) == 5
    days = [session.start.date().isoformat() for session in lab.sessions]
    assert days == ["2019-11-18", "2019-11-19", "2019-11-19", "2020-12-29", "2021-01-01", "2024-03-05"]
    assert [session.ident for session in lab.sessions] == [None, None, "115124", None, None, None]
    files = {file.subpath for session in lab.sessions for file in session.files}
    assert "SC038/catgt_SC038_111919_115124_g0/SC038_111919_g0_imec0/SC038_111919_g0_tcat.imec0.ap.bin" in files
    assert "SC048/catgt_SC048_010121_g0/SC048_010121_g0_tcat.nidq.meta" in files
    assert "SC038/catgt_SC038_111819_g0/SC038_111819_g0_imec0/imec0_ks2/spike_times.npy" in files
    assert "SC038/11182019/video/SC038_side_001-0000.avi" in files
    types = {meta.probe_type for session in lab.sessions for _, meta, _ in metas(lab, session)}
    assert {"0", "24"} <= types
    assert 10e6 < lab.size < 25e6


def test_the_list_of_files_is_what_lies_on_disk(lab):
    listed = {lab.path(file): file.size for session in lab.sessions for file in session.files}
    found = {path: path.stat().st_size for kind in ("ephys", "video") for path in (lab.root / kind).rglob("*.*")}
    assert listed == {path: size for path, size in found.items() if path.is_file()}
    assert lab.sheet.read_text().startswith("subject_id,water_restriction_number,sex,date_of_birth")


def test_every_name_is_read_by_the_naming_rules(lab):
    for session in lab.sessions:
        for folder in session.folders:
            name = parse_folder(folder.subpath, folder.kind)
            assert (name.h2o, name.ident) == (session.h2o, session.ident)
            assert session.start.date() in name.dates
        for file in session.files:
            assert classify(file.subpath) != "unknown", file.subpath
            parts = file.subpath.split("/")
            if file.kind == "video":
                assert parse_video(parts[-1]).h2o == session.h2o
            elif parts[-1].endswith((".bin", ".meta")):
                assert parse_file(parts[-1]) is not None
                assert len(parts) == 3 or parse_probe(parts[2]) is not None


def test_metas_tell_the_truth(lab):
    for session in lab.good:
        for file, meta, binary in metas(lab, session):
            assert spikeglx.defects(meta, binary.stat().st_size) == [], file
            assert meta.created == session.start
            if "catgt_" in file.subpath:
                assert meta.raw["fileSHA1"] == "0"
            else:
                assert meta.sha1 == hashlib.sha1(binary.read_bytes()).hexdigest()
                assert meta.raw["fileName"].endswith(binary.name)


def test_the_refused_session_still_records(lab):
    session = lab.refused
    for file, meta, binary in metas(lab, session):
        assert not meta.complete, file
        assert [d.rule for d in spikeglx.defects(meta, binary.stat().st_size)] == ["still-recording"]
        assert binary.stat().st_mtime == NOW.replace(tzinfo=UTC).timestamp()


def test_files_are_as_old_as_their_recordings(lab):
    for session in lab.good:
        began = session.start.replace(tzinfo=ZoneInfo(ZONE)).timestamp()
        for file in session.files:
            age = lab.path(file).stat().st_mtime - began
            assert 0 <= age < timedelta(days=1).total_seconds(), file.subpath


def test_neo_reads_every_probe_folder(lab):
    from neo.rawio import SpikeGLXRawIO

    folders = {lab.path(f).parent for s in lab.sessions for f in s.files if f.subpath.endswith(".ap.bin")}
    assert len(folders) == 11
    for folder in folders:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            reader = SpikeGLXRawIO(dirname=str(folder))
            reader.parse_header()
        signal = reader.get_analogsignal_chunk(0, 0, 0, 600, stream_index=0)
        assert signal.shape == (600, 32)
        assert 1 < signal.std() < 60


def test_the_same_arguments_give_the_same_bytes(lab, tmp_path):
    again = make_lab(tmp_path / "again", now=NOW, timezone=ZONE)
    assert again.sessions == lab.sessions
    for session in lab.sessions:
        for file in session.files:
            one, other = lab.path(file), again.path(file)
            assert one.read_bytes() == other.read_bytes(), file.subpath
            assert one.stat().st_mtime_ns == other.stat().st_mtime_ns
    other_seed = make_lab(tmp_path / "other", now=NOW, timezone=ZONE, seed=2)
    binary = next(file for file in lab.good[0].files if file.subpath.endswith(".ap.bin"))
    assert lab.path(binary).read_bytes() != other_seed.path(binary).read_bytes()


def test_a_size_is_met_with_all_channels(tmp_path):
    lab = make_lab(tmp_path, now=NOW, gigabytes=0.15)
    assert lab.size == pytest.approx(0.15e9, rel=0.15)
    assert {meta.n_channels for _, meta, _ in metas(lab, lab.good[0]) if meta.stream == "imec"} == {385}


def test_a_lab_is_never_written_over(lab):
    with pytest.raises(UsageError, match="exists already"):
        make_lab(lab.root, now=NOW)
    with pytest.raises(UsageError):
        make_lab(lab.root / "x", now=NOW, gigabytes=-1)
    with pytest.raises(LocalDiskError, match="GB free"):
        make_lab(lab.root / "x", now=NOW, gigabytes=1e9)


def test_pieces_make_single_cases(tmp_path):
    folder = tmp_path / "SC001" / "SC001_030524_g3"
    files = write_recording(
        folder, "SC001_030524", 3, [Probe(2, "NP2.0")], start=NOW, seconds=0.02, channels=4, nidq=False, trigger=5
    )
    assert [os.fspath(file.relative_to(folder)).replace(os.sep, "/") for file in files] == [
        "SC001_030524_g3_imec2/SC001_030524_g3_t5.imec2.ap.bin",
        "SC001_030524_g3_imec2/SC001_030524_g3_t5.imec2.ap.meta",
    ]
    with pytest.raises(FileExistsError):
        write_recording(folder, "SC001_030524", 3, [Probe(2, "NP2.0")], start=NOW, nidq=False, trigger=5)


def test_videos_are_whole_riff_files():
    video = avi(5)
    assert video[:4] == b"RIFF"
    assert int.from_bytes(video[4:8], "little") == len(video) - 8
    assert video.count(b"00db") == 10
