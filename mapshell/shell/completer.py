"""Completion at the prompt: the pure suggestions for commands, Python's own for the rest."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from prompt_toolkit.completion import CompleteEvent, Completer, Completion

from mapshell.completion.suggest import Suggestion, suggest
from mapshell.shell.attributes import attributes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from prompt_toolkit.document import Document

    from mapshell.completion.knowledge import Knowledge
    from mapshell.completion.suggest import Places
    from mapshell.completion.tree import Command
    from mapshell.shell.language import Line

_NEXT_LINE = re.compile(r"(?<!\\)\n")


class ShellCompleter(Completer):
    """Suggests how a line goes on; runs in a thread of the prompt, so that typing goes on meanwhile.

    Parameters
    ----------
    understand
        Says what a line is.
    commands
        Returns all commands; called when the first suggestion is wanted.
    knowledge
        Returns what is known of the lab now.
    places
        Listings of folders.
    python
        Completes Python.
    headings
        Returns the attributes of a table by its dotted name, none when it is no table.
    """

    def __init__(
        self,
        understand: Callable[[str], Line],
        commands: Callable[[], Command],
        knowledge: Callable[[], Knowledge],
        places: Places,
        python: Completer,
        headings: Callable[[str], Iterable[str]],
    ) -> None:
        self._understand = understand
        self._commands = commands
        self._knowledge = knowledge
        self._places = places
        self._python = python
        self._headings = headings

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """Yield the suggestions for the text before the cursor."""
        text = document.text_before_cursor
        kind = self._understand(text).kind
        if kind != "python":
            text = _NEXT_LINE.split(text)[-1]  # of several commands it is the last that is typed
            kind = self._understand(text).kind
        first = text.lstrip().lstrip("?")
        if kind == "system" or (kind == "nothing" and not complete_event.completion_requested):
            return
        if kind == "command" and any(char.isspace() for char in first):
            yield from self._suggested(text, text)
            return
        if not any(char.isspace() for char in first):
            yield from self._suggested(first, text)
        if kind != "command":
            for name in attributes(text, self._headings):
                yield Completion(name.text, name.start - len(text), display_meta=name.about)
            yield from self._python.get_completions(document, complete_event)

    def _suggested(self, line: str, text: str) -> Iterable[Completion]:
        commands, knowledge = self._commands(), self._knowledge()
        word = line.split(maxsplit=1)[0] if line.split() else ""
        if word in ("help", "?") and " " in line:
            line = line.lstrip()[len(word) :].lstrip()
        offset = len(text) - len(line)
        for each in suggest(line, commands, knowledge, self._places):
            yield as_completion(each, len(text) - offset)


def as_completion(suggestion: Suggestion, length: int) -> Completion:
    """Return a suggestion as prompt-toolkit takes it; ``length`` is that of the line up to the cursor."""
    shown = suggestion.text
    if suggestion.open or "/" in suggestion.text:
        shown = suggestion.text.rstrip("/").rpartition("/")[2] + ("/" if suggestion.open else "")
    return Completion(
        suggestion.text, suggestion.start - length, display=shown or suggestion.text, display_meta=suggestion.about
    )
