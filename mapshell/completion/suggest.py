"""From the text before the cursor to suggestions: pure, but for the two listings that are handed in."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

from mapshell.completion.tree import Command
from mapshell.completion.typed import Typed, quoted, take_apart

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mapshell.completion.knowledge import Knowledge
    from mapshell.completion.tree import Parameter


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What may stand from ``start`` (characters from the line's beginning) to the cursor; ``about`` explains it.

    ``open`` says that more may follow directly, as in a folder.
    """

    text: str
    start: int
    about: str = ""
    open: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """An entry of a folder: its name and whether it is a folder."""

    name: str
    folder: bool


class Places(Protocol):
    """Folders that can be listed; None when that is not known (yet)."""

    def remote(self, place: str) -> Sequence[Found] | None:
        """List a folder of the archive, ``alias:/path`` or what stands for it where the shell is."""

    def local(self, folder: str) -> Sequence[Found] | None:
        """List a folder of this computer."""


def suggest(text: str, commands: Command, knowledge: Knowledge, places: Places) -> list[Suggestion]:
    """Return what may come next, the likely first.

    Parameters
    ----------
    text
        The line up to the cursor.
    commands
        All commands.
    knowledge
        What is known of the lab.
    places
        Listings of folders.
    """
    typed = take_apart(text)
    command, words = commands, list(typed.words)
    before = _options_before(words, commands)
    if len(before) == len(words) and (typed.last.startswith("-") or _waiting(words, commands) is not None):
        command, commands = Command(parameters=commands.parameters), Command()
    else:
        words = words[len(before) :]
    while words and words[0] in command.commands:
        command = command.commands[words.pop(0)]
    if command.commands and not words and not typed.last.startswith("-"):
        return [
            Suggestion(name, typed.start, each.help)
            for name, each in command.commands.items()
            if name.startswith(typed.last)
        ] or _anywhere(typed, command)
    if command is commands:
        return []
    waiting = _waiting(words, command)
    if waiting is not None:
        return list(_values(waiting, typed, words, knowledge, places))
    if typed.last.startswith("--") and "=" in typed.last:
        name, _, begun = typed.last.partition("=")
        option = command.option(name)
        inner = Typed(typed.words, begun, typed.start + len(name) + 1, typed.quote)
        return [] if option is None else list(_values(option, inner, words, knowledge, places))
    if typed.last.startswith("-") and not typed.quote:
        return list(_options(typed, command, words))
    argument = _argument(words, command)
    found = [] if argument is None else list(_values(argument, typed, words, knowledge, places))
    return found or ([] if typed.last else list(_options(typed, command, words)))


def _options_before(words: Sequence[str], commands: Command) -> Sequence[str]:
    """Return the options, with their values, that stand before the command's name."""
    end = 0
    while end < len(words) and words[end].startswith("-"):
        option = commands.option(words[end].partition("=")[0])
        takes = option is not None and option.value is not None and "=" not in words[end]
        end += 2 if takes else 1
    return words[:end]


def _anywhere(typed: Typed, command: Command) -> list[Suggestion]:
    """Return the commands whose name has what was typed in it: the end of a name is what people remember."""
    return [Suggestion(name, typed.start, each.help) for name, each in command.commands.items() if typed.last in name]


def _waiting(words: Sequence[str], command: Command) -> Parameter | None:
    """Return the option whose value comes next."""
    if not words:
        return None
    option = command.option(words[-1])
    return option if option is not None and option.value is not None else None


def _argument(words: Sequence[str], command: Command) -> Parameter | None:
    """Return the argument that comes next."""
    given, skip = 0, False
    for word in words:
        if skip:
            skip = False
        elif word.startswith("-") and len(word) > 1:
            option = command.option(word)
            skip = option is not None and option.value is not None
        else:
            given += 1
    arguments = command.arguments
    if given < len(arguments):
        return arguments[given]
    return arguments[-1] if arguments and arguments[-1].many else None


def _options(typed: Typed, command: Command, words: Sequence[str]) -> Iterator[Suggestion]:
    """Yield the options that were not given yet; short spellings only when nothing longer was begun."""
    for option in command.options:
        if not option.many and any(name in words for name in option.names):
            continue
        fitting = [name for name in option.names if name.startswith(typed.last)]
        long = [name for name in fitting if name.startswith("--")]
        for name in long[:1] or fitting[:1]:
            yield Suggestion(name, typed.start, option.help)


def _values(
    parameter: Parameter, typed: Typed, words: Sequence[str], knowledge: Knowledge, places: Places
) -> Iterator[Suggestion]:
    last = typed.last
    if parameter.value == "choice":
        yield from _plain(parameter.choices, typed)
    elif parameter.value == "subject":
        yield from _plain(knowledge.subjects, typed, ignore_case=True)
    elif parameter.value == "session":
        chosen = _chosen(words, "--subject", knowledge.subjects)
        known = {
            str(each.number): f"{each.subject} {each.day}"
            for each in knowledge.sessions
            if not chosen or each.subject in chosen
        }
        yield from (
            Suggestion(number, typed.start, about) for number, about in known.items() if number.startswith(last)
        )
    elif parameter.value == "day":
        chosen = _chosen(words, "--subject", knowledge.subjects)
        days = {each.day for each in knowledge.sessions if not chosen or each.subject in chosen}
        yield from _plain(sorted(days, reverse=True), typed)
    elif parameter.value == "insertion":
        for each in knowledge.sessions:
            name = f"{each.subject}/{each.number}"
            if name.casefold().startswith(last.casefold()):
                yield Suggestion(name, typed.start, each.day)
    elif parameter.value == "alias":
        yield from _plain(knowledge.aliases, typed)
    elif parameter.value == "place":
        yield from _place(typed, knowledge, places)
    elif parameter.value in ("local", "folder"):
        yield from _local(typed, places, folders_only=parameter.value == "folder")


def _plain(values: Iterable[str], typed: Typed, *, ignore_case: bool = False) -> Iterator[Suggestion]:
    fold = str.casefold if ignore_case else str
    begun = fold(typed.last)
    yield from (
        Suggestion(quoted(value, typed.quote), typed.start) for value in values if fold(value).startswith(begun)
    )


def _chosen(words: Sequence[str], option: str, known: Sequence[str]) -> set[str]:
    """Return the values of an option that stand on the line already and are known."""
    given = {after for word, after in pairwise(words) if word == option}
    given |= {word.partition("=")[2] for word in words if word.startswith(option + "=")}
    folded = {name.casefold(): name for name in known}
    return {folded[name.casefold()] for name in given if name.casefold() in folded}


def _place(typed: Typed, knowledge: Knowledge, places: Places) -> Iterator[Suggestion]:
    """Yield places of the archive: aliases first, then what a folder holds."""
    folder, begun = _split(typed.last)
    if ":" not in typed.last and "/" not in typed.last:
        for alias in knowledge.aliases:
            if alias.startswith(typed.last):
                yield Suggestion(
                    quoted(f"{alias}:/", typed.quote, open_=True), typed.start, "storage location", open=True
                )
    yield from _entries(places.remote(folder), folder, begun, typed)


def _local(typed: Typed, places: Places, *, folders_only: bool) -> Iterator[Suggestion]:
    folder, begun = _split(typed.last)
    yield from _entries(places.local(folder), folder, begun, typed, folders_only=folders_only)


def _entries(
    found: Sequence[Found] | None, folder: str, begun: str, typed: Typed, *, folders_only: bool = False
) -> Iterator[Suggestion]:
    for entry in found or ():
        if not entry.name.startswith(begun) or (entry.name.startswith(".") and not begun.startswith(".")):
            continue
        if entry.folder or not folders_only:
            text = f"{folder}{entry.name}{'/' if entry.folder else ''}"
            yield Suggestion(quoted(text, typed.quote, open_=entry.folder), typed.start, open=entry.folder)


def _split(path: str) -> tuple[str, str]:
    """Return the folder of a begun path, with what ends it, and the begun name."""
    cut = max(path.rfind("/"), path.rfind(":")) + 1
    return path[:cut], path[cut:]
