"""Archives and index rows that are not what they should be: each file is named with its cause, and the others come."""

from __future__ import annotations

import shutil

import pytest

from pipeline import publication
from pipeline.errors import CollectionOffline, MapshellError, PermissionDenied, UsageError

from .home import ARCHIVE, BOTH, ONE, RETRIEVE, first_session

VIAS = ["globus", "https"]


def say(home, name, **values):
    """Let the index say something else of a file."""
    table = publication.DataSet.PhysicalFile
    row = (table & {"file_subpath": name}).fetch1()
    table.update1({each: row[each] for each in table.primary_key} | values)


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


@pytest.mark.parametrize("via", VIAS)
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


def test_two_rows_for_one_name_are_told(home):
    a, b = sorted(home.originals)[:2]
    say(home, a, file_subpath=b)
    assert sorted(home.verdicts(home.retrieve(ONE)).items()) != []
    assert [each.verdict for each in home.retrieve(ONE) if each.subpath == b].count("refused") == 1


@pytest.mark.parametrize("how", ["missing", "short", "flip"])
def test_a_task_that_lies_is_found_out_and_asked_again(home, how):
    home.rig.admin.fail_tasks("lie", how=how, count=1, label="mapshell retrieve*")
    assert home.retrieve().whole
    home.assert_same()
    assert len(home.tasks()) == 2


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


def test_sessions_that_are_only_in_flight_say_so(home):
    home.bench.session("three")
    home.rig.admin.fail_tasks("hold", count=None, label="mapshell publish*")
    home.bench.publish(wait=False)
    three = {"subject_id": 480133, "session": 3}
    with pytest.raises(UsageError, match=r"session 3 .*in flight") as caught:
        home.retrieve(three)
    assert "publication-publish" in caught.value.remedy
    result = home.retrieve(BOTH, dry_run=True)
    assert any("in flight" in note and "session 3" in note for note in result.notes)
    document = home.command(code=3)  # what is there comes, and it is not all that was asked for
    assert {each["verdict"] for each in document["files"]} == {"fetched"}
    assert any("in flight" in note for note in document["notes"])
    home.bench.release()


def test_what_does_not_exist_is_suggested(home):
    for options, message, remedy in (
        ({"file_types": "ephys-raw-neuropixels-ap-bim"}, "no file type", "ephys-raw-neuropixels-ap-bin"),
        ({"file_types": "tracking-video-*"}, "no file of these types", "ephys-raw-neuropixels-ap-bin"),
        ({"probes": "imec7"}, "no file of these probes", "imec0"),
        ({"probes": "probe one"}, "no probe", "imec0"),
        ({"probes": 0}, "no probe", "insertion"),
    ):
        with pytest.raises(UsageError, match=message) as caught:
            home.retrieve(**options)
        assert remedy in caught.value.remedy
    stdout, _ = home.bench.run("publication-retrieve", "--subject", "SC083", "--format", "json", check=2)
    assert "SC038" in stdout
    with pytest.raises(UsageError, match="No session of the lab matches"):
        home.retrieve({"subject_id": 1})


@pytest.mark.parametrize("how", ["files", "listing"])
@pytest.mark.parametrize("via", VIAS)
def test_one_session_that_is_denied_keeps_no_other_from_coming(home, via, how):
    home.impatient()
    folder = "/raw-ephys/SC038/SC038_050120_g0"
    home.rig.admin.set_collection(ARCHIVE, deny=[f"{folder}/*", *([folder] if how == "listing" else [])])
    result = home.retrieve(via=via)
    assert result.stopped is None
    assert {each.verdict for each in result if first_session(each.subpath)} == {"failed"}
    assert {each.verdict for each in result if not first_session(each.subpath)} == {"fetched"}
    if via == "https":
        ((reason, remedy),) = {(each.reason, each.remedy) for each in result.problems}
        assert folder in reason
        assert "ask the owner" in remedy
    # Again, when only the denied ones are left: the same end.
    done = home.rig.run(*RETRIEVE, "--via", via, check=3)
    assert "\nError:" not in done.stderr
    assert "identical" in done.stdout
    if via == "https":
        assert done.stderr.count("permission denied") == 1
    home.assert_same(only=lambda name: not first_session(name))


def test_a_session_denied_alone_is_told_once(home):
    home.rig.admin.set_collection(ARCHIVE, deny=["/raw-ephys/SC038/SC038_050120_g0/*"])
    done = home.rig.run(*RETRIEVE, "--session", "1", "--via", "https", check=1)
    assert done.stderr.count("permission denied") == 1
    assert "Remedy: ask the owner" in done.stderr
