r"""Set everything up, then archive a whole synthetic recording day: `mapshell demo` for a computer with only Python.

python3 scripts/demo.py [--dir DIR] [...]        (Windows: py scripts\demo.py)
Every argument goes to `mapshell demo`; `--help` lists them.
"""

import sys

import _bootstrap

if __name__ == "__main__":
    sys.exit(_bootstrap.mapshell(["demo", *sys.argv[1:]]))
