"""DataJoint, imported without its talk.

On import DataJoint warns about its own missing configuration file and logs to standard output, which is for data.
Whoever imported it before us (a notebook that uses it for other things) keeps what they had.
"""

from __future__ import annotations

import gc
import logging
import sys
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def _uncollected() -> Iterator[None]:
    """Let the collector of cycles rest: what an import makes is kept, and looking through it takes a tenth of it."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _import_quietly() -> None:
    if "datajoint" in sys.modules:
        return
    # The name below is the first thing that DataJoint logs to while it is being imported.
    logger = logging.getLogger("datajoint")
    nothing_below_errors = _OnlyErrors()
    logger.addFilter(nothing_below_errors)
    try:
        with _uncollected(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import datajoint  # noqa: F401
    finally:
        logger.removeFilter(nothing_below_errors)
    logger.setLevel(logging.WARNING)
    for handler in logger.handlers:
        if isinstance(handler, logging.StreamHandler) and handler.stream is sys.stdout:
            handler.setStream(sys.stderr)


class _OnlyErrors(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.ERROR


_import_quietly()

import datajoint as dj  # noqa: E402

__all__ = ["dj"]
