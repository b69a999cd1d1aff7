"""The catalogue of refusals is complete and its commands are commands; the nearest names are near."""

from __future__ import annotations

import ast
import inspect
import shlex
from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pipeline
from mapshell.cli import cli, command_names
from pipeline import errors
from pipeline.archive.acceptance_rules import RULES
from pipeline.archive.matching_types import MATCHING
from pipeline.archive.reclaiming.rules import PROOFS
from pipeline.archive.walk import session_folders, withheld
from pipeline.why.nearest import likeness, nearest
from pipeline.why.refusals import CATALOGUE, GIVING, STAGES, filled, proof_rule

FACTS = {
    "type": "ephys",
    "subject": "SC038",
    "session": "3",
    "date": "2019-11-19",
    "alias": "raw-ephys",
    "ident": "115124",
    "drive": "/media/me/BACKUP 3",
}


def parsed(line: str) -> click.Context:
    """Parse a command line by the real group, as far as its arguments go; nothing runs."""
    program, *args = shlex.split(line)
    assert program == "mapshell", line
    group: click.Command = cli
    context = click.Context(cli, info_name="mapshell")
    while isinstance(group, click.Group):
        name, *args = args or [""]
        found = group.get_command(context, name)
        if found is None:
            assert group.invoke_without_command, f"{line}: there is no command {name!r}"
            break
        if not args and isinstance(found, click.Group):
            return context  # the group itself says what there is
        context = click.Context(found, info_name=name, parent=context)
        group = found
    group.parse_args(context, list(args))
    return context


@pytest.mark.parametrize("rule", sorted(CATALOGUE))
def test_every_refusal_has_a_command_that_the_program_takes(rule):
    entry = CATALOGUE[rule]
    assert entry.stage in STAGES
    assert entry.words
    assert entry.words[0] == entry.words[0].lower() or entry.words.startswith(("Globus", "SHA1"))
    assert bool(entry.commands) == (rule not in GIVING)
    for template in entry.commands:
        line = filled(template, {**FACTS, "rule": rule})
        assert "{" not in line
        assert parsed(line) is not None
        assert line.split()[1] in command_names()


def test_every_rule_of_the_product_is_in_the_catalogue():
    own = {cls("x", remedy="y").kind for _, cls in inspect.getmembers(errors, inspect.isclass)}
    wanted = {
        *(rule.name for rule in RULES),
        *MATCHING,
        *map(proof_rule, PROOFS),
        *own,
        session_folders.ROOT,
        session_folders.UNLISTABLE,
        session_folders.LINK,
        session_folders.NAME,
        withheld.TAKEN,
        withheld.FURTHER,
    }
    assert wanted <= set(CATALOGUE)


def test_every_defect_and_folder_that_the_engine_names_is_in_the_catalogue():
    """Read from the source: the first word of each Defect, and each rule that an outcome or folder is given."""
    found = set()
    for file in Path(pipeline.__file__).parent.rglob("archive/**/*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", "")
            first = node.args[0] if node.args else None
            if name in ("Defect", "Refusal") and isinstance(first, ast.Constant):
                found.add(first.value)
            found |= {
                word.value.value
                for word in node.keywords
                if word.arg == "rule" and isinstance(word.value, ast.Constant) and name in ("outcome", "Stray")
            }
    assert {"conflict", "unseen", "M0", "no-files"} <= found
    assert found <= set(CATALOGUE)


def test_what_only_the_person_knows_stays_in_capitals():
    assert filled("mapshell publication-publish --root {drive}", {"drive": ""}).endswith("--root DRIVE")
    assert filled("mapshell why {subject}", {"subject": "SC 038"}) == "mapshell why 'SC 038'"


NAMES = st.text("abcdeSC0123456789_g/", min_size=1, max_size=24)


@given(st.sets(NAMES, min_size=1, max_size=5), st.sets(NAMES, max_size=20))
def test_the_nearest_names_are_of_those_that_are_there_and_in_order(wanted, there):
    found = nearest(wanted, there, alike=0.5)
    assert set(found) <= there
    assert len(found) == len(set(found)) <= 3
    folded = {name.casefold() for name in wanted}
    scores = [likeness(folded, name) for name in found]
    assert scores == sorted(scores, reverse=True)
    assert all(0.5 <= score <= 1 for score in scores)
    rest = [likeness(folded, name) for name in there - set(found)]
    if len(found) == 3 and rest:
        assert max(rest) <= scores[-1]


@given(st.sets(NAMES, min_size=1, max_size=5), st.sets(NAMES, max_size=20))
def test_a_name_that_is_there_or_differs_by_case_alone_comes_first(wanted, there):
    one = min(wanted)
    found = nearest(wanted, {*there, one.upper()})
    assert likeness({name.casefold() for name in wanted}, found[0]) == 1


@given(NAMES, st.integers(0, 23))
def test_a_slip_of_one_letter_is_found(name, at):
    if len(name) < 6:
        return
    at %= len(name)
    slipped = f"{name[:at]}x{name[at + 1 :]}"
    assert nearest([name], [slipped, "zzzzzzzzzzzz"]) == [slipped]
