"""How a predecessor spelt the path of an archived file, and what file it means.  Pure."""

from __future__ import annotations

import re

from pipeline.archive.paths import check_subpath, printable
from pipeline.errors import NameRefused

_SLASHES = re.compile(r"[/\\]+")


def read_spelling(spelling: str, h2o: str) -> str:
    r"""Return the subpath that a row of the predecessor means.

    Its discover left slashes at the beginning, its publish on Windows wrote backslashes; slashes that follow each other
    are one to every file system.

    Parameters
    ----------
    spelling
        As it stands in the row, which may say anything.
    h2o
        The animal of the session, in whose folder the file must lie.

    Raises
    ------
    NameRefused
        It leads elsewhere, or to no file of the animal.

    Examples
    --------
    >>> read_spelling("/SC033/catgt_SC033_111219_g0/a.meta", "SC033")
    'SC033/catgt_SC033_111219_g0/a.meta'
    >>> read_spelling("SC033\\catgt_SC033_111219_g0\\a.meta", "SC033")
    'SC033/catgt_SC033_111219_g0/a.meta'
    """
    subpath = check_subpath(_SLASHES.sub("/", spelling).removeprefix("/"))
    if subpath.partition("/")[0] != h2o or subpath.count("/") < 1:
        raise NameRefused(
            f"The name {printable(spelling)!r} is of no file in the folder of {h2o}.",
            remedy="look at the row of the older database: it may belong to another session.",
        )
    return subpath


def merged(spellings: list[str], h2o: str) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Return the files that spellings mean, each with its spellings, and those that mean none, with the reason."""
    files: dict[str, list[str]] = {}
    refused: dict[str, str] = {}
    for spelling in sorted(spellings):
        try:
            files.setdefault(read_spelling(spelling, h2o), []).append(spelling)
        except NameRefused as error:
            refused[spelling] = error.message
    return files, refused
