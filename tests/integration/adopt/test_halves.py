"""After the index was lost: halves of files that nobody remembers, and manifests that discover refuses."""

from __future__ import annotations

from pipeline import publication
from pipeline.board.status import status
from tests.integration.adopt.conftest import flip, plant
from tests.integration.discover.losing import drop
from tests.integration.publish.bench import EPHYS, only, write

ONE = ("--type", "ephys", "--subject", "SC038", "--session", "1")
SUPERSEDE = ("--supersede", "--because", "half a file of a lost transfer")


def lost_with_half_a_file(bench):
    """A transfer fails and leaves half of the recording; then the index and its journal are gone."""
    folder = bench.session("one")
    bench.rig.admin.fail_tasks("fail", partial=True, label="mapshell publish*")
    assert bench.outcomes(bench.publish())["one"].state == "queued"
    drop(bench.rig, "publication")
    bench.run("publication-discover", check=0)
    return folder


def test_half_a_file_is_superseded_once_it_was_read(each_bench):
    bench = each_bench
    folder = lost_with_half_a_file(bench)
    (half,) = bench.there()

    told = bench.tell(check=3)
    assert "Archived now" not in told
    assert "Added to 1 session" in told
    document = bench.command(check=3)
    (said,) = document["sessions"].values()
    assert said["state"] == "present"
    assert "publication-verify --checksum all" in said["remedy"]
    assert "--supersede" in said["remedy"]
    told = bench.run("publication-publish", *ONE, *SUPERSEDE, check=3)[1]
    assert "Nothing was superseded" in told  # nobody has read what would be replaced

    bench.run("publication-verify", "--type", "ephys", "--checksum", "all", check=3)
    bench.run("publication-publish", *ONE, *SUPERSEDE, check=0)
    bench.assert_archived(folder)
    (aside,) = set(bench.there()) - set(bench.here(folder))
    assert aside.startswith(f"{half}.superseded-")
    assert {row.state for row in status(bench.rig.settings, EPHYS) if row.folders} == {"archived"}
    bench.run("publication-verify", "--type", "ephys", "--checksum", "all", check=0)

    drop(bench.rig, "publication")
    bench.run("publication-discover", check=0)
    bench.assert_archived(folder)
    bench.rig.admin.reset_counts()
    assert bench.publish().whole
    assert bench.rig.admin.counts() == {}


def test_other_bytes_of_the_same_size_are_superseded_once_they_were_read(bench):
    folder = bench.session("one")
    plant(bench, folder)
    flip(only(bench.archive, "*.ap.bin"))
    bench.run("publication-discover", check=0)
    told = bench.tell("--adopt", check=3)
    assert "--supersede" in told
    bench.run("publication-verify", "--type", "ephys", "--checksum", "all", check=3)
    bench.run("publication-publish", *ONE, *SUPERSEDE, check=0)
    bench.assert_archived(folder)
    assert sum(".superseded-" in name for name in bench.there()) == 1


def test_nothing_is_sent_below_a_later_manifest(bench):
    folder = bench.session("one")
    assert bench.publish().whole
    (mine,) = bench.rig.manifests().values()
    later = mine.with_name(mine.name.replace("-0001.json", "-0007.json"))
    later.write_bytes(mine.read_bytes().replace(b'"generation": 1', b'"generation": 7'))
    write(folder / "sorted" / "spikes.npy", b"later")
    bench.rig.admin.reset_counts()
    outcome = bench.outcomes(bench.publish())["one"]
    assert outcome.failed
    assert "0007" in outcome.reason
    assert "publication-discover" in outcome.remedy
    assert bench.rig.admin.total("transfer/submit") == 0
    assert len(publication.DataSet.PhysicalFile()) == 2

    later.unlink()
    assert bench.publish().whole
    bench.assert_archived(folder)


def test_a_manifest_of_another_session_keeps_nobody_from_sending(bench):
    one = bench.session("one")
    assert bench.publish().whole
    (mine,) = bench.rig.manifests().values()
    other = mine.with_name(mine.name.replace("_s1_", "_s12_").replace("-0001.json", "-0009.json"))
    other.write_bytes(mine.read_bytes())
    write(one / "sorted" / "spikes.npy", b"later")
    assert bench.publish().whole
    assert only(bench.archive, "spikes.npy").read_bytes() == b"later"


def test_what_a_lying_task_did_not_bring_is_nobodys_but_who_puts_it_there(bench):
    """The task is said to have moved a file that is not there; somebody puts his own there before the next round."""
    folder = bench.session("one")
    bench.rig.admin.fault("lie", how="missing", file="*.meta")
    assert bench.outcomes(bench.publish())["one"].failed
    meta = only(folder, "*.ap.meta")
    theirs = bench.archive / meta.relative_to(bench.ephys)
    assert not theirs.exists()
    write(theirs, bytes(byte ^ 1 for byte in meta.read_bytes()))

    outcome = bench.outcomes(bench.publish())["one"]
    assert (outcome.state, outcome.failed) == ("refused", True)
    assert theirs.read_bytes() != meta.read_bytes()
    assert [path.name for path in theirs.parent.iterdir() if ".unfinished-" in path.name] == []

    theirs.unlink()
    assert bench.publish().whole
    bench.assert_archived(folder)
