"""The table of rules is complete, and what may be accepted is said the same way everywhere."""

import ast
import itertools
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import pipeline
from pipeline.archive.acceptance import (
    Acceptance,
    as_evidence,
    checked_reason,
    checked_rules,
    divided,
    records_in,
    with_command,
)
from pipeline.archive.acceptance_rules import ACCEPTABLE, BY_NAME, RULES
from pipeline.archive.scan import Defect
from pipeline.archive.session import SessionRef
from pipeline.errors import UsageError

REF = SessionRef(480133, 3, "SC038", date(2019, 11, 19))
WHERE = ("integrity", "scan", "find", "gate", "identity", "depart", "submit", "renamed", "check", "resume")


def named_in(tree):
    """Yield the rules that code names: first argument of ``Defect(...)`` and of ``add(...)``, where it is a text."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Defect", "add") and node.args:
            rule = node.args[0]
            if isinstance(rule, ast.Constant):
                yield rule.value


def test_every_rule_of_the_gate_is_in_the_table_and_the_other_way_round():
    base = Path(pipeline.__file__).parent
    files = [base / "spikeglx.py", *(base / "archive" / f"{name}.py" for name in WHERE)]
    named = set(itertools.chain.from_iterable(named_in(ast.parse(file.read_text("utf-8"))) for file in files))
    assert named | {"folder"} == set(BY_NAME)  # "folder" is made in not_published.py
    assert len(BY_NAME) == len(RULES)
    assert all(rule.words and rule.why for rule in RULES)
    assert not ACCEPTABLE & {"still-written", "changing", "vanished", "link", "special-file", "unreadable", "name"}


def test_names_of_rules_are_checked():
    assert checked_rules(["size", " FRAMES", "bin_without_meta"]) == {"size", "frames", "bin-without-meta"}
    for name, hint in (
        ("framez", "did you mean frames"),
        ("still-record", "still-recording"),
        ("qqq", "--accept help"),
    ):
        with pytest.raises(UsageError) as error:
            checked_rules(["size", name])
        assert hint in error.value.remedy
    for rule in RULES:
        if not rule.acceptable:
            with pytest.raises(UsageError, match="can never be accepted"):
                checked_rules([rule.name])


@given(st.text(max_size=100))
def test_a_reason_is_one_line_that_any_database_stores_or_refused(text):
    try:
        said = checked_reason(text)
    except UsageError:
        return
    assert said
    assert said.split() == text.split()
    assert "\n" not in said
    assert "\0" not in said
    said.encode("utf-8")


@pytest.mark.parametrize("text", ["", " \n\t", "a\0b", "half \ud800", "x" * 2001])
def test_reasons_that_are_none(text):
    with pytest.raises(UsageError):
        checked_reason(text)


def defect(rule, subpath="SC038/a.bin"):
    return Defect(rule, subpath, "what is wrong", "mend it.")


@given(st.lists(st.sampled_from(sorted(BY_NAME)), min_size=1, max_size=5), st.sets(st.sampled_from(sorted(ACCEPTABLE))))
def test_the_command_is_offered_only_where_it_would_work(rules, beyond):
    defects = [defect(rule) for rule in rules]
    first, *rest = with_command(defects, beyond, REF, "ephys")
    assert rest == defects[1:]
    if set(rules) <= ACCEPTABLE:
        options = " ".join(f"--accept {rule}" for rule in sorted({*rules, *beyond}))
        assert first.remedy == (
            "mend it. To archive it as it is: `mapshell publication-publish --type ephys --subject SC038 --session 3 "
            f'{options} --because "WHY"`.'
        )
        remaining, accepted = divided(defects, checked_rules(set(rules)))
        assert (remaining, accepted) == ((), tuple(defects))
    else:
        assert first == defects[0]


def test_a_record_says_everything():
    asked = []

    def person():
        asked.append(1)
        return {"identity": "i", "username": "kim@lab.org"}

    acceptance = Acceptance(frozenset({"checksum", "size"}), "why", "kim", "rig-1", person)
    assert acceptance.records([], {}, generation=1, at=datetime.fromisoformat("2026-01-01T12:00:00")) == []
    assert not asked
    (record,) = acceptance.records(
        [defect("checksum")],
        {"SC038/a.bin": "f" * 40},
        generation=2,
        at=datetime.fromisoformat("2026-01-01T12:00:00.5"),
    )
    assert record == {
        "rule": "checksum",
        "file": "SC038/a.bin",
        "found": "what is wrong",
        "because": "why",
        "by": {"identity": "i", "username": "kim@lab.org", "account": "kim", "computer": "rig-1"},
        "at": "2026-01-01T12:00:00Z",
        "generation": 2,
        "meta_sha1": "f" * 40,
    }
    assert records_in(as_evidence([record])) == [record]
    assert acceptance.unused == ("checksum", "size")


@pytest.mark.parametrize("evidence", [None, {}, {"accepted": None}, {"accepted": "size"}, {"accepted": ["size", 3]}])
def test_evidence_of_others_holds_no_records(evidence):
    assert records_in(evidence) == []
    assert as_evidence(records_in(evidence)) == {}
