"""The client that blocks, for threads."""
