"""How the archive's folders are shown."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mapshell.errors import Partial
from mapshell.output import Column
from pipeline.archive.paths import visible
from pipeline.sizes import human_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mapshell.output import Output
    from pipeline.archive.session import Location
    from pipeline.browse.asking import Facts, Listing, Search
    from pipeline.browse.changing import Moved
    from pipeline.browse.copy_journal import Copied
    from pipeline.browse.looking import Obstacle, Seen, Sum
    from pipeline.browse.place import Place

_KINDS = {"dir": "folder"}
_SIZE = Column("Size", "bytes", align="right", kind="bytes", wrap=False)
_LONG = (
    Column("Kind", "kind"),
    _SIZE,
    Column("Changed (UTC)", "changed", wrap=False),
    Column("Name", "name", style=lambda row: "blue" if row["kind"] == "folder" else ""),
)


def locations(output: Output, found: Mapping[str, Location]) -> None:
    """Show the storage locations, where nobody stands anywhere."""
    rows = [
        {"place": f"{each.alias}:/", "type": each.dataset_type, "collection": each.endpoint, "path": each.path}
        for each in found.values()
    ]
    columns = (
        Column("Place", "place", style="blue", wrap=False),
        Column("Type", "type"),
        Column("Collection", "collection", wrap=False),
        Column("Path", "path"),
    )
    output.table(rows, columns, empty="No storage location is known; add one: mapshell storage add.")


def listings(output: Output, found: Iterable[Listing], *, long_: bool, several: bool) -> None:
    """Show what lies in places, each as it is known."""
    rows: list[dict[str, Any]] = []
    obstacles: list[Obstacle] = []
    for each in found:
        part = (_row(seen, each.base) for seen in each.entries)
        if output.for_programs:
            rows += part
        else:
            if several and each.folder:
                output.data(visible(f"{each.place}:"))
            _lines(output, part, long_=long_)
        obstacles += each.obstacles
    if output.for_programs:
        output.data(rows)
    _obstacles(output, obstacles)


def _lines(output: Output, rows: Iterable[Mapping[str, Any]], *, long_: bool) -> None:
    """Print rows as they come; only a table needs all of them."""
    if long_:
        output.table(rows, _LONG, empty="It is empty.")
        return
    empty = True
    for row in rows:
        empty = False
        output.data(f"{visible(row['name'])}{'/' if row['kind'] == 'folder' else ''}")
    if empty:
        output.say("It is empty.")


def _row(seen: Seen, base: Place) -> dict[str, Any]:
    return {
        "name": "/".join(seen.place.parts[len(base.parts) :]) or str(seen.place),
        "place": str(seen.place),
        "kind": _KINDS.get(seen.kind, seen.kind),
        "bytes": None if seen.folder else seen.size,
        "changed": _time(seen.mtime),
    }


def _time(mtime: int | None) -> str | None:
    return None if mtime is None else f"{datetime.fromtimestamp(mtime, UTC):%Y-%m-%d %H:%M:%S}"


def facts(output: Output, found: Sequence[Facts]) -> None:
    """Show what the archive and the index say of places."""
    documents = [
        {
            "place": str(each.seen.place),
            "collection": each.seen.place.endpoint,
            "path": each.seen.place.path,
            "kind": _KINDS.get(each.seen.kind, each.seen.kind),
            "bytes": None if each.seen.folder else each.seen.size,
            "changed": _time(each.seen.mtime),
            "sessions": [str(one) for one in each.datasets],
            "manifest": each.manifest,
            "index": None if each.row is None else _indexed(each.row, each.seen),
        }
        for each in found
    ]
    if output.for_programs:
        output.data(documents)
    else:
        output.data("\n\n".join(_told(document) for document in documents))


def _indexed(row: Mapping[str, Any], seen: Seen) -> dict[str, Any]:
    return {
        "dataset": row["dataset_name"],
        "file_type": row["file_type"],
        "bytes": row["file_size"],
        "same_size": row["file_size"] == seen.size,
        "sha1": row["file_sha1"],
        "sha1_source": row["sha1_source"],
        "verified_at": row["verified_at"],
        "verified_how": row["verified_how"],
        "generation": row["file_generation"],
    }


def _told(document: Mapping[str, Any]) -> str:
    lines = [document["place"]]
    pairs = [("collection", document["collection"]), ("path", document["path"]), ("kind", document["kind"])]
    if document["bytes"] is not None:
        exact = f" ({document['bytes']:,} bytes)" if document["bytes"] >= 1000 else ""
        pairs.append(("size", human_bytes(document["bytes"]) + exact))
    pairs.append(("changed", f"{document['changed']} UTC" if document["changed"] else "not told"))
    index = document["index"]
    if index is not None:
        pairs.append(("dataset", f"{index['dataset']}, generation {index['generation']}"))
        pairs.append(("file type", index["file_type"]))
        pairs.append(("SHA1", f"{index['sha1']} ({index['sha1_source']})" if index["sha1"] else "not known"))
        when = (
            f"{index['verified_at']:%Y-%m-%d %H:%M} UTC, {index['verified_how']}" if index["verified_at"] else "never"
        )
        pairs.append(("verified", when))
        if not index["same_size"]:
            pairs.append(("differs", f"the index says {index['bytes']} bytes: mapshell publication-verify"))
    pairs += [("session", session) for session in document["sessions"]]
    if document["manifest"] and not document["sessions"]:
        pairs.append(("session", "an earlier manifest of an archived session"))
    elif not document["sessions"]:
        pairs.append(("session", "none: the index knows nothing here"))
    return "\n".join([*lines, *(f"  {name:<11}{visible(str(value))}" for name, value in pairs)])


def sizes(output: Output, rows: Sequence[Sum], obstacles: Sequence[Obstacle]) -> None:
    """Show sums of folders."""
    output.table(
        [
            {"place": str(r.place), "files": r.files, "folders": r.folders, "bytes": r.size, "whole": r.whole}
            for r in rows
        ],
        (
            _SIZE,
            Column("Files", "files", align="right", kind="number"),
            Column("Folders", "folders", align="right", kind="number"),
            Column("Place", "place"),
            *([] if all(r.whole for r in rows) else [Column("All of it", "whole")]),
        ),
    )
    _obstacles(output, obstacles)


def found(output: Output, search: Search) -> None:
    """Show what fits, as it is found."""
    rows = []
    for seen in search:
        rows.append(_row(seen, search.place))
        if not output.for_programs:
            output.data(visible(str(seen.place)) + ("/" if seen.folder else ""))
    if output.for_programs:
        output.data(rows)
    elif not rows and not search.obstacles:
        output.say("Nothing fits.")
    _obstacles(output, search.obstacles)


def place(output: Output, here: Place | None) -> None:
    """Show where the shell stands."""
    output.data(
        str(here) if here is not None else None if output.for_programs else "nowhere; cd ALIAS:/ goes to an archive"
    )


def made(output: Output, folders: Iterable[tuple[Place, bool]]) -> None:
    """Show which folders were made."""
    rows = [{"place": str(place), "made": new} for place, new in folders]
    if output.for_programs:
        output.data(rows)
    for row in rows:
        output.say(f"{visible(str(row['place']))} {'was made' if row['made'] else 'was there already'}.")


def moved(output: Output, result: Moved) -> None:
    """Show what was renamed."""
    rows = [{"old": str(old), "new": str(new)} for old, new in result.done]
    if output.for_programs:
        output.data(rows)
    for row in rows:
        output.say(visible(f"{row['old']} is now {row['new']}."))


def copied(output: Output, result: Copied) -> None:
    """Show what was copied, or would be."""
    rows = [{"source": str(one), "destination": str(two), "bytes": size} for one, two, size in result.files]
    if output.for_programs:
        output.data({"dry_run": result.dry_run, "task": result.task_id, "files": rows})
        return
    if result.dry_run:
        output.table(rows, (_SIZE, Column("Source", "source"), Column("Destination", "destination")))
    done = "would be copied" if result.dry_run else "copied, each there with its size"
    output.say(
        f"{len(rows):,} {'file' if len(rows) == 1 else 'files'} ({human_bytes(result.size)}) {done}.", style="bold"
    )
    if result.task_id:
        output.say(f"Globus task: {result.task_id}")


def _obstacles(output: Output, obstacles: Sequence[Obstacle]) -> None:
    """Name what could not be listed; the command is then only partly done.

    Raises
    ------
    Partial
        There was something.
    """
    for each in obstacles:
        output.error(f"{visible(each.place)}: {each.error.message}", each.error.remedy)
    if obstacles:
        raise Partial
