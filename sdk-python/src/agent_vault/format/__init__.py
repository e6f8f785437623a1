"""The files of a vault: their names, and what is written in them."""
