"""The files of a vault on disk and in commits."""
