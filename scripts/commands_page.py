"""The page of all commands, as their own help says it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    import click

HEAD = """# Every command

Made from the help texts of the commands themselves; do not edit it by hand. `mapshell COMMAND --help` says the same.

These options may stand before or behind every command's name; they are left out below:

```text
{common}
```

`publication-` may be left out of a command's name: `mapshell publish` is `mapshell publication-publish`.
"""


def commands_page() -> str:
    """Return the page."""
    import click

    from mapshell.cli import COMMANDS, cli

    root = click.Context(cli, info_name="mapshell", terminal_width=100, max_content_width=100)
    own: set[str | None] = {param.name for param in cli.params}
    formatter = root.make_formatter()
    formatter.write_dl([record for param in cli.params if (record := param.get_help_record(root))])
    parts = [HEAD.format(common=formatter.getvalue().rstrip())]
    for section in dict.fromkeys(entry.section for entry in COMMANDS.values()):
        parts.append(f"## {section}\n")
        for name, entry in COMMANDS.items():
            command = cli.get_command(root, name)
            if entry.section == section and command is not None:
                parts += [f"### {title}\n\n```text\n{text}\n```\n" for title, text in _texts(root, command, own)]
    return "\n".join(parts)


def _texts(parent: click.Context, command: click.Command, common: Collection[str | None]) -> Iterator[tuple[str, str]]:
    """Yield name and help of a command and of those below it, without the options that every command has."""
    import click

    context = click.Context(command, info_name=command.name, parent=parent, terminal_width=100, max_content_width=100)
    shown = command.params
    try:
        command.params = [param for param in shown if param.name not in common]
        text = command.get_help(context)
    finally:
        command.params = shown
    yield context.command_path, text.rstrip()
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None and not below.hidden:
                yield from _texts(context, below, common)
