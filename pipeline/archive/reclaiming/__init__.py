"""Freeing a disk: what must be proved before a file is deleted, what is left in its place, and the deletion itself."""
