r"""Load: many sessions and files, two rigs; memory and open files of the real commands. Needs only Python.

python3 scripts/load.py [rigs|backlog|files|million ...] [--database postgresql|mariadb] [--scale F] [--dir DIR]
                                                          (Windows: py scripts\load.py)
What it prints is in docs/reliability.md, section "Load"; `--help` tells the rest.
"""

import sys

import _bootstrap


def main(args: list[str]) -> int:
    """Run the load in the project's environment; return its exit code."""
    ended: int = _bootstrap.launch(["-P", "-m", "tests.load", *args])
    return ended


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
