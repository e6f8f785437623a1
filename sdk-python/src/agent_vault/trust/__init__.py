"""Whether the state of a vault can be trusted."""
