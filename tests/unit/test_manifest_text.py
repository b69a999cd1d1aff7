"""The text of a manifest, written a file at a time, is that of one document; what is made anew equals what was kept."""

import json
from dataclasses import asdict
from datetime import date, datetime

from hypothesis import given
from hypothesis import strategies as st

from pipeline.archive.departing.made import Made
from pipeline.archive.journal import Part, Source
from pipeline.archive.manifest import FORMAT, VERSION, FileEntry, Manifest, to_json
from pipeline.archive.session import SessionRef

WHEN = datetime.fromisoformat("2026-01-02T03:04:05")
SESSION = SessionRef(407513, 2, "SC038", date(2019, 11, 19), "11:51:24", "America/New_York", None)

texts = st.text(st.characters(blacklist_categories=("Cs",)), max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
entries = st.builds(
    FileEntry,
    subpath=texts,
    size=st.integers(0, 2**62),
    mtime=st.integers(-(2**40), 2**40),
    file_type=texts,
    sha1=st.none() | st.just("a" * 40),
    sha1_source=st.none() | st.just("meta"),
    verified_at=st.none() | st.just(WHEN),
    verified_how=st.none() | texts,
    generation=st.integers(1, 99),
)


def as_one_document(manifest):
    def described(entry):
        row = asdict(entry) | {"verified_at": entry.verified_at and entry.verified_at.isoformat() + "Z"}
        return {name: value for name, value in row.items() if name != "sized"}

    document = {
        "format": FORMAT,
        "version": VERSION,
        "dataset": {
            "name": manifest.name,
            "type": manifest.dataset_type,
            "storage_location": manifest.alias,
            "generation": manifest.generation,
            "archived_at": WHEN.isoformat() + "Z",
        },
        "session": asdict(manifest.session) | {"session_date": manifest.session.session_date.isoformat()},
        "files": [described(entry) for entry in manifest.files],
        "evidence": manifest.evidence,
        "lab": manifest.lab,
        "provenance": manifest.provenance,
    }
    return (json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode("utf-8")


@given(st.lists(entries, max_size=4), st.dictionaries(texts, values, max_size=3), texts)
def test_the_text_is_that_of_one_document(files, evidence, alias):
    manifest = Manifest(SESSION, "ephys", alias, 3, tuple(files), WHEN, evidence, {"lab.Subject": [evidence]}, evidence)
    assert to_json(manifest) == as_one_document(manifest)


@given(st.lists(st.builds(Source, texts, texts, st.integers(0), st.integers(), st.just(True), st.none()), max_size=4))
def test_the_journal_reads_what_it_wrote(sources):
    manifest = Manifest(SESSION, "ephys", "raw", 1, (FileEntry("SC038/é 'a.bin", 1, 2, "unknown"),), WHEN)
    part = Part(manifest, Made(sources, lambda source: source), before=manifest, gone=True)
    assert Part.unpack(part.pack()) == part
    assert Part.unpack(part.pack()).sources == tuple(sources)


@given(st.lists(st.integers(), max_size=6), st.integers(-6, 6), st.integers(-6, 6))
def test_what_is_made_is_like_a_tuple(numbers, first, last):
    made, plain = Made(numbers, str), tuple(map(str, numbers))
    assert made == plain
    assert plain == made
    assert (len(made), bool(made), hash(made)) == (len(plain), bool(plain), hash(plain))
    assert made[first:last] == plain[first:last]
    assert made[::-1] == plain[::-1]
    assert ("1" in made, list(made)) == ("1" in plain, list(plain))
    assert made != (*plain, "")
