"""The connection, and how a call is made over it."""

# The stubs are generic for type checkers only.
from __future__ import annotations

import random
import threading
import time
import weakref
from types import TracebackType
from typing import Self, TypeVar

import grpc
from grpc import StatusCode, UnaryUnaryMultiCallable

from hatd._core import retry, target
from hatd._core.keys import Metadata
from hatd._core.status import cancelled, closed, error_of
from hatd._core.target import Target, Tls
from hatd._core.watch import (
    HEARTBEAT_INTERVAL,
    RECONNECT_DELAY_MAX,
    Observer,
    WatchOptions,
)
from hatd._sync.calls import Calls
from hatd._sync.cancellation import Cancellation
from hatd._sync.driver import Responses
from hatd._sync.keys import ApiKey, Keys
from hatd._sync.mirror import Mirror
from hatd._sync.watch import Watch
from hatd.errors import HatdError
from hatd.options import Start
from hatd.v1.hat_service_pb2 import ON_EXPIRED_RESET, OnExpired, WatchHatsRequest, WatchSelector
from hatd.v1.hat_service_pb2_grpc import HatServiceStub
from hatd.v1.room_service_pb2_grpc import RoomServiceStub
from hatd.v1.wardrobe_service_pb2_grpc import WardrobeServiceStub

_Request = TypeVar("_Request")
_Response = TypeVar("_Response")


def connect(
    address: str,
    *,
    api_key: ApiKey | None = None,
    tls: Tls | None = None,
    plaintext: bool = False,
    read_timeout: float = retry.READ_TIMEOUT,
    write_timeout: float = retry.WRITE_TIMEOUT,
    user_agent: str = "",
) -> Client:
    """Return a client of the hatd at an address, such as `http://127.0.0.1:50051`.

    It connects with its first call, so the server may start later.

    Args:
        address: `http://host:port` for plaintext, `https://host:port` for TLS, or `host:port`: then
            plaintext to this machine (localhost, 127.0.0.0/8, [::1]) unless `tls` is given, and TLS
            to any other.
        api_key: Sent with each call, as a bearer credential. A function is asked for the key before
            the first call and whenever the server refuses the key; it may block.
        tls: Whom to trust and who to be. None: the authorities that the system trusts, and nobody.
        plaintext: Whether to connect to another machine without TLS, which shows everybody on the
            way what is sent, the API key included.
        read_timeout: How long a call that reads may take, retries included, in seconds.
        write_timeout: How long a call that writes may take, retries included, in seconds: long
            enough for a hatd that is being replaced.
        user_agent: Names the program, in front of the client's own name and version.

    Raises:
        InvalidTarget: The address can't be connected to, or not safely.
    """
    parsed = target.parse(address, tls=tls, plaintext=plaintext)
    options = target.channel_options(parsed, user_agent)
    return Client(_channel(parsed, options), Keys(api_key), read_timeout, write_timeout)


class Client(Calls):
    """A connection to hatd, for any number of threads. Made by `hatd.connect`.

    Close it when done, or use it as a context manager. A connection that breaks is made anew by
    itself. A client can't be taken along into a process that is forked off: connect after the fork.
    """

    def __init__(
        self, channel: grpc.Channel, keys: Keys, read_timeout: float, write_timeout: float
    ) -> None:
        """Call over a channel."""
        self._channel = channel
        self._keys = keys
        self._read_timeout = read_timeout
        self._write_timeout = write_timeout
        self._hats = HatServiceStub(channel)
        self._rooms = RoomServiceStub(channel)
        self._wardrobe = WardrobeServiceStub(channel)
        self._rng = random.Random()
        self._closing = Cancellation()
        self._lock = threading.Lock()
        self._watches: weakref.WeakSet[Watch] = weakref.WeakSet()
        self._mirrors: weakref.WeakSet[Mirror] = weakref.WeakSet()

    def watch(
        self,
        *selectors: WatchSelector,
        start: Start = Start.SNAPSHOT,
        on_expired: OnExpired.ValueType = ON_EXPIRED_RESET,
        heartbeat_interval: float = HEARTBEAT_INTERVAL,
        at_least_token: str = "",
        reconnect_delay_max: float = RECONNECT_DELAY_MAX,
        on_lifecycle: Observer | None = None,
    ) -> Watch:
        """Watch hats: the state of what is selected, then every change to it.

        Nothing is sent until the first event is asked for.

        Args:
            selectors: What to watch: `hatd.room`, `hatd.user`, `hatd.user_in_room` and
                `hatd.domain` make them. They add up; without any, the watch is about all that the
                caller may see.
            start: Where to start.
            on_expired: What the server does with a token that it can't resume: a reset and a
                snapshot or, with `ON_EXPIRED_FAIL`, an error that ends the watch.
            heartbeat_interval: How long the stream may be silent while nothing changes, in seconds,
                1 to 60. After two and a half intervals of silence the watch connects again.
            at_least_token: Start with a state that includes this position: the token of any answer
                or watch. The first bookmark has passed it.
            reconnect_delay_max: No delay before connecting again is longer, in seconds, unless the
                server asks for it.
            on_lifecycle: Called whenever the stream under the watch ends and whenever a new one
                answers, for metrics and logs. What it raises is logged.

        Raises:
            Closed: The client is closed.
        """
        options = WatchOptions(
            selectors=selectors,
            start=start,
            on_expired=on_expired,
            heartbeat_interval=heartbeat_interval,
            at_least_token=at_least_token,
            reconnect_delay_max=reconnect_delay_max,
            on_lifecycle=on_lifecycle,
        )
        watch = Watch(self._open_watch, self._keys, options)
        with self._lock:
            self._check_open()
            self._watches.add(watch)
        return watch

    def mirror(
        self,
        *selectors: WatchSelector,
        heartbeat_interval: float = HEARTBEAT_INTERVAL,
        reconnect_delay_max: float = RECONNECT_DELAY_MAX,
        on_lifecycle: Observer | None = None,
    ) -> Mirror:
        """Keep the state of what is selected current in memory, by a thread of its own.

        The arguments are those of `watch`. `on_lifecycle` is called by that thread, and must not
        wait for the mirror.

        Raises:
            Closed: The client is closed.
        """
        options = WatchOptions(
            selectors=selectors,
            heartbeat_interval=heartbeat_interval,
            reconnect_delay_max=reconnect_delay_max,
            on_lifecycle=on_lifecycle,
        )
        with self._lock:
            self._check_open()
            mirror = Mirror(self._open_watch, self._keys, options)
            self._mirrors.add(mirror)
        return mirror

    def close(self) -> None:
        """End all calls, watches and mirrors of this client, and its connection.

        What waits in them raises `Closed`. Returns when their threads are done. A second close does
        nothing.
        """
        self._closing.cancel()
        with self._lock:
            open_ones: list[Mirror | Watch] = [*self._mirrors, *self._watches]
        for open_one in open_ones:
            open_one.close()
        self._channel.close()

    def __enter__(self) -> Self:
        """Return the client."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the client."""
        self.close()

    def _call(
        self,
        method: UnaryUnaryMultiCallable[_Request, _Response],
        request: _Request,
        request_id: str,
        *,
        timeout: float,
        cancellation: Cancellation | None,
    ) -> _Response:
        attempts = retry.Attempts(
            timeout, time.monotonic(), key_is_renewable=self._keys.is_renewable, rng=self._rng
        )
        refused: Metadata | None = None
        while True:
            sent: Metadata | None = None
            try:
                sent = self._keys.get(refused)
                remaining = attempts.remaining(time.monotonic())
                return self._attempt(method, request, remaining, sent, cancellation)
            except HatdError as raised:
                error = raised
            error.request_id = request_id
            again = attempts.failed(error, time.monotonic())
            refused = sent if again.with_new_key else None
            self._sleep(again.delay, cancellation)

    def _attempt(
        self,
        method: UnaryUnaryMultiCallable[_Request, _Response],
        request: _Request,
        timeout: float,
        metadata: Metadata,
        cancellation: Cancellation | None,
    ) -> _Response:
        """Make one attempt of a call."""
        self._check_open()
        try:
            if cancellation is None:
                return method(request, timeout=timeout, metadata=metadata)
            cancellation.check()
            call = method.future(request, timeout=timeout, metadata=metadata)
            with cancellation.calling(call.cancel):
                return call.result()
        except grpc.FutureCancelledError:
            error = cancelled()
        except grpc.RpcError as raised:
            error = error_of(raised)
        except ValueError:
            # A channel that is closed meanwhile takes no call.
            self._check_open()
            raise
        if error.code is StatusCode.CANCELLED:
            self._check_open()
        raise error

    def _sleep(self, delay: float, cancellation: Cancellation | None) -> None:
        """Wait before another attempt, unless there is to be none."""
        woken = threading.Event()
        with self._closing.calling(woken.set), (cancellation or Cancellation()).calling(woken.set):
            woken.wait(delay)

    def _open_watch(self, request: WatchHatsRequest, metadata: Metadata) -> Responses:
        try:
            return self._hats.WatchHats(request, metadata=metadata)
        except ValueError:
            self._check_open()
            raise

    def _check_open(self) -> None:
        if self._closing.is_cancelled:
            raise closed("client")


def _channel(to: Target, options: list[tuple[str, int | str]]) -> grpc.Channel:
    if to.tls is None:
        return grpc.insecure_channel(to.address, options)
    credentials = grpc.ssl_channel_credentials(
        target.trusted_roots(to.tls), to.tls.key, to.tls.certificate
    )
    return grpc.secure_channel(to.address, credentials, options)
