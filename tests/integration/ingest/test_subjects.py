"""Subjects from sheets as they come, into both databases."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from pipeline import database
from pipeline.errors import UsageError
from pipeline.ingest.subjects import ingest_subjects

SHEET = """subject_id,water_restriction_number,sex,date_of_birth,description
480133,SC038,M,2019-08-12,"VGAT, ChR2"
502716,SC048,f,2020-09-03,
"""


@pytest.fixture
def tables(lab_database):
    database.bind(lab_database)
    from pipeline import lab

    return lab


@pytest.fixture
def sheet(tmp_path):
    def write(text, name="subjects.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        return path

    return write


def test_a_sheet_is_entered_and_entering_it_again_does_nothing(tables, sheet):
    path = sheet(SHEET)
    first = ingest_subjects(path)
    assert (first.count("new"), first.count("known")) == (2, 0)
    rows = tables.Subject.to_dicts(order_by="subject_id")
    assert [(r["subject_id"], r["sex"], r["date_of_birth"]) for r in rows] == [
        (480133, "M", date(2019, 8, 12)),
        (502716, "F", date(2020, 9, 3)),
    ]
    assert rows[0]["subject_description"] == "VGAT, ChR2"
    h2os = {r["water_restriction_number"]: r["subject_id"] for r in tables.WaterRestriction.to_dicts()}
    assert h2os == {"SC038": 480133, "SC048": 502716}
    again = ingest_subjects(path)
    assert (again.count("new"), again.count("completed"), again.count("known")) == (0, 0, 2)
    assert len(tables.Subject()) == 2


def test_a_dry_run_writes_nothing(tables, sheet):
    assert ingest_subjects(sheet(SHEET), dry_run=True).count("new") == 2
    assert len(tables.Subject()) == 0


def test_values_that_the_database_lacks_are_filled_in_and_none_is_changed(tables, sheet):
    ingest_subjects(sheet("subject_id,h2o\n1,AB1\n2,\n"))
    plan = ingest_subjects(
        sheet("Subject ID;H2O;Sex;Date of Birth;WR start weight;Source\n1;AB1;male;12.08.2019;21,5;JAX\n2;AB2;;;;\n")
    )
    assert plan.count("completed") == 2
    first = (tables.Subject & {"subject_id": 1}).fetch1()
    assert (first["sex"], first["date_of_birth"], first["animal_source"]) == ("M", date(2019, 8, 12), "JAX")
    assert (tables.WaterRestriction & {"subject_id": 1}).fetch1("wr_start_weight") == 21.5
    assert (tables.WaterRestriction & {"subject_id": 2}).fetch1("water_restriction_number") == "AB2"
    with pytest.raises(UsageError) as told:
        ingest_subjects(sheet("subject_id,h2o,sex,dob\n1,AB1,F,2019-08-13\n3,AB2,,\n"))
    assert "row 2: sex of subject 1 is F here, M in the database" in told.value.message
    assert "row 2: date_of_birth of subject 1 is 2019-08-13 here, 2019-08-12" in told.value.message
    assert "row 3: water restriction AB2 is that of subject 2" in told.value.message
    assert len(tables.Subject()) == 2


def test_everything_wrong_with_a_sheet_is_told_at_once_by_row(tables, sheet):
    text = (
        "subject_id,h2o,sex,date_of_birth,extra\n"
        "x1,SC001,M,2019-01-01,\n"
        "2,SC002,male?,2019-01-01,\n"
        "3,SC003,M,01/02/2019,\n"
        ",SC004,M,,\n"
        "\n"
        "5,SC005,,2019-02-30,\n"
        "6,SC/06,,,\n"
        "7,SC007,,,\n"
        "8,sc007,,,\n"
        "7,SC007,M,,\n"
        "99999999999,SC009,,,\n"
        "10,a name that is much too long,,,\n"
    )
    with pytest.raises(UsageError) as told:
        ingest_subjects(sheet(text))
    message = told.value.message
    for row in (2, 3, 4, 5, 7, 8, 10, 11, 12, 13):
        assert f"row {row}: " in message, message
    assert "row 9: " not in message
    assert len(tables.Subject()) == 0


def test_rows_that_repeat_and_columns_that_nobody_reads_are_noted(tables, sheet):
    plan = ingest_subjects(sheet("subject_id,h2o,cage\n1,A1,7\n1,A1,7\n2,,8\n"))
    assert [step.subject_id for step in plan.steps] == [1, 2]
    assert "cage" in plan.notes[0]
    assert plan.notes[1:] == (
        "Row 3 repeats row 2.",
        "Row 4: subject 2 has no water restriction: no folder is its own.",
    )


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("﻿subject_id;water restriction;sex\n1;SC001;M\n", "utf-8"),
        ("subject_id\tWaterRestriction\tsex\n1\tSC001\tM\n", "utf-16"),
        ("sep=;\nsubject_id;h2o;description\n1;SC001;grün\n", "cp1252"),
        ('"subject_id","h2o"\r\n"1","SC001"\r\n', "utf-8"),
        ("\n\nSUBJECT-ID,H2O\n1.0,SC001\n", "utf-8"),
    ],
)
def test_csv_as_spreadsheet_programs_write_it(tables, sheet, text, encoding):
    assert ingest_subjects(sheet(text, encoding=encoding)).steps[0].h2o == "SC001"


def test_workbooks_with_dates_and_numbers_as_cells(tables, tmp_path):
    import openpyxl

    book = openpyxl.Workbook()
    page = book.active
    page.append(["Subject ID", "Water Restriction Number", "Sex", "Date of birth", "wr_start_date"])
    page.append([480133.0, "SC038", "M", datetime.fromisoformat("2019-08-12"), 43770])
    page.append([None, None])
    page.append([502716, 48, "F", date(2020, 9, 3), "2020-11-01"])
    book.save(tmp_path / "animals.xlsx")
    ingest_subjects(tmp_path / "animals.xlsx")
    rows = tables.WaterRestriction.to_dicts(order_by="subject_id")
    assert [(r["subject_id"], r["water_restriction_number"], r["wr_start_date"]) for r in rows] == [
        (480133, "SC038", date(2019, 11, 1)),
        (502716, "48", date(2020, 11, 1)),
    ]
    assert (tables.Subject & {"subject_id": 502716}).fetch1("date_of_birth") == date(2020, 9, 3)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.csv", b"", "is empty"),
        ("a.csv", b"subject_id,sex\n1,M\n", "no column water_restriction_number"),
        ("a.csv", b"h2o,H2O\nx,y\n", "are both water_restriction_number"),
        ("a.csv", b'subject_id,h2o\n1,"SC\n', "no CSV"),
        ("a.csv", b"\x00\x01\x02\x03" * 20, "no text"),
        ("a.xlsx", b"PK\x03\x04 broken", "no workbook"),
        ("a.xls", b"\xd0\xcf\x11\xe0", "cannot be read"),
    ],
)
def test_files_that_are_no_such_sheet(tables, sheet, name, content, says):
    with pytest.raises(UsageError, match=says):
        ingest_subjects(sheet(content, name))


def test_a_sheet_that_is_not_there(tables, tmp_path):
    with pytest.raises(UsageError, match="There is no file"):
        ingest_subjects(tmp_path / "none.csv")
