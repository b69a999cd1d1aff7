"""Rows that are read at once are those that DataJoint reads value by value."""

from itertools import chain

import pytest

from pipeline import database, experiment, lab, publication
from pipeline.database import binding
from pipeline.database.quiet import dj
from pipeline.database.reading import columns, dicts
from pipeline.rows import file_rows
from tests.bench import large_index, large_lab

TABLES = [table for group in binding.GROUPS.values() for table in group.tables()]
PLAIN = dj.expression.QueryExpression.to_dicts


@pytest.fixture
def index(lab_database):
    """An index of a few sessions, with the journal of what brought them."""
    database.bind(lab_database)
    large_index.enter(3)
    manifests = [large_lab.manifest(number, 4) for number in range(3)]
    with database.transaction():
        large_index.describe(manifests)
        rows = chain.from_iterable(file_rows(one, one.files) for one in manifests)
        database.bulk_insert(publication.DataSet.PhysicalFile, rows)
        large_index.journal(manifests)


@pytest.mark.usefixtures("index")
def test_every_table_is_read_as_datajoint_reads_it():
    filled = {table.__qualname__ for table in TABLES if table()}
    assert {"Session", "DataSet", "DataSet.PhysicalFile", "ArchivedRawEphys", "Transfer", "Transfer.Session"} <= filled
    for table in TABLES:
        mine, theirs = table().to_dicts(order_by="KEY"), PLAIN(table(), order_by="KEY")
        assert mine == theirs
        assert [list(map(type, row.values())) for row in mine] == [list(map(type, row.values())) for row in theirs]
        assert [[*row] for row in mine] == [[*row] for row in theirs]


@pytest.mark.usefixtures("index")
@pytest.mark.parametrize("wanted", [{"order_by": "KEY DESC"}, {"limit": 3, "order_by": "file_subpath"}, {"limit": 0}])
def test_order_and_limits_are_datajoints(wanted):
    files = publication.DataSet.PhysicalFile() & "file_size >= 0"
    assert files.to_dicts(**wanted) == PLAIN(files, **wanted)


@pytest.mark.usefixtures("index")
def test_queries_of_several_tables_are_read_as_datajoint_reads_them():
    files = publication.DataSet.PhysicalFile()
    queries = [
        publication.DataSet() * publication.ArchivedRawEphys(),
        publication.ArchivedRawEphys().proj("evidence", when="archived_at"),
        dj.U("dataset_name").aggr(files, files="count(*)", size="sum(file_size)"),
        publication.Transfer.Session().proj() * publication.Transfer().proj("request", "submission_id"),
        experiment.Session() - (publication.ArchivedRawEphys() & {"session": 1}),
        lab.Subject() & "subject_id < 0",
    ]
    for query in queries:
        mine, theirs = dicts(query), PLAIN(query)
        assert sorted(mine, key=str) == sorted(theirs, key=str)


@pytest.mark.usefixtures("index")
def test_columns_are_the_same_values():
    names = ("file_subpath", "file_size", "verified_at", "no_such", "dataset_name")
    rows = PLAIN(publication.DataSet.PhysicalFile())
    wanted = [tuple(row.get(name) for name in names) for row in rows]
    assert sorted(columns(publication.DataSet.PhysicalFile(), names)) == sorted(wanted)
