"""How a comparison of archive and index is shown; no work is done here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mapshell.output import Column
from mapshell.session_views import HOW_MUCH, WHO
from pipeline.archive.paths import visible
from pipeline.verified import document, session_document

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mapshell.output import Output
    from pipeline.errors import MapshellError
    from pipeline.verified import SessionCheck, VerifyReport

STYLES = {"verified": "green", "present": "", "drift": "red", "not checked": "yellow"}

_SHOWN = 10
"""How many differences of a session are shown to a person."""

_NAMED = 10


def _style(row: Mapping[str, Any]) -> str:
    return STYLES.get(row["verdict"], "")


_COLUMNS = (
    Column("Verdict", "verdict", style=_style),
    *WHO,
    *HOW_MUCH,
    Column("Present", "present", align="right", kind="number"),
    Column("Verified", "verified", align="right", kind="number"),
    Column("No SHA1", "no_sha1", align="right", kind="number"),
)


def show(output: Output, report: VerifyReport) -> None:
    """Show every session with its verdict, then what differs and what would mend it, then the sum."""
    if output.for_programs:
        output.data(document(report))
        return
    if report.sessions:
        columns = [c for c in _COLUMNS if _wanted(c, report)]
        output.table([_row(check, report) for check in report.sessions], columns)
    for check in report.sessions:
        _show_session(output, check)
        if report.checksum and check.unknown:
            _show_unknown(output, check)
        if check.first:
            _problem(
                output,
                f"read, not passed: {check.session}, {check.alias}",
                f"{check.first:,} files were read for the first time: there was no SHA1 to compare with; theirs is "
                "known from now on",
                "the computer that has the recordings can prove them: `mapshell publication-publish --adopt`. "
                "Later runs tell whether the archive's bytes stay the same.",
            )
    for stray in report.strays:
        _problem(output, f"no session: {stray.subpath} ({stray.alias})", stray.message, stray.remedy)
    for alias, names in sorted(report.animals.items()):
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        _problem(
            output,
            f"not in the index: {', '.join(names[:_NAMED])}{more} ({alias})",
            "what lies beside the folders of the index's animals was not looked into",
            "`mapshell publication-discover` finds the sessions of animals that the lab's tables know; the rest "
            "is for a person to look at.",
        )
    if report.too_large:
        names = report.too_large
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        _problem(
            output,
            f"not read back: {', '.join(names[:_NAMED])}{more}",
            "larger than --max-bytes, so that no run would read them",
            "give a larger --max-bytes now and then, or use --max-time.",
        )
    if report.sessions or report.stopped is None:
        output.say(str(report), style="bold")


def _row(check: SessionCheck, report: VerifyReport) -> dict[str, Any]:
    row = session_document(check)
    return {**row, "no_sha1": check.unknown or None, "verified": check.verified if report.checksum else None}


def _wanted(column: Column, report: VerifyReport) -> bool:
    if column.key == "verified":
        return report.checksum is not None
    return column.key != "no_sha1" or any(check.unknown for check in report.sessions)


def _show_session(output: Output, check: SessionCheck) -> None:
    who = f"{check.session}, {check.alias}"
    if check.drift:
        output.say()
        output.say(f"drift: {who}", style="yellow")
    for each in check.drift[:_SHOWN]:
        _reason(output, f"{each.subpath}: {each.message}", each.remedy)
    more = max(0, len(check.drift) - _SHOWN) + check.more_extra
    if more:
        output.say(f"    and {more:,} more (all that are kept: --format json)")
    if check.lost:
        _problem(output, f"without session: {who}", "the lab's tables have no such session any more", check.lost)
    for error in _different(check.errors):
        _problem(output, f"not checked: {who}", error.message, error.remedy)
    if check.left:
        output.say()
        output.say(f"left over: {who}", style="dim")
        for subpath in check.left[:_SHOWN]:
            output.say(f"    {visible(subpath)}: {_left(subpath)}")


def _show_unknown(output: Output, check: SessionCheck) -> None:
    names = check.unknown_names[:_SHOWN]
    more = check.unknown - len(names)
    output.say()
    output.say(f"listed, not passed: {check.session}, {check.alias}", style="yellow")
    for name in names:
        output.say(f"    {visible(name)}: present; nobody knows a SHA1 of it")
    if more:
        output.say(f"    and {more:,} more")
    output.say(f"    Remedy: {_MANIFEST}")


_MANIFEST = (
    "if a manifest of it exists anywhere, put it beside the session and run `mapshell publication-discover`; without "
    "one nobody can tell whether these bytes are right."
)


def _left(subpath: str) -> str:
    name = subpath.rpartition("/")[2]
    if ".quarantined-" in name:
        return "put aside because its bytes were not what they should be; it may be deleted once nobody wants it"
    if ".unfinished-" in name:
        return "what an unfinished transfer left, put aside by publish; it may be deleted"
    return "a transfer that failed may have left it; the next publish puts it aside"


def _different(errors: Sequence[MapshellError]) -> list[MapshellError]:
    return list({error.message: error for error in errors}.values())[:_SHOWN]


def _problem(output: Output, what: str, reason: str, remedy: str) -> None:
    output.say()
    output.say(visible(what), style="yellow")
    _reason(output, reason, remedy)


def _reason(output: Output, reason: str, remedy: str) -> None:
    output.say(f"    {visible(reason)}")
    if remedy:
        output.say(f"    Remedy: {visible(remedy)}")
