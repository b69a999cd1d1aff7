"""Many documents kept on disk while they wait, so that memory does not grow with their number."""

from __future__ import annotations

import tempfile
import zlib
from typing import TYPE_CHECKING

from pipeline.errors import LocalDiskError

if TYPE_CHECKING:
    from typing import Self

_IN_MEMORY = 16 * 1024 * 1024


class Spool:
    """Keeps byte strings, compressed, in memory as long as they are small, else in a file that goes with the process.

    Use it as a context manager.
    """

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115  # closed by __exit__

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def put(self, data: bytes) -> tuple[int, int]:
        """Keep some bytes; return where they are.

        Raises
        ------
        LocalDiskError
            The disk of the temporary folder is full.
        """
        packed = zlib.compress(data, 1)
        try:
            place = (self._file.seek(0, 2), len(packed))
            self._file.write(packed)
        except OSError as error:
            raise LocalDiskError(
                f"What was read from the archive cannot be kept in {tempfile.gettempdir()}: {error.strerror}.",
                remedy="make room there, or name another folder in the environment variable TMPDIR.",
            ) from error
        return place

    def get(self, place: tuple[int, int]) -> bytes:
        """Return what was kept."""
        self._file.seek(place[0])
        return zlib.decompress(self._file.read(place[1]))
