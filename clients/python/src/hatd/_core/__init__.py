"""Every decision of the client, without I/O.

The synchronous and the asynchronous client ask the same objects what to do, tell them what came of
it and what time it is, and do nothing of their own but wait, send and receive. Times are in seconds
of a clock that never steps back.
"""
