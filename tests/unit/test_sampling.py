"""The sample that is looked for at an archive's new place: from all datasets, few folders, the same every time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.archive.sampling import folder, folders, in_order

NAMES = st.sampled_from([f"ephys-{n}-0001" for n in range(8)])
FILES = st.dictionaries(
    NAMES, st.sets(st.builds("SC/{}/{}".format, st.integers(0, 4), st.integers(0, 9)), min_size=1, max_size=12)
)


def of_their_own(files):
    """Let every dataset have folders of its own, as in an archive."""
    return {name: {f"{name}/{each}" for each in some} for name, some in files.items()}


@given(FILES, st.integers(1, 60), st.integers(0, 3))
def test_the_sample(files, most, seed):
    files = of_their_own(files)
    drawn = folders(files, most, seed)
    everything = {subpath for some in files.values() for subpath in some}
    assert drawn <= {folder(subpath) for subpath in everything}
    assert len(drawn) <= most
    seen = [name for name, some in files.items() if {folder(each) for each in some} & drawn]
    assert len(seen) == min(most, len(files))
    assert sum(folder(subpath) in drawn for subpath in everything) >= min(most, len(everything))
    again = {name: sorted(some, reverse=True) for name, some in reversed(files.items())}
    assert folders(again, most, seed) == drawn


@given(st.sets(NAMES), NAMES, st.integers(0, 5))
def test_what_comes_later_does_not_change_the_order_of_the_others(names, new, seed):
    assert [each for each in in_order(names | {new}, seed) if each != new] == in_order(names - {new}, seed)


def test_another_seed_draws_others():
    names = [f"ephys-{n}-0001" for n in range(100)]
    assert len({tuple(in_order(names, seed)) for seed in range(5)}) == 5
