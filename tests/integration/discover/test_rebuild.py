"""Publish, lose the index (or everything), discover: the rows are those that were lost."""

from __future__ import annotations

from pipeline import experiment, publication

from .losing import LAB, PUBLICATION, discover, drop, rows, store_everything


def test_the_index_is_rebuilt_row_for_row(rig):
    rig.publish()
    lost = rows(*PUBLICATION)
    assert all(lost[name] for name in PUBLICATION)
    drop(rig, "publication")
    assert not any(rows(*PUBLICATION[1:]).values())
    report = discover(rig)
    assert report.whole, repr(report)
    assert rows(*PUBLICATION) == lost
    again = discover(rig)
    assert again.whole
    assert {found.state for found in again.sessions} == {"known"}
    assert rows(*PUBLICATION) == lost


def test_after_the_loss_of_all_schemas_the_labs_rows_come_back_too(rig):
    store_everything(rig)
    rig.publish()
    kept = [table.keys() for table in (publication.ArchivedRawEphys(), publication.ArchivedTrackingVideo())]
    (experiment.Session() - [*kept[0], *kept[1]]).delete(prompt=False)  # no manifest tells of these
    lost = rows(*PUBLICATION, *LAB)
    assert [name for name, theirs in lost.items() if not theirs] == []
    drop(rig)
    assert not any(rows(*LAB, *PUBLICATION[1:]).values())
    without = discover(rig)
    assert str(without).startswith("Discovered: nothing new. Animals that the lab's tables do not know: ")
    would = discover(rig, create_sessions=True, dry_run=True)
    assert not any(rows(*LAB, *PUBLICATION[1:]).values())
    report = discover(rig, create_sessions=True)
    assert report.whole, repr(report)
    assert rows(*PUBLICATION, *LAB) == lost
    assert would.made == report.made
    assert report.made["experiment.Session"] == len(lost["experiment.Session"])
    assert [(found.who, found.alias, found.files) for found in would.sessions] == [
        (found.who, found.alias, found.files) for found in report.sessions
    ]
