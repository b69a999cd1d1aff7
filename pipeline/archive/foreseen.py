"""What a dry run foresees of a session: bytes to send, to read here, to read back, and each file with its reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.archive.known import differing
from pipeline.archive.round import outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.archive.journal import Outcome
    from pipeline.archive.round import Round
    from pipeline.archive.session import LocalFile
    from pipeline.archive.submit import Prepared


def foreseen(round_: Round, prepared: Prepared, reading: Sequence[LocalFile]) -> Outcome:
    """Make the outcome of a session that has something to send or to adopt; ``reading`` is to be read back."""
    size = sum(file.size for file in prepared.files)
    compared = {item.subpath for item in prepared.plan.only("hash")}
    to_compare = {"action": "hash", "reason": "compared with its meta's SHA1 before it is sent"}
    unread = [
        file
        for file in prepared.files
        if file.subpath not in prepared.verdict.claims or file.subpath in prepared.verdict.unread
    ]
    unread += [file for file in prepared.session.files if file.subpath in compared]
    unread += prepared.candidates
    unlike = {defect.subpath for defect in prepared.unlike}
    adopting = [file for file in prepared.candidates if file.subpath not in unlike]
    accepted = ({"action": "accept", "file": d.subpath, "reason": d.message} for d in prepared.verdict.accepted)
    return outcome(
        round_,
        prepared.session,
        differing(prepared.known, "queued"),
        _to_do(len(prepared.files), len(adopting)),
        failed=bool(prepared.conflicts),
        to_send_files=len(prepared.files),
        to_send_bytes=size,
        to_read_bytes=sum(file.size for file in unread if round_.hasher.known(file) is None),
        to_adopt_files=len(adopting),
        to_adopt_bytes=sum(file.size for file in adopting),
        to_read_back_bytes=sum(file.size for file in reading),
        details=(
            *accepted,
            *({**to_compare, "file": subpath} for subpath in prepared.verdict.unread),
            *({"action": item.action, "file": item.subpath, "reason": item.reason} for item in prepared.plan.items),
            *({"action": "conflict", "file": defect.subpath, "reason": defect.message} for defect in prepared.unlike),
        ),
    )


def _to_do(sending: int, adopting: int) -> str:
    said = [f"{sending} files to send"] if sending or not adopting else []
    said += [f"{adopting} to adopt, which the archive has already"] if adopting else []
    return ", ".join(said)
