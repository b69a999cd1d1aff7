"""The person's log file: what happened, with tracebacks, without secrets."""

from __future__ import annotations

import io
import logging
import logging.handlers
import os
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import folders
from pipeline.archive.paths import visible
from pipeline.private.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE_NAME = "mapshell.log"
_LARGEST = 2_000_000  # bytes
_KEPT = 3


class _Formatter(logging.Formatter):
    """One line a record, tracebacks below it, all of it redacted."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the redacted text; names in it cannot steer a terminal, nor begin a line like a record."""
        return visible(redact(super().format(record)), keep="\n\t").replace("\n", "\n    ")


class _Shown(logging.StreamHandler[io.TextIOWrapper]):
    """Log lines on stderr, for ``--debug``."""


class _File(logging.handlers.RotatingFileHandler):
    """A log file that is readable by its owner alone and never gets in the way of the work."""

    def _open(self) -> io.TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return io.TextIOWrapper(os.fdopen(descriptor, "ab"), encoding="utf-8", errors="backslashreplace")

    def doRollover(self) -> None:  # noqa: N802 - the base class's name
        """Begin a new file; on Windows another process may hold the old one, then it goes on in it."""
        try:
            super().doRollover()
        except OSError:
            if self.stream is None:
                self.stream = self._open()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the base class's name
        """Say nothing: a full disk must not turn a message into a second failure."""


def path(environ: Mapping[str, str]) -> Path:
    """Return where the log file lies."""
    return folders.log_folder(environ) / FILE_NAME


def tear_down() -> None:
    """Close the log file and take back what ``set_up`` changed: for programs and tests that go on afterwards."""
    logging.captureWarnings(capture=False)
    root = logging.getLogger()
    for handler in [each for each in root.handlers if isinstance(each, (_File, _Shown))]:
        root.removeHandler(handler)
        handler.close()


def set_up(environ: Mapping[str, str], *, debug: bool) -> Path | None:
    """Send log records to the person's log file, and with ``debug`` to stderr too.

    Returns the file, or None where it cannot be written.  A second call changes nothing.
    """
    root = logging.getLogger()
    file = path(environ)
    known = [handler for handler in root.handlers if isinstance(handler, _File)]
    formatter = _Formatter("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s")
    if debug and not any(isinstance(handler, _Shown) for handler in root.handlers):
        shown = _Shown()
        shown.setFormatter(formatter)
        root.addHandler(shown)
        for ours in ("mapshell", "pipeline"):
            logging.getLogger(ours).setLevel(logging.DEBUG)
    if known:
        return Path(known[0].baseFilename)
    root.setLevel(logging.WARNING)
    for ours in ("mapshell", "pipeline"):
        logging.getLogger(ours).setLevel(logging.DEBUG if debug else logging.INFO)
    if not debug:
        logging.captureWarnings(capture=True)  # a library's warnings are for the log, not for the person
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handler = _File(file, maxBytes=_LARGEST, backupCount=_KEPT, delay=False)
    except OSError:
        root.addHandler(logging.NullHandler())
        return None
    handler.setFormatter(formatter)
    root.addHandler(handler)
    return file
