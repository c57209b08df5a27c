"""The client that does not block, for asyncio."""
