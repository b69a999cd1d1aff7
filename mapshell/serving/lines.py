"""What a service tells: a line for each thing that happened, with its time; as JSON, a document in a line."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from mapshell.output import plain
from pipeline.nights.window import local

if TYPE_CHECKING:
    from datetime import datetime, timedelta, tzinfo

    from mapshell.output import Output

_LOG = logging.getLogger("mapshell.nights")


class Lines:
    """Tells on stdout, for people or programs, and in the log.

    Parameters
    ----------
    output
        Where to.
    zone
        In which people's times are shown.
    """

    def __init__(self, output: Output, zone: tzinfo) -> None:
        self._output, self._zone = output, zone

    def tell(self, event: str, at: datetime, text: str, **facts: Any) -> None:
        """Tell what happened at an instant (UTC, naive): in words, or with ``facts`` for programs."""
        _LOG.info("%s", text)
        if self._output.for_programs:
            document = {"event": event, "at": at, "text": text, **facts}
            self._output.wrote_data = True
            self._output.stdout.write(json.dumps(plain(document)) + "\n")
            self._output.stdout.flush()
        else:
            self._output.data(f"{local(at, self._zone):%Y-%m-%d %H:%M:%S}  {text}")

    def clock(self, at: datetime, now: datetime) -> str:
        """Return an instant as a person reads it: with its day, unless that is today."""
        there, here = local(at, self._zone), local(now, self._zone)
        return f"{there:%H:%M}" if there.date() == here.date() else f"{there:%A %H:%M}"


def span(value: timedelta) -> str:
    """Return how long something is: ``15 min``, ``1 h 30 min``."""
    minutes, seconds = divmod(round(value.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s")]
    return " ".join(f"{number} {unit}" for number, unit in parts if number) or "0 s"
