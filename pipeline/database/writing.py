"""Before something is written: whether this program and this account may, and a note that they are about to."""

from __future__ import annotations

from pipeline.errors import DatabaseReadOnly


def ensure_writable() -> None:
    """Make sure that rows can be written, before anything is transferred.

    Raises
    ------
    pipeline.errors.DatabaseReadOnly
        The account or the server refuses.
    pipeline.errors.SchemaVersionError
        Another computer has brought the tables to a version meanwhile that this program must not write into.
    """
    from pipeline import database, publication
    from pipeline.database import binding, versions

    bound = database.bind()
    present = binding.get_current()
    if present is not None and present.knows is not None:
        versions.refuse_newer(present, versions.read(present), present.knows)
    for table in (publication.Transfer, publication.DataSet.PhysicalFile):
        name = table.full_table_name
        first = bound.adapter.quote_identifier(table.heading.primary_key[0])
        try:
            # Rights are checked although no row is touched.
            with bound.transaction:
                bound.query(f"INSERT INTO {name} SELECT * FROM {name} WHERE 1 = 0")  # noqa: S608
                bound.query(f"UPDATE {name} SET {first} = {first} WHERE 1 = 0")  # noqa: S608
                bound.query(f"DELETE FROM {name} WHERE 1 = 0")  # noqa: S608
        except DatabaseReadOnly as error:
            raise DatabaseReadOnly(
                f"The account {bound.target.user} may not write at {bound.target.place}; nothing was transferred.",
                remedy=error.remedy,
            ) from error


def refuse_entering(what: str) -> None:
    """Refuse to enter animals, sessions or probes where the lab's own tables stand in for ours.

    Parameters
    ----------
    what
        Who would: a command, or an argument.

    Raises
    ------
    pipeline.errors.DatabaseReadOnly
        They do.
    """
    from pipeline import database
    from pipeline.database import binding
    from pipeline.database.lab_tables import LabTableReadOnly

    bound = database.bind()
    present = binding.get_current()
    if present is None or not present.lab:
        return
    schemas = ", ".join(present.lab.schemas.values())
    raise LabTableReadOnly(
        f"{what} would enter rows into the lab's own tables ({schemas} at {bound.target.place}), which mapshell only "
        "reads; nothing was changed.",
        remedy="enter animals, sessions and probes with the lab's own pipeline; mapshell sees them at once.",
    )


def note_writer(computer: str) -> None:
    """Write down that this computer is about to write, with which mapshell: ``mapshell database upgrade`` reads it."""
    from pipeline import database
    from pipeline.database import binding, writers

    database.bind()
    present = binding.get_current()
    if present is not None and present.knows is not None:
        writers.note(present, computer, present.knows)
