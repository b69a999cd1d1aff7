"""What the gate refuses is archived all the same when a person says so; rule, reason and person stay with the files."""

import getpass
import hashlib
import json
import os
from datetime import UTC, datetime

import pytest

from mapshell.demo.recordings import write_recording
from pipeline import publication
from pipeline.archive.acceptance_rules import RULES
from pipeline.archive.manifest import from_json
from pipeline.errors import UsageError
from tests.integration.discover.losing import PUBLICATION, discover, drop, rows

from .bench import DAY, PROBE, edit, old, only, write

CRASHED = {"fileSizeBytes": None, "fileTimeSecs": None, "fileSHA1": None}
WHY = "the acquisition crashed at 11:40"


def _flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    old(path)


def _shorter(path, by):
    path.write_bytes(path.read_bytes()[:-by])
    old(path)


def _crashed(folder):
    edit(only(folder, "*imec0*.meta"), **CRASHED)
    _shorter(only(folder, "*imec0*.bin"), 1)


def _failed_probe(folder):
    """The second of two probes fails: what it wrote is empty."""
    write(folder / "SC038_g0_imec1/SC038_g0_t0.imec1.ap.bin", b"")
    meta = only(folder, "*imec0*.meta")
    write(folder / "SC038_g0_imec1/SC038_g0_t0.imec1.ap.meta", meta.read_bytes())


def _no_index(folder):
    path = only(folder, "*.bin")
    path.rename(path.with_name(path.name.replace(".bin", ".cbin")))


# name: (what is done to the session's folder, the rules that it breaks)
CASES = {
    "crashed": (_crashed, {"still-recording", "frames"}),
    "a probe failed": (_failed_probe, {"empty", "size"}),
    "cut copy": (lambda folder: _shorter(only(folder, "*.bin"), 60), {"size"}),
    "no meta": (lambda folder: only(folder, "*.meta").unlink(), {"bin-without-meta"}),
    "no bin": (lambda folder: only(folder, "*.bin").unlink(), {"meta-without-bin"}),
    "no index": (_no_index, {"cbin-without-ch"}),
    "cut meta": (lambda folder: write(only(folder, "*.meta"), b"\0\xff\n"), {"meta"}),
    "wrong duration": (lambda folder: edit(only(folder, "*.meta"), fileTimeSecs="999"), {"duration"}),
    "said twice": (
        lambda folder: write(only(folder, "*.meta"), b"fileTimeSecs=1\n" + only(folder, "*.meta").read_bytes()),
        {"repeated-key"},
    ),
    "damaged": (lambda folder: _flip(only(folder, "*.bin")), {"checksum"}),
}


def test_every_rule_that_can_be_accepted_is_tried():
    broken = set().union(*(rules for _, rules in CASES.values()))
    elsewhere = {"renamed"}  # of archived sessions: tests/integration/later/test_renamed.py
    assert broken | elsewhere >= {rule.name for rule in RULES if rule.acceptable}


def _options(bench, name, rules):
    accepted = [word for rule in sorted(rules) for word in ("--accept", rule)]
    return ("--subject", "SC038", "--session", str(bench.keys[name][1]), *accepted, "--because", WHY)


def _row(key):
    (row,) = (publication.ArchivedRawEphys & {"subject_id": key[0], "session": key[1]}).to_dicts()
    return row


def _manifest(bench, key, generation=1):
    (path,) = [p for n, p in bench.rig.manifests().items() if f"_s{key[1]}_ephys.manifest-{generation:04d}" in n]
    return from_json(path.read_bytes(), name=path.name)


def test_each_acceptable_rule_is_archived_with_its_reason_and_found_again(each_bench):
    bench = each_bench
    folders = {}
    for name, (spoil, _) in CASES.items():
        folders[name] = bench.session(name)
        spoil(folders[name])
    untouched = bench.session("untouched")
    before = {name: {n: p.read_bytes() for n, p in bench.here(folder).items()} for name, folder in folders.items()}

    # Refused, each with the very command that would accept it.
    first = bench.command(check=3)["sessions"]
    for name, (_, rules) in CASES.items():
        row = first[name]
        if rules == {"meta-without-bin"}:
            assert row["state"] == "archived"  # noted alone, and archived without a word
            continue
        assert row["state"] == ("recording" if name == "crashed" else "refused"), (name, row)
        assert "To archive it as it is: `mapshell publication-publish --type ephys --subject SC038" in row["remedy"]
        assert f"--session {bench.keys[name][1]}" in row["remedy"]
        for rule in rules:
            assert f"--accept {rule}" in row["remedy"], (name, row["remedy"])

    for name, (_, rules) in CASES.items():
        if name == "no bin":
            continue
        options = _options(bench, name, rules)
        if name == "crashed":
            tasks = len(bench.rig.tasks())
            dry = bench.command("--dry-run", *options, check=0)
            shown = {(d["action"], d["file"].rsplit(".", 1)[-1]) for d in dry["sessions"][name]["details"]}
            assert {("accept", "meta"), ("accept", "bin"), ("send", "bin")} <= shown
            assert len(bench.rig.tasks()) == tasks
            assert bench.keys[name] not in bench.archived_keys()
        document = bench.command(*options, check=0)
        assert document["sessions"][name]["state"] == "archived", (name, document)
        assert document["nothing_accepted_under"] == []
        accepted = {detail["accepted"] for detail in document["sessions"][name]["details"] if "accepted" in detail}
        assert accepted == rules, (name, document)

        records = _row(bench.keys[name])["evidence"]["accepted"]
        assert records == _manifest(bench, bench.keys[name]).evidence["accepted"]
        assert {record["rule"] for record in records} == rules
        assert len({(record["rule"], record["file"]) for record in records}) == len(records)
        for record in records:
            assert record["because"] == WHY
            assert record["by"]["username"] == "rig@sandbox.example"
            assert record["by"]["identity"] == bench.rig.globus().identity
            assert record["by"]["account"] == getpass.getuser()
            assert record["by"]["computer"] == bench.rig.settings.archive.computer
            assert record["found"]
            assert record["file"] in bench.here(folders[name])
            assert record["generation"] == 1
            assert datetime.fromisoformat(record["at"]).date() == datetime.now(UTC).date()
    bench.assert_archived(untouched, *folders.values())
    for name, folder in folders.items():
        assert {n: p.read_bytes() for n, p in bench.here(folder).items()} == before[name]

    # Every SHA1 is that of the bytes, and what a contradicted meta said is kept.
    indexed = bench.indexed()
    for folder in folders.values():
        for subpath, path in bench.here(folder).items():
            assert indexed[subpath]["file_sha1"] == hashlib.sha1(path.read_bytes()).hexdigest(), subpath
    (record,) = _row(bench.keys["damaged"])["evidence"]["accepted"]
    (claim,) = [s for s in only(folders["damaged"], "*.meta").read_text().splitlines() if s.startswith("fileSHA1=")]
    assert record["meta_sha1"] == claim.removeprefix("fileSHA1=").lower()
    assert indexed[record["file"]]["sha1_source"] == "computed"
    duration = only(folders["wrong duration"], "*.bin").relative_to(bench.ephys).as_posix()
    assert indexed[duration]["sha1_source"] == "meta"

    # Again, nothing is to be done, and nothing asks for the rules any more.
    again = bench.command(check=0)
    assert {row["state"] for row in again["sessions"].values()} == {"archived"}
    assert not any(row["sent_files"] for row in again["sessions"].values())

    # Status tells it, to people and programs.
    told = json.loads(bench.run("publication-status", "--type", "ephys", "--format", "json", check=0)[0])
    told = {row["session"]: row for row in told["sessions"]}
    for name, (_, rules) in CASES.items():
        row = told[bench.keys[name][1]]
        expected = sorted(rules) if name != "no bin" else []
        assert (row["state"], row["accepted"]) == ("archived", expected), row
        assert row["reason"] == (f"archived with accepted defects: {', '.join(expected)}" if expected else "")
    assert told[bench.keys["untouched"][1]]["accepted"] == []
    assert "accepted defects: frames, still-recording" in " ".join(
        bench.run("publication-status", "--type", "ephys", check=0)[0].split()
    )

    # The archive alone gives all of it back.
    known = rows(*PUBLICATION)
    drop(bench.rig, "publication")
    assert rows(*PUBLICATION) != known
    discover(bench.rig, types=("ephys",))
    assert rows(*PUBLICATION) == known


def test_what_was_accepted_stays_when_files_are_added(bench):
    folder = bench.session("cut")
    _shorter(only(folder, "*.bin"), 60)
    accept = {"accept": ["size"], "because": WHY}
    key = {"subject_id": bench.keys["cut"][0], "session": bench.keys["cut"][1]}
    assert bench.outcomes(bench.publish(key, **accept))["cut"].state == "archived"
    first = _row(bench.keys["cut"])["evidence"]["accepted"]
    write(folder / "sorting/spike_times.npy", b"spikes")
    assert bench.outcomes(bench.publish())["cut"].sent_files == 1
    row = _row(bench.keys["cut"])
    assert (row["generation"], row["evidence"]["accepted"]) == (2, first)
    assert _manifest(bench, bench.keys["cut"], 2).evidence["accepted"] == first

    # A further one is added to the list.
    write(folder / "second/SC038_050120_g0_t0.imec1.ap.bin", b"\0" * 60)
    assert bench.outcomes(bench.publish())["cut"].state == "archived with changes"
    report = bench.publish(key, accept="bin-without-meta", because="the second meta is lost")
    assert bench.outcomes(report)["cut"].state == "archived"
    records = _row(bench.keys["cut"])["evidence"]["accepted"]
    assert [(r["rule"], r["generation"], r["because"]) for r in records] == [
        ("size", 1, WHY),
        ("bin-without-meta", 3, "the second meta is lost"),
    ]


def test_what_was_submitted_under_a_rule_is_ended_without_it(bench):
    """After a kill nobody types the reason again: the journal has it."""
    folder = bench.session("crashed")
    _crashed(folder)
    key = {"subject_id": bench.keys["crashed"][0], "session": bench.keys["crashed"][1]}
    report = bench.publish(key, accept=["still-recording", "frames"], because=WHY, wait=False)
    assert bench.outcomes(report)["crashed"].state in ("in flight", "archived")
    assert bench.outcomes(bench.publish())["crashed"].state == "archived"
    assert {r["rule"] for r in _row(bench.keys["crashed"])["evidence"]["accepted"]} == {"still-recording", "frames"}
    bench.assert_archived(folder)


def test_what_changes_now_is_never_accepted(bench):
    fresh, moving = bench.session("fresh"), bench.session("moving")
    for folder in (fresh, moving):
        _crashed(folder)
    os.utime(only(fresh, "*.bin"))
    rules = CASES["crashed"][1]
    row = bench.command(*_options(bench, "fresh", rules), check=3)["sessions"]["fresh"]
    assert row["state"] == "recording"
    assert "it was modified" in row["reason"]
    assert "--accept" not in row["remedy"]
    bench.assert_untouched(fresh)

    # Its time stands still, as that of a file which Windows has not closed yet; its size does not.
    file = only(moving, "*.bin")

    def epoch():
        with file.open("ab") as stream:
            stream.write(b"more")
        old(file)
        return datetime.now(UTC).timestamp()

    key = {"subject_id": bench.keys["moving"][0], "session": bench.keys["moving"][1]}
    (outcome,) = bench.publish(key, accept=sorted(rules), because=WHY, epoch=epoch).outcomes
    assert outcome.state == "refused"
    assert "changed while" in outcome.reason
    bench.assert_untouched(moving)


def test_accepting_is_for_one_session_with_a_reason_and_for_rules_that_are_broken(bench):
    cut, good = bench.session("cut"), bench.session("good")
    _shorter(only(cut, "*.bin"), 60)
    publish = ("publication-publish", "--type", "ephys")
    one = ("--subject", "SC038", "--session", str(bench.keys["cut"][1]))
    bad = {
        ("--accept", "size", "--because", WHY): "one session at a time; 2 are chosen",
        (*one, "--accept", "size"): "needs a reason",
        (*one, "--accept", "size", "--because", "  "): "needs a reason",
        (*one, "--because", WHY): "nothing that is to be accepted",
        (*one, "--accept", "sise", "--because", WHY): "did you mean size",
        (*one, "--accept", "link", "--because", WHY): "can never be accepted",
        (*one, "--accept", "still-written", "--because", WHY): "can never be accepted",
        (*one, "--accept", "size", "--because", "x" * 2001): "2,001 characters",
    }
    for arguments, words in bad.items():
        _, told = bench.run(*publish, *arguments, check=2)
        assert words in told, (arguments, told)
        assert "Remedy:" in told
    with pytest.raises(UsageError, match="one session at a time; 2"):
        publication.ArchivedRawEphys.populate(accept="size", because=WHY)
    assert not bench.rig.tasks()

    # A rule that is not the one that is broken changes nothing, and that is said.
    _, told = bench.run(*publish, *one, "--accept", "frames", "--because", WHY, check=3)
    assert "Nothing was accepted under frames" in told
    assert "refused" in told
    bench.assert_untouched(cut)
    two = ("--subject", "SC038", "--session", str(bench.keys["good"][1]))
    document = bench.command(*two, "--accept", "size", "--accept", "checksum", "--because", WHY, check=0)
    assert document["sessions"]["good"]["state"] == "archived"
    assert document["nothing_accepted_under"] == ["checksum", "size"]
    assert "accepted" not in _row(bench.keys["good"])["evidence"]
    bench.assert_archived(good)

    # A dry run reads nothing: it says what would be compared.
    write(good / "SC038_050220_g0_imec1/SC038_050220_g0_t0.imec1.ap.bin", only(good, "*imec0.ap.bin").read_bytes())
    write(good / "SC038_050220_g0_imec1/SC038_050220_g0_t0.imec1.ap.meta", only(good, "*imec0.ap.meta").read_bytes())
    dry = bench.command(*two, "--accept", "checksum", "--because", WHY, "--dry-run", check=0)
    assert dry["nothing_accepted_under"] == []
    (compared,) = [d for d in dry["sessions"]["good"]["details"] if d["action"] == "hash"]
    assert compared["file"].endswith("imec1.ap.bin")
    new = sum(path.stat().st_size for path in bench.here(good).values() if "imec1" in path.name)
    assert dry["forecast"]["bytes_to_read"] == dry["forecast"]["bytes_to_send"] == new

    # What is never acceptable is not offered, and stays refused beside what is.
    os.mkfifo(cut / "pipe")
    row = bench.command(*one, "--accept", "size", "--because", WHY, check=3)["sessions"]["cut"]
    assert row["state"] == "refused"
    assert "--accept" not in row["remedy"]
    bench.assert_untouched(cut)
    (cut / "pipe").unlink()
    key = {"subject_id": bench.keys["cut"][0], "session": bench.keys["cut"][1]}
    report = publication.ArchivedRawEphys.populate(key, accept="size", because=WHY)
    assert [outcome.state for outcome in report.outcomes] == ["archived"]
    bench.assert_archived(cut)


def test_the_rules_are_listed(bench):
    table, _ = bench.run("publication-publish", "--accept", "help", check=0)
    for rule in RULES:
        assert rule.name in table
    listed = json.loads(bench.run("publication-publish", "--accept", "help", "--format", "json", check=0)[0])
    assert {row["name"] for row in listed if row["acceptable"]} == {rule.name for rule in RULES if rule.acceptable}


def test_four_probes_of_which_one_failed(bench):
    """The other three are as safe as any, and what is wrong with the fourth is written beside them."""
    from dataclasses import replace

    bench.enter("four", DAY.date(), f"{DAY:%H:%M:%S}")
    probes = tuple(replace(PROBE, number=number) for number in range(4))
    folder = bench.ephys / "SC038/SC038_050120_g0"
    write_recording(folder, "SC038_050120", probes=probes, start=DAY, seconds=0.01, channels=2, nidq=False)
    write(only(folder, "*imec2.ap.bin"), b"")
    edit(only(folder, "*imec2.ap.meta"), **CRASHED)
    report = bench.publish()
    assert bench.outcomes(report)["four"].state == "refused"
    remedy = bench.outcomes(report)["four"].remedy
    assert "--accept empty --accept still-recording" in remedy
    report = bench.publish({"session": 1}, accept=["empty", "still-recording"], because="probe 2 lost its headstage")
    assert bench.outcomes(report)["four"].state == "archived"
    bench.assert_archived(folder)
    sources = {row["file_subpath"]: row["sha1_source"] for row in bench.indexed().values()}
    claimed = {name.rsplit("imec", 1)[1][0] for name, source in sources.items() if source == "meta"}
    assert claimed == {"0", "1", "3"}
