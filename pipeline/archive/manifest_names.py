"""The names of manifests: made of a session, and read again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, cast

from pipeline.archive.paths import check_subpath

if TYPE_CHECKING:
    from pipeline.archive.session import DatasetType, SessionRef

_NAME = re.compile(
    r"(?P<day>[0-9]{8})_s(?P<session>[0-9]{1,9})_(?P<type>ephys|video)\.manifest-(?P<generation>[0-9]{4,9})\.json"
)


def manifest_subpath(session: SessionRef, dataset_type: DatasetType, generation: int) -> str:
    """Return ``<h2o>/<h2o>_<YYYYMMDD>_s<session>_<type>.manifest-<generation>.json``."""
    stem = f"{session.h2o}_{session.session_date:%Y%m%d}_s{session.session}_{dataset_type}"
    return check_subpath(f"{session.h2o}/{stem}.manifest-{generation:04d}.json")


@dataclass(frozen=True, slots=True)
class ManifestName:
    """What the name of a manifest says: session, type of data and generation; nothing of it is proved."""

    h2o: str
    session_date: date
    session: int
    dataset_type: DatasetType
    generation: int


def read_manifest_name(name: str, h2o: str) -> ManifestName | None:
    """Read the last component of a path as :func:`manifest_subpath` writes it for an animal; None when it is other."""
    found = _NAME.fullmatch(name[len(h2o) + 1 :]) if name.startswith(f"{h2o}_") else None
    if found is None:
        return None
    try:
        day = date(int(found["day"][:4]), int(found["day"][4:6]), int(found["day"][6:]))
    except ValueError:
        return None
    said = ManifestName(h2o, day, int(found["session"]), cast("DatasetType", found["type"]), int(found["generation"]))
    if f"{said.session}" != found["session"] or f"{said.generation:04d}" != found["generation"] or not said.generation:
        return None
    return said
