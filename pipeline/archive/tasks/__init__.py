"""Tasks of the service: what goes into each, and when to ask how they fare."""
