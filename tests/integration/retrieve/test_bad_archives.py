"""Archives and index rows that are not what they should be: each file is named with its cause, and the others come."""

from __future__ import annotations

import pytest

from pipeline import publication
from pipeline.errors import UsageError

from .home import ARCHIVE, BOTH, RETRIEVE, first_session

VIAS = ["globus", "https"]


def say(home, name, **values):
    """Let the index say something else of a file."""
    table = publication.DataSet.PhysicalFile
    row = (table & {"file_subpath": name}).fetch1()
    table.update1({each: row[each] for each in table.primary_key} | values)


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
