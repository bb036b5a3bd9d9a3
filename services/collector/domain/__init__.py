"""Pure parsers: bytes in, readings in columns, gaps and row problems out."""
