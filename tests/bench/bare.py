"""The lower bound of what asks the tables: the driver alone reads the rows that an answer is made of, and counts them.

``python -m tests.bench.bare CONFIG board`` reads what the board is made of; ``... why SUBJECT SESSION`` one session's.
"""

from __future__ import annotations

import json
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

BOARD = (
    "SELECT * FROM {experiment}.session",
    "SELECT * FROM {lab}.water_restriction",
    "SELECT * FROM {publication}._archived_raw_ephys",
    "SELECT dataset_name, count(*), sum(file_size) FROM {publication}.data_set__physical_file GROUP BY dataset_name",
    "SELECT subject_id, session, dataset_type, computer FROM {publication}.reclaim WHERE state = 'done'",
    "SELECT * FROM {publication}.round",
)
WHY = (
    "SELECT * FROM {experiment}.session WHERE subject_id = %(subject)s",
    "SELECT * FROM {lab}.water_restriction WHERE subject_id = %(subject)s",
    "SELECT * FROM {publication}._archived_raw_ephys WHERE subject_id = %(subject)s AND session = %(session)s",
    "SELECT * FROM {publication}.data_set__physical_file WHERE dataset_name = %(dataset)s",
    (
        "SELECT t.* FROM {publication}.transfer t JOIN {publication}.transfer__session s USING (transfer_id) "
        "WHERE s.subject_id = %(subject)s AND s.session = %(session)s"
    ),
    "SELECT * FROM {publication}.reclaim WHERE subject_id = %(subject)s AND session = %(session)s",
)


def _main(config: str, what: str, subject: str = "0", session: str = "0") -> None:
    settings = json.loads(Path(config).read_text("utf-8"))
    chosen = {"subject": int(subject), "session": int(session)}
    chosen["dataset"] = f"ephys-{subject}-{int(session):04d}"
    schemas = {group: settings["database.prefix"] + group for group in ("lab", "experiment", "publication")}
    with closing(_connect(settings)) as connection, closing(connection.cursor()) as cursor:
        rows = 0
        for statement in BOARD if what == "board" else WHY:
            cursor.execute(statement.format(**schemas), chosen)
            rows += len(cursor.fetchall())
    sys.stdout.write(f"{rows}\n")


def _connect(settings: dict[str, Any]) -> Any:
    where = {"host": settings["database.host"], "port": settings["database.port"], "user": settings["database.user"]}
    if settings["database.backend"] == "postgresql":
        import psycopg2

        return psycopg2.connect(**where, password=settings["database.password"], dbname=settings["database.name"])
    import pymysql

    return pymysql.connect(**where, password=settings["database.password"])


if __name__ == "__main__":
    _main(*sys.argv[1:])
