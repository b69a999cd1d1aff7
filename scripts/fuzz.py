r"""Set everything up, then feed hostile bytes to the readers of what comes from outside.

python3 scripts/fuzz.py                               a minute     (Windows: py scripts\fuzz.py)
python3 scripts/fuzz.py --minutes 60 --seed 7         the long form
python3 scripts/fuzz.py --inputs 100000 meta listing  some of the readers
Every argument goes to tests/fuzz; `--help` lists them.
"""

import sys

import _bootstrap


def main(args: list[str]) -> int:
    """Run it; return 0 when nothing broke."""
    ended: int = _bootstrap.launch([str(_bootstrap.ROOT / "tests" / "fuzz"), *args])
    return ended


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
