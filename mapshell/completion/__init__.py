"""What may come next on a command line: pure functions, used by the shell and for bash, zsh and fish."""
