"""Bringing a vault up to date."""
