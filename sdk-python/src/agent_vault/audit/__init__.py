"""Where uses go on record without a database: a spool, a collector, a file."""
