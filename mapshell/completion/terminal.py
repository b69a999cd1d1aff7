"""Completion in bash, zsh and fish: click's scripts, our suggestions, from what a mapshell here has last seen.

Nothing is asked while somebody waits for the Tab: neither the database nor Globus.
"""

from __future__ import annotations

import os
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
_BREAKS = ("=", ":")
_BASH_ADDS = "COMPREPLY+=($value)"
_BASH_NO_SPACE = "\n            if [[ $value == */ ]]; then compopt -o nospace; fi"


class _Here:
    """Nothing is listed: the archive is not asked, and this computer's paths are known to the shell."""

    def remote(self, place: str) -> Sequence[Found] | None:
        del place
        return None

    def local(self, folder: str) -> Sequence[Found] | None:
        """Leave this computer's paths to the terminal's shell: it knows how to quote them."""
        del folder
        raise _Local


class _Local(Exception):
    """A path of this computer comes next."""


def suggestions(args: Sequence[str], incomplete: str) -> list[CompletionItem[str]]:
    """Return what may stand for the incomplete word behind these whole ones."""
    from pipeline.folders import cache_folder

    line = " ".join([*(quoted(arg) for arg in args), quoted(incomplete, open_=True) if incomplete else ""])
    knowledge = recall(cache_folder(os.environ) / FILE_NAME)
    try:
        found = suggest(line, _tree(args), knowledge, _Here())
    except _Local:
        return [CompletionItem(incomplete.rpartition("=")[2], type="file")]
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


def joined(words: Sequence[str]) -> list[str]:
    """Return words as they were typed: bash takes ``--subject=SC038`` and ``raw-ephys:/SC038`` apart.

    Pure.  What stood alone is joined as well; nobody types that.
    """
    found: list[str] = []
    for number, word in enumerate(words):
        if found and number and (word in _BREAKS or words[number - 1] in _BREAKS):
            found[-1] += word
        else:
            found.append(word)
    return found


class _Ours:
    """Mixed into click's classes: the suggestions are ours."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[str]]:
        return suggestions(args, incomplete)


class _InBash(_Ours):
    """The same, of words that bash has taken apart; it replaces the last piece alone."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[str]]:
        *whole, last = joined([*args, incomplete])
        kept = max(last.rfind(each) for each in _BREAKS) + 1 if any(each in args for each in _BREAKS) else 0
        kept = kept or (1 if incomplete in _BREAKS else 0)
        found = suggestions(whole, last)
        if "=" in last and last.startswith("--"):
            return found  # the value alone already
        return [CompletionItem(each.value[kept:], each.type, each.help) for each in found]


def register() -> None:
    """Let click's completion of bash, zsh and fish suggest what we do."""
    for ours, base in ((_InBash, BashComplete), (_Ours, ZshComplete), (_Ours, FishComplete)):
        add_completion_class(type(f"Ours{base.__name__}", (ours, base), {}), base.name)


def script(shell: str) -> str:
    """Return the text that makes a shell complete our command lines."""
    from mapshell.cli import cli

    base = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}[shell]
    made = base(cli, {}, "mapshell", VARIABLE)
    # Not base.source(): for bash it starts one, to look at its version.
    # No space after a folder: more may follow.
    template = made.source_template.replace(_BASH_ADDS, _BASH_ADDS + _BASH_NO_SPACE) if shell == "bash" else ""
    return (template or made.source_template) % made.source_vars()
