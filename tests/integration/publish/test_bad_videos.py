"""Videos have no metas that could contradict them; what can be wrong with them is refused all the same."""

import os
import sys
from datetime import timedelta

import pytest

from .bench import DAY, write

VIDEO = ("video",)


@pytest.mark.skipif(sys.platform == "win32", reason="makes links: POSIX")
def test_videos_that_cannot_be_archived_are_named_and_the_others_are_archived(bench):
    files = {}
    for number, name in enumerate(("good", "linked", "being written", "empty folder", "other layout")):
        day = DAY + timedelta(days=number)
        bench.enter(name, day.date())
        date = f"{day:%Y-%m-%d}" if name == "other layout" else f"{day:%m%d%Y}"
        files[name] = write(bench.rig.rig / f"video/SC038/{date}/video/SC038_side_1-0000.avi", b"RIFF" + b"\0" * 100)
    (files["linked"].parent / "SC038_side.txt").symlink_to("nowhere")
    os.utime(files["being written"])
    files["empty folder"].unlink()

    report = bench.rig.publish(types=VIDEO)
    outcomes = bench.outcomes(report)
    assert {name: outcome.state for name, outcome in outcomes.items()} == {
        "good": "archived",
        "linked": "refused",
        "being written": "recording",
        "empty folder": "refused",
        "other layout": "archived",
    }
    assert "SC038_side.txt" in outcomes["linked"].reason
    assert files["being written"].name in outcomes["being written"].reason
    assert "SC038/05042020" in outcomes["empty folder"].reason
    assert not report.whole
    expected = {f"video/{files[n].relative_to(bench.rig.rig / 'video').as_posix()}" for n in ("good", "other layout")}
    assert set(bench.rig.archived()) == expected
    assert {f"video/{subpath}" for subpath in bench.indexed()} == expected
