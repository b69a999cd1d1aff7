"""Faults as data: what is accepted, what is refused in which words, and which requests, tasks and files are met."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapshell.demo.night import NIGHT
from mapshell.sandbox.fault_kinds import FIELDS, KINDS, fields_of
from mapshell.sandbox.faultbook import Entry
from mapshell.sandbox.faults import Fault, read_fault, read_faults
from pipeline.errors import UsageError

UUID = "00000000-0000-0000-0000-00000000000b"

# A good value for each field.
VALUES = {
    "method": st.sampled_from(["GET", "P*"]),
    "request": st.sampled_from(["*", "transfer/*", "*/ls"]),
    "collection": st.just(UUID),
    "label": st.text(min_size=1),
    "file": st.text(min_size=1),
    "after_files": st.integers(0, 9),
    "after_bytes": st.integers(0, 10**12),
    "after": st.integers(0, 9),
    "nth": st.integers(1, 9),
    "count": st.none() | st.integers(1, 9),
    "probability": st.floats(0.001, 1),
    "seed": st.integers(-9, 9),
    "status": st.integers(200, 599),
    "code": st.text(min_size=1),
    "message": st.text(min_size=1),
    "description": st.text(min_size=1),
    "retry_after": st.integers(0, 99),
    "extra": st.dictionaries(st.text(), st.integers()),
    "seconds": st.floats(0, 3600),
    "done": st.booleans(),
    "partial": st.booleans(),
    "how": st.sampled_from(["missing", "short", "flip"]),
    "bytes": st.integers(0, 10**15),
    "paths": st.lists(st.text(min_size=1)),
    "minutes": st.integers(1, 10**6),
    "mfa": st.booleans(),
    "domains": st.lists(st.just("lab.example")),
    "tokens": st.sampled_from(["access", "refresh", "all"]),
    "identity": st.just("rig@sandbox.example"),
}


@st.composite
def documents(draw):
    """Faults as somebody could write them."""
    kind = draw(st.sampled_from(list(KINDS)))
    fields = draw(st.sets(st.sampled_from(fields_of(kind)))) | set(KINDS[kind].needs)
    fields |= {"collection"} if KINDS[kind].scope == "collection" else set()
    if "nth" in fields:
        fields -= {"after", "count", "probability", "seed"}
    if "probability" not in fields:
        fields -= {"seed"}
    if KINDS[kind].scope in {"collection", "token"} and not fields & {"request", "method"}:
        fields -= {"count"}
    return {"kind": kind, **{name: draw(VALUES[name]) for name in sorted(fields)}}


def test_every_field_is_tried():
    assert set(VALUES) == set(FIELDS)
    assert {name for kind in KINDS for name in fields_of(kind)} == set(FIELDS)


@given(documents())
def test_what_is_written_is_read_again(document):
    fault = read_fault(document)
    again = read_fault(json.loads(json.dumps(fault.to_json())))
    assert again == fault
    assert all(
        getattr(fault, name) in (value, tuple(value) if isinstance(value, list) else value)
        for name, value in document.items()
    )


@pytest.mark.parametrize(
    ("document", "said", "remedy"),
    [
        ({"kind": "satus"}, "'satus' is no kind of fault. Did you mean 'status'?", "Kinds: status, delay"),
        ({"kind": "read_only", "collection": UUID}, "Did you mean 'read-only'?", "Kinds:"),
        ({"status": 500}, "is none", "Kinds:"),
        ([], "is none", "Kinds:"),
        ({"kind": "status"}, "needs 'status'", "from 200 to 599"),
        ({"kind": "offline"}, "needs 'collection'", "a UUID"),
        ({"kind": "offline", "collection": "rig"}, "'rig' is not a collection id", "sandbox status"),
        ({"kind": "status", "status": 99}, "status of the fault 'status' is 99", "from 200 to 599"),
        ({"kind": "status", "status": "500"}, 'is "500"', "a whole number"),
        ({"kind": "status", "status": True}, "is true", "a whole number"),
        ({"kind": "status", "status": 500, "retryafter": 1}, "Did you mean 'retry_after'?", "retry_after"),
        ({"kind": "status", "status": 500, "how": "flip"}, "no 'how'", "Its fields: status, code"),
        ({"kind": "lie", "how": "flop"}, 'is "flop"', "missing, short or flip"),
        ({"kind": "hold", "count": 0}, "count of the fault 'hold' is 0", "null for always"),
        ({"kind": "hold", "after": -1}, "is -1", "0 or more"),
        ({"kind": "hold", "label": ""}, 'is ""', "a text"),
        ({"kind": "hold", "nth": 3, "count": 2}, "nth 3 says when already", "Leave out"),
        ({"kind": "offline", "collection": UUID, "count": 2}, "at once, not so often", "add a request"),
        ({"kind": "token-revoked", "count": None}, "at once, not so often", "Leave out count"),
        ({"kind": "hold", "seed": 3}, "no dice", "probability"),
        ({"kind": "hold", "probability": 0}, "is 0", "above 0"),
        ({"kind": "hold", "probability": float("nan")}, "is NaN", "above 0"),
        ({"kind": "delay", "seconds": 1e9}, "is 1000000000.0", "3600"),
        ({"kind": "permission", "collection": UUID, "paths": "/x"}, 'is "/x"', "a list of texts"),
        ({"kind": "status", "status": 500, "extra": [1]}, "extra of", "a JSON object"),
    ],
)
def test_mistakes_name_the_field_the_value_and_what_is_allowed(document, said, remedy):
    with pytest.raises(UsageError) as caught:
        read_fault(document)
    assert said in caught.value.message
    assert remedy in caught.value.remedy


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[", "faults.json is no JSON"),
        ('{"kind": "html"}', "faults.json holds no list"),
        ('[{"kind": "html"}, {"kind": "htlm"}]', "Fault 2 of faults.json: 'htlm'"),
    ],
)
def test_a_bad_file_names_the_fault(text, said):
    with pytest.raises(UsageError, match=said):
        read_faults(text, "faults.json")


def test_a_file_is_a_list_of_faults():
    written = [{"kind": "html"}, {"kind": "skip", "file": "*.bin", "nth": 3}]
    assert read_faults(json.dumps(written), "-") == read_faults(json.dumps({"faults": written}), "-")
    assert read_faults("[]", "-") == []


@given(st.integers(), st.floats(0.01, 0.99))
def test_the_same_seed_throws_the_same_dice(seed, probability):
    one, other = (Fault("html", probability=probability, seed=seed, count=None) for _ in range(2))
    # Whatever was asked in between: the turn alone decides.
    thrown = [one.falls(turn) for turn in range(50)]
    assert [other.falls(turn) for turn in reversed(range(50))] == thrown[::-1]


def test_the_dice_are_fair_enough():
    fault = Fault("html", probability=0.3, seed=4, count=None)
    assert 200 < sum(fault.falls(turn) for turn in range(1000)) < 400


@pytest.mark.parametrize(
    ("fields", "struck"),
    [
        ({}, "x----"),
        ({"count": 2}, "xx---"),
        ({"count": None}, "xxxxx"),
        ({"after": 2}, "--x--"),
        ({"after": 1, "count": 2}, "-xx--"),
        ({"nth": 3}, "--x--"),
        ({"probability": 1.0}, "xxxxx"),
        ({"probability": 1.0, "count": 2, "after": 1}, "-xx--"),
    ],
)
def test_when_a_fault_strikes(fields, struck):
    entry = Entry(1, read_fault({"kind": "html", **fields}))
    assert "".join("x" if entry.strikes() else "-" for _ in struck) == struck
    assert Entry.from_json(json.loads(json.dumps(entry.to_json()))) == entry


LS = ("GET", "transfer/operation/endpoint/<id>/ls", f"/transfer/v0.10/operation/endpoint/{UUID}/ls")


@pytest.mark.parametrize(
    ("fields", "met"),
    [
        ({}, True),
        ({"method": "get"}, True),
        ({"method": "POST"}, False),
        ({"request": "transfer/operation/endpoint/<id>/ls"}, True),
        ({"request": "transfer/operation/endpoint/*/ls"}, True),
        ({"request": f"*/endpoint/{UUID}/*"}, True),
        ({"request": "transfer/operation/endpoint/[<]id>/ls"}, False),  # no character classes
        ({"request": "*/mkdir"}, False),
        ({"collection": UUID.upper()}, True),
        ({"collection": UUID.replace("b", "c")}, False),
    ],
)
def test_which_requests_are_met(fields, met):
    assert read_fault({"kind": "html", **fields}).meets_request(*LS) is met


def test_which_tasks_and_files_are_met():
    fault = read_fault({"kind": "lie", "label": "mapshell*", "collection": UUID.upper(), "file": "*.bin"})
    assert fault.meets_task("mapshell publish", (None, UUID))
    assert not fault.meets_task("mapshell publish", (None, None))
    assert not fault.meets_task(None, (UUID, None))
    assert fault.meets_file("/a.meta", "/b.bin")
    assert not fault.meets_file("/a.meta", "/b.meta")


def test_the_night_breaks_something_in_each_act_and_ends_well():
    assert len({act.visit for act in NIGHT}) == len(NIGHT)
    assert all(act.faults and act.expected[-1] == "archived" for act in NIGHT)
    assert all(act.kill == ("killed" in act.expected) for act in NIGHT)


def test_the_file_of_the_manual_is_accepted():
    text = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")
    assert len(read_faults(text.partition("```json5\n")[2].partition("```")[0], "docs/sandbox.md")) == 4
