"""What is this person's alone: files that nobody else may read, and secrets that no other program is handed."""
