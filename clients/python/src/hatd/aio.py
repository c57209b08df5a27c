"""The client of hatd for asyncio.

It has the words of the one that blocks (`hatd`), and its requests, events, options and errors.
"""

from hatd._aio.client import AsyncClient, connect
from hatd._aio.keys import ApiKey
from hatd._aio.mirror import AsyncMirror, AsyncMirrorChanges
from hatd._aio.watch import AsyncWatch

__all__ = [
    "ApiKey",
    "AsyncClient",
    "AsyncMirror",
    "AsyncMirrorChanges",
    "AsyncWatch",
    "connect",
]
