"""When a disk is called nearly full."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from pipeline.board.disks import Disk
from pipeline.morning import needs
from pipeline.morning.lateness import Turn

NOW = datetime.fromisoformat("2026-11-20T12:00:00")
WEEK = timedelta(days=7)


@pytest.mark.parametrize(
    ("free", "size", "scarce"),
    [
        (1_900_000_000, 4_000_000_000_000, True),
        (2_100_000_000, 4_000_000_000_000, False),
        (1_900_000_000, 4_000_000_000, False),  # a small disk is not nearly full for being small
        (190_000_000, 4_000_000_000, True),
        (1_900_000_000, None, True),
    ],
)
def test_a_disk_is_nearly_full_by_its_room_and_by_its_size(free, size, scarce):
    seen = NOW - timedelta(hours=3)
    turn = Turn("rig-a", "publish", "all", seen, seen, "done", disks=(Disk("/data", free, size),))
    found = list(needs.of_disks({"rig-a": [turn]}, NOW, WEEK))
    assert [(each.kind, each.who) for each in found] == [("disk", "rig-a")] * scarce
