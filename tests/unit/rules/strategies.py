"""What the properties draw: names, sessions, files and manifests as the product allows them, and any JSON."""

from __future__ import annotations

from datetime import date, datetime

from hypothesis import strategies as st

from pipeline.archive.manifest import FileEntry, Manifest
from pipeline.archive.paths import is_safe
from pipeline.archive.session import SessionRef

PART = st.one_of(
    st.sampled_from(["SC038", "run_g0", "a.bin", "A.bin", "a.bin ", "é", "e\u0301", "%s", "*", "-x", "CON", "a'b"]),
    st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0/\\"), min_size=1, max_size=8),
)
SUBPATH = st.lists(PART, min_size=1, max_size=4).map("/".join).filter(is_safe)
BELOW = st.tuples(st.sampled_from(["SC038/a", "SC038/b", "SC038/a/c"]), PART).map("/".join).filter(is_safe)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
INSTANT = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)).map(lambda at: at.replace(microsecond=0))  # noqa: DTZ001
SHA1 = st.text("0123456789abcdef", min_size=40, max_size=40)
SESSION = st.builds(
    SessionRef,
    subject_id=st.integers(0, 2**31 - 1),
    session=st.integers(1, 2**15 - 1),
    h2o=PART.filter(is_safe),
    session_date=st.dates(date(1990, 1, 1), date(2100, 1, 1)),
    session_time=st.none() | st.just("10:00:00"),
    timezone=st.none() | TEXT,
    ident=st.none() | TEXT,
)


def entries(subpaths=SUBPATH):
    """Draw files of the index."""
    return st.builds(
        FileEntry,
        subpath=subpaths,
        size=st.integers(0, 2**63 - 1),
        mtime=st.integers(-(2**33), 2**33),
        file_type=st.sampled_from(["unknown", "ephys"]),
        sha1=st.none() | SHA1,
        sha1_source=st.sampled_from([None, "meta", "computed", "archive"]),
        verified_at=st.none() | INSTANT,
        verified_how=st.none() | TEXT,
        generation=st.integers(1, 9),
    )


def file_sets(subpaths=SUBPATH, most=5):
    """Draw the files of a session, sorted."""
    return st.lists(entries(subpaths), max_size=most, unique_by=lambda entry: entry.subpath).map(
        lambda files: tuple(sorted(files, key=lambda entry: entry.subpath))
    )


def manifests(files=None, evidence=None):
    """Draw manifests, with whatever JSON in their evidence."""
    documents = st.dictionaries(TEXT, JSON, max_size=3)
    return st.builds(
        Manifest,
        session=SESSION,
        dataset_type=st.sampled_from(["ephys", "video"]),
        alias=TEXT,
        generation=st.integers(1, 2**31 - 1),
        files=file_sets() if files is None else files,
        archived_at=st.none() | INSTANT,
        evidence=documents if evidence is None else evidence,
        lab=documents,
        provenance=documents,
    )
