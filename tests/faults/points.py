"""What may go wrong, one by one, and what must come of it; tests of this folder that bear its number show it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Point:
    """One thing that may go wrong.

    Parameters
    ----------
    number
        What ``@pytest.mark.fault`` names it by.
    group
        Who or what fails.
    happens
        What goes wrong, as the end of a sentence that the group begins.
    comes
        What must come of it, beside all that is promised always (docs/reliability.md).
    """

    number: int
    group: str
    happens: str
    comes: str


_GROUPS: dict[str, tuple[tuple[str, str], ...]] = {
    "Killed": (
        ("before the submission id is stored", "the next run starts from the beginning"),
        ("after the id is stored, before the request is sent", "the same id is sent: one task"),
        (
            "after the service took the request, before its answer is read",
            "the same id is sent again: one task; what was renamed is found to be so",
        ),
        ("while the task is at work", "the next run watches that task"),
        (
            "after the task succeeded, before the look at the archive; before or after the manifest is sent",
            "the next run looks, describes and commits",
        ),
        ("inside the database's transaction", "nothing of it is there; the next run commits"),
        ("after the commit, before the journal says done", "the next run has nothing to do but to say so"),
        (
            "in the middle of discover (while it lists; between a dataset and its files) or of verify",
            "a session has all its rows or none; what was read back is kept",
        ),
        (
            "in the middle of retrieve",
            "no partial file bears its final name; what had arrived is checked again before it gets one",
        ),
        ("while a file of state is written", "the old content or the new, nothing between"),
    ),
    "The service": (
        ("says 429, with a time to wait", "that time is waited; it succeeds"),
        (
            "says 500, 502, 503 or 504",
            "a few times: it succeeds; without end: an error after a time that is bounded",
        ),
        ("does not take the connection, does not answer, or breaks off in the answer", "it is asked again"),
        ("says 200 with a web page, or with JSON that is cut off", "an error that says so"),
        (
            "knows no such folder (404), or does not let it be listed (403)",
            "404: there is nothing; 403: an error, never nothing",
        ),
        (
            "says that the collection is offline, or lists a folder only in part",
            "an error after a time that is bounded; the listing is read to its end or refused",
        ),
        (
            "ends a task with FAILED, cancelled or at its deadline; lets it be INACTIVE or paused",
            "no row, the reason is told, a new id the next time; told, and the same task is gone on with",
        ),
        ("calls a task SUCCEEDED that skipped files", "nothing is committed for it"),
        (
            "calls a task SUCCEEDED though a file is missing or short, or has one bit flipped",
            "found by our own look before any row; found by verify with checksums, and by retrieve before it is named",
        ),
        ("is still at work when the wait ends", "in flight, and no second task"),
        ("tries again and again for a source file that is gone", "told within a minute"),
    ),
    "The data": (
        ("grow, or change their time, during the transfer", "refused"),
        (
            "have a meta without size and SHA1, with another size, with another SHA1, or with `fileSHA1=0`",
            "refused (the first is still being recorded); without a SHA1 one is computed",
        ),
        ("have a bin without meta, or a meta without bin", "refused; warned of (shanks may be split)"),
        ("have an empty bin, or an empty file beside it", "refused; archived"),
        (
            "have a file that cannot be read, a pipe, a socket, links in a circle or out of the root",
            "named, and not followed",
        ),
        (
            "do not fit: the disk is full at the archive, where files are fetched to, or where state is kept",
            "it fails whole: no row, no torn file",
        ),
    ),
    "The database": (
        ("restarts in the middle of a commit, or its answer to one is lost", "it is read again, which decides"),
        (
            "has a deadlock or a lock that does not end, is down at the start, or lets the account only read",
            "tried again, with a bound; nothing is submitted; told before anything is transferred",
        ),
    ),
    "Login and time": (
        (
            "the access token has expired; the login was revoked, or a consent is missing",
            "renewed silently; `mapshell login` is named, and what was under way is kept",
        ),
        ("the clock is a day off, summer time begins or ends, the year is another by weeks", "the right session"),
        ("the file of tokens can be read by others, or is damaged", "refused, with the remedy"),
    ),
    "Others at work": (
        (
            "two publish one session; one publishes while another discovers",
            "one task and one set of rows; no half index",
        ),
        (
            "two retrieve into one place; a lock was left by a process that is dead, or is held by one that is alive",
            "one of them does; the lock is taken; it is respected",
        ),
    ),
    "Names": (
        (
            "hold `../x`, `/x`, a NUL, `\\`, `C:`, or a `/` within a listed name",
            "refused: nothing is written outside of the roots",
        ),
        (
            "hold spaces, colons, `#%&'\"`, line breaks, a first `-`, accents, no UTF-8; are twins by case, or `CON`",
            "there and back exactly, or refused by name",
        ),
        (
            "are 128, 129, 255 or 1024 characters long; differ only by case, form of an accent, or a space at the end",
            "kept whole or refused, never cut; two files, on every database",
        ),
        ("hold the wildcards of SQL", "they stand for themselves"),
        ("are a million, in one folder or in a deep tree", "memory is bounded, rows are inserted in batches"),
        ("vanish between the listing and the transfer", "no row"),
        (
            "exist already where they are to be retrieved to",
            "identical: left as it is; different: refused, unless `--overwrite` is given",
        ),
    ),
    "A disk that is freed": (
        (
            "loses the process at any step of reclaim",
            "no file goes before its row and its tombstone are written; the next run proves anew and goes on",
        ),
        (
            "has files swapped, changed, added or linked while they are proved and deleted",
            "no byte goes that was not read; the rest is named",
        ),
        (
            "belongs to an archive that loses a file meanwhile, is this very folder, or whose index is changed or lost",
            "nothing is deleted, and the folder is as it was",
        ),
    ),
}


def _points() -> dict[int, Point]:
    points = [(group, *each) for group, members in _GROUPS.items() for each in members]
    return {number: Point(number, *each) for number, each in enumerate(points, start=1)}


POINTS = _points()
