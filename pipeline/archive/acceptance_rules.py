"""The rules of the gate as a table: what is found, and whether a person may have it archived all the same, and why."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the gate: what is found in a few words, whether a person may accept it, and why (not)."""

    name: str
    words: str
    acceptable: bool
    why: str


RULES: tuple[Rule, ...] = (
    Rule(
        "still-recording",
        "a meta has no size and checksum: the recording has not ended",
        acceptable=True,
        why="after a crash of the acquisition nobody will write them any more; the SHA1 is computed here",
    ),
    Rule(
        "size",
        "a binary file has another size than its meta says",
        acceptable=True,
        why="what is left of a recording may be all there is; the SHA1 is computed here, the meta's is of other bytes",
    ),
    Rule(
        "frames",
        "a binary file does not hold whole frames",
        acceptable=True,
        why="a crash cuts the last frame; all before it can be read",
    ),
    Rule(
        "empty",
        "a binary file holds nothing",
        acceptable=True,
        why="one of several probes may fail; that it did is worth knowing",
    ),
    Rule(
        "duration",
        "a meta's duration is not what size and sample rate give",
        acceptable=True,
        why="the bytes may be right though the meta is not; its SHA1 is still compared",
    ),
    Rule(
        "repeated-key",
        "a meta says something twice, differently",
        acceptable=True,
        why="the bytes may be right though the meta is not; the SHA1 is computed here",
    ),
    Rule(
        "meta",
        "a meta cannot be read as one",
        acceptable=True,
        why="a meta that a crash cut short, or an older program wrote, is better than none; the SHA1 is computed here",
    ),
    Rule(
        "bin-without-meta",
        "a binary file has no meta beside it",
        acceptable=True,
        why="the meta may be lost for good; the SHA1 is computed here",
    ),
    Rule(
        "meta-without-bin",
        "a meta has no binary file beside it",
        acceptable=True,
        why="it is archived anyway and only noted; accepting it records why",
    ),
    Rule(
        "cbin-without-ch",
        "a compressed file has no .ch file beside it",
        acceptable=True,
        why="the .ch file may be lost for good",
    ),
    Rule(
        "checksum",
        "a file's SHA1 is not the one that its meta says",
        acceptable=True,
        why="no better copy may exist; the SHA1 computed here is recorded, the meta's is kept beside it",
    ),
    Rule(
        "renamed",
        "a file bears another name than when it was archived",
        acceptable=True,
        why="the new name may matter to somebody; it is sent under that one as well, and the archive has it twice",
    ),
    Rule(
        "still-written",
        "a file was modified a moment ago",
        acceptable=False,
        why="it is changing now: wait until nothing has written to it for archive.quiet_seconds",
    ),
    Rule(
        "changing",
        "a file changes while it is archived",
        acceptable=False,
        why="nobody could say which bytes were archived: wait until nothing writes to it",
    ),
    Rule("vanished", "a file vanishes while it is archived", acceptable=False, why="there is nothing to archive"),
    Rule("unreadable", "a file cannot be read", acceptable=False, why="what cannot be read cannot be archived"),
    Rule(
        "name",
        "a name cannot be stored or followed safely",
        acceptable=False,
        why="it could not be fetched back: rename it, or leave it out",
    ),
    Rule(
        "link",
        "a link",
        acceptable=False,
        why="links lead out of the recording: put the file itself there, or leave it out",
    ),
    Rule("special-file", "a pipe, socket or device", acceptable=False, why="it holds no bytes to keep"),
    Rule(
        "twin",
        "the same file lies in two places here",
        acceptable=False,
        why="nobody can know which of the two is right: keep one",
    ),
    Rule(
        "folder",
        "a folder that cannot be given to one session for certain",
        acceptable=False,
        why="set the ident (`mapshell session-ident`) instead",
    ),
    Rule(
        "identity",
        "the lab's row of the session says something else than when it was archived",
        acceptable=False,
        why="correct the row: two recordings must not become one",
    ),
    Rule(
        "conflict",
        "the archive holds other bytes under this name",
        acceptable=False,
        why="nothing at the archive is ever overwritten; bytes that were changed on purpose: --supersede",
    ),
    Rule(
        "described",
        "the archive holds a manifest that the index does not know",
        acceptable=False,
        why="rebuild the index first (`mapshell publication-discover`)",
    ),
    Rule(
        "missing",
        "a transfer succeeded, and the archive does not list the file",
        acceptable=False,
        why="what is not there is not archived: publish again",
    ),
    Rule(
        "size-at-archive",
        "a transfer succeeded, and the archive lists another size",
        acceptable=False,
        why="what arrived in part is not archived: publish again",
    ),
    Rule(
        "skipped",
        "a transfer left the file out",
        acceptable=False,
        why="what is not there is not archived: look at the task's events, and publish again",
    ),
    Rule(
        "source",
        "a file could not be read to the end when its checksum was computed",
        acceptable=False,
        why="nobody could say which bytes were archived",
    ),
)

BY_NAME = {rule.name: rule for rule in RULES}
ACCEPTABLE = frozenset(rule.name for rule in RULES if rule.acceptable)
