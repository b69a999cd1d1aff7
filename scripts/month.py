"""A simulated month of a lab: two rigs, small disks, nights with faults; board and report tell the truth at each dawn.

python3 scripts/month.py                       thirty days on each database: some minutes
python3 scripts/month.py --days 6 --seed 7     a short one, with other days
python3 scripts/month.py --database postgresql --plan    only say what happens on which day
"""

import sys

import _bootstrap


def main(args: list[str]) -> int:
    """Set up what is needed, then run it there; return its exit code."""
    # -P, and the clone by its own name: it may be started from anywhere.
    ended: int = _bootstrap.launch(["-P", "-m", "tests.month", *args])
    return ended


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
