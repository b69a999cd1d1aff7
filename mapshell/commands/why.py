"""``publication-why``: why a session is not archived."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mapshell.context import Context, pass_context

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.archive.session import DatasetType
    from pipeline.why import Subject


@click.command()
@click.argument("subject")
@click.argument("session", metavar="SESSION|DATE")
@click.option("--type", "kind", type=click.Choice(["ephys", "video"]), help="Only this kind of data.")
@click.option("--archive", "alias", default="", metavar="ALIAS", help="Only this storage location.")
@click.option("--offline", is_flag=True, help="Do not ask Globus, whatever is unknown then.")
@click.option("-v", "--all", "every", is_flag=True, help="Show every rule, also those that passed.")
@pass_context
def why(
    context: Context,
    subject: str,
    session: str,
    *,
    kind: DatasetType | None,
    alias: str,
    offline: bool,
    every: bool,
) -> None:
    """Say why a session is not archived: each decision, its evidence, and what to run next.

    SUBJECT is a water restriction or subject id; then a session number, or a day: 2019-11-19, 20191119, 111919 as in
    folder names, today or yesterday.

    Publish's own rules are asked for this one session, in their order: the names tried and those that come nearest,
    whose each folder is, what the gate finds, how the files differ from the index, who works on it, what the archive
    holds, what verify found and what other computers said. Nothing is changed, and nothing sent.

    \b
    Examples:
      mapshell publication-why SC038 3
      mapshell publication-why SC038 2019-11-19 --type ephys
      mapshell publication-why SC038 yesterday --offline --all
      mapshell publication-why SC038 3 --format json
    """
    from mapshell.show_why import ask_which, show
    from pipeline.why import explain

    def ask(found: Sequence[Subject]) -> Subject:
        return ask_which(context.output, found)

    context.database()
    found = explain(
        context.settings,
        None if offline else context.globus,
        subject,
        session,
        types=("ephys", "video") if kind is None else (kind,),
        alias=alias,
        ask=ask if context.interactive else None,
    )
    show(context.output, found, every=every)
