"""The catalogue of refusals: every rule by which the product keeps a session from being archived, as data.

``words`` say what was found; ``where`` is the module that decides; ``commands`` are templates of what to run next, the
best first, filled by :func:`filled`.  What only the person knows stays in capitals: ``WHY``, ``FILE``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pipeline.archive.acceptance_rules import RULES
from pipeline.archive.drift import quoted
from pipeline.archive.matching_types import MATCHING
from pipeline.archive.reclaiming.rules import PROOFS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, slots=True)
class Refusal:
    """One rule that may refuse; ``stage`` is the step of publish, or the verb, that it belongs to."""

    rule: str
    stage: str
    where: str
    words: str
    commands: tuple[str, ...]


STAGES: Final[Mapping[str, str]] = {
    "session": "the session in the lab's tables",
    "names": "names tried for its folders",
    "here": "this computer's folders",
    "folder": "whose a folder is",
    "gate": "the gate: what must not be archived",
    "index": "compared with the index",
    "work": "who works on it, and what is under way",
    "archive": "what the archive holds",
    "transfer": "the transfer, and the look after it",
    "state": "what is known of it",
    "error": "errors that end a session's turn, or the round",
    "reclaim": "proofs before local files are deleted",
}
"""The stages, in the order in which publish takes them."""

_CHOSEN = "--type {type} --subject {subject} --session {session}"
PUBLISH = f"mapshell publication-publish {_CHOSEN}"
_ACCEPT = PUBLISH + ' --accept {rule} --because "WHY"'
_SUPERSEDE = PUBLISH + ' --supersede --because "WHY"'
_IDENT = "mapshell session-ident {subject} {session} {ident}"
_INGEST = "mapshell ingest-recordings --subject {subject}"
_DISCOVER = "mapshell publication-discover --type {type} --subject {subject} --session {session}"
_VERIFY = "mapshell publication-verify --type {type} --subject {subject} --session {session}"
_STATUS = "mapshell publication-status --subject {subject}"
_WHY = "mapshell publication-why {subject} {session}"
_DOCTOR = "mapshell doctor"
_CONFIG = "mapshell config show"
_TASKS = "mapshell tasks list"
_RECLAIM = "mapshell publication-reclaim --type {type} --subject {subject} --session {session} --dry-run"

_STAGE_OF_RULE = {
    **dict.fromkeys(("changing", "vanished", "missing", "size-at-archive", "skipped", "source"), "transfer"),
    **dict.fromkeys(("conflict", "described"), "archive"),
    **dict.fromkeys(("renamed", "identity"), "index"),
    "folder": "folder",
}
_WHERE_OF_STAGE = {
    "gate": "pipeline.archive.integrity",
    "transfer": "pipeline.archive.check",
    "archive": "pipeline.archive.depart",
    "index": "pipeline.archive.plan",
    "folder": "pipeline.archive.matching",
}
_OF_RULE: dict[str, tuple[str, ...]] = {
    "folder": (_IDENT,),
    "identity": (_DISCOVER, "mapshell publication-reassign {subject}/{session} TO --dry-run"),
    "conflict": ("mapshell stat {alias}:/{file}", "mapshell mv {alias}:/{file} {alias}:/{file}.other"),
    "described": (_DISCOVER,),
}


def _of_the_gate() -> Iterable[Refusal]:
    for rule in RULES:
        stage = _STAGE_OF_RULE.get(rule.name, "gate")
        mend = (PUBLISH, _ACCEPT) if rule.acceptable else (PUBLISH,)
        yield Refusal(rule.name, stage, _WHERE_OF_STAGE[stage], rule.words, _OF_RULE.get(rule.name, mend))


GIVING = frozenset({"H1", "M1", "M3", "M6", "L2"})
"""Rules of matching that never refuse: they only give a session its folder."""


def _of_matching() -> Iterable[Refusal]:
    for rule, words in MATCHING.items():
        commands = () if rule in GIVING else (_INGEST,) if rule in ("A1", "D5") else (_IDENT,)
        yield Refusal(rule, "folder", "pipeline.archive.matching", words, commands)


_HERE = (
    ("local-root", "here", "pipeline.here", "this computer has no local folder of this archive", (_CONFIG,)),
    ("root", "here", "pipeline.archive.walk", "a local root cannot be listed", (_DOCTOR,)),
    ("folder-here", "here", "pipeline.archive.find", "no folder of this session lies here", (PUBLISH,)),
    ("no-files", "here", "pipeline.archive.depart", "the session's folder holds no file", (PUBLISH,)),
    (
        "tombstone",
        "here",
        "pipeline.archive.depart",
        "its local files were deleted, and the index no longer has it",
        (_DISCOVER,),
    ),
    ("unlistable", "here", "pipeline.archive.walk", "a folder cannot be listed", (PUBLISH,)),
    ("folder-link", "here", "pipeline.archive.walk", "a folder is a link; links are not followed", (PUBLISH,)),
    ("folder-name", "here", "pipeline.archive.paths", "a folder's name cannot be stored safely", (PUBLISH,)),
    (
        "archived-elsewhere",
        "folder",
        "pipeline.sessionless",
        "a folder was archived as of a session that the lab's tables no longer have",
        (_DISCOVER,),
    ),
    (
        "reassigned-run",
        "folder",
        "pipeline.reassign",
        "a folder is a further one of a run that was reassigned",
        (PUBLISH,),
    ),
    ("given-elsewhere", "folder", "pipeline.archive.find", "a folder of that day is another session's", (_IDENT,)),
)

_OTHERS = (
    ("unknown-subject", "session", "pipeline.subjects", "there is no such subject", ("mapshell publication-status",)),
    ("unknown-session", "session", "pipeline.why.choosing", "the subject has no such session", (_STATUS, _INGEST)),
    ("several-sessions", "session", "pipeline.why.choosing", "several sessions are of that day", (_WHY,)),
    (
        "water-restriction",
        "session",
        "pipeline.sessions",
        "the subject has no water restriction, so its folders have no name",
        ("mapshell ingest-subjects FILE",),
    ),
    ("unknown-location", "session", "pipeline.locations", "no storage location has this alias", ("mapshell storage",)),
    (
        "without-session",
        "session",
        "pipeline.sessionless",
        "the lab's tables no longer have the session; its files are at the archive",
        (_DISCOVER,),
    ),
    ("changed", "index", "pipeline.archive.plan", "a file was changed since it was archived", (_SUPERSEDE, _VERIFY)),
    ("unseen", "index", "pipeline.archive.known", "nobody has looked at the size of a file there", (_VERIFY,)),
    (
        "only-listed",
        "index",
        "pipeline.archive.known",
        "it is listed at the archive; nobody ever compared its bytes",
        (PUBLISH + " --adopt",),
    ),
    ("under-way", "work", "pipeline.archive.resume", "a transfer of it is under way", (PUBLISH, _TASKS)),
    ("being-renamed", "work", "pipeline.reassign", "its files get other names at the archive", (PUBLISH,)),
    ("transfer-trouble", "work", "pipeline.archive.transfer", "its transfer cannot end by itself", (_TASKS, PUBLISH)),
    (
        "other-computer",
        "work",
        "pipeline.archive.resume",
        "another computer submitted its transfer, and will check it",
        (_STATUS,),
    ),
    (
        "waits-for-drive",
        "work",
        "pipeline.archive.lent",
        "its transfer reads from a loose drive that is not connected",
        ("mapshell publication-publish --root {drive}",),
    ),
    ("lease", "work", "pipeline.leases", "somebody works on it now", (_STATUS,)),
    ("failed-transfer", "work", "pipeline.archive.failing", "its last transfer failed", (PUBLISH,)),
    ("drift", "state", "pipeline.drifted", "verify found that the archive has lost something of it", (_VERIFY,)),
    (
        "withdrawn",
        "state",
        "pipeline.withdrawing",
        "its archived row was deleted on purpose",
        (_DISCOVER + " --restore",),
    ),
    (
        "reclaimed",
        "state",
        "pipeline.reclaim",
        "its local files were deleted, each proved at the archive",
        ("mapshell publication-retrieve --type {type} --subject {subject} --session {session}",),
    ),
    (
        "copy-missing",
        "state",
        "pipeline.copies",
        "a storage location that shall hold a copy does not, or not all of it",
        (PUBLISH,),
    ),
    ("last-round", "state", "pipeline.states", "the last round here could not archive it", (PUBLISH,)),
    ("said-elsewhere", "state", "pipeline.states", "another computer could not archive it", (PUBLISH,)),
)

_LOGIN, _AGAIN = ("mapshell login",), (PUBLISH,)
_OF_ERRORS: dict[str, tuple[str, tuple[str, ...]]] = {
    "mapshell-error": ("an error that nobody expected", _AGAIN),
    "config-error": ("the configuration must be corrected", (_CONFIG,)),
    "usage-error": ("an option or argument does not fit", (_STATUS,)),
    "service-error": ("a local service does not run", ("mapshell services start",)),
    "database-error": ("the database refused or failed", (_DOCTOR,)),
    "database-unavailable": ("the database cannot be reached", (_DOCTOR,)),
    "database-read-only": ("the database's account may not write", (_DOCTOR,)),
    "schema-version-error": ("the database's tables are of another version", ("mapshell database upgrade --dry-run",)),
    "lease-lost": ("another process took the session over", _AGAIN),
    "login-needed": ("no usable Globus login", _LOGIN),
    "other-login": ("the transfer was submitted under another Globus identity", ("mapshell login --force",)),
    "globus-error": ("Globus, a collection or a task failed", (_DOCTOR,)),
    "globus-unavailable": ("Globus cannot be reached", (_DOCTOR,)),
    "service-full": ("Globus takes no further task of this login now", _AGAIN),
    "collection-not-found": ("the collection is unknown to Globus", ("mapshell storage",)),
    "collection-offline": ("the endpoint behind a collection does not answer", (_DOCTOR,)),
    "permission-denied": ("this login may not read or write there", ("mapshell whoami", _DOCTOR)),
    "remote-path-not-found": ("a path does not exist in the collection", (_DOCTOR,)),
    "ranges-not-served": ("an HTTPS server sends whole files only", _AGAIN),
    "quota-exceeded": ("the archive has no room left", _AGAIN),
    "name-refused": ("a name cannot be archived or followed safely", _AGAIN),
    "refused": ("the lab's row, or the archive's address, was changed meanwhile", _AGAIN),
    "conflict": ("other bytes lie there already", (_VERIFY,)),
    "integrity-error": ("bytes are not what a checksum, size or manifest says", _AGAIN),
    "local-disk-error": ("a local file or folder cannot be used", (_DOCTOR,)),
    "disk-busy": ("something writes to the disk, an acquisition most likely", _AGAIN),
    "drive-gone": ("the loose drive was disconnected", ("mapshell publication-publish --root {drive}",)),
    "round-over": ("the round was asked to end before its turn", _AGAIN),
}


def _catalogue() -> dict[str, Refusal]:
    entries = [*_of_the_gate(), *_of_matching(), *(Refusal(*row) for row in (*_HERE, *_OTHERS))]
    found = {entry.rule: entry for entry in entries}
    for rule, (words, commands) in _OF_ERRORS.items():
        found.setdefault(rule, Refusal(rule, "error", "pipeline.errors", words, commands))
    for proof, words in PROOFS.items():
        name = proof_rule(proof)
        found[name] = Refusal(name, "reclaim", "pipeline.archive.reclaiming", f"missing: {words}", (_RECLAIM,))
    return found


def proof_rule(proof: str) -> str:
    """Return the rule's name of one of reclaim's proofs."""
    return f"proof-{proof.replace(' ', '-')}"


CATALOGUE: Final[Mapping[str, Refusal]] = _catalogue()


def filled(template: str, facts: Mapping[str, str]) -> str:
    """Return the command that a template means for one session; words with spaces are quoted.

    What is not known stays in capitals, for a person to fill in.
    """
    named = {name: quoted(value) if value else name.upper() for name, value in facts.items()}
    return template.format_map(_Unknown(named))


class _Unknown(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return name.upper()
