"""The gate of a round: judge a session's new files, with what is known of their checksums and what a person accepts."""

from __future__ import annotations

from concurrent.futures import wait
from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.archive.acceptance import as_it_is, divided, with_command
from pipeline.archive.acceptance_rules import ACCEPTABLE
from pipeline.archive.integrity import Verdict, inspect
from pipeline.archive.known import differing
from pipeline.archive.renamed import as_defects
from pipeline.archive.round import refusal
from pipeline.archive.scan import Defect, unchanged
from pipeline.spikeglx import meta_name

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from pipeline.archive.find import LocalSession
    from pipeline.archive.journal import Outcome
    from pipeline.archive.manifest import Manifest
    from pipeline.archive.plan import Plan
    from pipeline.archive.round import Round


def judge(
    round_: Round, session: LocalSession, plan: Plan, known: Manifest | None = None, *, dry_run: bool = False
) -> Verdict:
    """Judge the files that the index does not have yet; the ones that it has were judged when they came.

    A meta that comes now must not contradict the archived file (of ``known``) that it tells of.

    Raises
    ------
    MapshellError
        A checksum that a person accepts whatever it is could not be computed.
    """
    settled = {item.subpath for item in plan.only("skip")}
    rules: Collection[str] = () if round_.acceptance is None else round_.acceptance.rules
    verdict = _inspect(round_, session, settled, rules)
    wrong = [*session.defects, *as_defects(plan), *verdict.defects]
    if rules:
        new = [file for file in session.files if file.subpath not in settled]
        wrong.extend(unchanged(new))  # what moves now is never accepted
    open_ = {subpath: sha1 for subpath, sha1 in verdict.claims.items() if subpath not in settled}
    if "checksum" in rules and not dry_run and not divided(wrong, rules)[0]:
        _read(round_, session, open_)
    contradicted = _contradicted(round_, session, open_)
    wrong.extend(wrong_checksum(subpath, open_[subpath], sha1) for subpath, sha1 in contradicted.items())
    other = list(_contradicting(verdict.claims, settled, known))
    wrong.extend(defect for defect, _ in other)
    unread = _unread(round_, session, open_) if "checksum" in rules and dry_run else ()
    verdict = replace(verdict, defects=tuple(wrong), unread=unread)
    if round_.acceptance is not None and any(item.was for item in plan.only("hash")):
        round_.acceptance.used.add("renamed")  # a dry run cannot tell
    claimed = {defect.subpath: sha1 for defect, sha1 in other}
    return _accepting(round_, verdict, {**{name: open_[name] for name in contradicted}, **claimed})


def _inspect(round_: Round, session: LocalSession, settled: Collection[str], rules: Collection[str]) -> Verdict:
    return inspect(
        session.files, now=round_.epoch(), quiet_seconds=round_.quiet_seconds, settled=settled, accepted=rules
    )


def _read(round_: Round, session: LocalSession, subpaths: Collection[str]) -> None:
    """Read files now whose SHA1 their metas claim: only then is it known whether anything is to be accepted."""
    files = [file for file in session.files if file.subpath in subpaths]
    wait(round_.hasher.start(*files))
    for file in files:
        round_.hasher.finish(file)


def _unread(round_: Round, session: LocalSession, subpaths: Collection[str]) -> tuple[str, ...]:
    """Return the files of which a dry run cannot tell whether they are what their metas say."""
    return tuple(f.subpath for f in session.files if f.subpath in subpaths and round_.hasher.known(f) is None)


def _contradicted(round_: Round, session: LocalSession, claims: dict[str, str]) -> dict[str, str]:
    """Return the SHA1 of the files that were read, here or in an earlier round, and are not what their metas say."""
    found = {}
    for file in session.files:
        if file.subpath in claims:
            computed = round_.hasher.known(file)
            if computed not in (None, claims[file.subpath]):
                found[file.subpath] = str(computed)
    return found


def _contradicting(
    claims: Mapping[str, str], settled: Collection[str], known: Manifest | None
) -> Iterator[tuple[Defect, str]]:
    """Name new metas that claim another SHA1 for a file that is archived, and stays what it is; with that SHA1."""
    for entry in () if known is None else known.files:
        meta, claimed = meta_name(entry.subpath), claims.get(entry.subpath, entry.sha1)
        if entry.subpath in settled and meta not in settled and entry.sha1 not in (None, claimed):
            name = entry.subpath.rpartition("/")[2]
            said = f"it says that the SHA1 of {name} is {claimed}, but the archived one has {entry.sha1}"
            yield Defect("checksum", meta, said, _OTHER), str(claimed)


_OTHER = "copy the meta anew from the acquisition computer; if the recording is another one now, bring its file too."


def _accepting(round_: Round, verdict: Verdict, contradicted: dict[str, str]) -> Verdict:
    acceptance = round_.acceptance
    if acceptance is None:
        return verdict
    defects, accepted = divided(verdict.defects, acceptance.rules)
    warnings, noted = divided(verdict.warnings, acceptance.rules)
    acceptance.used.update(defect.rule for defect in (*accepted, *noted))
    if verdict.unread:  # nobody knows yet
        acceptance.used.add("checksum")
    claims = dict(verdict.claims)
    if "checksum" in acceptance.rules:
        claims = {subpath: sha1 for subpath, sha1 in claims.items() if subpath not in contradicted}
    return replace(
        verdict,
        defects=defects,
        warnings=warnings,
        claims=claims,
        accepted=(*accepted, *noted),
        contradicted=contradicted,
    )


def refused(round_: Round, session: LocalSession, known: Manifest | None, plan: Plan, verdict: Verdict) -> Outcome:
    """Make the outcome of a session that the gate refuses, with the command that would accept it, if any can."""
    settled = {item.subpath for item in plan.only("skip")}
    hidden = _inspect(round_, session, settled, ACCEPTABLE).defects
    beyond = {defect.rule for defect in (*hidden, *verdict.accepted)}
    defects = with_command(verdict.defects, beyond, session.ref, round_.location.dataset_type, round_.drive)
    state = differing(known, "recording" if verdict.recording else "refused")
    return refusal(round_, session, state, defects, accept=as_it_is(verdict.defects, beyond))


def wrong_checksum(subpath: str, claimed: str, computed: str, source: str | None = "meta") -> Defect:
    """Name a file whose bytes are not what its meta (or an earlier reading) says."""
    said = "its meta says" if source == "meta" else "an earlier reading gave"
    return Defect(
        "checksum",
        subpath,
        f"its SHA1 is {computed}, but {said} {claimed}",
        "the file was changed or damaged after the recording: copy it anew from the acquisition computer.",
    )
