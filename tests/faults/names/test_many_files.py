"""Sessions of very many files: few calls, and memory that grows by little for each file.

A million files fit where each costs some thousand bytes. The numbers here are small; what is measured is the growth.
"""

from __future__ import annotations

import os
import tracemalloc

import pytest

from pipeline import publication
from pipeline.retrieving import retrieve
from pipeline.verifying import verify
from tests.integration.discover.losing import PUBLICATION, discover, drop, rows
from tests.integration.publish.bench import EPHYS

FEW, MANY = 100, 1100
MOST = {"publish": 8000, "discover": 4000, "verify": 4000, "retrieve": 8000}
"""Bytes of memory that a file more may cost; a million files then need as many gigabytes as here thousands."""


def fill(folder, count):
    """Put many files into one folder, and some into a deep tree."""
    place = folder / "imec0_ks2"
    place.mkdir()
    deep = folder
    for number in range(count):
        if number < 60:
            deep = deep / "deep"
            deep.mkdir()
        path = (place if number >= 60 else deep) / f"{number}.npy"
        path.write_bytes(b"%d" % number)
        os.utime(path, (1e9, 1e9))


def peak(work):
    """Return how much memory some work takes at most (bytes)."""
    tracemalloc.start()
    try:
        assert work().whole
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.fault(39)
@pytest.mark.slow
def test_memory_grows_by_little_for_each_file(bench):
    costs = {}
    table = publication.ArchivedRawEphys
    for count in (FEW, MANY):
        name = f"{count} files"
        folder = bench.session(name)
        fill(folder, count)
        only = {"session": bench.keys[name][1]}
        to = bench.rig.folder / name
        costs["publish", count] = peak(lambda only=only: bench.publish(only))
        costs["verify", count] = peak(lambda only=only: verify(bench.rig.settings, bench.rig.globus, (table & only,)))
        lost = rows(*PUBLICATION)
        drop(bench.rig, "publication")
        costs["discover", count] = peak(lambda only=only: discover(bench.rig, only, types=EPHYS))
        discover(bench.rig, types=EPHYS)
        assert rows(*PUBLICATION) == lost
        costs["retrieve", count] = peak(
            lambda only=only, to=to: retrieve(bench.rig.settings, bench.rig.globus, (table & only,), to=to, via="https")
        )
        assert len([path for path in to.rglob("*") if path.is_file()]) == count + 2
    growth = {verb: (costs[verb, MANY] - costs[verb, FEW]) / (MANY - FEW) for verb in MOST}
    assert {verb: cost for verb, cost in growth.items() if cost > MOST[verb]} == {}, growth
