r"""Speed: the real commands beside what a user would use instead. Needs only Python.

python3 scripts/bench.py [--quick] [--json FILE] [--plot FILE.svg] [--database postgresql|mariadb] [ROW ...]
                                                          (Windows: py scripts\bench.py)
What it prints is in docs/performance.md; `--help` names the rows and tells the rest.
"""

import sys

import _bootstrap


def main(args: list[str]) -> int:
    """Run the benchmark in the project's environment; return its exit code."""
    ended: int = _bootstrap.launch(["-P", "-m", "tests.bench", *args])
    return ended


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
