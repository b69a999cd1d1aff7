"""Rounds that the system starts: units of systemd, a task of Windows, a line for cron; written, shown, taken away."""
