"""What a dry run foretells, and which probes files are of."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.archive.journal import Outcome
from pipeline.forecast import Move, about, forecast, speed
from pipeline.insertions import insertion_numbers

BEGIN = datetime.fromisoformat("2026-01-01T00:00:00")


def move(began, seconds, size):
    start = BEGIN + timedelta(seconds=began)
    return Move(start, start + timedelta(seconds=seconds), size)


def planned(send, read):
    files = 1 if send else 0
    return Outcome(
        (1, 1), "SC038", "2026-01-01", "raw-ephys", (), "queued", to_send_files=files, to_send_bytes=send,
        to_read_bytes=read,
    )  # fmt: skip


@given(st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 500), st.integers(0, 10**9)), max_size=20))
def test_the_speed_counts_each_second_once(moves):
    seconds = {second for began, length, _ in moves for second in range(began, began + max(length, 1))}
    total = sum(size for _, _, size in moves)
    found = speed([move(*each) for each in moves])
    if total == 0:
        assert found is None
    else:
        assert found == pytest.approx(total / len(seconds))


def test_a_forecast_says_what_it_knows():
    assert forecast([planned(0, 0)], []) is None
    unknown = forecast([planned(5_000_000_000, 1_000_000_000)], [])
    assert (unknown.to_send, unknown.to_read, unknown.seconds) == (5_000_000_000, 1_000_000_000, None)
    assert str(unknown) == (
        "To read here for checksums: 1.0 GB. How long it takes is not known: this computer has not yet sent anything "
        "that was timed."
    )
    past = [move(0, 100, 5_000_000_000), move(50, 100, 2_500_000_000)]  # 50 MB/s, two at a time
    known = forecast([planned(180_000_000_000, 1_000_000_000)], past)
    assert (known.seconds, known.speed, known.transfers) == (3600, 50_000_000, 2)
    assert str(known).endswith("Expected time: about 1 h, at the 50.0 MB/s of the last 2 transfers.")
    limited = forecast([planned(180_000_000_000, 90_000_000_000)], past, 10)
    assert limited.seconds == 9000  # reading takes longer than sending
    only_read = forecast([planned(0, 100)], past)
    assert only_read.seconds == 0


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "less than a minute"),
        (59.9, "less than a minute"),
        (90, "about 2 min"),
        (3599, "about 1 h"),
        (3540, "about 59 min"),
        (4000, "about 1 h 5 min"),
        (86_400, "about 24 h"),
        (200_000, "about 2 days"),
    ],
)
def test_times_as_people_say_them(seconds, words):
    assert about(seconds) == words


def test_probes_of_files():
    run = "SC038/SC038_111919_g0"
    assert insertion_numbers([]) == set()
    assert insertion_numbers([f"{run}/SC038_111919_g0_t0.nidq.bin", f"{run}/notes.txt"]) == set()
    assert insertion_numbers([f"{run}/SC038_111919_g0_imec0/SC038_111919_g0_t0.imec0.ap.bin"]) == {1}
    assert insertion_numbers([f"{run}/SC038_111919_g0_t0.imec2.lf.meta"]) == {3}  # flat
    assert insertion_numbers([f"{run}/SC038_111919_g0_imec1/imec1_ks2/spike_times.npy"]) == {2}
    assert insertion_numbers([f"{run}/SC038_111919_g0_imec1/SC038_111919_g0_t0.imec1023.ap.bin"]) == {2, 3}  # shank 3
