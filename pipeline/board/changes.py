"""How an archived session differs on this computer from the index, as far as names, sizes, times and memory tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.archive.plan import diff
from pipeline.archive.renamed import in_short, suspects, with_renames

if TYPE_CHECKING:
    from pipeline.archive.checksums import ChecksumCache
    from pipeline.archive.find import LocalSession
    from pipeline.archive.manifest import Manifest


def changes(here: LocalSession | None, known: Manifest | None, cache: ChecksumCache) -> str:
    """Say how an archived session differs here from the index; empty when it does not."""
    if here is None or known is None:
        return ""
    earlier = {entry.subpath: entry for entry in known.files}
    maybe = suspects(here.files, earlier)
    undecided = {*(item.subpath for item in diff(here.files, earlier).only("hash")), *maybe}
    read_before = cache.get_all([file for file in here.files if file.subpath in undecided]) if undecided else {}
    sha1s = {file.subpath: sha1 for file, sha1 in read_before.items()}
    plan = with_renames(diff(here.files, earlier, checksums=sha1s), maybe, sha1s)
    new, changed, renamed = len(plan.only("send")), len(plan.only("conflict")), plan.only("renamed")
    unread = plan.only("hash")
    perhaps = sum(bool(item.was) for item in unread)
    moved = len(unread) - perhaps
    found = [f"{here.defects[0].subpath}: {here.defects[0].message}"] if here.defects else []
    found += [f"{new} new {_files(new)}"] if new else []
    found += [f"{changed} changed {_files(changed)}"] if changed else []
    found += [f"{len(renamed)} renamed {_files(len(renamed))}: {in_short(renamed[0])}"] if renamed else []
    found += [f"{perhaps} {_files(perhaps)} perhaps renamed, which the next publish compares"] if perhaps else []
    found += [f"{moved} {_files(moved)} of another time, which the next publish compares"] if moved else []
    return ", ".join(found)


def _files(count: int) -> str:
    return "file" if count == 1 else "files"
