"""Bringing the tables of the database forward: what it would do, as data; then the very same, done."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline import database
from pipeline.admin.state import StepState, look
from pipeline.database import migrations as steps_of
from pipeline.errors import DatabaseReadOnly, Refused, SchemaVersionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.admin.state import DatabaseState
    from pipeline.database.migrations import Migration
    from pipeline.database.writers import Writer
    from pipeline.settings import Settings


@dataclass(slots=True)
class Upgrade:
    """Steps from one version of the tables to another; ``before`` is None for a database that has none.

    ``oldest_writer`` is the oldest version whose programs may write afterwards; ``writers`` are the computers that
    wrote before, ``behind`` those of them that the steps lock out, as far as the database knows.
    """

    place: str
    prefix: str
    program: str
    before: int | None
    made_by: str
    after: int
    oldest_writer: int
    steps: list[StepState] = field(default_factory=list)
    writers: list[Writer] = field(default_factory=list)
    done: bool = False

    @property
    def nothing_to_do(self) -> bool:
        """Whether the tables are as this program knows them, or newer."""
        return self.before is not None and not self.steps

    @property
    def locks_out(self) -> bool:
        """Whether some program that may write now must not write afterwards."""
        return any(step.locks_out for step in self.steps)

    @property
    def behind(self) -> list[Writer]:
        """The computers that are locked out, or may be: nobody knows with which mapshell they wrote."""
        if not self.locks_out:
            return []
        return [each for each in self.writers if each.knows is None or each.knows < self.oldest_writer]


def plan(settings: Settings, migrations: Sequence[Migration] | None = None) -> Upgrade:
    """Say what an upgrade would do; nothing is written.

    Raises
    ------
    SchemaVersionError
        The database is newer than this program can bear, or says something that no mapshell writes.
    DatabaseError
        The schemas hold tables of another program, or the server does not do.
    """
    migrations = steps_of.MIGRATIONS if migrations is None else migrations
    state = look(settings, migrations)
    _refuse_hopeless(state)
    stored = state.stored
    made = steps_of.oldest_writer(migrations)
    return Upgrade(
        place=state.place,
        prefix=state.prefix,
        program=state.program,
        before=None if stored is None else stored.version,
        made_by="" if stored is None else stored.program,
        after=state.known if stored is None else max(state.known, stored.version),
        oldest_writer=made if stored is None else max(made, stored.oldest_writer),
        steps=state.steps,
        writers=state.writers,
    )


def _refuse_hopeless(state: DatabaseState) -> None:
    """Raise what an upgrade would not mend."""
    if state.problem is None or isinstance(state.problem, DatabaseReadOnly):
        return  # a dry run may be asked by who may not
    if isinstance(state.problem, SchemaVersionError) and any(step.locks_out for step in state.steps):
        return
    raise state.problem


def carry_out(settings: Settings, upgrade: Upgrade, migrations: Sequence[Migration] | None = None) -> None:
    """Do what the plan says; the tables are bound afterwards.

    Raises
    ------
    Refused
        A computer that would be locked out is at work just now.
    DatabaseReadOnly
        The account may not make tables.
    """
    busy = [each.computer for each in upgrade.behind if each.working]
    if busy:
        raise Refused(
            f"{', '.join(busy)} {'is' if len(busy) == 1 else 'are'} at work on sessions just now, perhaps with an "
            "older mapshell, which could not end what it began. Nothing was changed.",
            remedy="wait until it has ended (`mapshell publication-status` shows what is in flight), then run the "
            "command again.",
        )
    if upgrade.nothing_to_do:
        return
    database.unbind()
    database.bind(settings, migrations=migrations, lock_out=True)
    upgrade.done = True
