"""What a line of the shell is, and how a script comes apart."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapshell.shell.language import meant, understand, words
from mapshell.shell.statements import statements
from pipeline.errors import UsageError

COMMANDS = frozenset({"status", "publication-status", "ls", "help", "exit"})


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("", "nothing", ""),
        ("   ", "nothing", ""),
        ("# a note", "nothing", ""),
        ("status", "command", "status"),
        ("  status --subject SC038 ", "command", "status --subject SC038"),
        ("ls raw-ephys:/SC038", "command", "ls raw-ephys:/SC038"),
        ("status = 3", "python", "status = 3"),
        ("status += 3", "python", "status += 3"),
        ("status == 3", "command", "status == 3"),
        ("status.x", "python", "status.x"),
        ("statuses", "python", "statuses"),
        ("(status)", "python", "(status)"),
        ("publication.DataSet & 'x = 1'", "python", "publication.DataSet & 'x = 1'"),
        ("?publication.DataSet", "question", "publication.DataSet"),
        ("publication.DataSet?", "question", "publication.DataSet"),
        ("?", "question", ""),
        ("?publication-status", "question", "publication-status"),
        ("!df -h", "system", "df -h"),
        ("ls what?", "command", "ls what?"),
    ],
)
def test_a_line_is_what_its_first_word_says(text, kind, said):
    line = understand(text, COMMANDS)

    assert (line.kind, line.text) == (kind, said)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=0), min_size=1))
def test_words_are_those_of_a_terminal(given_words):
    line = " ".join(shlex.quote(word) for word in given_words)

    assert words(line, backslashes=True) == shlex.split(line)


def test_backslashes_are_part_of_a_path_on_windows():
    assert words(r"ingest-drive D:\recordings\new", backslashes=False) == ["ingest-drive", r"D:\recordings\new"]


def test_a_number_sign_is_part_of_a_name():
    assert words("ls raw-ephys:/a#b", backslashes=True) == ["ls", "raw-ephys:/a#b"]


def test_an_open_quote_is_named():
    with pytest.raises(UsageError) as caught:
        words("ls 'raw", backslashes=True)

    assert "close the quote" in caught.value.remedy


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("stauts --subject SC038", "did you mean the command status?"),
        ("publication-sttus", "did you mean the command publication-status?"),
        ("frobnicate --subject SC038", "no command is called frobnicate; help lists them."),
        ("total", ""),
        ("stauts.x", ""),
        ("for x in y:", ""),
        ("1 +", ""),
        ("", ""),
    ],
)
def test_a_command_that_may_have_been_meant_is_named(text, said):
    assert meant(text, COMMANDS) == said


SCRIPT = '''\
# what lies there
status --subject SC038 \\
  --type ephys

total = 0
for key in [1,
            2]:
    total += key

    # inside the block
    status = key
text = """
status
"""
!echo done
total
?total
exit 3
'''


def test_a_script_comes_apart_into_commands_and_python():
    found = [(each.line.kind, each.line.text, each.number) for each in statements(SCRIPT, COMMANDS)]

    assert [(kind, number) for kind, _, number in found] == [
        ("command", 2),
        ("python", 5),
        ("system", 15),
        ("python", 16),
        ("question", 17),
        ("command", 18),
    ]
    assert words(found[0][1], backslashes=True) == ["status", "--subject", "SC038", "--type", "ephys"]
    compile(found[1][1], "script", "exec")


@given(st.lists(st.sampled_from(SCRIPT.splitlines())))
def test_no_line_of_a_script_is_lost_or_run_twice(lines):
    found = list(statements("\n".join(lines), COMMANDS))
    numbers = [each.number for each in found]

    assert numbers == sorted(set(numbers))
    for each, following in zip(found, [*numbers[1:], len(lines) + 1], strict=False):
        covered = lines[each.number - 1 : following - 1]
        left = covered[each.line.text.count("\n") + 1 :]
        assert all(understand(line, COMMANDS).kind == "nothing" for line in left)
