"""Rows of the audit log that wait for a database, encrypted, in segments."""
