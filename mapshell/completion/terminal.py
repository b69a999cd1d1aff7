"""Completion in bash, zsh and fish: click's scripts, our suggestions, from what a mapshell here has last seen.

Nothing is asked while somebody waits for the Tab: neither the database nor Globus.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from click.shell_completion import BashComplete, CompletionItem, FishComplete, ZshComplete, add_completion_class

from mapshell.completion.knowledge import FILE_NAME, recall
from mapshell.completion.suggest import Found, suggest
from mapshell.completion.tree import Command, describe
from mapshell.completion.typed import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

VARIABLE = "_MAPSHELL_COMPLETE"
SHELLS = ("bash", "zsh", "fish")


class _Here:
    """Folders of this computer; those of the archive are not asked for."""

    def remote(self, place: str) -> Sequence[Found] | None:
        del place
        return None

    def local(self, folder: str) -> Sequence[Found] | None:
        try:
            with os.scandir(Path(folder or ".").expanduser()) as entries:
                return sorted((Found(each.name, each.is_dir()) for each in entries), key=lambda found: found.name)
        except OSError:
            return None


def suggestions(args: Sequence[str], incomplete: str) -> list[CompletionItem[str]]:
    """Return what may stand for the incomplete word behind these whole ones."""
    from pipeline.folders import cache_folder

    line = " ".join([*(quoted(arg) for arg in args), quoted(incomplete, open_=True) if incomplete else ""])
    knowledge = recall(cache_folder(os.environ) / FILE_NAME)
    found = suggest(line, _tree(args), knowledge, _Here())
    return [CompletionItem(each.text.strip("'\""), help=each.about or None) for each in found]


def _tree(args: Sequence[str]) -> Command:
    """Return the commands; only the one that stands on the line is loaded."""
    from mapshell.cli import COMMANDS, SHORT, cli, command_names

    named = next((arg for arg in args if arg in command_names()), None)
    below = {name: Command(entry.help) for name, entry in COMMANDS.items()}
    below |= {short: Command(COMMANDS[long].help) for short, long in SHORT.items()}
    if named is not None:
        below[named] = describe(cli, [named]).commands[named]
    return Command(parameters=describe(cli, []).parameters, commands=below)


class _Ours:
    """Mixed into click's classes: the suggestions are ours."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[str]]:
        return suggestions(args, incomplete)


def register() -> None:
    """Let click's completion of bash, zsh and fish suggest what we do."""
    for base in (BashComplete, ZshComplete, FishComplete):
        add_completion_class(type(f"Ours{base.__name__}", (_Ours, base), {}), base.name)


def script(shell: str) -> str:
    """Return the text that makes a shell complete our command lines."""
    from mapshell.cli import cli

    base = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}[shell]
    made = base(cli, {}, "mapshell", VARIABLE)
    # Not base.source(): for bash it starts one, to look at its version.
    return made.source_template % made.source_vars()
