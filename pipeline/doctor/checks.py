"""The table of all checks: what is looked at, in which section, after what."""

from __future__ import annotations

from pipeline.doctor import (
    archives,
    clock,
    computer,
    configuration,
    copies,
    database,
    journal,
    local_folders,
    login,
    places,
)
from pipeline.doctor.findings import Check

_DATABASE, _GLOBUS, _DISK = "database", "globus", "disk"
_REACHED = ("settings", "client", "service", "person", "collection")

CHECKS: tuple[Check, ...] = (
    Check("settings", "configuration", configuration.read),
    Check("time zone", "configuration", configuration.zone, needs=("settings",)),
    Check("computer", "configuration", configuration.computer, needs=("settings",)),
    Check("notify", "configuration", configuration.notify, needs=("settings",)),
    Check("versions", "computer", computer.versions),
    Check("private files", "computer", computer.private_files, needs=("settings",)),
    Check("services", "computer", computer.services, needs=("settings",)),
    Check("own folders", "computer", computer.own_folders),
    Check("free space", "computer", computer.space, needs=("settings",), lane=_DISK),
    Check("times of files", "computer", clock.against_files, needs=("settings",), lane=_DISK),
    Check("clock, database", "computer", clock.against_database, needs=("settings", "connection"), lane=_DATABASE),
    Check("clock, Globus", "computer", login.time_of_globus, needs=("settings", "service"), globus=True),
    Check("connection", "database", database.reachable, needs=("settings",), after=("services",), lane=_DATABASE),
    Check("tables", "database", database.tables, needs=("settings", "connection"), lane=_DATABASE),
    Check("rights", "database", database.rights, needs=("settings", "connection", "tables"), lane=_DATABASE),
    Check("lab", "database", database.lab, needs=("settings", "connection", "tables"), lane=_DATABASE),
    Check("client", "login", login.client, needs=("settings",)),
    Check("service", "login", login.service, needs=("settings",), after=("services",), lane=_GLOBUS, globus=True),
    Check(
        "person",
        "login",
        login.person,
        needs=("settings", "client", "service"),
        after=("locations",),
        lane=_GLOBUS,
        globus=True,
    ),
    Check("consents", "login", login.consents, needs=("settings", "client", "service", "person"), globus=True),
    Check(
        "collection",
        "collections",
        places.known,
        needs=("settings", "client", "service", "person"),
        after=("locations",),
        each=places.collections,
        globus=True,
    ),
    Check(
        "aliases",
        "folders",
        places.folders_of_aliases,
        needs=("settings",),
        after=("tables", "locations"),
        lane=_DATABASE,
    ),
    Check("on disk", "folders", local_folders.on_disk, needs=("settings",), each=places.roots),
    Check("staging", "folders", local_folders.written, needs=("settings", "on disk"), each=places.roots),
    Check(
        "in Globus", "folders", local_folders.listed, needs=_REACHED, after=("on disk",), each=places.roots, globus=True
    ),
    Check(
        "same folder",
        "folders",
        local_folders.same,
        needs=(*_REACHED, "on disk", "staging", "in Globus"),
        each=places.roots,
        globus=True,
    ),
    Check(
        "Globus writes",
        "folders",
        local_folders.globus_writes,
        needs=(*_REACHED, "on disk", "staging", "in Globus", "same folder"),
        each=places.roots,
        globus=True,
    ),
    Check(
        "locations",
        "archive",
        places.listed_locations,
        needs=("settings",),
        after=("tables",),
        lane=_DATABASE,
    ),
    Check(
        "listed", "archive", archives.listed, needs=_REACHED, after=("locations",), each=places.archives, globus=True
    ),
    Check(
        "writable",
        "archive",
        archives.writable,
        needs=(*_REACHED, "listed"),
        each=places.archives,
        globus=True,
    ),
    Check("HTTPS", "archive", archives.https, needs=(*_REACHED, "listed"), each=places.archives, globus=True),
    Check("times", "archive", archives.keeps_times, needs=(*_REACHED, "listed"), each=places.archives, globus=True),
    Check(
        "copies",
        "archive",
        copies.fillable,
        needs=("settings", "connection", "tables"),
        after=("locations",),
        lane=_DATABASE,
    ),
    Check("leases", "journal", journal.leases, needs=("settings", "connection", "tables"), lane=_DATABASE),
    Check(
        "transfers",
        "journal",
        journal.transfers,
        needs=("settings", "connection", "tables"),
        after=("person",),
        lane=_DATABASE,
    ),
    Check("retrievals", "journal", journal.retrievals, needs=("settings",)),
)
