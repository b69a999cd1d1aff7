"""How the states of sessions are shown; no work is done here."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from mapshell.output import Column
from mapshell.session_views import WHO, problem, state_style, without_zeros
from pipeline.report import NO_MATCH, no_session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mapshell.output import Output
    from pipeline.board.status import SessionStatus


def show_status(output: Output, rows: Sequence[SessionStatus], *, restricted: bool = False) -> None:
    """Show the state of sessions, and the sums."""
    facts = [name for name in rows[0].__dataclass_fields__ if name != "size"] if rows else []
    listed = [{**{name: getattr(row, name) for name in facts}, "bytes": row.size} for row in rows]
    if output.for_programs:
        output.data(listed)
        return
    output.table(
        [without_zeros(row, "files", "bytes") for row in listed],
        (
            Column("State", "state", style=state_style),
            *WHO,
            Column("Archive", "alias"),
            Column("Folders", "folders"),
            Column("Files", "files", align="right", kind="number"),
            Column("Size", "bytes", align="right", kind="bytes"),
            Column("Reason", "reason"),
        ),
        empty=NO_MATCH if restricted else no_session(),
    )
    if not rows:
        return
    counts = Counter(row.state for row in rows)
    for row in rows:
        if row.remedy:
            who = f"{row.h2o} (subject {row.subject_id}) session {row.session} of {row.session_date}, {row.alias}"
            problem(output, f"{row.state}: {who}", row.reason, row.remedy)
    output.say("; ".join(f"{count} {state}" for state, count in sorted(counts.items())) + ".", style="bold")
