"""Looking after the database: what is there, what this program needs, what a step forward would mean."""
