"""Rows of a predecessor's index: read, taken over into ours, and completed by looking at the archive."""
