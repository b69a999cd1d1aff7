"""The settings of the morning report, and of the command that is given it."""

from __future__ import annotations

from pipeline.settings.sections.key import Key

KEYS: tuple[Key, ...] = (
    Key(
        "report.missed_after",
        "number",
        "How long a computer that told no next time may be without a round until its night counts as missed (h).",
        default=30.0,
        lowest=1,
        highest=14 * 24,
    ),
    Key(
        "report.full_within",
        "number",
        "A disk that will be full within so many days needs a person (days).",
        default=7.0,
        highest=365,
    ),
    Key(
        "notify.command",
        "command",
        "Program that gets each report as JSON on its standard input: a list of texts; run as it is, by no shell.",
        example=["python3", "~/bin/mail-report.py"],
    ),
    Key(
        "notify.timeout",
        "number",
        "How long that program may take; then it is ended (s).",
        default=60.0,
        lowest=0.1,
        highest=3600,
    ),
)
