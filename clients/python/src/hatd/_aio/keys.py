"""The API key of a client."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable

from hatd._core.keys import Metadata, bearer, no_key

ApiKey = str | Callable[[], str | Awaitable[str]]
"""An API key, or a function, of either kind, that returns the current one.

The function is called before the first call and again whenever the server refuses the key. One that
is not a coroutine function must not block.
"""


class Keys:
    """Holds the current API key, as metadata."""

    def __init__(self, api_key: ApiKey | None) -> None:
        """Ask for no key yet."""
        self._lock = asyncio.Lock()
        self._source = api_key if callable(api_key) else None
        self._current = bearer(api_key) if isinstance(api_key, str) else None

    @property
    def is_renewable(self) -> bool:
        """Whether asking anew may give another key."""
        return self._source is not None

    async def get(self, refused: Metadata | None = None) -> Metadata:
        """Return what to send, another than `refused` if there is another.

        Raises:
            HatdError: The function raised.
        """
        if self._source is None:
            return self._current or ()
        # Tasks that were refused together ask once.
        async with self._lock:
            if self._current is None or self._current == refused:
                try:
                    key = self._source()
                    self._current = bearer(await key if inspect.isawaitable(key) else key)
                except Exception as cause:
                    raise no_key(cause) from cause
            return self._current
