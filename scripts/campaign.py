"""The fault campaign: random nights over a growing lab, with faults and kills; nothing is lost, nothing said falsely.

python3 scripts/campaign.py                            two minutes, on both databases
python3 scripts/campaign.py --kills 3000 --seed 7      until 3,000 processes were killed, on each database
python3 scripts/campaign.py --cycles 10000             10,000 times publish, verify and retrieve, in process
python3 scripts/campaign.py --mutations                guards of the product are broken: each must be found
"""

import sys

import _bootstrap


def main(args: list[str]) -> int:
    """Set up what is needed, then run it there; return its exit code."""
    # -P, and the clone by its own name: it may be started from anywhere, and FILE is a file of where it was started.
    code = "import sys; from tests.campaign.run import main; sys.exit(main(sys.argv[1:]))"
    ended: int = _bootstrap.launch(["-P", "-c", code, *args])
    return ended


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
