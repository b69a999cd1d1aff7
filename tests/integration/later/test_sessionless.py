"""A session that is deleted in the lab's tables: its dataset is listed everywhere, and nothing is sent twice."""

import json

import pytest

from pipeline import experiment, publication
from pipeline.board.status import status
from pipeline.errors import UsageError
from tests.integration.accounts import read_only
from tests.integration.publish.bench import EPHYS

ONE = {"subject_id": 480133, "session": 1}
EPHYS_ONLY = ("--type", "ephys")


@pytest.fixture
def lost(each_bench):
    """A bench with two archived sessions, of which the first was deleted in the lab's tables; and its row there."""
    folder = each_bench.session("one")
    each_bench.session("two")
    assert each_bench.publish().whole
    (row,) = (experiment.Session & ONE).to_dicts()
    (experiment.Session & ONE).delete(prompt=False)
    assert len(publication.ArchivedRawEphys()) == 1
    assert len(publication.DataSet()) == 2
    return each_bench, folder, row


def states(bench, *restrictions):
    return {(row.session, row.session_date): row.state for row in status(bench.rig.settings, EPHYS, list(restrictions))}


def test_it_is_listed_everywhere_with_what_may_be_done(lost):
    bench, folder, _ = lost
    every = {(1, "2020-05-01"): "without session", (2, "2020-05-02"): "archived"}
    assert states(bench) == every
    assert states(bench, [{"subject_id": 480133}]) == every
    assert states(bench, "session_date <= '2020-05-01'") == {(1, "2020-05-01"): "without session"}
    assert states(bench, "session_date >= '2020-05-02'") == {(2, "2020-05-02"): "archived"}
    assert states(bench, [{"subject_id": 502716}]) == {}

    table, told = bench.run("publication-status", *EPHYS_ONLY, "--session", "1", check=0)
    assert "without session" in table
    for words in (
        "enter it again as session 1 of subject 480133 (2020-05-01, start 10:00:00)",
        "`mapshell publication-discover`",
        "`mapshell publication-reassign SC038/1 TO`",
        "or leave it",
    ):
        assert words in told
    (row,) = json.loads(bench.run("publication-status", "--session", "1", "--format", "json", check=0)[0])["sessions"]
    assert (row["state"], row["files"], row["folders"]) == ("without session", 2, ["SC038/SC038_050120_g0"])
    assert "publication-reassign" in row["remedy"]

    document = bench.command(check=0)
    (gone,) = document["datasets_without_session"]
    assert (gone["session"], gone["files"], gone["alias"]) == (1, 2, "raw-ephys")
    assert document["folders_without_session"] == []  # told once, with its dataset
    assert "Without session: 1 dataset in raw-ephys." in bench.tell(check=0)
    assert bench.command("--session", "2", check=0)["datasets_without_session"] == []
    assert bench.here(folder).keys() <= bench.indexed().keys()


def test_it_is_verified_all_the_same(lost):
    bench, folder, _ = lost
    out, told = bench.run("publication-verify", *EPHYS_ONLY, "--checksum", "all", check=0)
    assert out.count("verified") == 2
    assert "without session: SC038 (subject 480133) session 1 of 2020-05-01" in told
    assert "Without session in the lab's tables: 1." in told
    document = json.loads(bench.run("publication-verify", *EPHYS_ONLY, "--format", "json", check=0)[0])
    assert {row["session"]: row["without_session"] for row in document["sessions"]} == {1: True, 2: False}
    name = next(iter(bench.here(folder)))
    bench.there()[name].unlink()
    _, told = bench.run("publication-verify", *EPHYS_ONLY, check=3)
    assert f"{name}: the archive does not hold it" in told

    (experiment.Session & {"session": 2}).delete(prompt=False)  # the last one: nothing is archived any more
    _, told = bench.run("publication-verify", *EPHYS_ONLY, check=3)
    assert "Without session in the lab's tables: 2." in told


def test_what_asks_for_it_alone_is_told_what_to_do(lost):
    bench, _, _ = lost
    for command in ("publication-retrieve", "publication-verify"):
        _, told = bench.run(command, *EPHYS_ONLY, "--subject", "SC038", "--session", "1", check=2)
        assert "without session: SC038 (subject 480133) session 1 of 2020-05-01, raw-ephys" in told
        assert "then `mapshell publication-discover`" in told
    with pytest.raises(UsageError, match="without session"):
        (publication.ArchivedRawEphys & ONE).retrieve()
    for chosen in ("globus_alias LIKE 'raw%'", "globus_alias LIKE '%%-ephys'", {"globus_alias": "raw-ephys"}):
        with pytest.raises(UsageError, match="without session"):
            (publication.ArchivedRawEphys & {"session": 1} & chosen).retrieve()
    with pytest.raises(UsageError, match="matches what was asked for"):
        (publication.ArchivedRawEphys & "globus_alias LIKE 'video%'").retrieve()
    with pytest.raises(UsageError, match="No session of the lab matches"):
        (publication.ArchivedRawEphys & {**ONE, "session": 9}).retrieve()


def test_entered_again_discover_puts_it_back(lost):
    bench, folder, row = lost
    experiment.Session.insert1(row)
    (shown,) = json.loads(
        bench.run("publication-status", "--session", "1", *EPHYS_ONLY, "--format", "json", check=0)[0]
    )["sessions"]
    assert shown["state"] == "refused"
    assert "without an archived row" in shown["reason"]
    assert "publication-discover" in shown["remedy"]
    bench.run("publication-discover", *EPHYS_ONLY, check=0)
    assert states(bench) == {(1, "2020-05-01"): "archived", (2, "2020-05-02"): "archived"}
    assert bench.publish().whole
    bench.assert_archived(folder)


def test_its_folder_is_not_another_sessions(lost):
    """Entered under another number, its files would be archived twice: a person says that it is the same."""
    bench, folder, _ = lost
    tasks = len(bench.rig.tasks())
    bench.run("ingest-recordings", check=0)
    (new,) = [r["session"] for r in experiment.Session.to_dicts() if f"{r['session_date']}" == "2020-05-01"]
    bench.keys["new"] = (480133, new)
    document = bench.command(check=3)
    assert document["sessions"]["new"]["state"] == "refused"
    (stray,) = document["folders_without_session"]
    assert "it was archived as SC038 (subject 480133) session 1 of 2020-05-01" in stray["reason"]
    assert f"`mapshell publication-reassign SC038/1 SC038/{new}`" in stray["remedy"]
    assert len(bench.rig.tasks()) == tasks
    bench.run("publication-reassign", "SC038/1", f"SC038/{new}", "--because", "entered anew", "--yes", check=0)
    assert set(states(bench).values()) == {"archived"}
    assert bench.publish().whole
    assert bench.here(folder).keys() <= bench.indexed().keys()


def test_an_account_that_may_only_read_sees_it(lost):
    bench, _, _ = lost
    with read_only(bench.rig):
        done = bench.rig.run("publication-status", *EPHYS_ONLY, check=0)
        assert "without session" in done.stdout
