r"""Load: many sessions and files, two rigs; memory and open files of the real commands. Needs only Python.

python3 scripts/load.py [rigs|backlog|files|million ...] [--database postgresql|mariadb] [--scale F] [--dir DIR]
                                                          (Windows: py scripts\load.py)
What it prints is in docs/reliability.md, section "Load"; `--help` tells the rest.
"""

import sys

import _bootstrap


def main(args: list[str]) -> int:
    """Run the load in the project's environment; return its exit code."""
    try:
        python = _bootstrap.prepare(("test",))
    except _bootstrap.SetupFailed as error:
        _bootstrap.say(str(error))
        return 1
    code: int = _bootstrap.become([str(python), "-P", "-m", "tests.load", *args], PYTHONPATH=str(_bootstrap.ROOT))
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
