"""Manifests that are not true."""

from __future__ import annotations

import copy


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
