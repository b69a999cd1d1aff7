"""Names as people write them: archived exactly as they are, on each database, or refused by name."""

import shutil
import sys

import pytest

from pipeline import publication
from pipeline.archive.manifest import from_json
from pipeline.retrieving import retrieve
from tests.integration.discover.losing import PUBLICATION, discover, drop, rows
from tests.integration.publish.bench import DAY, EPHYS, write

NAMES = (
    "with spaces  two.txt",
    "trailing space.txt ",
    " leading space.txt",
    "#%&'\"+;=@!$(){}[]^`~.txt",
    "100%_sure%s%d.txt",
    "under_score.txt",
    "underXscore.txt",
    "a*b?c.txt",
    "colon:in:it.txt",
    "new\nline.txt",
    "tab\there.txt",
    "-leading-dash.txt",
    "--rf",
    "Ångström-composed-\u00e9.txt",
    "Ångström-composed-e\u0301.txt",
    "twin.txt",
    "Twin.txt",
    "TWIN.TXT",
    "twin.txt ",
    "CON",
    "日本語.txt",
    "\U0001f400.txt",
    "'; drop table x; --.txt",
    "%41.txt",
    "x" * 128,
    "x" * 129,
    "x" * 255,
    "é" * 127,
    ".hidden",
)


def _deep(base, length):
    """Return a file whose subpath below the ephys root has exactly this many characters."""
    left = length - len(base) - 1
    parts = []
    while left > 201:
        parts.append("d" * 200)
        left -= 201
    return "/".join([*parts, "f" * left])


@pytest.mark.fault(36, 37)
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")
def test_names_are_archived_exactly_as_they_are(each_bench):
    bench = each_bench
    folder = bench.session("odd names")
    base = folder.relative_to(bench.ephys).as_posix()
    names = (*NAMES, *(f"{name} folder/in it.txt" for name in NAMES[:12]))
    names += tuple(_deep(base, length) for length in (128, 129, 255, 256, 1023, 1024))
    for number, name in enumerate(names):
        write(folder / name, b"%d" % number)
    expected = bench.here(folder)
    assert len(expected) == len(names) + 2
    report = bench.publish()
    outcome = bench.outcomes(report)["odd names"]
    assert outcome.state == "archived", outcome
    there = bench.there()
    assert set(there) == set(expected)
    for subpath, path in expected.items():
        assert there[subpath].read_bytes() == path.read_bytes(), subpath
    indexed = bench.indexed()
    assert set(indexed) == set(expected)
    assert max(len(subpath) for subpath in indexed) == 1024
    ((name, path),) = bench.rig.manifests().items()
    assert {entry.subpath for entry in from_json(path.read_bytes(), name=name).files} == set(expected)
    # Nothing new is seen in them the second time.
    assert bench.outcomes(bench.publish())["odd names"].sent_files == 0

    # The index is lost and comes back from the manifest, row for row; then the files do, by both ways.
    originals = {subpath: path.read_bytes() for subpath, path in expected.items()}
    before = rows(*PUBLICATION)
    drop(bench.rig, "publication")
    assert discover(bench.rig, types=EPHYS).whole
    assert rows(*PUBLICATION) == before
    shutil.rmtree(bench.ephys / "SC038")
    for via, to in (("globus", bench.ephys), ("https", bench.rig.folder / "web")):
        table = publication.ArchivedRawEphys()
        assert retrieve(bench.rig.settings, bench.rig.globus, (table,), to=to, via=via, everything=True).whole
        fetched = {p.relative_to(to).as_posix(): p.read_bytes() for p in to.rglob("*") if p.is_file()}
        assert fetched == originals, via


@pytest.mark.fault(38)
def test_wildcards_of_sql_in_an_animals_name_are_literal(each_bench):
    from pipeline import experiment, lab

    bench = each_bench
    for subject_id, h2o in ((1, "SC_38"), (2, "SCX38"), (3, "SC%8")):
        lab.Subject.insert1({"subject_id": subject_id})
        lab.WaterRestriction.insert1({"subject_id": subject_id, "water_restriction_number": h2o})
        row = {"subject_id": subject_id, "session": 1, "session_date": DAY.date(), "session_time": "10:00:00"}
        experiment.Session.insert1({**row, "session_timezone": "America/New_York"})
        bench.keys[h2o] = (subject_id, 1)
        write(bench.ephys / h2o / f"{h2o}_050120_g0/notes.txt", h2o.encode())
    document = bench.command("--subject", "SC_38", check=0)
    assert {name: row["state"] for name, row in document["sessions"].items()} == {"SC_38": "archived"}
    assert set(bench.indexed()) == {"SC_38/SC_38_050120_g0/notes.txt"}
    document = bench.command(check=0)
    assert {name: row["sent_files"] for name, row in document["sessions"].items()} == {
        "SC_38": 0,
        "SCX38": 1,
        "SC%8": 1,
    }
    assert len(bench.there()) == 3
