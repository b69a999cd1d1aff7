"""What one discovery works with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.archive.round import ends_the_round

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from typing import Any

    from pipeline.archive.haul import Patient
    from pipeline.archive.layouts import Layout
    from pipeline.archive.lister import Lister
    from pipeline.archive.manifest_names import ManifestName
    from pipeline.archive.naming import FolderName
    from pipeline.archive.ports import Progress, Store
    from pipeline.archive.remote_find import Animal
    from pipeline.archive.session import Location, Root, SessionKey
    from pipeline.discovered import DiscoverReport
    from pipeline.discovery.early import Early
    from pipeline.known_index import Known
    from pipeline.rebuild import Index
    from pipeline.sessions import LabSessions
    from pipeline.wanted import Wanted

ends = ends_the_round
"""Whether every further session would meet an error too."""


@dataclass(slots=True, eq=False)
class Place:
    """One storage location, and what is known of it before anything is read.

    ``described`` are sessions of which the archive has a manifest; ``unsettled`` those manifests that have not become
    rows, so that nothing of their days is guessed from names; ``left`` those of them whose session was deleted on
    purpose, and is reported as such; ``claimed`` folders that manifests speak of.
    """

    location: Location
    index: Index
    root: Root | None
    layouts: Sequence[Layout]
    known: Mapping[SessionKey, Known]
    withdrawn: Mapping[SessionKey, Mapping[str, Any]]
    journalled: Mapping[SessionKey, bool]
    working: Mapping[SessionKey, str]
    animals: list[Animal] = field(default_factory=list)
    described: set[SessionKey] = field(default_factory=set)
    unsettled: set[ManifestName] = field(default_factory=set)
    left: set[ManifestName] = field(default_factory=set)
    claimed: set[str] = field(default_factory=set)


@dataclass(slots=True, eq=False)
class Search:
    """One discovery: what is asked for, how it is done, and what came of it so far."""

    wanted: Wanted
    lab: LabSessions
    store: Store
    lister: Lister
    early: Early
    progress: Progress
    patient: Patient
    report: DiscoverReport
    staging: str
    create: bool
    restore: bool
    dry_run: bool
    places: list[Place] = field(default_factory=list)

    def described_by(self, place: Place, name: FolderName) -> ManifestName | None:
        """Return a manifest without rows that may be of the session of a folder: its owner must not be guessed then.

        At another location too, when the lab's tables have lost that session.  One of a session that was deleted on
        purpose only where there is no other.
        """
        undated = not name.dates or name.names_other_animal
        left = None
        for each in self.places:
            for said in each.unsettled:
                lost = (self.wanted.h2os.get(said.h2o), said.session) not in self.lab.refs
                if said.h2o == name.h2o and (undated or said.session_date in name.dates) and (each is place or lost):
                    if said not in place.left:
                        return said
                    left = said
        return left

    def is_meant(self, key: SessionKey, day: date, place: Place) -> bool:
        """Say whether a session is asked for, as far as the tables can tell before its rows are made."""
        ref = self.lab.refs.get(key)
        if ref is None and self.create:
            return True
        return self.wanted.session(key, ref.session_date if ref else day, place.location)
