"""The embedded series store: a journal and columnar chunks in one SQLite file, a writer thread, and a merger in another process."""
