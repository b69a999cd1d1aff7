"""The commands, their options and what each value is, as plain data made from click's own objects."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Value = Literal["choice", "subject", "session", "day", "alias", "place", "insertion", "folder", "local", "text"]
"""What a value is: ``place`` is ``alias:/path``, ``folder`` a folder on this computer, ``local`` any path here,
``insertion`` a session as ``SUBJECT/SESSION``."""

# The words that stand for values in our help texts; whatever is not here is free text.
_BY_METAVAR: Mapping[str, Value] = {
    "ALIAS": "alias",
    "PLACE": "place",
    "TO_PLACE": "place",
    "SUBJECT": "subject",
    "SUBJECT/SESSION": "insertion",
    "FROM": "insertion",
    "TO": "insertion",
    "DATE": "day",
}
_BY_NAME: Mapping[str, Value] = {
    "subjects": "subject",
    "subject": "subject",
    "numbers": "session",
    "session": "session",
    "since": "day",
    "until": "day",
    "alias": "alias",
}

_FOLDERS = (("to", "PLACE"),)  # of retrieve: a folder, or a place in a collection that nobody here knows


def _file_types() -> tuple[str, ...]:
    from pipeline.archive.filetypes import RULES

    return tuple(dict.fromkeys(rule.name for rule in RULES))


def _rules() -> tuple[str, ...]:
    from pipeline.archive.acceptance_rules import RULES

    return ("help", *(rule.name for rule in RULES if rule.acceptable))


_TERMS: Mapping[str, Callable[[], tuple[str, ...]]] = {
    "file_types": _file_types,
    "accept": _rules,
    "probes": lambda: tuple(f"imec{number}" for number in range(4)),
}
"""Values that the program itself knows, though any text is taken."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """An option or argument: its spellings (empty: an argument), what its value is, None when it takes none."""

    names: tuple[str, ...]
    value: Value | None
    help: str = ""
    choices: tuple[str, ...] = ()
    many: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """A command or a group of commands; ``help`` is one line."""

    help: str = ""
    parameters: tuple[Parameter, ...] = ()
    commands: Mapping[str, Command] = field(default_factory=dict)

    @property
    def options(self) -> tuple[Parameter, ...]:
        """The parameters that begin with dashes."""
        return tuple(each for each in self.parameters if each.names)

    @property
    def arguments(self) -> tuple[Parameter, ...]:
        """The parameters that stand by their place."""
        return tuple(each for each in self.parameters if not each.names)

    def option(self, name: str) -> Parameter | None:
        """Return the option of this spelling."""
        return next((each for each in self.options if name in each.names), None)


def describe(command: click.Command, names: Sequence[str] | None = None) -> Command:
    """Return a click command as plain data; loads the commands below it.

    Parameters
    ----------
    command
        A command or group.
    names
        Which commands of a group; those that it lists by default.
    """
    below = {}
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in names if names is not None else command.list_commands(context):
            found = command.get_command(context, name)
            if found is not None and not found.hidden:
                below[name] = describe(found)
    parameters = tuple(_parameter(each) for each in command.params if not getattr(each, "hidden", False))
    return Command(command.get_short_help_str(70), parameters, below)


def _parameter(parameter: click.Parameter) -> Parameter:
    names: tuple[str, ...] = ()
    said = ""
    flag = False
    if isinstance(parameter, click.Option):
        names = (*parameter.opts, *parameter.secondary_opts)
        said = (parameter.help or "").split(". ")[0].rstrip(".")
        flag = parameter.is_flag or parameter.count
    value, choices = (None, ()) if flag else value_of(parameter)
    return Parameter(names, value, said, choices, parameter.multiple or parameter.nargs != 1)


def value_of(parameter: click.Parameter) -> tuple[Value, tuple[str, ...]]:
    """Return what the value of a parameter is, and the choices where there are some."""
    kind: Any = parameter.type
    if isinstance(kind, click.Choice):
        return "choice", tuple(str(each) for each in kind.choices)
    if parameter.name in _TERMS:
        return "choice", _TERMS[parameter.name]()
    if (parameter.name, parameter.metavar) in _FOLDERS:
        return "folder", ()
    if (parameter.metavar or "") in _BY_METAVAR:
        return _BY_METAVAR[parameter.metavar or ""], ()
    if isinstance(kind, click.Path):
        return ("local" if kind.file_okay else "folder"), ()
    if isinstance(kind, click.File):
        return "local", ()
    if parameter.name in _BY_NAME:
        return _BY_NAME[parameter.name], ()
    return "text", ()
