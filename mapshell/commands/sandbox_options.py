"""Options of ``mapshell sandbox start``: how much it is like a service far away, and for whom it listens."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    Function = Callable[..., Any]

_UNITS = {"k": 1e3, "m": 1e6, "g": 1e9}


class _Off:
    """Typed instead of a limit: there is none any more."""


def _limit(*, whole: bool = False, units: bool = False) -> Callable[[click.Context, click.Parameter, str | None], Any]:
    """Read a number or ``none``; ``whole``: of things; ``units``: may end with k, M or G."""

    def read(ctx: click.Context, param: click.Parameter, value: str | None) -> Any:
        text = (value or "").strip().lower()
        if value is None or text == "none":
            return None if value is None else _Off()
        unit = _UNITS.get(text[-1:], 1.0) if units else 1.0
        try:
            number = float(text[:-1] if unit > 1 else text) * unit
        except ValueError:
            number = math.nan
        if math.isfinite(number) and number > 0 and (not whole or number == int(number)):
            return int(number) if whole else number
        wanted = "a whole number above 0" if whole else "a number above 0"
        wanted += ", such as 500k or 20M" if units else ""
        raise click.BadParameter(f"{value!r} is not {wanted}, or none.", ctx, param)

    return read


_SECONDS = click.FloatRange(min=0)
_SETTINGS = (
    click.option(
        "--realistic/--fast",
        default=None,
        help="Limits, delays and bandwidth like those of the real service, or none (as at first). Remembered.",
    ),
    click.option("--latency", type=_SECONDS, metavar="S", help="Time that each request takes, more or less."),
    click.option(
        "--request-limit",
        callback=_limit(),
        metavar="N",
        help="Requests per second of one user, metered over 10 s; more are answered 429; none: any number.",
    ),
    click.option("--running-tasks", callback=_limit(whole=True), metavar="N", help="Transfers of one user at a time."),
    click.option(
        "--pending-tasks", callback=_limit(whole=True), metavar="N", help="Tasks of one user, waiting ones too."
    ),
    click.option("--task-delay", type=_SECONDS, metavar="S", help="Time before a task begins to move files."),
    click.option("--file-delay", type=_SECONDS, metavar="S", help="Time that each file takes besides its bytes."),
    click.option(
        "--bandwidth",
        callback=_limit(units=True),
        metavar="N",
        help="Bytes per second of all tasks together, such as 20M.",
    ),
    click.option(
        "--listing-entries", callback=_limit(whole=True), metavar="N", help="Entries of a folder to be listed."
    ),
)
_NAMES = (
    "realistic",
    "latency",
    "request_limit",
    "running_tasks",
    "pending_tasks",
    "task_delay",
    "file_delay",
    "bandwidth",
    "listing_entries",
)


def realism_options(function: Function) -> Function:
    """Add the options; the function gets those that were typed as one mapping, ``realism``."""

    @functools.wraps(function)
    def gathering(*args: Any, **values: Any) -> Any:
        typed = {name: values.pop(name) for name in _NAMES}
        realism = {
            name: None if isinstance(value, _Off) else value for name, value in typed.items() if value is not None
        }
        return function(*args, realism=realism, **values)

    decorated: Function = gathering
    for option in reversed(_SETTINGS):
        decorated = option(decorated)
    return decorated


def listen_options(function: Function) -> Function:
    """Add the options that let other computers use the sandbox."""
    from mapshell.sandbox.listening import CONSENT, LOOPBACK

    consent = click.option(
        CONSENT,
        "consented",
        is_flag=True,
        help="Needed with --listen: everybody may do everything, without a password.",
    )
    listen = click.option(
        "--listen",
        default=LOOPBACK,
        show_default=True,
        metavar="ADDRESS",
        help="Address to listen on; 0.0.0.0: all of this computer.",
    )
    return listen(consent(function))
