"""A session that is split over two gates, at once or later; what nobody can know is left to a person who can tell."""

from datetime import timedelta

from tests.integration.publish.bench import DAY

RUN = "SC038_050120"
LATER = DAY + timedelta(hours=3)


def test_both_gates_belong_to_the_session(each_bench):
    bench = each_bench
    bench.enter("one", DAY.date(), "10:00:00")
    bench.enter("two", DAY.date(), "17:00:00")
    first = bench.record(RUN, DAY)
    assert bench.outcomes(bench.publish())["one"].state == "archived"
    second = bench.record(RUN, LATER, gate=1)  # after the first was archived: it follows its run all the same
    report = bench.publish()
    assert report.whole
    assert bench.outcomes(report)["one"].folders == (f"SC038/{RUN}_g0", f"SC038/{RUN}_g1")
    bench.assert_archived(first, second)


def test_a_gate_that_began_with_another_session_is_left_to_a_person(bench):
    bench.enter("one", DAY.date(), "10:00:00")
    bench.enter("two", DAY.date(), "13:00:00")
    first, second = bench.record(RUN, DAY), bench.record(RUN, LATER, gate=1)
    for _ in range(2):  # whether or not the first is archived already
        document = bench.command(check=3)
        assert document["sessions"]["one"]["state"] == "archived"
        (stray,) = document["folders_without_session"]
        assert stray["folder"] == f"SC038/{RUN}_g1"
        assert "it is a further gate of the run that began with session 1" in stray["reason"]
        assert "it began with session 2 of SC038 (2020-05-01 13:00:00) itself" in stray["reason"]
        assert "`mapshell session-ident SC038 1 --none`" in stray["remedy"]
    bench.assert_archived(first)
    bench.assert_untouched(second)

    # It is the second session's: renamed, as the remedy says.
    second = second.rename(second.with_name(f"{RUN}_afternoon_g1"))
    report = bench.publish()
    assert report.whole
    assert bench.outcomes(report)["two"].folders == (f"SC038/{RUN}_afternoon_g1",)
    bench.assert_archived(first, second)


def test_the_same_gate_given_to_the_session_of_its_run(bench):
    bench.enter("one", DAY.date(), "10:00:00")
    bench.enter("two", DAY.date(), "13:00:00")
    first, second = bench.record(RUN, DAY), bench.record(RUN, LATER, gate=1)
    bench.run("session-ident", "SC038", "1", "--none", check=0)
    assert bench.outcomes(bench.publish())["one"].folders == (f"SC038/{RUN}_g0", f"SC038/{RUN}_g1")
    bench.assert_archived(first, second)


def test_gates_of_a_run_whose_start_fits_no_session(bench):
    bench.enter("one", DAY.date(), "07:00:00")
    bench.enter("two", DAY.date(), "17:00:00")
    folders = bench.record(RUN, DAY), bench.record(RUN, LATER, gate=1)
    strays = bench.command(check=3)["folders_without_session"]
    assert [stray["folder"] for stray in strays] == [f"SC038/{RUN}_g0", f"SC038/{RUN}_g1"]
    assert "its recording began at 10:00:00, not within 10 min" in strays[0]["reason"]
    assert "its run began at 10:00:00, not within 10 min" in strays[1]["reason"]
    assert all("`mapshell session-ident SC038 N --none`" in stray["remedy"] for stray in strays)
    bench.run("session-ident", "SC038", "2", "--none", check=2)  # the first of the day has none already
    bench.run("session-ident", "SC038", "1", "first", check=0)
    bench.run("session-ident", "SC038", "2", "--none", check=0)
    assert bench.outcomes(bench.publish())["two"].state == "archived"
    bench.assert_archived(*folders)
