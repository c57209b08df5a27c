"""When a call is tried again."""

import random
from dataclasses import dataclass

from grpc import StatusCode

from hatd._core.backoff import Backoff
from hatd.errors import HatdError

# How long a read may take, retries included, in seconds, unless said otherwise.
READ_TIMEOUT = 5.0
# How long a write may take, retries included, in seconds, unless said otherwise: long enough for a
# server that is being replaced.
WRITE_TIMEOUT = 30.0

# The first delay between two attempts of one call is at most this, in seconds.
_BASE = 0.05
# No delay between two attempts of one call is longer, in seconds, unless the server asks for it.
_CEILING = 2.0


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again."""

    delay: float
    """After so many seconds."""
    with_new_key: bool
    """With an API key asked for anew."""


class Attempts:
    """The attempts of one call, up to its deadline."""

    def __init__(
        self, timeout: float, now: float, *, key_is_renewable: bool, rng: random.Random
    ) -> None:
        """Begin a call that may take `timeout` seconds from `now` on."""
        self._deadline = now + timeout
        self._key_is_renewable = key_is_renewable
        self._backoff = Backoff(_BASE, _CEILING, rng)
        self._unavailable: HatdError | None = None

    def remaining(self, now: float) -> float:
        """Return how many seconds the next attempt may take."""
        return max(0.0, self._deadline - now)

    def failed(self, error: HatdError, now: float) -> Retry:
        """Return how to try again after an attempt that failed.

        Raises:
            HatdError: The error, if trying again would not help or there is no time for it. A
                deadline that passed has the last failed attempt as its cause.
        """
        if error.code is StatusCode.UNAUTHENTICATED and self._key_is_renewable:
            self._key_is_renewable = False
            return Retry(delay=0.0, with_new_key=True)
        if error.code is StatusCode.DEADLINE_EXCEEDED:
            raise error from self._unavailable
        if error.code is not StatusCode.UNAVAILABLE:
            raise error
        delay = self._backoff.delay(error.retry_delay)
        # A wait past the deadline helps nobody: what happened says more than a late timeout.
        if now + delay >= self._deadline:
            raise error
        self._unavailable = error
        return Retry(delay=delay, with_new_key=False)
