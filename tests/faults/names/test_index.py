"""Names in the index that lead elsewhere, or that two rows have: refused, whoever reads them."""

from __future__ import annotations

import pytest

from pipeline import publication
from tests.integration.retrieve.home import ONE
from tests.integration.retrieve.test_bad_archives import say


@pytest.mark.fault(35)
@pytest.mark.parametrize("via", ["globus", "https"])
def test_hostile_names_in_the_index_lead_nowhere(home, via):
    names = sorted(home.originals)
    hostile = ["../outside.bin", "/etc/passwd", "SC038/a\\b.bin", "C:/x", "SC038/./x", ".mapshell/x", "SC038//x"]
    for name, bad in zip(names, hostile, strict=False):
        say(home, name, file_subpath=bad)
    before = sorted(path for path in home.rig.folder.rglob("*") if "home" not in path.parts)
    result = home.retrieve(via=via)
    refused = {each.subpath: each for each in result if each.verdict == "refused"}
    assert set(refused) == set(hostile[: len(names)])
    assert all(each.path is None or each.subpath == ".mapshell/x" for each in refused.values())
    assert {each.verdict for each in result} <= {"refused", "fetched"}
    new = {path for path in home.rig.folder.rglob("*") if "home" not in path.parts} - set(before)
    assert all(home.root in path.parents or ".mapshell" in path.parts for path in new)
    repr(result)


@pytest.mark.fault(35)
def test_two_rows_for_one_name_are_told(home):
    a, b = sorted(home.originals)[:2]
    say(home, a, file_subpath=b)
    assert sorted(home.verdicts(home.retrieve(ONE)).items()) != []
    assert [each.verdict for each in home.retrieve(ONE) if each.subpath == b].count("refused") == 1


@pytest.mark.fault(35)
def test_a_row_that_leads_out_of_the_archive_is_named(archive):
    key = (publication.DataSet.PhysicalFile & {"dataset_name": "ephys-480133-0001"}).keys()[0]
    for wrong in ("../../etc/passwd", "/etc/passwd", "SC038/../../x", "C:/x"):
        publication.DataSet.PhysicalFile.update1({**key, "file_subpath": wrong})
        report = archive.verify(checksum="all")
        assert "name" in archive.drift(report)["one"]
        assert any("cannot be followed" in each.message for each in report.drift)
