"""``mapshell sandbox collection``: how a collection behaves, for good."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mapshell.commands.sandbox_root import root_option, running
from mapshell.context import Context, pass_context

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_NONE = "none"


def _or_none(ctx: click.Context, param: click.Parameter, value: str | None) -> int | str | None:  # noqa: ARG001 - click's form
    """Read a whole number, or ``none``; None where the option was not given."""
    if value in {None, _NONE}:
        return value
    if not str(value).isdigit():
        raise click.BadParameter(f"{value!r} is neither a whole number, 0 or more, nor none.")
    return int(str(value))


@click.command()
@click.argument("collection", metavar="UUID")
@click.option("--offline/--online", default=None, help="Whether its endpoint answers.")
@click.option("--read-only/--writable", default=None, help="Whether writes are refused.")
@click.option("--denied/--granted", default=None, help="Whether everything is refused.")
@click.option("--deny", multiple=True, metavar="PATTERN", help="Paths that nobody may use, such as '/secret/*'.")
@click.option("--allow-all", is_flag=True, help="Forget all --deny.")
@click.option(
    "--quota",
    metavar="N|none",
    callback=_or_none,
    help="How many bytes may still be written; none: as many as the disk holds.",
)
@click.option("--https/--no-https", default=None, help="Whether it has an HTTPS server.")
@click.option("--times/--no-times", default=None, help="Whether preserve_timestamp takes effect.")
@click.option(
    "--fresh-session", metavar="N|none", callback=_or_none, help="How old a login may be, in seconds; none: any age."
)
@click.option("--unknown/--known", default=None, help="Whether Globus knows the collection.")
@root_option
@pass_context
def collection(ctx: Context, root: Path | None, collection: str, *, deny: tuple[str, ...], **given: Any) -> None:
    """Show how a collection behaves, or change it, for good (faults end, settings stay).

    \b
    Examples:
      mapshell sandbox collection UUID
      mapshell sandbox collection UUID --offline
      mapshell sandbox collection UUID --online --quota 1000000
      mapshell sandbox collection UUID --deny '/secret/*' --read-only
    """
    from mapshell.output import Column
    from mapshell.sandbox.spec import check_id

    admin, collection_id = running(ctx, root).admin, check_id(collection)
    spec = _known(admin.call("GET", "/info")["collections"], collection_id)
    changes = _changes(spec, deny, given)
    if changes:
        admin.set_collection(collection_id, **changes)
        spec = admin.call("GET", "/info")["collections"][collection_id]
    if ctx.output.for_programs:
        ctx.output.data({"id": collection_id, **spec})
        return
    rows = [
        {"name": name.replace("_", " "), "value": _shown(value)}
        for name, value in {"id": collection_id, **spec}.items()
    ]
    ctx.output.table(rows, [Column("Setting", "name"), Column("Value", "value")])


def _known(collections: Mapping[str, Any], collection_id: str) -> Mapping[str, Any]:
    from pipeline.errors import UsageError

    spec: Mapping[str, Any] | None = collections.get(collection_id)
    if spec is None:
        known = ", ".join(f"{name} ({each['name'] or each['path']})" for name, each in collections.items())
        raise UsageError(
            f"The sandbox has no collection {collection_id}.",
            remedy=f"It has {known}." if known else "Add one: mapshell sandbox start --collection UUID=PATH",
        )
    return spec


def _changes(spec: Mapping[str, Any], deny: tuple[str, ...], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that change, by their names in the collection."""
    names = {"times": "keeps_times", "unknown": "missing"}
    changes = {
        names.get(name, name): value for name, value in given.items() if name != "allow_all" and value is not None
    }
    for name in ("quota", "fresh_session"):
        if changes.get(name) == _NONE:
            changes[name] = None
    if deny or given["allow_all"]:
        kept = [] if given["allow_all"] else list(spec["deny"])
        changes["deny"] = [*kept, *(pattern for pattern in deny if pattern not in kept)]
    return changes


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(value) or "-"
    return "-" if value in (None, "", {}) else str(value)
