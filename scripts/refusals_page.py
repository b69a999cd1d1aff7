"""The page of refusals: every rule by which a session may not be archived, from the catalogue of ``pipeline.why``."""

from __future__ import annotations

from itertools import groupby

_HEAD = """\
# Refusals

Written by `scripts/reference.py` from `pipeline/why/refusals.py`; do not edit.

Every rule by which mapshell may keep a session from being archived (or, at the end, its local files from being
deleted), what was found then, and what to run next. `mapshell publication-why SUBJECT SESSION` names these rules for
one session, with the evidence, and fills in the commands, which here have `...` in the place of `--type ephys --subject
SC038 --session 3`. What only you know is in capitals: `WHY` is your reason, `FILE` a sheet of animals, `TO` another
session, `DRIVE` where the drive is connected. Where the file or folder must be mended first, the remedy says how.
"""


def refusals_page() -> str:
    """Return the page."""
    from pipeline.why.refusals import CATALOGUE, STAGES

    known = {"type": "ephys", "subject": "SC038", "session": "3", "date": "2019-11-19", "alias": "raw-ephys"}
    stages = list(STAGES)
    entries = sorted(CATALOGUE.values(), key=lambda entry: stages.index(entry.stage))
    parts = [_HEAD]
    for stage, some in groupby(entries, key=lambda entry: entry.stage):
        title = STAGES[stage]
        parts.append(f"\n## {title[0].upper()}{title[1:]}\n\n")
        rows = [
            (
                f"`{entry.rule}`",
                entry.words,
                "<br>".join(f"`{_shown(each, entry.rule, known)}`" for each in entry.commands),
            )
            for entry in some
        ]
        from scripts.reference import markdown

        parts.append(markdown(("Rule", "Found", "Run next"), rows))
    return "".join(parts)


def _shown(template: str, rule: str, known: dict[str, str]) -> str:
    from pipeline.why.refusals import filled

    return filled(template, {**known, "rule": rule}).replace("--type ephys --subject SC038 --session 3", "...")
