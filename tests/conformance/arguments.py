"""The command line of ``scripts/test.py --real-globus``."""

from __future__ import annotations

import argparse
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .table import CHAPTERS

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Place:
    """``UUID:/PATH``: a folder of a collection."""

    collection: str
    path: str

    @classmethod
    def parse(cls, text: str) -> Place:
        """Read what was typed."""
        collection, _, path = text.partition(":")
        try:
            collection = str(uuid.UUID(collection))
        except ValueError:
            collection = ""
        if not collection or not path.startswith("/"):
            raise argparse.ArgumentTypeError(f"{text!r} is not UUID:/PATH")
        return cls(collection, path.rstrip("/"))

    def __str__(self) -> str:
        return f"{self.collection}:{self.path}"


def arguments(args: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="test.py --real-globus",
        description="Run the sandbox's conformance table, and one publication and retrieval, against the real Globus.",
        epilog="Log in first, with the `globus` that the tests use: .venv/bin/globus login. A mapped collection needs "
        "its consent too; the program shows the command when it is missing.",
    )
    parser.add_argument(
        "source", type=Place.parse, metavar="SRC-UUID:/PATH", help="folder of this computer's collection"
    )
    parser.add_argument("destination", type=Place.parse, metavar="DST-UUID:/PATH", help="folder that you may write to")
    parser.add_argument(
        "--local", type=Path, metavar="DIR", help="the source's folder on this computer; by default PATH"
    )
    parser.add_argument("--report", type=Path, default=Path("real-globus.md"), help="file to write; %(default)s")
    parser.add_argument("--yes", action="store_true", help="do not ask before it begins")
    parser.add_argument("--no-publish", action="store_true", help="only the command lines")
    names = [chapter.name for chapter in CHAPTERS if any(row.real for row in chapter.rows)]
    parser.add_argument(
        "--chapter",
        action="append",
        choices=names,
        metavar="NAME",
        help=f"only this one; repeatable: {', '.join(names)}",
    )
    return parser.parse_args(args)
