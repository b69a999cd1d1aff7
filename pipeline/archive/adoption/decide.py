"""One session of which the archive holds files already: what is the same is adopted, the rest is sent or refused."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.archive.adoption.compare import read_back, read_here, remembered
from pipeline.archive.gate import refused, wrong_checksum
from pipeline.archive.journal import Outcome, step
from pipeline.archive.known import differing
from pipeline.archive.round import outcome, refusal
from pipeline.archive.scan import unchanged
from pipeline.archive.submit import submit

if TYPE_CHECKING:
    from pipeline.archive.round import Flight, Round
    from pipeline.archive.session import LocalFile
    from pipeline.archive.submit import Prepared


def adopt(round_: Round, prepared: Prepared) -> Flight | Outcome:
    """Compare what the archive holds, then journal what was proved together with what is to be sent.

    Raises
    ------
    MapshellError
        Something could not be read, here or at the archive; nothing was journalled.
    """
    session, known, claims = prepared.session, prepared.known, prepared.verdict.claims
    here = read_here(round_, prepared)
    wrong = [wrong_checksum(name, claims[name], sha1) for name, sha1 in here.items() if claims.get(name, sha1) != sha1]
    if wrong:  # as the gate would have said, had the file been read before
        verdict = replace(prepared.verdict, defects=tuple(wrong))
        return refused(round_, session, known, prepared.plan, verdict)
    prepared, files = remembered(round_, prepared, here)
    if files:
        prepared = read_back(round_, prepared, files, here)
    step("adopt: compared")
    if prepared.hopeless:
        return refusal(round_, session, differing(known, "refused"), prepared.conflicts)
    moved = unchanged(session.files)
    if moved:
        return refusal(round_, session, differing(known, "recording"), moved)
    round_.rest(prepared.files)
    return submit(round_, prepared)


def to_read_back(round_: Round, prepared: Prepared) -> tuple[Prepared, tuple[LocalFile, ...]]:
    """Return what a dry run can tell of a session: as far as it was compared before, and the files to read back."""
    read = {file.subpath: round_.hasher.known(file) for file in prepared.candidates}
    return remembered(round_, prepared, {subpath: sha1 for subpath, sha1 in read.items() if sha1 is not None})


def later(round_: Round, prepared: Prepared) -> Outcome:
    """Make the outcome of a session that a run cannot compare, because it does not wait for anything."""
    count = len(prepared.candidates)
    return outcome(
        round_,
        prepared.session,
        differing(prepared.known, "queued"),
        f"the archive holds {count} of its files already, which must be read back and compared",
        "publish once without --no-wait.",
        failed=True,
    )
