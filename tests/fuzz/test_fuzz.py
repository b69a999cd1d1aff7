"""The short form of ``scripts/fuzz.py``, whatever once broke a reader, and the watchdog itself."""

from __future__ import annotations

import textwrap

import pytest

from .loop import feed, seeds_of
from .supervise import Bounds, supervise
from .targets import TARGETS, outcome

INPUTS = {"meta": 500, "listing": 200, "settings": 400, "manifest": 250, "name": 400}


@pytest.mark.parametrize("name", TARGETS)
def test_what_once_broke_a_reader_breaks_it_no_more(name):
    target = TARGETS[name]
    with target.opened() as run:
        for path in seeds_of(name):
            outcome(run, path.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_hostile_bytes_are_read_or_refused_in_words(name):
    tally = feed(TARGETS[name], seed=1, inputs=INPUTS[name])
    assert not tally.crashes, "\n".join(f"{words}\n{data!r}" for words, data in tally.crashes.values())
    assert tally.inputs == INPUTS[name]
    assert len(tally.outcomes) > 5
    assert any(how.startswith("read") for how in tally.outcomes)


_BAD = """
import contextlib, time
from fuzz.targets import Target, require

def hangs(data):
    while b"hang" in data:
        pass
    return "fine"

def grows(data):
    kept = []
    while b"grow" in data:
        kept.append(bytearray(2**24))
        time.sleep(0.001)
    return "fine"

def dies(data):
    if b"die" in data:
        import os
        os._exit(7)
    return "fine"

def breaks(data):
    require(b"break" not in data, "it broke")
    return "fine"

def target(name, word, run):
    return Target(name, lambda: [b"sound", word], lambda: contextlib.nullcontext(run))

TARGETS = {
    "hangs": target("hangs", b"hang", hangs),
    "grows": target("grows", b"grow", grows),
    "dies": target("dies", b"die", dies),
    "breaks": target("breaks", b"break", breaks),
}
"""


@pytest.mark.parametrize(
    ("name", "word", "said"),
    [
        ("hangs", b"hang", "hung"),
        ("grows", b"grow", "grew"),
        ("dies", b"die", "exit code 7"),
        ("breaks", b"break", "it broke"),
    ],
)
def test_the_watchdog_names_the_input_that_breaks_a_reader(tmp_path, name, word, said):
    module = tmp_path / "bad.py"
    module.write_text(textwrap.dedent(_BAD))
    heard = []
    report = supervise(
        name,
        seed=1,
        inputs=2,
        bounds=Bounds(seconds=1 if name == "hangs" else 60, memory=300 * 2**20),
        module=str(module),
        seeds=tmp_path / "seeds",
        say=heard.append,
    )
    (finding,) = report.hangs if name == "hangs" else report.crashes
    assert said in finding["where"]
    assert [path.read_bytes() for path in seeds_of(name, tmp_path / "seeds")] == [word]
    assert repr(word) in heard[0]
