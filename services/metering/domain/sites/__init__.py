"""What public sites use: the year of all of them, and the analysis of one."""
