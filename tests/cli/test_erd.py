"""``mapshell erd``: what the definitions say, as text, JSON and a drawing."""

import json
import xml.etree.ElementTree as ET

import pytest

from pipeline.database.diagram import chosen, depths, tables

SVG = "{http://www.w3.org/2000/svg}"


def test_every_table_and_reference_is_there(mapshell):
    found = json.loads(mapshell("erd", "--format", "json").stdout)
    by_name = {table["name"]: table for table in found}

    assert len(by_name) == len(found)
    session = by_name["experiment.Session"]
    assert [each["to"] for each in session["references"] if each["key"]] == ["lab.Subject"]
    assert {each["to"] for each in session["references"] if each["nullable"]} == {"lab.Person", "lab.Rig"}
    assert [each["name"] for each in session["attributes"] if each["key"]] == ["session"]
    (size,) = [
        each for each in by_name["publication.DataSet.PhysicalFile"]["attributes"] if each["name"] == "file_size"
    ]
    assert (size["type"], size["key"]) == ("int64", False)
    assert all(table["comment"] for table in found)
    assert all(each["comment"] and each["type"] for table in found for each in table["attributes"])


def test_the_order_is_that_of_creation():
    found = tables()
    before: set[str] = set()
    for table in found:
        assert {each.to for each in table.references} <= before | {table.name}
        before.add(table.name)
    layers = depths(found)
    assert all(layers[each.to] < layers[table.name] for table in found for each in table.references)


def test_a_schema_brings_what_it_refers_to():
    names = {table.name for table in chosen(["ephys"])}

    assert "ephys.ProbeInsertion.Recording" in names
    assert {"experiment.Session", "lab.Subject", "lab.Probe"} <= names
    assert not {name for name in names if name.startswith("publication.")}


def test_the_drawing_shows_each_table_once_and_nothing_overlaps(mapshell, workplace):
    assert mapshell("erd", "--out", "tables.svg").code == 0
    root = ET.parse(workplace / "tables.svg").getroot()
    titles = [text.text for text in root.iter(f"{SVG}text") if text.get("font-weight") == "bold"]
    boxes = [
        tuple(float(group.findall(f"{SVG}rect")[0].get(name)) for name in ("x", "y", "width", "height"))
        for group in root.iter(f"{SVG}g")
    ]

    assert len(boxes) == len(tables())
    assert all(titles.count(table.name) == 1 for table in tables())
    assert len(list(root.iter(f"{SVG}path"))) == sum(len(table.references) for table in tables())
    for number, (x, y, width, height) in enumerate(boxes):
        for other_x, other_y, other_width, other_height in boxes[number + 1 :]:
            beside = x + width <= other_x or other_x + other_width <= x
            assert beside or y + height <= other_y or other_y + other_height <= y


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--schema", "publicaton"), "There is no schema publicaton"),
        (("--out", "tables.png"), "drawings are SVG files"),
        (("--out", "none/tables.svg"), "cannot be written"),
    ],
)
def test_bad_input(mapshell, args, said):
    result = mapshell("erd", *args)

    assert result.code in (1, 2)
    assert said in result.stderr
