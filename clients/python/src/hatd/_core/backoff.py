"""How long to wait before trying again."""

import random

# Longest that a server's own delay is believed, in seconds. Our choice.
HINT_MAX = 300.0

# Doublings after which every ceiling in use has long been reached.
_DOUBLINGS_MAX = 16


class Backoff:
    """Exponential back-off with full jitter: uniform in zero to a ceiling that doubles."""

    def __init__(self, base: float, ceiling: float, rng: random.Random) -> None:
        """Begin at the shortest delays: the first is at most `base`, none is over `ceiling`."""
        self._base = base
        self._ceiling = ceiling
        self._rng = rng
        self._attempts = 0

    def reset(self) -> None:
        """Begin again at the shortest delays."""
        self._attempts = 0

    def delay(self, hint: float | None) -> float:
        """Return the seconds to wait before the next attempt.

        A delay that the server gave wins over ours, prolonged by up to a half, so that the clients
        it was given to do not come back together.
        """
        doubled: float = self._base * 2 ** min(self._attempts, _DOUBLINGS_MAX)
        self._attempts += 1
        if hint is not None and hint > 0:
            hint = min(hint, HINT_MAX)
            return self._rng.uniform(hint, 1.5 * hint)
        return self._rng.uniform(0, min(doubled, self._ceiling))
