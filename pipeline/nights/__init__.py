"""Rounds by themselves: when the next one begins, one service for each configuration, and how it ends; schedules."""
