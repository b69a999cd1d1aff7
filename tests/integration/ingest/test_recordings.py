"""Sessions, insertions and recording facts from raw folders, into both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from mapshell.demo.lab import make_lab
from mapshell.demo.metas import Probe
from mapshell.demo.recordings import write_recording
from mapshell.demo.videos import write_videos
from pipeline import database
from pipeline.ingest.recordings import ingest_recordings
from pipeline.ingest.subjects import ingest_subjects
from pipeline.settings.types import ArchiveSettings, GlobusSettings, LocalRoot

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime.fromisoformat("2024-03-05T14:00:00")
DAY = datetime.fromisoformat("2022-04-05T10:00:00")


class Rig:
    """A computer with recordings, and the lab's database."""

    def __init__(self, settings, root: Path) -> None:
        self.root = root
        for kind in ("ephys", "video"):
            (root / kind).mkdir(parents=True, exist_ok=True)
        self.settings = replace(
            settings,
            globus=GlobusSettings(
                local_roots=tuple(
                    LocalRoot(f"raw-{kind}", "00000000-0000-0000-0000-000000000001", f"/{kind}", root / kind)
                    for kind in ("ephys", "video")
                )
            ),
            archive=ArchiveSettings(timezone_name="America/New_York"),
        )

    def record(self, folder, start, run=None, gate=0, **more):
        run = run or folder.split("/")[-1].removeprefix("catgt_").removesuffix(f"_g{gate}")
        more = {"seconds": 0.02, "channels": 4, "nidq": False} | more
        return write_recording(self.root / "ephys" / folder, run, gate, start=start, **more)

    def film(self, folder, day):
        return write_videos(self.root / "video" / folder / "video", folder.split("/")[0], day, trials=1, frames=1)

    def ingest(self, **options):
        return ingest_recordings(self.settings, **options)


@pytest.fixture
def rig(lab_database, tmp_path):
    database.bind(lab_database)
    from pipeline import lab

    lab.Subject.insert([{"subject_id": 1}, {"subject_id": 2}])
    lab.WaterRestriction.insert(
        [
            {"subject_id": 1, "water_restriction_number": "AB1"},
            {"subject_id": 2, "water_restriction_number": "AB2"},
        ]
    )
    return Rig(lab_database, tmp_path / "rig")


def sessions():
    """All sessions as (subject, number, date, time, ident)."""
    from pipeline import sessions

    refs = sessions.load().refs
    return [
        (key[0], key[1], ref.session_date.isoformat(), ref.session_time, ref.ident) for key, ref in sorted(refs.items())
    ]


def by_hand():
    from pipeline import publication

    return {(r["subject_id"], r["session"]): r["session_ident"] for r in publication.SessionIdent.to_dicts()}


def enter_session(subject, number, day, time=None):
    from pipeline import experiment

    experiment.Session.insert1({"subject_id": subject, "session": number, "session_date": day, "session_time": time})


def test_the_synthetic_lab_is_entered_whole_and_once(lab_database, tmp_path):
    database.bind(lab_database)
    lab = make_lab(tmp_path / "rig", now=NOW, timezone="America/New_York")
    rig = Rig(lab_database, lab.root)
    ingest_subjects(lab.sheet)
    plan = rig.ingest()
    assert plan.skipped == ()
    assert plan.count("new") == 6
    found = sessions()
    assert found == [
        (480133, 1, "2019-11-18", "14:03:27", None),
        (480133, 2, "2019-11-19", "09:41:12", None),
        (480133, 3, "2019-11-19", "11:51:24", "115124"),
        (502716, 1, "2020-12-29", "16:20:05", None),
        (502716, 2, "2021-01-01", "10:15:44", None),
        (502716, 3, "2024-03-05", "08:35:00", None),
    ]
    assert by_hand() == {(480133, 3): "115124"}
    folders = {(r.h2o, r.session): sorted(r.folders) for r in plan.reports}
    for session, row in zip(lab.sessions, found, strict=True):
        assert folders[session.h2o, row[1]] == sorted(f"{f.kind}/{f.subpath}" for f in session.folders)
    assert [report.recording for report in plan.reports] == [False] * 5 + [True]

    from pipeline import ephys, experiment
    from pipeline import lab as tables

    assert set(experiment.Session.to_arrays("session_timezone")) == {"America/New_York"}
    probes = {row["probe"]: row["probe_type"] for row in tables.Probe.to_dicts()}
    assert probes == {"18005116811": "0", "18194809281": "0", "19122519691": "24"}
    rows = (ephys.ProbeInsertion.Recording & {"subject_id": 480133, "session": 1}).to_dicts()
    assert sorted((r["insertion_number"], r["recording_band"], r["recording_trigger"]) for r in rows) == sorted(
        (n, band, trigger) for n in (1, 2) for band in ("ap", "lf") for trigger in ("0", "cat")
    )
    ap = next(r for r in rows if r["recording_subpath"].endswith("_g0_t0.imec0.ap.meta"))
    assert (ap["n_channels"], ap["recording_start"]) == (33, datetime.fromisoformat("2019-11-18T14:03:27"))
    assert ap["sample_rate"] == 30000.390639481
    assert ap["duration"] == pytest.approx(0.6, abs=1e-4)
    assert ap["file_size"] == 18000 * 33 * 2
    running = (ephys.ProbeInsertion.Recording & {"subject_id": 502716, "session": 3}).fetch1()
    assert (running["duration"], running["file_size"]) == (None, None)

    again = rig.ingest()
    assert again.is_empty
    assert (again.count("known"), again.skipped) == (6, ())
    assert sessions() == found


def test_a_dry_run_writes_nothing(rig):
    rig.record("AB1/AB1_040522_g0", DAY)
    assert rig.ingest(dry_run=True).count("new") == 1
    assert sessions() == []


def test_a_recording_that_ended_meanwhile_and_output_that_came_later_are_added(rig):
    files = rig.record("AB1/AB1_040522_g0", DAY, finished=False)
    assert [r.recording for r in rig.ingest().reports] == [True]
    for file in files:
        file.unlink()
    rig.record("AB1/AB1_040522_g0", DAY)
    rig.record("AB1/catgt_AB1_040522_g0", DAY, trigger="cat")
    plan = rig.ingest()
    assert [(r.outcome, r.recording) for r in plan.reports] == [("added", False)]
    assert len(sessions()) == 1
    from pipeline import ephys

    rows = ephys.ProbeInsertion.Recording.to_dicts()
    assert len(rows) == 4
    assert all(row["duration"] == pytest.approx(0.02, abs=1e-3) for row in rows)
    assert rig.ingest().is_empty


def test_a_second_session_of_a_day_gets_the_next_ident(rig):
    rig.record("AB1/AB1_040522_g0", DAY)
    rig.record("AB1/AB1_040522_1_g0", DAY + timedelta(hours=2))
    rig.ingest()
    assert sessions() == [(1, 1, "2022-04-05", "10:00:00", None), (1, 2, "2022-04-05", "12:00:00", "1")]
    assert by_hand() == {}


def test_a_session_of_the_same_day_that_comes_later_does_not_fall_to_the_first(rig):
    rig.record("AB1/AB1_040522_surface_g0", DAY)
    rig.ingest()
    for file in (rig.root / "ephys" / "AB1").rglob("*.*"):
        file.unlink()
    (rig.root / "ephys" / "AB1").rename(rig.root / "gone")
    earlier = DAY - timedelta(hours=1)
    rig.record("AB1/AB1_040522_g0", earlier)
    rig.record("AB1/AB1_040522_deep_g0", DAY + timedelta(hours=3))
    rig.ingest()
    assert sessions() == [
        (1, 1, "2022-04-05", "10:00:00", "surface"),
        (1, 2, "2022-04-05", "09:00:00", None),
        (1, 3, "2022-04-05", "13:00:00", "deep"),
    ]
    # And once more, when several are there already.
    rig.record("AB1/AB1_040522_last_g0", DAY + timedelta(hours=6))
    plan = rig.ingest()
    assert sessions()[3] == (1, 4, "2022-04-05", "16:00:00", "last")
    assert plan.skipped == ()


def test_a_newcomer_does_not_change_the_idents_of_those_before(rig):
    rig.record("AB1/AB1_040522_g0", DAY)
    rig.ingest()
    rig.record("AB1/AB1_040522_early_g0", DAY - timedelta(hours=2))
    rig.ingest()
    assert sessions() == [(1, 1, "2022-04-05", "10:00:00", None), (1, 2, "2022-04-05", "08:00:00", "early")]
    assert by_hand() == {(1, 1): "", (1, 2): "early"}


def test_gates_outputs_and_videos_of_a_run_are_one_session(rig):
    rig.record("AB1/AB1_040522_x_g0", DAY, probes=[Probe(0)])
    rig.record("AB1/AB1_040522_x_g1", DAY + timedelta(minutes=40), gate=1, probes=[Probe(1, "NP2.0", "77")])
    rig.record("AB1/catgt_AB1_040522_x_g0", DAY, trigger="cat", run="AB1_040522")
    rig.film("AB1/04052022_x", DAY.date())
    plan = rig.ingest()
    assert sessions() == [(1, 1, "2022-04-05", "10:00:00", "x")]
    assert len(plan.reports[0].folders) == 4
    assert plan.reports[0].insertions == 2


def test_sessions_entered_by_hand_are_found_and_kept(rig):
    enter_session(1, 7, date(2022, 4, 5))
    enter_session(2, 3, date(2022, 4, 5), "09:58:00")
    rig.record("AB1/AB1_040522_g0", DAY)
    rig.record("AB2/AB2_040522_100000_g0", DAY)
    rig.record("AB2/AB2_040622_g0", DAY + timedelta(days=1))
    plan = rig.ingest()
    assert [(r.subject_id, r.session, r.outcome) for r in plan.reports] == [
        (1, 7, "added"),
        (2, 3, "added"),
        (2, 4, "new"),
    ]


def test_what_is_skipped_is_told_with_its_reason(rig):
    rig.record("ZZ9/ZZ9_040522_g0", DAY)
    (rig.root / "ephys" / "calibration" / "lens").mkdir(parents=True)
    rig.record("AB1/AB1_040722_g0", DAY)  # named of another day
    (rig.root / "ephys" / "AB1" / "catgt_AB1S10_C04_g0").mkdir()
    (rig.root / "ephys" / "AB1" / "catgt_AB1S10_C04_g0" / "notes.txt").write_text("x")
    (rig.root / "ephys" / "AB1" / "AB1_050522_g0").mkdir()
    rig.film("AB1/04092022", date(2022, 4, 9))
    plan = rig.ingest()
    told = {skip.folder: skip for skip in plan.skipped}
    assert "no subject has the water restriction ZZ9" in told["ZZ9"].reason
    assert "began on 2022-04-05" in told["AB1/AB1_040722_g0"].reason
    assert "no date" in told["AB1/catgt_AB1S10_C04_g0"].reason
    assert "empty" in told["AB1/AB1_050522_g0"].reason
    assert "no session of that day" in told["AB1/04092022"].reason
    assert len(told) == len(plan.skipped) == 5
    assert {folder for folder, skip in told.items() if skip.refused} == {
        "AB1/AB1_040722_g0",
        "AB1/catgt_AB1S10_C04_g0",
    }
    assert all(skip.remedy for skip in plan.skipped)
    assert sessions() == []
    assert [s.folder for s in rig.ingest(subjects={1}).skipped if s.folder == "ZZ9"] == []


def test_days_of_videos_alone_become_sessions_when_asked_for(rig):
    rig.film("AB1/04092022", date(2022, 4, 9))
    rig.film("AB1/04092022_131500", date(2022, 4, 9))
    rig.ingest(video_sessions=True)
    assert [row[2:] for row in sessions()] == [("2022-04-09", None, None), ("2022-04-09", "13:15:00", "131500")]
    assert rig.ingest().is_empty


def test_names_without_a_date_are_told_apart_by_their_starts(rig):
    rig.record("AB1/catgt_AB1S10_C04P02_g0", DAY, trigger="cat")
    rig.record("AB1/AB1S11_C01_g0", DAY + timedelta(hours=5))
    rig.record("AB1/01012021_g0", datetime.fromisoformat("2021-01-01T08:00:00"), run="x")
    rig.ingest()
    assert [row[1:4] for row in sessions()] == [
        (1, "2021-01-01", "08:00:00"),
        (2, "2022-04-05", "10:00:00"),
        (3, "2022-04-05", "15:00:00"),
    ]
    assert rig.ingest().is_empty


def test_an_older_name_by_the_iso_year_counts_when_the_start_agrees(rig):
    rig.record("AB1/AB1_010120_g0", datetime.fromisoformat("2021-01-01T08:00:00"))
    rig.ingest()
    assert sessions()[0][2] == "2021-01-01"


def test_older_layouts_tell_the_insertion_by_their_folder(rig):
    for number in (1, 2):
        folder = rig.root / "ephys" / "AB1" / "2022-04-05" / str(number)
        rig.record(f"AB1/2022-04-05/{number}", DAY, run="AB1_2022-04-05", probes=[Probe(0, "NP2.0", f"55{number}")])
        for file in (folder / "AB1_2022-04-05_g0_imec0").iterdir():
            file.rename(folder / file.name.replace("imec0", "imec"))
        (folder / "AB1_2022-04-05_g0_imec0").rmdir()
    rig.ingest()
    from pipeline import ephys

    assert [(r["insertion_number"], r["probe"]) for r in ephys.ProbeInsertion.to_dicts()] == [(1, "551"), (2, "552")]
    assert len(sessions()) == 1


def test_what_neo_cannot_read_is_read_from_the_meta(rig):
    files = rig.record("AB1/AB1_040522_g0", DAY)
    for file in files:
        if file.suffix == ".meta":
            text = file.read_bytes().replace(b"imDatPrb_pn=PRB_1_4_0480_1\r\n", b"imDatPrb_pn=PRB_UNHEARD_OF\r\n")
            file.write_bytes(text)
    broken = rig.record("AB1/AB1_040622_g0", DAY + timedelta(days=1))
    next(file for file in broken if file.name.endswith("ap.meta")).write_bytes(b"\x00rubbish")
    plan = rig.ingest()
    assert [r.insertions for r in plan.reports] == [1, 1]
    assert any("ap.meta" in note for note in plan.notes)
    from pipeline import ephys

    first = (ephys.ProbeInsertion.Recording & {"session": 1}).to_dicts()
    assert sorted(r["sample_rate"] for r in first) == [2500.0, 30000.0]
    assert all(r["duration"] == pytest.approx(0.02, abs=1e-3) for r in first)


def test_a_root_that_is_not_there_does_not_hide_the_others(rig):
    rig.record("AB1/AB1_040522_g0", DAY)
    (rig.root / "video").rmdir()
    plan = rig.ingest()
    assert plan.count("new") == 1
    assert [skip.refused for skip in plan.skipped] == [True]


def test_two_computers_that_ingest_at_once_enter_everything_once(rig, tmp_path):
    """The second one planned before the first one wrote."""
    from pipeline.ingest import database as tables
    from pipeline.ingest.recordings import look, plan_ingest

    rig.record("AB1/AB1_040522_g0", DAY)
    animals = tables.animals()
    stale = plan_ingest(list(look(rig.settings, animals, [])), tables.load(animals), "UTC")
    rig.ingest()
    assert tables.enter(stale) is False
    assert len(sessions()) == 1
    assert rig.ingest().is_empty
