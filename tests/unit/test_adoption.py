"""What is remembered of bytes that were read back, how adopted files are journalled, when nothing can be adopted."""

from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from pipeline.archive.adoption.evidence import as_evidence, listed_before
from pipeline.archive.adoption.remembered import SETTLED_S, Remembered, Seen
from pipeline.archive.find import local_session
from pipeline.archive.integrity import Verdict
from pipeline.archive.journal import Source
from pipeline.archive.manifest import FileEntry, Manifest
from pipeline.archive.plan import diff
from pipeline.archive.ports import RemoteEntry
from pipeline.archive.scan import Defect
from pipeline.archive.session import LocalFile, Location, Root, SessionRef
from pipeline.archive.submit import Prepared

HERE = Location("raw-ephys", "c" * 8, "/raw-ephys", "ephys")
THERE = RemoteEntry("a.bin", "file", 10, 1_600_000_000)
SEEN = Seen("a" * 40, datetime(2020, 9, 14), "read back over HTTPS")  # noqa: DTZ001  # instants are naive UTC
NOW = 1_700_000_000.0
REF = SessionRef(480133, 1, "SC038", date(2020, 5, 1))
ROOT = Root("raw-ephys", "0" * 8, "/", Path("/rig"))


def remembered(tmp_path, there=THERE, now=NOW):
    memory = Remembered(tmp_path / "read-back.sqlite")
    memory.put(HERE, "SC038/run/a.bin", there, SEEN, now=now)
    return memory


def test_what_was_read_is_known_while_the_archive_lists_the_file_as_it_was(tmp_path):
    memory = remembered(tmp_path)
    memory.close()
    memory = Remembered(tmp_path / "read-back.sqlite")
    assert memory.get(HERE, "SC038/run/a.bin", THERE) == SEEN
    for other in (replace(THERE, size=11), replace(THERE, mtime=1_600_000_001), replace(THERE, mtime=None)):
        assert memory.get(HERE, "SC038/run/a.bin", other) is None
    assert memory.get(HERE, "SC038/run/b.bin", THERE) is None
    for elsewhere in (replace(HERE, endpoint="d" * 8), replace(HERE, path="/moved")):
        assert memory.get(elsewhere, "SC038/run/a.bin", THERE) is None
    memory.close()


def test_nothing_is_remembered_of_a_file_that_may_still_change_or_has_no_time(tmp_path):
    young = remembered(tmp_path, now=THERE.mtime + SETTLED_S - 1)
    assert young.get(HERE, "SC038/run/a.bin", THERE) is None
    young.close()
    timeless = remembered(tmp_path, there=replace(THERE, mtime=None))
    assert timeless.get(HERE, "SC038/run/a.bin", THERE) is None
    timeless.close()


def test_a_damaged_memory_costs_time_alone(tmp_path):
    (tmp_path / "read-back.sqlite").write_bytes(b"no database at all" * 100)
    memory = remembered(tmp_path)
    assert memory.get(HERE, "SC038/run/a.bin", THERE) == SEEN
    memory.close()
    without = Remembered(None)
    without.put(HERE, "SC038/run/a.bin", THERE, SEEN, now=NOW)
    assert without.get(HERE, "SC038/run/a.bin", THERE) is None


sources = st.builds(
    Source,
    st.text(max_size=20),
    st.text(max_size=20),
    st.integers(0, 2**62),
    st.integers(0, 2**62),
) | st.builds(
    Source,
    st.text(max_size=20),
    st.text(max_size=20),
    st.integers(0, 2**62),
    st.integers(0, 2**62),
    st.just(True),  # adopted
    st.none() | st.integers(0, 2**62),
)


@given(sources)
def test_a_source_is_journalled_and_read_again(source):
    assert Source.unpack(source.pack()) == source
    assert len(source.pack()) == (5 if source.adopted else 4)  # an older program reads what is sent


def entry(name, sha1="a" * 40, **facts):
    return FileEntry(f"SC038/run/{name}", 10, 1, "unknown", sha1, "computed" if sha1 else None, **facts)


def manifest(*files):
    return Manifest(REF, "ephys", "raw-ephys", 1, files)


def test_the_evidence_counts_what_the_index_had_listed():
    files = [entry("a", verified_how="read back over HTTPS"), entry("b", verified_how="read back over HTTPS")]
    evidence = as_evidence(files, manifest(entry("a", None)))
    assert evidence["adopted"] == {"files": 2, "bytes": 20, "listed_before": 1, "how": ["read back over HTTPS"]}
    assert listed_before(evidence) == 1
    assert as_evidence([], None) == {}
    for odd in ({}, {"adopted": 5}, {"adopted": {"listed_before": "many"}}, {"adopted": {}}):
        assert listed_before(odd) == 0


names = st.sampled_from("abcdef")


@given(st.sets(names), st.sets(names), st.sets(names), st.booleans(), st.booleans())
def test_a_new_session_is_archived_whole_or_not_at_all(new, there, wrong, known, sized):
    files = [LocalFile(ROOT, f"SC038/run/{name}", 10, 1, 10**9) for name in sorted(new | there)]
    remote = {f"SC038/run/{name}": 10 for name in there}
    before = manifest(entry("old"), entry("f", None, sized=sized)) if known else None
    indexed = {e.subpath: e for e in before.files} if before else {}
    plan = diff(files, indexed, remote, prove=True)
    of = {action: tuple(f for f in files if f.subpath in {i.subpath for i in plan.only(action)}) for action in _ACTIONS}
    unlike = tuple(Defect("conflict", f.subpath, "", "") for f in of["adopt"] if f.subpath[-1] in wrong)
    session = local_session(REF, [])
    prepared = Prepared(
        session, before, plan, of["send"], Verdict((), (), {}, None), candidates=of["adopt"], unlike=unlike
    )
    conflicts = len(unlike) + len(plan.only("conflict"))
    if not conflicts:
        assert not prepared.hopeless
    elif not known:
        assert prepared.hopeless
    elif not sized and "SC038/run/f" not in {f.subpath for f in of["adopt"]} - {d.subpath for d in unlike}:
        assert prepared.hopeless  # no manifest could list a file of unknown size
    else:
        assert prepared.hopeless == (not of["send"] and len(unlike) == len(of["adopt"]))


_ACTIONS = ("send", "adopt", "conflict")
