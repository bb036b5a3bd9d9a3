"""At the edge: turns what meters, files and gateways give into readings; it knows formats and no rule of validity."""
