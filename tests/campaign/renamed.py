"""Sessions that were given to another animal: seen under the names that they were recorded by, whatever they have now.

So nothing else of the checker needs to know of it.  What must be true of the names themselves is told here: in the
index a session is the one or the other, and a row's file has the name that the row says, unless it is being renamed.
"""

from __future__ import annotations

import re

from .look import text
from .violation import Violation

MANIFEST = re.compile(r"(\w+)/\1_(\d{8})_s(\d+)_(ephys|video)(\.manifest-.*)")


def as_recorded(facts, lab):
    """Return what is wrong with names; ``facts`` then tell of all sessions as they were recorded."""
    moved = [visit for visit in lab.visits.values() if visit.other]
    if not moved:
        return []
    found = [*_both(facts, moved), *_astray(facts, moved)]
    for visit in moved:
        visit.moved = _new(visit) in facts.datasets
    by_key = {_new(visit): visit.key for visit in moved}
    facts.files = {(alias, lab.former(alias, name)): there for (alias, name), there in facts.files.items()}
    facts.manifests = {
        (alias, lab.former(alias, name)): _document(document, alias, lab)
        for (alias, name), document in facts.manifests.items()
    }
    for row in facts.datasets.values():
        row["dataset_manifest"] = lab.former(text(row["globus_alias"]), text(row["dataset_manifest"]))
    facts.datasets = {by_key.get(key, key): row for key, row in facts.datasets.items()}
    facts.rows = {
        by_key.get(key, key): {lab.former(key[0], name): row for name, row in rows.items()}
        for key, rows in facts.rows.items()
    }
    for name in ("archived", "entered", "open", "claims"):
        setattr(facts, name, {by_key.get(key, key) for key in getattr(facts, name)})
    facts.carried = {each: {by_key.get(key, key) for key in keys} for each, keys in facts.carried.items()}
    facts.sessions -= {visit.other for visit in moved}
    for row in facts.reclaims:
        alias = f"raw-{text(row['dataset_type'])}"
        _, row["subject_id"], row["session"] = lab.key(alias, row["subject_id"], row["session"])
    journeys = {}
    for (collection, path), tasks in facts.journeys.items():
        alias, _, name = path.lstrip("/").partition("/")
        journeys.setdefault((collection, f"/{alias}/{lab.former(alias, name)}"), []).extend(tasks)
    facts.journeys = journeys
    return found


def _new(visit):  # where a session is given to another animal, its type of data has one place
    return visit.alias, *visit.other


def _both(facts, moved):
    for visit in moved:
        if {_new(visit), visit.key} <= set(facts.datasets):
            yield Violation("I4", f"{visit.key} and {_new(visit)} are both in the index, and are one recording")
        here = {name for alias, name in facts.files if alias == visit.alias and name in visit.versions}
        for name in sorted(here):
            if (visit.alias, visit.renamed(name)) in facts.files:
                yield Violation("I4", f"{name} lies at the archive under both of its names")


def _astray(facts, moved):
    for visit in moved:
        for key in {_new(visit), visit.key} & set(facts.datasets):
            if {_new(visit), visit.key} & facts.open:
                continue  # it may be on its way from one name to the other
            for name in facts.rows[key]:
                if (key[0], name) not in facts.files:
                    yield Violation("I1", f"{key[0]}:{name} is in the index of {key}, and not at the archive")


def _document(document, alias, lab):
    session = document["session"]
    _, subject, number = lab.key(alias, session["subject_id"], session["session"])
    files = [{**entry, "subpath": lab.former(alias, entry["subpath"])} for entry in document["files"]]
    return {**document, "files": files, "session": {**session, "subject_id": subject, "session": number}}
