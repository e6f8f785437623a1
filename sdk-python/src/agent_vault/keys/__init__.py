"""The key to read with."""
