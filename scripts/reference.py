"""Write anew what the documents take from the code: the pages of settings and of commands, and several tables.

.venv/bin/python scripts/reference.py            write them
.venv/bin/python scripts/reference.py --check    only say whether they are up to date (exit 1 when not)

A table stands in a document between `<!-- table: NAME -->` and `<!-- end of table -->`.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # before this folder, whose mapshell.py is a launcher and not the package
DOCUMENTS = ("README.md", "docs/petrel_archiving.md", "docs/sandbox.md", "docs/reliability.md")
_TABLE = re.compile(r"(<!-- table: (?P<name>[a-z-]+) -->\n).*?(<!-- end of table -->)", re.DOTALL)


def commands_table() -> str:
    """Return every command with its one line of help."""
    from mapshell.cli import ALIASES, COMMANDS

    also = {name: [alias for alias, meant in ALIASES.items() if meant[0] == name] for name in COMMANDS}
    rows = [
        (", ".join(f"`mapshell {each}`" for each in (name, *also[name])), entry.help)
        for name, entry in COMMANDS.items()
    ]
    return markdown(("Command", "What it does"), rows)


def exit_codes_table() -> str:
    """Return every exit code with its meaning."""
    from mapshell.errors import EXIT_CODES

    return markdown(("Exit code", "Meaning"), [(str(code), meaning) for code, meaning in EXIT_CODES.items()])


def fault_kinds_table() -> str:
    """Return every kind of fault of the sandbox, with the fields of its own."""
    from mapshell.sandbox.fault_kinds import KINDS

    rows = [
        (f"`{name}`", kind.scope, kind.help, ", ".join(f"`{field}`" for field in kind.own))
        for name, kind in KINDS.items()
    ]
    return markdown(("Kind", "Of a", "What happens", "Its fields"), rows)


def fault_fields_table() -> str:
    """Return every field of a fault, with the kinds that have it."""
    from mapshell.sandbox.fault_kinds import FIELDS, KINDS, MATCHING

    def where(name: str) -> str:
        scopes = [scope for scope, names in MATCHING.items() if name in names]
        return ", ".join(
            [*(f"every {scope}" for scope in scopes), *(f"`{k}`" for k, v in KINDS.items() if name in v.own)]
        )

    rows = [(f"`{name}`", field.help, field.allowed, where(name)) for name, field in FIELDS.items()]
    return markdown(("Field", "What it says", "Allowed", "Of"), rows)


def realistic_table() -> str:
    """Return every setting of the sandbox's pace, with what ``--realistic`` makes of it."""
    from mapshell.commands.sandbox import sandbox
    from mapshell.sandbox.realism import REALISTIC

    options = {param.name: param for param in sandbox.commands["start"].params}
    rows = []
    for name, value in REALISTIC.to_json().items():
        if name in options:
            shown = f"{value:,.0f}" if value >= 1 else f"{value:g}"
            rows.append((f"`{options[name].opts[0]}`", str(getattr(options[name], "help", "")), shown))
    return markdown(("Option", "What it is", "With `--realistic`"), rows)


def not_served_table() -> str:
    """Return what the sandbox does not serve."""
    from mapshell.sandbox.unserved import markdown as table

    return table()


def rules_table() -> str:
    """Return every rule of the gate, and whether a person may accept it."""
    from pipeline.archive.acceptance_rules import RULES

    rows = [(f"`{r.name}`", r.words, "yes" if r.acceptable else "never", r.why) for r in RULES]
    return markdown(("Rule", "Found", "Accept", "Why"), rows)


def fault_points_table() -> str:
    """Return every fault point, what comes of it, and the tests that show it."""
    from tests.faults.marks import table

    return markdown(("", "What happens", "What comes of it", "Shown by"), table())


TABLES: dict[str, Callable[[], str]] = {
    "commands": commands_table,
    "exit-codes": exit_codes_table,
    "fault-kinds": fault_kinds_table,
    "fault-fields": fault_fields_table,
    "realistic": realistic_table,
    "fault-points": fault_points_table,
    "rules": rules_table,
    "not-served": not_served_table,
}


def settings_page() -> str:
    """Return the page of settings."""
    from mapshell.config_view import reference_markdown

    return reference_markdown()


def commands_page() -> str:
    """Return the page of commands."""
    from scripts.commands_page import commands_page as page

    return page()


def refusals_page() -> str:
    """Return the page of refusals."""
    from scripts.refusals_page import refusals_page as page

    return page()


def markdown(titles: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table in Markdown."""
    head = list(titles)
    lines = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


PAGES: dict[str, Callable[[], str]] = {
    "docs/settings.md": settings_page,
    "docs/commands.md": commands_page,
    "docs/refusals.md": refusals_page,
}


def renewed(text: str) -> str:
    """Return a document with every table in it written anew."""
    return _TABLE.sub(lambda found: f"{found[1]}{TABLES[found['name']]()}{found[3]}", text)


def main(args: list[str]) -> int:
    """Write the documents, or with ``--check`` only compare; return the exit code."""
    outdated = []
    for name in (*DOCUMENTS, *PAGES):
        file = ROOT / name
        before = file.read_text(encoding="utf-8") if file.exists() else ""
        after = PAGES[name]() if name in PAGES else renewed(before)
        if after != before:
            outdated.append(name)
            if "--check" not in args:
                file.write_text(after, encoding="utf-8", newline="\n")
    for name in outdated:
        print(f"{name} {'is out of date' if '--check' in args else 'was brought up to date'}")
    return 1 if outdated and "--check" in args else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
