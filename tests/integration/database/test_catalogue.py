"""The headings of our tables are those that DataJoint reads itself, for a fraction of the statements."""

import pytest

from pipeline import database, lab, publication
from pipeline.database import binding, catalogue
from pipeline.database.lab_connection import LabConnection
from pipeline.database.quiet import dj

TABLES = [table for group in binding.GROUPS.values() for table in group.tables()]


@pytest.fixture
def bound(lab_database):
    database.bind(lab_database)
    binding.in_use().forget()
    return lab_database


@pytest.fixture
def asked(monkeypatch):
    """Statements that were sent."""
    sent = []
    attempt = LabConnection._attempt

    def heard(self, action, query):
        sent.append(query)
        return attempt(self, action, query)

    monkeypatch.setattr(LabConnection, "_attempt", heard)
    return sent


def facts(heading):
    """Return all that DataJoint keeps of a heading; a server estimates numbers of rows anew each time."""
    attributes = list(heading.attributes.items())
    status = {name: heading.table_status[name] for name in ("table_name", "table_schema", "comment")}
    return attributes, heading.indexes, heading.lineage_available, status, repr(heading)


@pytest.mark.usefixtures("bound")
def test_every_heading_is_the_one_that_datajoint_reads():
    for table in TABLES:
        alone = dj.heading.Heading(table_info=dict(table.heading.table_info))
        assert facts(table.heading) == facts(alone), table
        assert table.heading.primary_key


@pytest.mark.usefixtures("bound")
def test_all_headings_cost_a_few_statements(asked):
    backend = database.connection().adapter.backend
    for table in TABLES:
        assert table.heading.names
    schemas = {table.database for table in TABLES}
    questions = {"postgresql": 4, "mysql": 3 + len(TABLES)}
    assert len(asked) == questions[backend] + len(schemas)
    for table in TABLES:
        assert table.heading.names
    assert len(asked) == questions[backend] + len(schemas)


@pytest.mark.usefixtures("bound")
def test_a_table_that_was_made_since_is_asked_for():
    connection = database.connection()
    assert lab.Subject.heading.names  # the catalogue is read
    quote = connection.adapter.quote_identifier
    connection.query(f"CREATE TABLE {quote(lab.Subject.database)}.{quote('later')} (one integer PRIMARY KEY)")
    info = {**lab.Subject.heading.table_info, "table_name": "later"}
    assert binding.in_use()._catalogue.heading(info).names == ["one"]


@pytest.mark.usefixtures("bound")
def test_tables_that_were_changed_are_asked_for_anew():
    table = publication.DataSetType
    connection = database.connection()
    assert "more" not in table.heading.names
    quote = connection.adapter.quote_identifier
    connection.query(f"ALTER TABLE {table.full_table_name} ADD COLUMN {quote('more')} integer")
    binding.in_use().forget()
    assert "more" in table.heading.names


@pytest.mark.usefixtures("bound")
def test_a_table_that_is_not_there_is_named():
    info = {**lab.Subject.heading.table_info, "table_name": "nowhere"}
    with pytest.raises(dj.errors.DataJointError, match="nowhere is not defined"):
        assert binding.in_use()._catalogue.heading(info).names


def test_a_reader_sees_the_same(reader):
    database.bind(reader)
    binding.in_use().forget()
    for table in TABLES:
        alone = dj.heading.Heading(table_info=dict(table.heading.table_info))
        assert facts(table.heading) == facts(alone), table


def test_the_catalogue_is_of_our_own_schemas_alone(bound):
    mine = {bound.database.schema_prefix + name for name in binding.GROUPS}
    assert {schema for schema, _ in catalogue.Catalogue(database.connection(), sorted(mine))._all()["table"]} == mine
