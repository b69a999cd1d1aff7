"""``python -P -m tests.bench.asking FILE ARGS...``: run mapshell, and write down every request that it sends.

The sandbox counts requests and keeps no query; which folder was listed is known here alone.
"""

from __future__ import annotations

import logging
import sys

SAID = "urllib3.connectionpool"


def main() -> None:
    """Become mapshell, with the lines of the HTTP library in a file."""
    file = sys.argv.pop(1)
    logger = logging.getLogger(SAID)
    logger.setLevel(logging.DEBUG)
    logger.addHandler(logging.FileHandler(file, encoding="utf-8"))
    from mapshell import cli

    cli.main()


if __name__ == "__main__":
    main()
