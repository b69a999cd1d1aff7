"""The settings, section by section, as data."""
