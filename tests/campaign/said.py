"""Whether what a command said is true, and said as promised (I6, I7)."""

from __future__ import annotations

import json
import signal

from .look import base
from .silence import says_nothing_archived, silences
from .violation import Violation

CODES = (0, 1, 2, 3)  # login and configuration are sound


def judge(world, ended, facts, before=None):
    """Return what is wrong with how a command ended.

    Parameters
    ----------
    ended
        An :class:`tests.campaign.acts.Ended`.
    facts
        What was seen right after it.
    before
        What there was when it began, if that shall be held against what it says.
    """
    verb, done = ended.command["verb"], ended.done
    if done is None:
        yield Violation("I6", f"{verb} did not end")
        return
    secrets = world.secrets()
    if any(secret in done.stdout + done.stderr for secret in secrets):
        yield Violation("I7", f"{verb} wrote a secret")
    if done.returncode == -signal.SIGKILL and "kill" in ended.command:
        return
    if "Traceback" in done.stderr:
        yield Violation("I6", f"{verb} showed a traceback:\n{done.stderr[-3000:]}")
    if done.returncode not in CODES:
        yield Violation("I6", f"{verb} ended with {done.returncode}:\n{done.stderr[-1000:]}")
        return
    try:
        document = json.loads(done.stdout)
    except ValueError:
        yield Violation(
            "I6", f"{verb} ended with {done.returncode} and no document:\n{done.stdout[-500:]}{done.stderr[-500:]}"
        )
        return
    if done.returncode not in (0, 3) and "remedy" not in done.stderr.lower():
        yield Violation("I6", f"{verb} ended with {done.returncode} without a remedy:\n{done.stderr[-1000:]}")
    if done.returncode == 3 and not _named(document):
        yield Violation("I6", f"{verb} was partly done, and no reason is given:\n{done.stdout[-1500:]}")
    if done.returncode == 2 and not says_nothing_archived(done):
        yield Violation("I6", f"{verb} calls its command line wrong:\n{done.stderr[-1000:]}")
    yield from {"publish": _publish, "retrieve": _retrieve, "status": _status, "reclaim": _reclaim}.get(verb, _nothing)(
        world, ended, document, facts
    )
    if before is not None:
        yield from silences(world, ended, document, facts, before)


def _nothing(*_):
    return ()


def _publish(world, ended, document, facts):
    for row in document.get("sessions", ()):
        key = world.lab.key(row["alias"], row["subject_id"], row["session"])
        if row["state"] != "archived" or row["failed"]:
            continue
        if key not in facts.archived:
            yield Violation("I1", f"publish says that {key} is archived, and it is not")
            continue
        visit = world.lab.of(key)
        if visit is None:
            yield Violation("I5", f"publish says that {key} is archived, and nobody recorded it")
            continue
        if visit.rig != ended.command["rig"]:
            continue
        for subpath, path in world.lab.subpaths(visit).items():
            entry = facts.rows[key].get(subpath)
            there = facts.files.get((key[0], subpath), {}).get("sha1")
            right = visit.versions[subpath] if visit.changed else [world.looker.sha1(path)]
            if entry is None or there not in right:
                yield Violation("I1", f"publish says that {key} is archived, and {subpath} is not at the archive")


def _retrieve(world, ended, document, facts):
    for row in document.get("files", ()):
        if row["verdict"] not in ("fetched", "identical"):
            continue
        path = world.folder / row["place"]
        owner = world.lab.owner(row["alias"], base(row["subpath"]))
        if not path.is_file():
            yield Violation("I6", f"retrieve says that {path} was {row['verdict']}, and it is not there")
        elif owner is not None and world.looker.sha1(path) not in {
            *owner.versions[world.lab.former(row["alias"], base(row["subpath"]))],
            *owner.strange,  # of which the index knows only what the archive has
        }:
            yield Violation("I3", f"retrieve says that {path} was {row['verdict']}, and its bytes were never recorded")


def _reclaim(world, ended, document, facts):
    """What is called freed is gone, what is refused has its proof named, and a dry run frees nothing."""
    command = ended.command
    for row in document.get("sessions", ()):
        alias = f"raw-{row['dataset_type']}"
        key = world.lab.key(alias, row["subject_id"], row["session"])
        visit = world.lab.of(key)
        if visit is None:
            yield Violation("I5", f"reclaim tells of a session that nobody recorded: {row}")
        elif row["verdict"] == "refused" and not (row["proof"] and row["reason"] and row["remedy"]):
            yield Violation("I6", f"reclaim refuses {visit.key}, and does not say why: {row}")
        elif row["verdict"] == "reclaimed" and (command.get("dry") or not row["files"]):
            yield Violation("I6", f"reclaim says that it freed {visit.key}, and it was not to, or did not: {row}")
        elif (
            row["verdict"] == "reclaimed"
            and visit.rig == command["rig"]
            and "publication-retrieve" not in row["command"]
        ):
            yield Violation("I6", f"reclaim does not say how {visit.key} comes back: {row}")


def _status(world, ended, document, facts):
    for row in document if isinstance(document, list) else document.get("sessions", ()):
        key = world.lab.key(row["alias"], row["subject_id"], row["session"])
        if row["state"].startswith(("archived", "reclaimed")) and key not in facts.archived:
            yield Violation("I1", f"status says that {key} is {row['state']}, and it is not archived")


def reasons(done):
    """Return what a command gave as reasons, for a message."""
    try:
        found = list(_reasons(json.loads(done.stdout)))
    except ValueError:
        found = [done.stdout[-1000:]]
    return "\n".join([*found[:12], done.stderr[-1000:]])


def _reasons(document, where=""):
    if isinstance(document, dict):
        where = (
            " ".join(str(document[name]) for name in ("alias", "subject_id", "session") if name in document) or where
        )
        if document.get("reason"):
            what = document.get("kind") or document.get("state") or document.get("verdict")
            yield f"  {where}: {what} {document.get('file', '')}: {document['reason']} [{document.get('remedy')}]"
        for value in document.values():
            yield from _reasons(value, where)
    elif isinstance(document, list):
        for value in document:
            yield from _reasons(value, where)


def _named(document):
    """Return whether anything in a document is told with reason and remedy."""
    if isinstance(document, dict):
        if document.get("reason") and document.get("remedy"):
            return True
        if (document.get("read_first") or {}).get("files"):  # verify: read, and nothing to compare with
            return True
        return any(_named(value) for value in document.values())
    return isinstance(document, list) and any(_named(value) for value in document)
