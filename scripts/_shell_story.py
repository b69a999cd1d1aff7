"""What a person does who knows only `mapshell shell`: played in a terminal by the tests, and for docs/shell.md."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scripts._terminal import Terminal

# What a terminal's program writes besides text: colours, places of the cursor.
_CONTROL = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\r|\n")
_ADDRESS = re.compile(rb"(https?://[!-~]+/authorize\?[!-~]+)")
PROMPT = r"mapshell>\n"


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that the person does.

    ``keys`` are texts and names of keys, each followed by what the screen must show before the next (a regular
    expression; empty: nothing to wait for).  ``shots`` are the keys after which the screen is worth showing.
    """

    title: str
    about: str
    keys: tuple[tuple[str, str], ...]
    shots: tuple[int, ...]


CODE = "<the code that the page gives>"

STORY: tuple[Act, ...] = (
    Act(
        "Log in",
        "The line at the bottom says that nobody is logged in. A few letters and Tab are enough for the command and "
        "its option. The page at the address gives a code, which is pasted: the first time twice, once to learn what "
        "the archive's collection wants, and once to allow it.",
        (
            ("logi", r"login +Log in to Globus"),
            ("TAB", r"> login"),
            (" --no", r"--no-browser +Show an address"),
            ("TAB", r"> login --no-browser"),
            ("ENTER", r"(?i)code.*:"),
            (CODE, ""),
            ("ENTER", r"code that it shows: \S+\n(.|\n)*code that it shows: *$"),
            (CODE, ""),
            ("ENTER", r"Logged in to Globus(.|\n)*mapshell>\n(.|\n)*Globus: \w+@"),
        ),
        (2, 8),
    ),
    Act(
        "See what is not archived",
        "`status` shows every session. Behind `--subject` Tab knows the lab's animals.",
        (
            ("status --sub", r"--subject +Water restriction"),
            ("TAB", r"status --subject"),
            (" ", r"SC038\n +SC048"),
            ("SC038 --type e", r"--type e\n +ephys"),
            ("TAB", r"--type ephys"),
            ("ENTER", r"queued(.|\n)*mapshell>\n"),
        ),
        (2, 5),
    ),
    Act(
        "Publish one session",
        "The numbers are those of the chosen animal, each with its day.",
        (
            ("publish --subject SC038 --session ", r"2 +SC038 2019-11-19"),
            ("2 --type ephys", ""),
            ("ENTER", r"Archived now: 1 session(.|\n)*mapshell>\n"),
        ),
        (0, 2),
    ),
    Act(
        "Look at it in the archive",
        "Folders of the archive complete like folders of this computer; each is listed once, when it is needed.",
        (
            ("ls -l raw-ephys:/SC038/SC", r"SC038_111919_g0/"),
            ("038_111919_g0/", r"nidq\.bin"),
            ("ENTER", r"nidq\.meta(.|\n)*mapshell>\n"),
            ("stat 'raw-ephys:/SC038/SC038_111919_g0/SC038_111919_g0_t0.nidq.meta'", ""),
            ("ENTER", r"session +SC038 session 2(.|\n)*mapshell>\n"),
        ),
        (0, 2, 4),
    ),
    Act(
        "Fetch one probe's AP file",
        "Checked against the SHA1 in the index before it gets its name. In Python, which the same prompt takes, it is "
        '`(publication.ArchivedRawEphys & {"subject_id": 480133, "session": 2}).retrieve(probes="imec0", ...)`.',
        (
            ("retrieve --subject SC038 --session 2 --probe ", r"imec0\n +imec1"),
            ("imec0 --file-type ephys-raw-neuropixels-ap-", r"ephys-raw-neuropixels-ap-meta"),
            ("CTRL-C", PROMPT),
            (
                "retrieve --subject SC038 --session 2 --probe imec0 --file-type '*-ap-*' --to data --via https",
                "",
            ),
            ("ENTER", r"fetched, each checked against the index(.|\n)*mapshell>\n"),
        ),
        (0, 4),
    ),
    Act(
        "See why another was refused",
        "Every refusal names the file, the cause and what to do.",
        (
            ("publish --subject SC048 --session 3 --type ephys", ""),
            ("ENTER", r"Remedy: stop the acquisition(.|\n)*mapshell>\n"),
        ),
        (1,),
    ),
    Act(
        "Leave",
        "What was typed is remembered for the next time.",
        (("CTRL-D", ""),),
        (),
    ),
)


def play(terminal: Terminal, code_of: Callable[[str], str]) -> Iterator[tuple[Act, int]]:
    """Play the story; yield each act and the number of its key, when the screen is as it must be.

    Parameters
    ----------
    terminal
        In which `mapshell shell` runs, in the folder of a lab that `mapshell demo --prepare` made.
    code_of
        Goes to the login page at an address and returns the code that it gives.

    Raises
    ------
    AssertionError
        The screen does not become what it must be.
    """
    terminal.wait_for(r"Globus: not logged in")
    for act in STORY:
        for number, (keys, awaited) in enumerate(act.keys):
            terminal.type(code_of(_address(terminal)) if keys == CODE else keys)
            if awaited:
                terminal.wait_for(awaited)
            yield act, number


def _address(terminal: Terminal) -> str:
    """Return the address of the login page, as the program wrote it: on the screen it is broken into lines."""
    found = _ADDRESS.findall(terminal.written)
    if not found:
        raise AssertionError(f"no address of a login page was shown; the screen:\n{terminal.text}")
    address: bytes = found[-1]
    return address.decode("ascii")
