"""When a disk is called nearly full."""

from __future__ import annotations

import pytest

from pipeline.board.computers import DiskState
from pipeline.board.disks import Disk
from pipeline.board.filling import Filling
from pipeline.morning import needs


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
    found = list(needs.of_disks({"rig-a": [DiskState(Disk("/data", free, size))]}, within=7))
    assert [(each.kind, each.who) for each in found] == [("disk", "rig-a")] * scarce


@pytest.mark.parametrize(("days", "told"), [(None, False), (7.1, False), (7.0, True), (0.2, True)])
def test_a_disk_is_told_when_it_is_full_soon(days, told):
    state = DiskState(Disk("/data", 10**13, 10**14), Filling(10**12, days, "free space of the last 14 days"))
    found = list(needs.of_disks({"rig-a": [state]}, within=7))
    assert bool(found) == told
    assert all("free space of the last 14 days" in each.what for each in found)
