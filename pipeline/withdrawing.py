"""Archived rows that a person deletes are remembered as withdrawn, in the same transaction: discover leaves them."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class _Declined(Exception):
    """The person did not confirm; everything is rolled back."""


class Withdrawable:
    """Mixin of the tables whose rows say that sessions are archived."""

    def archived_rows(self) -> list[dict[str, Any]]:
        """Return the rows of archived sessions that go when this (restricted) table is deleted."""
        rows: list[dict[str, Any]] = self.to_dicts()  # type: ignore[attr-defined]
        return rows

    def delete(self, transaction: bool = True, prompt: bool | None = None, part_integrity: str = "enforce") -> int:
        """Delete rows of the index on purpose: discover will not bring them back by itself.

        Files at the archive stay as they are.  Arguments as for DataJoint's ``delete``.
        """
        base: Callable[..., int] = super().delete  # type: ignore[misc]
        return _delete(self, base, transaction=transaction, prompt=prompt, part_integrity=part_integrity)

    def delete_quick(self, get_count: bool = False) -> int | None:
        """Delete rows of the index on purpose, without asking; see :meth:`delete`."""
        base: Callable[..., int | None] = super().delete_quick  # type: ignore[misc]
        return _delete_quick(self, base, get_count=get_count)


def _delete(
    table: Any, base: Callable[..., int], *, transaction: bool, prompt: bool | None, part_integrity: str
) -> int:
    """Delete rows of a table of archived sessions as DataJoint does, and note their withdrawal with it.

    Parameters
    ----------
    table
        The restricted table.
    base
        DataJoint's own ``delete`` of it.
    transaction, prompt, part_integrity
        As for DataJoint's ``delete``.

    Returns
    -------
    int
        How many rows were deleted.
    """
    from datajoint.utils import user_choice

    from pipeline import database

    bound = database.connection()
    asks = bool(bound._config["safemode"]) if prompt is None else prompt
    if bound.in_transaction:  # somebody else commits, after whatever else he does
        rows = table.archived_rows()
        count = base(transaction=transaction, prompt=asks, part_integrity=part_integrity)
        if count:
            _note(rows)
        return count
    with suppress(_Declined), bound.transaction:
        rows = table.archived_rows()
        count = base(transaction=False, prompt=asks, part_integrity=part_integrity)
        _note(rows if count else ())
        if count and asks and user_choice("Commit deletes?", default="no") != "yes":
            raise _Declined
        return count
    return 0


def _delete_quick(table: Any, base: Callable[..., int | None], *, get_count: bool) -> int | None:
    """Delete rows without asking, and note their withdrawal with it."""
    from pipeline import database

    bound = database.connection()
    if not bound.in_transaction:
        with bound.transaction:
            return _delete_quick(table, base, get_count=get_count)
    rows = table.archived_rows()
    count = base(get_count=get_count)
    _note(rows)
    return count


def _note(rows: Sequence[dict[str, Any]]) -> None:
    from pipeline import database, publication

    if not rows:
        return
    now, computer = database.now(), database.bound_settings().archive.computer
    for row in rows:
        key = {name: row[name] for name in ("subject_id", "session", "globus_alias")}
        said = {
            "dataset_name": row["dataset_name"],
            "generation": row["generation"],
            "withdrawn_at": now,
            "computer": computer,
        }
        if not database.insert_if_absent(publication.Withdrawal, {**key, **said}):
            publication.Withdrawal.update1({**key, **said})
