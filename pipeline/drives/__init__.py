"""Loose drives: what lies on one, what of it is archived, and how the rest gets to the archive."""
