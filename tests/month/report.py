"""What a month came to, as text."""

from __future__ import annotations

import textwrap


def report(came):
    """Return it, in 80 columns."""
    counts = came.counts
    lines = [
        f"{came.database}: {came.days} days in {came.seconds / 60:.1f} minutes",
        (
            f"recorded     {counts['sessions recorded']:,} sessions, {came.recorded / 1e6:.1f} MB, on disks of "
            f"{came.disk / 1e6:.1f} MB each"
        ),
        (
            f"nights       {counts['commands']:,} scheduled commands, {counts['kills']} of them killed; "
            f"{counts['lost databases']} database lost"
        ),
        (
            f"dawns        {counts['dawns']}: {counts['boards']} boards and {counts['reports']} reports held against "
            "disks, archive and tables"
        ),
        f"people       {counts['mended']} mistakes mended, each by the command that the product named",
        f"reclaimed    {counts['files reclaimed']:,} files, {counts['bytes reclaimed'] / 1e6:.1f} MB; fullest: "
        + ", ".join(f"{rig} {share:.0%}" for rig, share in came.fullest.items()),
        (
            f"brought back {counts['files brought back']:,} files to another place and "
            f"{counts['files brought back to their rigs']:,} to their rigs, byte for byte"
        ),
        f"explained    {counts['explained']:,} sessions by publication-why",
        f"WRONG        {len(came.wrong)}" if came.wrong else "wrong        nothing",
    ]
    found = []
    for line in lines:
        found += textwrap.wrap(line, 79, subsequent_indent=" " * 13)
    return "\n".join([*found, *(f"  {wrong}" for wrong in came.wrong)])
