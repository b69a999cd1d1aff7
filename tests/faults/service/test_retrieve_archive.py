"""Archives that are not what they should be while files are fetched: each is named, and the others come."""

from __future__ import annotations

import shutil

import pytest

from pipeline.errors import CollectionOffline, MapshellError, PermissionDenied
from tests.integration.retrieve.home import ARCHIVE, BOTH, ONE, first_session

VIAS = ["globus", "https"]


@pytest.mark.fault(15, 19)
@pytest.mark.parametrize("via", VIAS)
def test_what_the_archive_lost_or_changed_is_named_and_the_rest_comes(home, via):
    home.impatient()
    gone, short, flipped = (home.pick(end) for end in ("params.py", "amplitudes.npy", "050120_g0_t0.imec0.ap.bin"))
    home.at_archive(gone).unlink()
    home.at_archive(short).write_bytes(b"short")
    data = bytearray(home.originals[flipped])
    data[len(data) // 2] ^= 1
    home.at_archive(flipped).write_bytes(data)
    shutil.rmtree(home.at_archive("SC038/SC038_050220_g0"))
    result = home.retrieve(via=via)
    verdicts = home.verdicts(result)
    told = {each.subpath: each for each in result}
    assert (verdicts[gone], verdicts[short], verdicts[flipped]) == ("missing", "missing", "damaged")
    assert "5 bytes" in told[short].reason
    assert "SHA1" in told[flipped].reason
    assert "publication-verify" in told[flipped].remedy
    assert {verdict for name, verdict in verdicts.items() if not first_session(name)} == {"missing"}
    spoilt = {gone, short, flipped}
    home.assert_same(only=lambda name: first_session(name) and name not in spoilt)
    assert home.journal() == []


@pytest.mark.fault(19)
@pytest.mark.parametrize("how", ["missing", "short", "flip"])
def test_a_task_that_lies_is_found_out_and_asked_again(home, how):
    home.rig.admin.fail_tasks("lie", how=how, count=1, label="mapshell retrieve*")
    assert home.retrieve().whole
    home.assert_same()
    assert len(home.tasks()) == 2


@pytest.mark.fault(21)
def test_a_file_that_may_not_be_read_does_not_hold_up_the_others(home):
    home.impatient()
    denied = home.pick("050120_g0_t0.imec0.ap.bin")
    home.rig.admin.set_collection(ARCHIVE, deny=[f"/raw-ephys/{denied}"])
    for via in VIAS:
        result = home.retrieve(via=via)
        assert home.verdicts(result)[denied] == "failed"
        told = next(each for each in result if each.subpath == denied)
        assert "ermission" in told.reason
        assert [each.subpath for each in result.problems] == [denied]
        home.assert_same(only=lambda name: name != denied)
        shutil.rmtree(home.root / "SC038")


@pytest.mark.fault(15)
def test_missing_rights_name_collection_identity_and_whom_to_ask(home):
    home.impatient()
    home.rig.admin.set_collection(ARCHIVE, deny=["*"])
    with pytest.raises(PermissionDenied) as caught:
        home.retrieve()
    told = caught.value
    assert "raw-ephys" in told.message
    assert ARCHIVE in told.message
    assert home.rig.globus().identity in told.message
    assert "ask the owner of the collection (rig@sandbox.example)" in told.remedy
    assert home.tasks() == []
    result = home.retrieve(ONE, via="https")
    assert isinstance(result.stopped, PermissionDenied)
    assert "raw-ephys" in result.stopped.message
    assert home.rig.globus().identity in result.stopped.message
    assert "ask the owner" in result.stopped.remedy
    assert {each.verdict for each in result} == {"failed"}


@pytest.mark.fault(16)
@pytest.mark.parametrize("via", VIAS)
def test_an_archive_that_is_offline_or_gone_is_told(home, via):
    home.impatient()
    home.rig.admin.set_collection(ARCHIVE, offline=True)
    result = None
    try:
        result = home.retrieve(via=via)
    except MapshellError as error:
        stopped = error
    else:
        stopped = result.stopped
    assert isinstance(stopped, CollectionOffline) or any("does not answer" in each.reason for each in result)
    home.rig.admin.set_collection(ARCHIVE, offline=False)
    assert home.retrieve(BOTH, via=via).whole
    home.assert_same()
