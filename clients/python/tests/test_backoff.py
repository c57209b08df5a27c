import random

from hatd._core.backoff import HINT_MAX, Backoff


def backoff(seed: int) -> Backoff:
    return Backoff(0.1, 30.0, random.Random(seed))


def test_delays_stay_under_a_doubling_ceiling() -> None:
    for seed in range(200):
        delays = backoff(seed)
        for ceiling in (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0, 30.0):
            assert 0 <= delays.delay(None) <= ceiling, seed


def test_delays_are_spread_from_zero_on() -> None:
    first = [backoff(seed).delay(None) for seed in range(200)]
    assert min(first) < 0.01
    assert max(first) > 0.09


def test_many_attempts_do_no_harm() -> None:
    delays = backoff(1)
    for _ in range(10_000):
        assert delays.delay(None) <= 30


def test_the_servers_delay_wins_and_is_never_undercut() -> None:
    for seed in range(200):
        assert 7.0 <= backoff(seed).delay(7.0) <= 10.5
        assert HINT_MAX <= backoff(seed).delay(1e9) <= 1.5 * HINT_MAX
        assert backoff(seed).delay(0.0) <= 0.1


def test_a_reset_makes_delays_short_again() -> None:
    delays = backoff(2)
    for _ in range(10):
        delays.delay(None)
    delays.reset()
    assert delays.delay(None) <= 0.1
