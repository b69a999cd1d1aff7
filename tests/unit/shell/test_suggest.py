"""From the text before the cursor to suggestions."""

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapshell.completion.knowledge import Knowledge, KnownSession, keep, recall
from mapshell.completion.suggest import Found, suggest
from mapshell.completion.tree import describe
from mapshell.completion.typed import quoted, take_apart
from mapshell.shell.attributes import attributes
from mapshell.shell.language import words

KNOWN = Knowledge(
    subjects=("SC038", "SC048"),
    sessions=(
        KnownSession("SC038", 1, "2019-11-18"),
        KnownSession("SC038", 2, "2019-11-19"),
        KnownSession("SC048", 3, "2021-01-01"),
    ),
    aliases=("raw-ephys", "raw-video"),
)


class Listings:
    """Folders that are known without asking anybody."""

    def __init__(self):
        self.asked = []

    def remote(self, place):
        self.asked.append(place)
        return {
            "raw-ephys:/": [Found("SC038", True), Found("notes.txt", False)],
            "raw-ephys:/SC038/": [Found("catgt run", True), Found(".mapshell", True)],
        }.get(place)

    def local(self, folder):
        return {"": [Found("data", True), Found("drives.txt", False)]}.get(folder)


@click.group()
@click.option("--format", type=click.Choice(["table", "json"]))
def top(**_):
    """Everything."""


@top.command()
@click.option("--subject", "subjects", multiple=True, help="Which. More.")
@click.option("--session", "numbers", type=int, multiple=True)
@click.option("--since", metavar="DATE")
@click.option("--type", "kind", type=click.Choice(["ephys", "video"]))
@click.option("-n", "--dry-run", is_flag=True)
@click.option("-o", "--out", type=click.Path(file_okay=False))
def status(**_):
    """List every session."""


@top.command()
@click.argument("place", metavar="PLACE")
@click.argument("file", type=click.Path())
def get(**_):
    """Fetch."""


@top.command()
@click.argument("from_", metavar="FROM")
def reassign(**_):
    """Move."""


@top.group()
def storage():
    """Archives."""


@storage.command("set")
@click.argument("alias", metavar="ALIAS")
def set_(**_):
    """Move."""


TREE = describe(top)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sta", ["status"]),
        ("tus", ["status"]),
        ("", ["get", "reassign", "status", "storage"]),
        ("nothing-like-it ", []),
        ("status --su", ["--subject"]),
        ("status --subject ", ["SC038", "SC048"]),
        ("status --subject sc04", ["SC048"]),
        ("status --subject=SC03", ["SC038"]),
        ("status --subject SC048 --session ", ["3"]),
        ("status --subject=SC038 --session ", ["1", "2"]),
        ("status --since 2019-11-1", ["2019-11-19", "2019-11-18"]),
        ("status --type e", ["ephys"]),
        ("status --dry-run --d", []),
        ("status --subject SC038 --s", ["--subject", "--session", "--since"]),
        ("status -n ", ["--subject", "--session", "--since", "--type", "--out"]),
        ("status --out ", ["data/"]),
        ("storage ", ["set"]),
        ("storage set raw-v", ["raw-video"]),
        ("get ra", ["raw-ephys:/", "raw-video:/"]),
        ("get raw-ephys:/", ["raw-ephys:/SC038/", "raw-ephys:/notes.txt"]),
        ("get raw-ephys:/SC038/", ["'raw-ephys:/SC038/catgt run/"]),
        ("get raw-ephys:/SC038/.m", ["raw-ephys:/SC038/.mapshell/"]),
        ("get 'raw-ephys:/SC038/cat", ["'raw-ephys:/SC038/catgt run/"]),
        ("get raw-ephys:/SC038 d", ["data/", "drives.txt"]),
        ("reassign sc038/", ["SC038/1", "SC038/2"]),
        ("--for", ["--format"]),
        ("--format j", ["json"]),
        ("--format json sta", ["status"]),
        ("--format=json status --su", ["--subject"]),
        ("--unknown status --su", ["--subject"]),
    ],
)
def test_what_may_come_next(text, expected):
    assert [each.text for each in suggest(text, TREE, KNOWN, Listings())] == expected


def test_only_the_folder_that_is_typed_in_is_listed():
    listings = Listings()
    suggest("get raw-ephys:/SC038/catgt_SC0", TREE, KNOWN, listings)

    assert listings.asked == ["raw-ephys:/SC038/"]


@given(st.text("status -get 'raw\"ephys:/\\SC038=", max_size=30))
def test_a_suggestion_stands_where_the_word_begins(text):
    for each in suggest(text, TREE, KNOWN, Listings()):
        assert 0 <= each.start <= len(text)


WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)


@given(st.lists(WORDS), WORDS)
def test_a_quoted_word_is_read_back(before, word):
    line = " ".join(quoted(each) for each in (*before, word))

    assert words(line, backslashes=True) == [*before, word]
    typed = take_apart(line, backslashes=True)
    assert (list(typed.words), typed.last) == (before, word)
    assert take_apart(line + " ", backslashes=True).words == (*before, word)


@given(WORDS)
def test_a_word_that_is_left_open_goes_on(word):
    typed = take_apart("get " + quoted(word, open_=True) + "x")

    assert typed.last == word + "x"


def test_what_is_known_is_kept_and_recalled(tmp_path):
    file = tmp_path / "cache" / "completion.json"
    keep(KNOWN, file)

    assert recall(file) == KNOWN
    assert [each.name for each in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"subjects": 3}', '{"subjects": [], "sessions": [1], "aliases": []}'])
def test_a_file_that_is_not_ours_is_no_knowledge(tmp_path, text):
    file = tmp_path / "completion.json"
    file.write_text(text, encoding="utf-8")

    assert recall(file) == Knowledge()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("publication.DataSet & 'data", ["dataset_name", "dataset_type"]),
        ("publication.DataSet & {'dataset_n", ["dataset_name"]),
        ("publication.DataSet & 'a = 1' & data", []),
        ("publication.Other & 'data", []),
        ('(publication.DataSet * lab.Subject) & "su', ["subject_id"]),
    ],
)
def test_attributes_of_the_tables_on_the_line(text, expected):
    tables = {"publication.DataSet": ("dataset_name", "dataset_type"), "lab.Subject": ("subject_id",)}

    found = list(attributes(text, lambda name: tables.get(name, ())))

    assert [each.text for each in found] == expected
    assert all(text[each.start :] == "" or each.text.startswith(text[each.start :]) for each in found)
