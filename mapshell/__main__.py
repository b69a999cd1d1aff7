"""``python -m mapshell``."""

from __future__ import annotations

from mapshell.cli import main

if __name__ == "__main__":
    main()
