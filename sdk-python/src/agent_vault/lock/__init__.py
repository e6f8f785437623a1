"""`vault.lock`, its signature, and the files that it covers."""
