"""The library of mapshell: tables, archive engine and ingest, usable from a notebook.

Importing this package, or any module of it, connects to nothing, reads nothing and prompts nothing.
"""

PRODUCT = "mapshell"
"""Tells this package from others of the same name (``mapshell.foreign``)."""
