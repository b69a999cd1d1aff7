"""The words of a report: what needs a person first, 80 columns, nothing that forges a line."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from pipeline.morning.report import TITLES, Done, Looked, MorningReport, Need, Sign, Waiting
from pipeline.morning.words import SHOWN, WIDTH

NOW = datetime.fromisoformat("2026-11-22T13:00")
SINCE = datetime.fromisoformat("2026-11-21T05:00")
NEW_YORK = ZoneInfo("America/New_York")

QUIET = MorningReport(
    "desk",
    NOW,
    SINCE,
    NEW_YORK,
    done=(Done("rig-1", 4, 1_200_000_000_000), Done("rig-2", reclaimed=2, reclaimed_bytes=300_000_000_000)),
    looked=Looked(40, 0, 400, 2_000_000_000_000),
    waiting=Waiting(2, 300_000_000_000, 3.2, {"queued": 1, "in flight": 1}),
    computers=(Sign("rig-1", NOW, "publish", "done"), Sign("rig-2", SINCE, "reclaim", "done")),
)
TROUBLE = MorningReport(
    "desk",
    NOW,
    SINCE,
    NEW_YORK,
    needs=(
        Need("missed", "rig-2", "a round was due Sat 21 Nov 22:00; the last one was seen Fri 20 Nov 23:14", "go there"),
        Need("refused", "SC038 session 3 of 2026-11-20, raw-ephys", "on rig-1: x.bin is empty", "mapshell doctor"),
    ),
    computers=(Sign("rig-2", SINCE, "publish", "done", free=10**12, late="a round was due Sat 21 Nov 22:00"),),
)

LETTERS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=300)
NEEDS = st.builds(Need, st.sampled_from(sorted(TITLES)), LETTERS, LETTERS, LETTERS)


def test_a_quiet_morning_is_about_five_lines():
    assert QUIET.text.splitlines() == [
        "Nothing needs a person  (Sun 22 Nov 08:00)",
        "Since Sat 21 Nov 00:00: rig-1 archived 4 sessions (1.2 TB); rig-2 reclaimed",
        "  2 sessions (300.0 GB); compared with the archive: 40 sessions, 400 files",
        "  (2.0 TB) read back; nothing differs.",
        "Waiting: 2 sessions (300.0 GB), 1 queued, 1 in flight; about 3 h 10 min at the",
        "  recent speed.",
        "Seen: rig-1 Sun 22 Nov 08:00; rig-2 Sat 21 Nov 00:00.",
    ]
    assert QUIET.whole
    assert QUIET.subject == "mapshell: nothing needs a person"


def test_what_needs_a_person_comes_first_with_its_remedy():
    assert TROUBLE.text.splitlines() == [
        "2 things need a person  (Sun 22 Nov 08:00)",
        "",
        "  rig-2: a round is missing",
        "    a round was due Sat 21 Nov 22:00; the last one was seen Fri 20 Nov 23:14",
        "    -> go there",
        "",
        "  SC038 session 3 of 2026-11-20, raw-ephys: refused",
        "    on rig-1: x.bin is empty",
        "    -> mapshell doctor",
        "",
        "Since Sat 21 Nov 00:00: nothing was archived.",
        "Waiting: nothing.",
        "Computers:",
        "  rig-2: seen Sat 21 Nov 00:00, publish done, 1.0 TB free, a round is missing",
    ]
    assert not TROUBLE.whole
    assert TROUBLE.subject == "mapshell: rig-2: a round is missing, and 1 more"


def test_many_of_one_kind_are_counted():
    needs = tuple(Need("refused", f"session {n}", "bad", "see") for n in range(SHOWN + 5))
    text = MorningReport("desk", NOW, SINCE, NEW_YORK, needs=needs).text
    assert f"session {SHOWN - 1}:" in text
    assert f"session {SHOWN}:" not in text
    assert "and 5 more: refused" in text


def test_a_command_stays_whole():
    remedy = (
        "see that rig-2 is on, and connected to the network; then on rig-2: mapshell publication-publish --since 2d"
    )
    text = MorningReport("desk", NOW, SINCE, NEW_YORK, needs=(Need("missed", "rig-2", "x", remedy),)).text
    assert "mapshell publication-publish --since 2d\n" in text


@given(st.lists(NEEDS, max_size=4), LETTERS)
def test_no_name_forges_a_line_or_steers_the_terminal(needs, computer):
    report = MorningReport(
        "desk", NOW, SINCE, NEW_YORK, needs=tuple(needs), computers=(Sign(computer, NOW),), done=(Done(computer, 1),)
    )
    text = report.text
    assert all(c == "\n" or c.isprintable() or c not in "\x1b\r\x85\u2028\u2029" for c in text)
    assert "\n" not in report.subject
    marked = [line for line in text.split("\n") if line.startswith("    -> ")]
    assert len(marked) <= len(needs)


@given(st.lists(NEEDS.filter(lambda need: all(map(str.isascii, (need.who, need.what, need.remedy)))), max_size=3))
def test_no_line_is_longer_than_80_columns_but_for_long_words(needs):
    text = MorningReport("desk", NOW, SINCE, NEW_YORK, needs=tuple(needs)).text
    for line in text.split("\n"):
        assert len(line) <= WIDTH or len(max(line.split(" "), key=len)) > WIDTH - 10 or "`" in line
