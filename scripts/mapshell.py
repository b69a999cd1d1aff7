"""Run any `mapshell` command from a clone, with nothing installed by hand: `python3 scripts/mapshell.py --help`."""

import sys

import _bootstrap

if __name__ == "__main__":
    sys.exit(_bootstrap.mapshell(sys.argv[1:]))
