"""Manifests and tombstones that are not true."""

from __future__ import annotations

import copy
import hashlib
import json


def forged(document, dice):
    """Return a manifest of a later generation that lies in one of several ways."""
    lie = copy.deepcopy(document)
    lie["dataset"]["generation"] += 7
    files, entry = lie["files"], lie["files"][dice % len(lie["files"])]
    how = dice // 7 % 5
    if how == 0:  # outside of the archive
        entry["subpath"] = "../../home/" + entry["subpath"].rpartition("/")[2]
    elif how == 1:  # another size
        entry["size"] += 1
    elif how == 2:  # a file that is not there
        files.append({**entry, "subpath": entry["subpath"] + ".gone"})
    elif how == 3:  # of another session
        lie["session"]["session"] += 1
        lie["dataset"]["name"] = lie["dataset"]["name"][:-1] + "9"
    else:  # an absolute path
        entry["subpath"] = "/" + entry["subpath"]
    return lie


def false_tombstones(visit, here, outside):
    """Return tombstones of a session that lie, as text, and the SHA1 by which their lies are known.

    ``here`` is the subpath of a file of the session, ``outside`` a path that has nothing to do with it.
    """
    sha1 = hashlib.sha1(b"mine", usedforsecurity=False).hexdigest()

    def entry(subpath):
        return {"subpath": subpath, "size": 4, "mtime": 1_600_000_000, "sha1": sha1}

    out = f"../../home/{outside.name}"
    said = {
        "command": "rm -r /",
        "format": "mapshell-reclaimed",
        "version": 1,
        "session": {
            "subject_id": visit.subject,
            "session": visit.session,
            "h2o": visit.h2o,
            "session_date": visit.day.isoformat(),
            "dataset_type": visit.kind,
        },
        "reclaimed_at": "2020-06-01T00:00:00Z",
        "computer": visit.rig,
        "who": "somebody",
        "places": [],
        "files": [entry(here.as_posix())],
    }
    other = {**said["session"], "session": visit.session + 40}
    lies = (
        said,
        {**said, "files": [entry(out)]},
        {**said, "files": [entry(str(outside))]},
        {**said, "files": [entry(here.as_posix())] * 3},
        {**said, "command": 3},
        {**said, "session": other},
        {**said, "files": [entry(f"{here.as_posix()}/{n}") for n in range(20_000)]},
        {**said, "files": [entry(f"{here.parent.as_posix()}/never recorded.bin")]},
    )
    return [*map(json.dumps, lies), "{", "[" * 20_000], sha1
