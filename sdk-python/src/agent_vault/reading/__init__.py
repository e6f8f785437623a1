"""Reading a vault."""
