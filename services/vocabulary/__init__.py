"""The words every service speaks: quantities, intervals, civil days, ids, quality and failures; standard library and numpy only."""
