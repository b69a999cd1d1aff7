"""When a disk is called nearly full."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from pipeline.board.computers import DiskState
from pipeline.board.disks import Disk
from pipeline.board.filling import Filling, by_free
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


NOW = datetime.fromisoformat("2026-11-20T12:00")


def sampled(freed_on):
    """Return the free space of ten days: 100 are written each day, and on some days as much comes back."""
    free, samples = 1000, []
    for day in range(10):
        at = NOW - timedelta(days=9 - day)
        samples.append((at - timedelta(hours=2), free - 100))
        free -= 0 if day in freed_on else 100
        samples.append((at, free))
    return samples


@pytest.mark.parametrize(
    ("freed_on", "per_day"),
    [
        ((), 100),
        ((4,), 100),  # once: who knows whether it ever comes back
        ((4, 5), 100),
        ((1, 2, 3, 4), 100),  # and nobody does it any more
        (tuple(range(10)), 0),  # each night
        ((2, 5, 8), 70),
    ],
)
def test_room_that_comes_back_regularly_counts(freed_on, per_day):
    told = by_free(sampled(freed_on), NOW)
    assert told.per_day == pytest.approx(per_day, rel=0.15, abs=12)
    assert ("freed regularly" in told.by) == (per_day < 100)
    assert (told.days is None) == (per_day == 0)
