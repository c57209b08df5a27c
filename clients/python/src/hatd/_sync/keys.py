"""The API key of a client."""

import threading
from collections.abc import Callable

from hatd._core.keys import Metadata, bearer, no_key

ApiKey = str | Callable[[], str]
"""An API key, or a function that returns the current one.

The function is called before the first call and again whenever the server refuses the key.
"""


class Keys:
    """Holds the current API key, as metadata."""

    def __init__(self, api_key: ApiKey | None) -> None:
        """Ask for no key yet."""
        self._lock = threading.Lock()
        self._source = api_key if callable(api_key) else None
        self._current = bearer(api_key) if isinstance(api_key, str) else None

    @property
    def is_renewable(self) -> bool:
        """Whether asking anew may give another key."""
        return self._source is not None

    def get(self, refused: Metadata | None = None) -> Metadata:
        """Return what to send, another than `refused` if there is another.

        Raises:
            HatdError: The function raised.
        """
        if self._source is None:
            return self._current or ()
        # Threads that were refused together ask once.
        with self._lock:
            if self._current is None or self._current == refused:
                try:
                    self._current = bearer(self._source())
                except Exception as cause:
                    raise no_key(cause) from cause
            return self._current
