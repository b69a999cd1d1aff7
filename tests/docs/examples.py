"""Reads the examples of a Markdown document: what is fenced as `console`, `python`, `py` or `json` is run by the tests.

A `console` block is a terminal session: a line `$ command`, `# exit N` behind it when it does not end with 0, and below
it what is printed (`...` stands for anything; nothing below it means that the output is not looked at). All `python`
blocks of a document are one notebook; blocks fenced as `py NAME` are files, which pytest runs together. Blocks fenced
otherwise (`sh`, `powershell`, `text`) are for people alone: what needs the real Globus, or a second computer.
"""

import functools
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = (
    "README.md",
    "docs/petrel_archiving.md",
    "docs/sandbox.md",
    "docs/notify.md",
    "docs/refusals.md",
    "docs/settings.md",
    "docs/architecture.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
)
_EXIT = re.compile(r"\s+# exit (\d+)$")


@dataclass(frozen=True)
class Block:
    """One fenced block: where it begins, its language, its text."""

    document: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"


@dataclass(frozen=True)
class Step:
    """One command of a terminal session, its exit code, and what it prints."""

    place: str
    words: tuple[str, ...]
    code: int
    output: str


@functools.cache
def _tokens(document: str) -> list[Token]:
    """Read a document, once: everything here is asked again and again."""
    return MarkdownIt().parse((ROOT / document).read_text(encoding="utf-8"))


def blocks(document: str, language: str) -> list[Block]:
    """Return the fenced blocks of one language, in order."""
    tokens = _tokens(document)
    return [
        Block(document, token.map[0] + 1, language, token.content)
        for token in tokens
        if token.type == "fence" and token.map and token.info.split()[:1] == [language]
    ]


def files(document: str) -> dict[str, str]:
    """Return the files that a document shows, by name: blocks fenced as `py NAME`."""
    tokens = _tokens(document)
    return {
        token.info.split()[1]: token.content
        for token in tokens
        if token.type == "fence" and token.info.split()[:1] == ["py"]
    }


def code(document: str) -> list[str]:
    """Return every line that is set as code, fenced or in the running text."""
    tokens = _tokens(document)
    lines = [line for token in tokens if token.type == "fence" for line in token.content.splitlines()]
    inner = [child for token in tokens for child in token.children or []]
    return lines + [child.content for child in inner if child.type == "code_inline"]


def anchors(document: str) -> set[str]:
    """Return the anchors of a document's headings, as the usual viewers make them."""
    tokens = _tokens(document)
    titles = [tokens[number + 1].content for number, token in enumerate(tokens) if token.type == "heading_open"]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def steps(block: Block) -> list[Step]:
    """Return the commands of a `console` block."""
    found: list[Step] = []
    for number, line in enumerate(block.text.splitlines(), start=block.line + 1):
        if line.startswith("$ "):
            command = line.removeprefix("$ ")
            ends = _EXIT.search(command)
            words = tuple(shlex.split(_EXIT.sub("", command), comments=True))
            found.append(Step(f"{block.document}:{number}", words, int(ends[1]) if ends else 0, ""))
        elif found:
            last = found[-1]
            found[-1] = Step(last.place, last.words, last.code, f"{last.output}{line}\n")
        else:
            raise ValueError(f"{block.document}:{number}: a console block begins with a command: $ ...")
    return found


def printed(expected: str, actual: str) -> bool:
    """Tell whether a command printed what the document shows; how much white space there is does not matter."""
    if not expected.strip():
        return True
    parts = [re.escape(part.strip()) for part in " ".join(expected.split()).split("...")]
    return re.fullmatch(".*".join(parts), " ".join(actual.split())) is not None
