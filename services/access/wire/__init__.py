"""The messages of the access contract, to and from the words of its rules."""
