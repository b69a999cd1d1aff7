"""How storage locations, and changes of their addresses, are shown; no work is done here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mapshell.output import Column
from pipeline.sizes import human_bytes
from pipeline.storage import said

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mapshell.output import Output
    from pipeline.archive.session import Location
    from pipeline.moving import Move
    from pipeline.storage import Stored


def _style(row: Mapping[str, Any]) -> str:
    return "red" if row["agrees"] is False else ""


COLUMNS = (
    Column("Alias", "alias", style="bold", wrap=False),
    Column("Holds", "dataset_type"),
    Column("Copy", "copy"),
    Column("Collection", "collection"),
    Column("UUID", "endpoint", wrap=False),
    Column("Path", "path"),
    Column("Datasets", "datasets", align="right", kind="number"),
    Column("Files", "files", align="right", kind="number"),
    Column("Size", "bytes", align="right", kind="bytes"),
    Column("This computer's configuration", "configuration_says", style=_style),
)


def show(output: Output, locations: Sequence[Stored], names: Mapping[str, str]) -> None:
    """Show every storage location, and what to do about a configuration that says otherwise."""
    rows = [_row(each, names) for each in locations]
    if not output.for_programs:
        rows = [{**row, "copy": "yes" if row["copy"] else ""} for row in rows]
    columns = [each for each in COLUMNS if each.key != "copy" or any(place.copy for place in locations)]
    output.table(rows, columns, empty="No storage location is known yet: mapshell storage add ALIAS UUID:/PATH")
    for each in locations:
        if each.agrees is False:
            output.warn(
                f"{each.where} places {each.location.alias} elsewhere: write {each.location.endpoint} and "
                f"{each.location.path} there, or remove it: the database suffices."
            )


def _row(each: Stored, names: Mapping[str, str]) -> dict[str, Any]:
    place = each.location
    return {
        **document(place),
        "collection": names.get(place.endpoint),
        "in_database": each.in_database,
        "copy": each.copy,
        "datasets": each.datasets,
        "files": each.files,
        "bytes": each.size,
        "configuration": document(each.configured) if each.configured else None,
        "agrees": each.agrees,
        "where": each.where or None,
        "configuration_says": _said(each),
    }


def _said(each: Stored) -> str:
    if each.configured is None:
        return "says nothing"
    if not each.in_database:
        return "alone; the first publish writes it down"
    return "agrees" if each.agrees else f"DIFFERS: {said(each.configured)} ({each.configured.dataset_type})"


def show_added(output: Output, location: Location) -> None:
    """Show a location that was written down."""
    output.result(
        document(location),
        lambda: output.say(f"{location.alias} ({location.dataset_type}) lies at {said(location)}, for all computers."),
    )


def show_move(output: Output, move: Move, where: str | None) -> None:
    """Show a change of address; ``where`` is the place of this computer's configuration that must be corrected."""
    if output.for_programs:
        output.data(
            {
                "alias": move.before.alias,
                "before": document(move.before),
                "after": document(move.after),
                "looked_at": {
                    "files": move.files,
                    "bytes": move.size,
                    "manifests": move.manifests,
                    "folders": move.folders,
                    "datasets": move.datasets,
                    "of_datasets": move.all_datasets,
                },
                "differences": move.differences,
                "dry_run": move.dry_run,
                "moved": move.moved,
                "computers": move.computers,
                "to_correct": where,
            }
        )
        return
    if move.before == move.after:
        output.say(f"{move.before.alias} lies at {said(move.after)} already.")
        return
    output.say(
        f"Looked at {_many(move.files, 'file')} ({human_bytes(move.size)}) and {_many(move.manifests, 'manifest')} in "
        f"{_many(move.folders, 'folder')} of the new place, of {move.datasets:,} of "
        f"{_many(move.all_datasets, 'dataset')}" + (": all as in the index." if not move.differences else ".")
        if move.all_datasets
        else "Nothing was archived there yet, so there was nothing to look for."
    )
    if move.differences:
        return
    if not move.moved:
        output.say(f"Would say that {move.before.alias} lies at {said(move.after)}, not at {said(move.before)}.")
        return
    output.say(f"{move.before.alias} lies at {said(move.after)} now, for all computers.", style="bold")
    if where:
        output.warn(f"{where} still says {said(move.before)}: correct {move.before.alias} there, or remove it.")
    known = f" ({', '.join(move.computers)} published there)" if move.computers else ""
    output.say(
        f"On every other computer{known} whose configuration names {move.before.alias} the next command ends with exit "
        "code 5 and names the line to correct."
    )
    output.say("To compare checksums at the new place: mapshell publication-verify --checksum sample")


def document(location: Location) -> dict[str, Any]:
    """Return a location as JSON has it."""
    return {
        "alias": location.alias,
        "dataset_type": location.dataset_type,
        "endpoint": location.endpoint,
        "path": location.path,
    }


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"
