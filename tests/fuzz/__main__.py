"""``python tests/fuzz ...``: what ``scripts/fuzz.py`` starts."""

import sys
from pathlib import Path

if __name__ == "__main__":
    # The package by its own name, and the project, however this was started.
    sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2])]
    from fuzz.command import main

    sys.exit(main(sys.argv[1:]))
