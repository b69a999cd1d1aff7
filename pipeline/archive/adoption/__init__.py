"""Bytes that are at the archive already: read back, compared with this computer's, and taken into the index unsent.

``decide`` settles one session, ``compare`` reads what is there, ``remembered`` keeps what was read.
"""
