"""Reclaim: local files of archived sessions are deleted, each after it was proved at the archive."""
