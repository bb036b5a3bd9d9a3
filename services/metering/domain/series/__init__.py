"""Readings as they arrive and are kept: columns, checks at arrival, versions, and the ports of the series store."""
