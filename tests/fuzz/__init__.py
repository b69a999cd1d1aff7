"""Hostile bytes for the readers of what comes from outside: ``scripts/fuzz.py``; its short form is a test."""
