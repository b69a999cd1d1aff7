"""The interactive shell: subcommands and Python under one prompt."""
