"""git, as a program."""
