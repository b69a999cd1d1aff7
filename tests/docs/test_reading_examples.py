"""The runner of the documentation's examples sees what a reader sees; otherwise it would pass whatever they say."""

import pytest

from . import examples

SESSION = """$ mapshell publication-status --type ephys
SC038  archived
...
$ mapshell publication-publish  # exit 3
"""


def test_a_session_is_split_into_commands_and_what_they_print():
    block = examples.Block("manual.md", 10, "console", SESSION)
    first, second = examples.steps(block)
    assert first.words == ("mapshell", "publication-status", "--type", "ephys")
    assert (first.place, first.code) == ("manual.md:11", 0)
    assert first.output == "SC038  archived\n...\n"
    assert (second.words, second.code, second.output) == (("mapshell", "publication-publish"), 3, "")


def test_a_session_that_begins_with_output_is_an_error():
    with pytest.raises(ValueError, match=r"manual\.md:11"):
        examples.steps(examples.Block("manual.md", 10, "console", "SC038  archived\n"))


@pytest.mark.parametrize(
    ("expected", "actual", "same"),
    [
        ("SC038  archived\n", "SC038      archived\n", True),
        ("SC038  archived\n", "SC038  refused\n", False),
        ("SC038\n...\nSC048\n", "SC038\nanything\nat all\nSC048\n", True),
        ("SC038\n...\nSC048\n", "SC038\nanything\n", False),
        ("SC038\n...\nSC048\n", "SC038\nSC048\n", True),
        ("... archived\n", "3 archived\nand more\n", False),
        ("", "not looked at\n", True),
    ],
)
def test_what_is_shown_must_be_what_is_printed(expected, actual, same):
    assert examples.printed(expected, actual) is same


def test_every_document_is_there():
    assert [name for name in examples.DOCUMENTS if not (examples.ROOT / name).is_file()] == []
