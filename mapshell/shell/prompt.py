"""The prompt on a terminal: ptpython's editing, with our lines, completion and toolbar."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition, is_done
from prompt_toolkit.history import FileHistory, InMemoryHistory, ThreadedHistory
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.layout import ConditionalContainer, FormattedTextControl, Window
from prompt_toolkit.layout.dimension import Dimension
from prompt_toolkit.lexers import Lexer, PygmentsLexer
from prompt_toolkit.output import create_output
from prompt_toolkit.validation import ValidationError, Validator
from ptpython.completer import CompletePrivateAttributes
from ptpython.layout import CompletionVisualisation
from ptpython.prompt_style import PromptStyle
from ptpython.repl import PythonRepl, ReplExit
from ptpython.validator import PythonValidator
from pygments.lexers.python import PythonLexer

from mapshell import errors
from mapshell.shell.language import meant, words
from mapshell.shell.running import Leave
from mapshell.shell.statements import statements
from pipeline.errors import UsageError
from pipeline.private.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from prompt_toolkit.buffer import Buffer
    from prompt_toolkit.completion import Completer
    from prompt_toolkit.formatted_text import AnyFormattedText, StyleAndTextTuples
    from prompt_toolkit.key_binding.key_processor import KeyPressEvent

    from mapshell.shell.running import Runner


class Prompt(PythonRepl):
    """Reads lines and hands them to a runner.

    Parameters
    ----------
    runner
        Runs the lines.
    completer
        Suggests how a line goes on.
    history
        File of what was typed before; None: none is kept.
    toolbar
        Returns the line at the bottom.
    where
        Returns what stands before the prompt's sign: the folder of the archive in which the shell stands.
    """

    def __init__(
        self,
        runner: Runner,
        completer: Completer,
        history: Path | None,
        toolbar: Callable[[], AnyFormattedText],
        where: Callable[[], str],
    ) -> None:
        self._runner = runner
        self._history_file = history
        line = Window(FormattedTextControl(toolbar), height=1, style="class:status-toolbar", dont_extend_height=True)
        bar = ConditionalContainer(line, ~is_done)
        super().__init__(
            get_globals=lambda: runner.python.names,
            extra_key_bindings=_keys(self),
            _completer=completer,
            _validator=_Valid(self),
            _lexer=_Coloured(self),
            _extra_toolbars=[bar],
            output=create_output(always_prefer_tty=True),  # the results alone go into a file or a pipe
            _input_buffer_height=Dimension(min=8),  # room for the menu at the bottom of the screen
        )
        self.exit_code = errors.DONE
        self.all_prompt_styles["mapshell"] = _Sign(where)
        self.prompt_style = "mapshell"
        self.show_status_bar = False
        self.confirm_exit = False
        self.show_signature = True
        self.enable_auto_suggest = True
        self.enable_history_search = True
        self.complete_private_attributes = CompletePrivateAttributes.IF_NO_PUBLIC
        self.completion_visualisation = CompletionVisualisation.POP_UP
        self.highlight_matching_parenthesis = True
        self.insert_blank_line_after_output = False

    def _create_buffer(self) -> Buffer:
        self.history = ThreadedHistory(_Kept(self._history_file)) if self._history_file else InMemoryHistory()
        return super()._create_buffer()

    def run_and_show_expression(self, expression: str) -> None:
        """Run a line; errors have been shown when this returns."""
        pieces = list(statements(expression, self._runner.commands))
        try:
            for piece in pieces:
                code = self._runner.run(piece.line, number=piece.number)
                if code != errors.DONE and piece is not pieces[-1]:
                    self._runner.context.output.say(f"Stopped at line {piece.number} of what was pasted.")
                    return
        except Leave as leave:
            self.exit_code = leave.code
            raise ReplExit from None

    def is_python(self, text: str) -> bool:
        """Say whether a text is to be edited as Python: none of its lines is a command."""
        kinds = [piece.line.kind for piece in statements(text, self._runner.commands)]
        return bool(kinds) and all(kind == "python" for kind in kinds)

    @property
    def commands(self) -> Collection[str]:
        """The names that begin a command."""
        return self._runner.commands

    def complete_again(self) -> None:
        """Suggest anew, since more is known now; from any thread."""
        loop = self.app.loop
        if loop is not None:
            with suppress(RuntimeError):  # the line has been run meanwhile
                loop.call_soon_threadsafe(self._complete_again)

    def _complete_again(self) -> None:
        buffer = self.default_buffer
        chosen = buffer.complete_state is not None and buffer.complete_state.current_completion is not None
        if self.app.is_running and self.app.current_buffer is buffer and buffer.text and not chosen:
            buffer.start_completion()

    def _add_to_namespace(self) -> None:
        """Leave the namespace as it is."""

    def _remove_from_namespace(self) -> None:
        """Leave the namespace as it is."""


class _Kept(FileHistory):
    """The history file: readable by its owner alone, without secrets."""

    def store_string(self, string: str) -> None:
        os.close(os.open(self.filename, os.O_CREAT | os.O_WRONLY, 0o600))
        super().store_string(redact(string))


class _Sign(PromptStyle):
    """``mapshell>``, with the archive's folder in which the shell stands."""

    def __init__(self, where: Callable[[], str]) -> None:
        self._where = where

    def in_prompt(self) -> AnyFormattedText:
        place = self._where()
        return [("class:prompt", "mapshell"), ("", f" {place}" if place else ""), ("class:prompt", "> ")]

    def in2_prompt(self, width: int) -> AnyFormattedText:
        return [("class:prompt.dots", "... ".rjust(width))]

    def out_prompt(self) -> AnyFormattedText:
        return []


class _Valid(Validator):
    """Python must be Python; of a command only the quotes must be closed."""

    def __init__(self, prompt: Prompt) -> None:
        self._prompt = prompt
        self._python = PythonValidator()

    def validate(self, document: Document) -> None:
        commands = self._prompt.commands
        for piece in statements(document.text, commands):
            if piece.line.kind == "python":
                self._check_python(document, piece.line.text, commands)
            elif piece.line.kind == "command":
                try:
                    words(piece.line.text, backslashes=os.name != "nt")
                except UsageError as error:
                    raise ValidationError(len(document.text), error.message) from error

    def _check_python(self, document: Document, text: str, commands: Collection[str]) -> None:
        try:
            self._python.validate(document if text == document.text else Document(text))
        except ValidationError as error:
            said = meant(text, commands)
            if said:
                raise ValidationError(error.cursor_position, f"{error.message}; {said}") from error
            raise


class _Coloured(Lexer):
    """Colours Python as Python, and of a command its name and its options."""

    def __init__(self, prompt: Prompt) -> None:
        self._prompt = prompt
        self._python = PygmentsLexer(PythonLexer)

    def lex_document(self, document: Document) -> Callable[[int], StyleAndTextTuples]:
        if self._prompt.is_python(document.text):
            return self._python.lex_document(document)
        lines = document.lines

        def line(number: int) -> StyleAndTextTuples:
            return coloured(lines[number], first=number == 0) if number < len(lines) else []

        return line


def coloured(text: str, *, first: bool) -> StyleAndTextTuples:
    """Return a command's line in pieces with their styles; together they are the text."""
    pieces: StyleAndTextTuples = []
    began = not first
    rest = text
    while rest:
        word = rest.lstrip()
        if space := rest[: len(rest) - len(word)]:
            pieces.append(("", space))
        head = word.split(maxsplit=1)[0] if word else ""
        style = "class:pygments.keyword" if not began else "class:pygments.name.attribute" if head[:1] == "-" else ""
        if head:
            pieces.append((style, head))
        began, rest = began or bool(head), word[len(head) :]
    return pieces


def _keys(prompt: Prompt) -> KeyBindings:
    """Return our keys: Enter ends a command at once, wherever Python would go on (``ls raw-ephys:``)."""
    keys = KeyBindings()

    @Condition
    def no_python() -> bool:
        return not prompt.is_python(prompt.default_buffer.text)

    @Condition
    def in_line() -> bool:
        return prompt.app.current_buffer is prompt.default_buffer

    @keys.add("enter", filter=no_python & in_line)
    def _(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if buffer.document.text_before_cursor.endswith("\\"):
            buffer.insert_text("\n")
        else:
            buffer.validate_and_handle()

    return keys


def open_prompt(prompt: Prompt, before: Callable[[], Any]) -> int:
    """Show the prompt until the person leaves; return the exit code.  ``before`` is called first."""
    before()
    prompt.run()
    return prompt.exit_code
