"""``mapshell completion``: Tab in bash, zsh and fish."""

from __future__ import annotations

import click

from mapshell.context import Context, pass_context

_SHELL = click.argument("shell", required=False, type=click.Choice(["bash", "zsh", "fish"]))


@click.group()
def completion() -> None:
    """Complete mapshell's command lines in bash, zsh and fish.

    Tab then knows commands, options and their values, and the subjects, sessions and aliases that a mapshell of this
    account has last seen; nothing is asked meanwhile. (In `mapshell shell` completion needs no installation.)

    \b
    Examples:
      mapshell completion install
      mapshell completion show zsh > ~/.zfunc/_mapshell
    """


@completion.command("install")
@_SHELL
@pass_context
def install_(context: Context, *, shell: str | None) -> None:
    """Install completion for SHELL (by default this terminal's).

    \b
    Examples:
      mapshell completion install
      mapshell completion install fish
    """
    from mapshell.completion.installing import install, shell_of

    done = install(shell or shell_of(context.environ), context.environ)
    context.output.result(done, lambda: context.output.data(str(done.script)))
    read = f", read by {done.startup}" if done.startup else ""
    context.output.say(f"Completion of {done.shell} is installed{read}. Open a new terminal to use it.")


@completion.command("remove")
@_SHELL
@pass_context
def remove_(context: Context, *, shell: str | None) -> None:
    """Take completion out of SHELL again.

    \b
    Example:
      mapshell completion remove bash
    """
    from mapshell.completion.installing import remove, shell_of

    done = remove(shell or shell_of(context.environ), context.environ)
    context.output.result(done, lambda: None)
    context.output.say(f"Completion of {done.shell} {'was removed' if done.changed else 'was not installed'}.")


@completion.command()
@_SHELL
@pass_context
def show(context: Context, *, shell: str | None) -> None:
    """Print the script, for those who keep such things themselves.

    \b
    Example:
      mapshell completion show bash >> ~/.bash_completion
    """
    from mapshell.completion.installing import shell_of
    from mapshell.completion.terminal import script

    context.output.data(script(shell or shell_of(context.environ)))
