"""From errors to what a person sees and an exit code.  Only this module knows exit codes."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from typing import TYPE_CHECKING, Any, Protocol

import click

from pipeline.archive.paths import visible
from pipeline.database.entering import fitting
from pipeline.errors import ConfigError, LoginNeeded, MapshellError
from pipeline.errors import UsageError as MapshellUsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mapshell.context import Context

DONE, FAILED, USAGE, PARTLY, LOGIN, CONFIGURATION, INTERRUPTED = 0, 1, 2, 3, 4, 5, 130

EXIT_CODES: dict[int, str] = {
    DONE: "done",
    FAILED: "failed",
    USAGE: "wrong use: an option or argument that does not fit",
    PARTLY: "partly done, or something needs a person: sessions were refused, failed or differ, each with its reason",
    LOGIN: "a Globus login is needed",
    CONFIGURATION: "the configuration must be corrected",
    INTERRUPTED: "interrupted",
}


class Partial(Exception):
    """Raised by a command that has shown its results, some of which are failures: exit code 3."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message)
        self.message = message


class _Result(Protocol):
    @property
    def stopped(self) -> MapshellError | None: ...

    @property
    def whole(self) -> bool: ...


def end(result: _Result) -> None:
    """End a command that has shown its result: with what stopped it, as partly done, or well.

    Raises
    ------
    MapshellError
        What ended the work early.
    Partial
        Something needs a person.
    """
    if result.stopped is not None:
        raise result.stopped
    if not result.whole:
        raise Partial


def exit_code(error: BaseException) -> int:
    """Return the exit code of an error."""
    if isinstance(error, Partial):
        return PARTLY
    if isinstance(error, (MapshellUsageError, click.UsageError)):
        return USAGE
    if isinstance(error, LoginNeeded):
        return LOGIN
    if isinstance(error, ConfigError):
        return CONFIGURATION
    if isinstance(error, (KeyboardInterrupt, click.Abort, EOFError)):
        return INTERRUPTED
    return FAILED


def run(command: click.Command, args: Sequence[str], context: Context) -> int:
    """Run a command line and return its exit code; every error is shown, none escapes.

    Parameters
    ----------
    command
        The group to run.
    args
        Arguments without the program's name.
    context
        What the command gets; its options are filled in from the arguments.
    """
    try:
        # Standalone mode off: errors come here instead of ending the process in click's own way.
        result = command.main(args=list(args), prog_name="mapshell", standalone_mode=False, obj=context)
        sys.stdout.flush()
    except BrokenPipeError:
        return _broken_pipe()
    except BaseException as error:  # noqa: BLE001 - the last stop: shown or logged, never a bare traceback
        try:
            return _show(error, context, list(args))
        except BrokenPipeError:
            return _broken_pipe()
    return result if isinstance(result, int) and not isinstance(result, bool) else DONE


def _broken_pipe() -> int:
    """End quietly: whoever read our output (``| head``) has enough."""
    with contextlib.suppress(OSError):
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - else Python complains at exit
    return FAILED


def _show(error: BaseException, context: Context, args: list[str]) -> int:
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else FAILED if error.code else DONE
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if context.options.format != "json" and _asks_for_json(args):
        context.options.format = "json"
        context.__dict__.pop("output", None)
    context.options.debug = context.options.debug or "--debug" in args
    code = exit_code(error)
    if type(error).__name__ == "NoArgsIsHelpError" and isinstance(error, click.UsageError) and error.ctx is not None:
        sys.stderr.write(error.ctx.get_help() + "\n")  # nothing was asked for: show what there is
        return code
    if isinstance(error, Partial):
        if error.message:
            context.output.say(error.message)
        return code
    if code == INTERRUPTED:
        # Ctrl-C at a question is an Abort as well, but one that something else brought about.
        declined = isinstance(error, click.Abort) and error.__context__ is None
        message = "interrupted; what was done stays done, and running the command again goes on."
        if declined:
            message = "the answer was no, so nothing was done."
        _document(context, {"type": "Interrupted", "message": message, "remedy": "", "exit_code": code})
        context.output.warn(message)
        return code
    usage = ""
    if isinstance(error, MapshellError):
        message, remedy = error.message, fitting(error.remedy)
        logging.getLogger("mapshell").info("%s: %s", type(error).__name__, message, exc_info=error)
    elif isinstance(error, click.ClickException):
        message, remedy, usage = _click_error(error)
    else:
        message, remedy = _unexpected(error, context)
    _document(context, {"type": type(error).__name__, "message": message, "remedy": remedy, "exit_code": code})
    if usage and not context.options.quiet:
        context.output.say(usage)
    context.output.error(message, remedy)
    if context.options.debug and not isinstance(error, click.ClickException):
        import traceback

        from pipeline.private.redaction import redact

        sys.stderr.write(visible(redact("".join(traceback.format_exception(error))), keep="\n\t"))
    return code


def _document(context: Context, error: dict[str, Any]) -> None:
    """Print the error as the JSON document, unless the command has printed its own."""
    if context.output.format == "json" and not context.output.wrote_data:
        context.output.data({"error": error})


def _asks_for_json(args: list[str]) -> bool:
    """Whether the arguments ask for JSON, even though they could not be understood as a whole."""
    return "--format=json" in args or any(
        arg == "--format" and args[index + 1 : index + 2] == ["json"] for index, arg in enumerate(args)
    )


def _click_error(error: click.ClickException) -> tuple[str, str, str]:
    """Return message, remedy and usage line of an error in the arguments."""
    import difflib

    ctx = getattr(error, "ctx", None)
    path = ctx.command_path if ctx is not None else "mapshell"
    usage = ctx.get_usage() if ctx is not None else ""
    message = getattr(error, "message", "") or error.format_message()
    if isinstance(error, click.NoSuchOption):
        near = _nearest_options(error, ctx)
        message = f"no such option: {error.option_name}"
        remedy = f"did you mean {near}?" if near else f"see {path} --help"
        return message, remedy, usage
    if message.startswith("No such command") and isinstance(getattr(ctx, "command", None), click.Group):
        written = message.split("'")[1] if message.count("'") >= 2 else ""
        names = ctx.command.list_commands(ctx) if ctx else []
        names += list(getattr(ctx.command, "aliases", {})) if ctx else []
        # "publish" for "publication-publish": the end of a name is what people remember.
        spellings = {name.rpartition("-")[2]: name for name in names} | {name: name for name in names}
        close = [spellings[each] for each in difflib.get_close_matches(written, spellings, n=1, cutoff=0.5)]
        remedy = f"did you mean {path} {close[0]}?" if close else f"see {path} --help"
        return f"no such command: {written}", remedy, usage
    if isinstance(error, click.exceptions.UsageError):
        return error.format_message(), f"see {path} --help", usage
    return error.format_message(), f"see {path} --help", ""


def _nearest_options(error: click.NoSuchOption, ctx: click.Context | None) -> str:
    import difflib

    if ctx is None:
        return ""
    names = [name for param in ctx.command.get_params(ctx) for name in (*param.opts, *param.secondary_opts)]
    close = difflib.get_close_matches(error.option_name, [n for n in names if n.startswith("--")], n=1, cutoff=0.5)
    return close[0] if close else ""


def _unexpected(error: BaseException, context: Context) -> tuple[str, str]:
    """Write the traceback of a defect to the log file; return what the person sees."""
    from mapshell import log
    from pipeline.private.redaction import redact

    file = log.set_up(context.environ, debug=context.options.debug)
    logging.getLogger("mapshell").error("unexpected error", exc_info=error)
    text = redact(str(error)).strip().splitlines()
    shown = f"{type(error).__name__}: {text[0][:300]}" if text else type(error).__name__
    where = f"the details are in {file}" if file else "run it again with --debug to see the details"
    return f"an unexpected error, most likely a defect of mapshell: {shown}", f"{where}; please report it."
