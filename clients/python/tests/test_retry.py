import random

import pytest
from grpc import StatusCode

from hatd._core.retry import Attempts, Retry
from hatd.errors import DeadlineExceeded, HatdError

NOW = 1_000.0


def attempts(timeout: float = 5.0, *, key_is_renewable: bool = False) -> Attempts:
    return Attempts(timeout, NOW, key_is_renewable=key_is_renewable, rng=random.Random(1))


def unavailable(retry_delay: float | None = None) -> HatdError:
    return HatdError("away", code=StatusCode.UNAVAILABLE, retry_delay=retry_delay)


def test_what_is_unavailable_is_tried_again_until_the_deadline() -> None:
    call = attempts()
    times = [NOW]

    def fail_on() -> None:
        while True:
            times.append(times[-1] + call.failed(unavailable(), times[-1]).delay)

    with pytest.raises(HatdError, match="away"):
        fail_on()
    assert len(times) > 3
    assert times == sorted(times)
    assert times[-1] < NOW + 5


def test_nothing_else_is_tried_again() -> None:
    for code in StatusCode:
        if code is not StatusCode.UNAVAILABLE:
            error = HatdError("no", code=code)
            with pytest.raises(HatdError) as raised:
                attempts().failed(error, NOW)
            assert raised.value is error


def test_a_delay_that_the_server_asks_for_is_waited() -> None:
    assert 1.0 <= attempts().failed(unavailable(1.0), NOW).delay <= 1.5


def test_a_delay_past_the_deadline_is_not_waited() -> None:
    with pytest.raises(HatdError):
        attempts().failed(unavailable(5.0), NOW)


def test_a_deadline_that_passed_names_the_failure_before() -> None:
    call = attempts()
    before = unavailable()
    call.failed(before, NOW)
    late = DeadlineExceeded("late", code=StatusCode.DEADLINE_EXCEEDED)
    with pytest.raises(TimeoutError) as raised:
        call.failed(late, NOW + 5)
    assert raised.value is late
    assert late.__cause__ is before


def test_each_attempt_has_the_time_that_is_left() -> None:
    assert attempts().remaining(NOW + 2) == 3
    assert attempts().remaining(NOW + 9) == 0


def test_a_refused_key_is_renewed_once() -> None:
    call = attempts(key_is_renewable=True)
    refused = HatdError("who?", code=StatusCode.UNAUTHENTICATED)
    assert call.failed(refused, NOW) == Retry(delay=0.0, with_new_key=True)
    with pytest.raises(HatdError):
        call.failed(refused, NOW)
