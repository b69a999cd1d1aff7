"""A session goes from one archive to the next: looked at on both sides, and sent by one task."""
