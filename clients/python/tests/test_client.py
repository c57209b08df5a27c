"""Both clients against a server in this process."""

import asyncio
import datetime as dt
import functools
import inspect
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme
from google.protobuf.timestamp_pb2 import Timestamp
from server import Server, accepting, refusing, serving

import hatd
import hatd.aio
from hatd.v1 import (
    AddUserHatRequest,
    GetRoomRequest,
    ListRoomsRequest,
    WatchBookmark,
    WatchHatsResponse,
)

DEN, ANN, HOST = "den@conference.localhost", "ann@localhost", "urn:example:host"
READ = GetRoomRequest(room_jid=DEN)

# Longest wait for what must happen, in seconds.
LIMIT = 30


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


def in_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a test that is a coroutine function."""

    @functools.wraps(test)
    def run(*args: object, **kwargs: object) -> None:
        asyncio.run(asyncio.wait_for(test(*args, **kwargs), LIMIT))

    return run


def in_thread(function: Callable[..., Any], *args: object, **kwargs: object) -> Callable[[], Any]:
    """Call a function in a thread, and return what waits for its result."""
    thread = ThreadPoolExecutor(1)
    result = thread.submit(function, *args, **kwargs)
    return lambda: result.result(LIMIT)


def bookmark(index: int) -> WatchHatsResponse:
    """Return the nth response of an endless watch."""
    return WatchHatsResponse(
        after=str(index) if index else "", token=str(index + 1), bookmark=WatchBookmark()
    )


def large(index: int) -> WatchHatsResponse:
    """Return the nth response of an endless watch, of 128 KiB each."""
    response = bookmark(index)
    filler = "x" * 64 * 1024
    response.token += filler
    response.after += filler if response.after else ""
    return response


# Calls.


def test_a_write_is_tried_again_with_one_request_id(server: Server) -> None:
    server.refuse = refusing(grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNAVAILABLE)
    request = AddUserHatRequest(room_jid=DEN)
    with hatd.connect(server.target) as client:
        assert client.add_user_hat(request).changed
    assert len(server.writes) == 3
    assert len({write.request_id for write in server.writes}) == 1
    assert len(server.writes[0].request_id) == 36
    assert request == AddUserHatRequest(room_jid=DEN)


@in_loop
async def test_a_write_is_tried_again_with_one_request_id_in_asyncio(server: Server) -> None:
    server.refuse = refusing(grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNAVAILABLE)
    request = AddUserHatRequest(room_jid=DEN)
    async with hatd.aio.connect(server.target) as client:
        assert (await client.add_user_hat(request)).changed
    assert len(server.writes) == 3
    assert len({write.request_id for write in server.writes}) == 1
    assert request == AddUserHatRequest(room_jid=DEN)


def test_only_a_failed_write_names_a_request_id(server: Server) -> None:
    server.refuse = refusing(grpc.StatusCode.INTERNAL, grpc.StatusCode.INTERNAL)
    with hatd.connect(server.target) as client:
        with pytest.raises(hatd.HatdError) as raised:
            client.add_user_hat(AddUserHatRequest(request_id="mine"))
        assert raised.value.request_id == "mine"
        with pytest.raises(hatd.HatdError) as raised:
            client.get_room(READ)
        assert raised.value.request_id == ""


def test_a_hat_that_is_given_is_worn(server: Server) -> None:
    end = dt.datetime.fromtimestamp(5, dt.UTC)
    with hatd.connect(server.target, user_agent="hatter/2") as client:
        client.give_hat(DEN, ANN, HOST, title="Host", required=True, expire_time=end)
    (write,) = server.writes
    assert (write.room_jid, write.user_jid, write.hat_id) == (DEN, ANN, HOST)
    assert write.attachment.active
    assert write.attachment.required
    assert write.attachment.title == "Host"
    assert write.attachment.expire_time == Timestamp(seconds=5)
    assert server.user_agents[0].startswith(f"hatter/2 hatd-python/{hatd.__version__} ")


def test_a_list_follows_its_pages(server: Server) -> None:
    with hatd.connect(server.target) as client:
        rooms = client.all_rooms(ListRoomsRequest())
        assert [room.room_jid for room in rooms] == ["0.1000", "2.1000"]
        rooms = client.all_rooms(ListRoomsRequest(page_size=7, page_token="2"))
        assert [room.room_jid for room in rooms] == ["2.7"]


@in_loop
async def test_a_list_follows_its_pages_in_asyncio(server: Server) -> None:
    async with hatd.aio.connect(server.target) as client:
        rooms = client.all_rooms(ListRoomsRequest())
        assert [room.room_jid async for room in rooms] == ["0.1000", "2.1000"]


def test_a_call_ends_at_its_deadline(server: Server) -> None:
    server.held.clear()
    with hatd.connect(server.target, read_timeout=0.1) as client:
        with pytest.raises(TimeoutError):
            client.get_room(READ)
        with pytest.raises(hatd.DeadlineExceeded):
            client.give_hat(DEN, ANN, HOST, timeout=0.1)


@in_loop
async def test_a_call_ends_at_its_deadline_in_asyncio(server: Server) -> None:
    server.held.clear()
    async with hatd.aio.connect(server.target, read_timeout=0.1) as client:
        with pytest.raises(hatd.DeadlineExceeded):
            await client.get_room(READ)


def test_a_server_that_is_not_there_is_unavailable() -> None:
    with hatd.connect("127.0.0.1:1") as client:
        with pytest.raises(hatd.HatdError) as raised:
            client.get_room(READ, timeout=0.2)
        assert raised.value.code in {
            hatd.StatusCode.UNAVAILABLE,
            hatd.StatusCode.DEADLINE_EXCEEDED,
        }


def test_another_thread_cancels_a_call(server: Server) -> None:
    server.held.clear()
    with hatd.connect(server.target) as client:
        cancellation = hatd.Cancellation()
        result = in_thread(client.get_room, READ, cancellation=cancellation)
        server.called.wait(LIMIT)
        cancellation.cancel()
        cancellation.cancel()
        with pytest.raises(hatd.HatdError) as raised:
            result()
        assert raised.value.code is hatd.StatusCode.CANCELLED
        with pytest.raises(hatd.HatdError):
            client.get_room(READ, cancellation=cancellation)
        server.held.set()
        assert client.get_room(READ, cancellation=hatd.Cancellation()).room.room_jid == DEN


@in_loop
async def test_a_call_is_cancelled_with_its_task(server: Server) -> None:
    server.held.clear()
    async with hatd.aio.connect(server.target) as client:
        call = asyncio.create_task(client.get_room(READ))
        await asyncio.to_thread(server.called.wait)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        server.held.set()
        assert (await client.get_room(READ)).room.room_jid == DEN


# API keys and TLS.


def test_a_key_that_is_refused_is_asked_for_anew(server: Server) -> None:
    server.refuse = accepting("new")
    keys = iter(["old", "new", "unused"])
    with hatd.connect(server.target, api_key=lambda: next(keys)) as client:
        assert client.get_room(READ).room.room_jid == DEN
        assert client.get_room(READ).room.room_jid == DEN
    assert next(keys) == "unused"


@pytest.mark.parametrize("is_coroutine", [False, True])
@in_loop
async def test_a_key_that_is_refused_is_asked_for_anew_in_asyncio(
    server: Server, is_coroutine: bool
) -> None:
    server.refuse = accepting("new")
    server.response = bookmark
    keys = iter(["old", "new", "unused"])

    def key() -> str:
        return next(keys)

    async def later() -> str:
        return key()

    async with hatd.aio.connect(server.target, api_key=later if is_coroutine else key) as client:
        assert (await client.watch().next()).token
        assert (await client.get_room(READ)).room.room_jid == DEN
    assert key() == "unused"


def test_a_watch_asks_for_its_key_anew(server: Server) -> None:
    server.refuse = accepting("new")
    server.response = bookmark
    keys = iter(["old", "new", "unused"])
    with hatd.connect(server.target, api_key=lambda: next(keys)) as client:
        assert client.watch().next().token
    assert next(keys) == "unused"


def test_a_key_that_is_refused_again_is_an_error(server: Server) -> None:
    server.refuse = accepting("new")
    for api_key in ("old", lambda: "old"):
        with hatd.connect(server.target, api_key=api_key) as client:
            with pytest.raises(hatd.HatdError) as raised:
                client.get_room(READ)
            assert raised.value.code is hatd.StatusCode.UNAUTHENTICATED
            with pytest.raises(hatd.HatdError) as raised:
                client.watch().next()
            assert raised.value.code is hatd.StatusCode.UNAUTHENTICATED


def test_a_function_that_has_no_key_is_asked_again(server: Server) -> None:
    failures = iter([OSError("the vault is sealed")])

    def key() -> str:
        for failure in failures:
            raise failure
        return "key"

    with hatd.connect(server.target, api_key=key) as client:
        assert client.get_room(READ).room.room_jid == DEN


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls_server(authority: trustme.CA) -> Iterator[Server]:
    """A server that asks clients for a certificate."""
    certificate = authority.issue_cert("localhost")
    credentials = grpc.ssl_server_credentials(
        [(certificate.private_key_pem.bytes(), certificate.cert_chain_pems[0].bytes())],
        root_certificates=authority.cert_pem.bytes(),
        require_client_auth=True,
    )
    with serving(credentials) as running:
        running.target = running.target.replace("127.0.0.1", "https://localhost")
        yield running


def identity(authority: trustme.CA) -> hatd.Tls:
    certificate = authority.issue_cert("client.example")
    return hatd.Tls(
        ca=authority.cert_pem.bytes(),
        certificate=certificate.cert_chain_pems[0].bytes(),
        key=certificate.private_key_pem.bytes(),
    )


def test_tls_shows_who_is_who(tls_server: Server, authority: trustme.CA) -> None:
    with hatd.connect(tls_server.target, tls=identity(authority), api_key="key") as client:
        tls_server.refuse = accepting("key")
        assert client.get_room(READ).room.room_jid == DEN


@in_loop
async def test_tls_shows_who_is_who_in_asyncio(tls_server: Server, authority: trustme.CA) -> None:
    async with hatd.aio.connect(tls_server.target, tls=identity(authority)) as client:
        assert (await client.get_room(READ)).room.room_jid == DEN


def test_a_server_that_is_not_trusted_is_not_called(tls_server: Server) -> None:
    with hatd.connect(tls_server.target) as client:
        with pytest.raises(hatd.HatdError) as raised:
            client.get_room(READ, timeout=0.5)
        assert raised.value.code in {
            hatd.StatusCode.UNAVAILABLE,
            hatd.StatusCode.DEADLINE_EXCEEDED,
        }
    assert not tls_server.called.is_set()


# Watches.


def test_a_watch_is_read_no_faster_than_it_is_asked(server: Server) -> None:
    server.response = large
    with hatd.connect(server.target) as client, client.watch() as watch:
        for taken in range(40):
            watch.next(LIMIT)
            # What is sent lies in the windows and buffers of the connection.
            assert server.sent - taken < 8


@in_loop
async def test_a_watch_is_read_no_faster_than_it_is_asked_in_asyncio(server: Server) -> None:
    server.response = large
    async with hatd.aio.connect(server.target) as client, client.watch() as watch:
        for taken in range(40):
            await watch.next()
            assert server.sent - taken < 8


def test_a_wait_that_is_given_up_loses_nothing(server: Server) -> None:
    server.held.clear()
    server.response = bookmark
    with hatd.connect(server.target) as client, client.watch() as watch:
        for _ in range(3):
            with pytest.raises(hatd.DeadlineExceeded):
                watch.next(0.01)
        cancellation = hatd.Cancellation()
        cancellation.cancel()
        with pytest.raises(hatd.HatdError):
            watch.next(cancellation=cancellation)
        server.held.set()
        assert [watch.next(LIMIT).token for _ in range(3)] == ["1", "2", "3"]
        assert len(server.watches) == 1
        assert watch.token == "2"


@in_loop
async def test_a_wait_that_is_cancelled_loses_nothing(server: Server) -> None:
    server.held.clear()
    server.response = bookmark
    async with hatd.aio.connect(server.target) as client, client.watch() as watch:
        for _ in range(3):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(watch.next(), 0.01)
        server.held.set()
        assert [(await watch.next()).token for _ in range(3)] == ["1", "2", "3"]
        assert len(server.watches) == 1


def test_a_watch_is_waited_in_once(server: Server) -> None:
    with hatd.connect(server.target) as client:
        watch = client.watch()
        pending = in_thread(watch.next)
        server.called.wait(LIMIT)
        with pytest.raises(RuntimeError):
            watch.next()
        watch.close()
        with pytest.raises(hatd.Closed):
            pending()


def test_a_watch_that_is_left_is_cancelled(server: Server) -> None:
    server.response = bookmark
    with hatd.connect(server.target) as client:
        for event in client.watch():
            assert event.token == "1"
            break
        assert server.left.wait(LIMIT)


@in_loop
async def test_a_watch_that_is_left_is_cancelled_in_asyncio(server: Server) -> None:
    server.response = bookmark
    async with hatd.aio.connect(server.target) as client:
        async for event in client.watch():
            assert event.token == "1"
            break
        assert await asyncio.to_thread(server.left.wait, LIMIT)


def test_an_ended_watch_ends_the_loop(server: Server) -> None:
    server.refuse = refusing(grpc.StatusCode.PERMISSION_DENIED)
    with hatd.connect(server.target) as client:
        watch = client.watch()
        with pytest.raises(hatd.HatdError):
            next(watch)
        assert list(watch) == []
        with pytest.raises(hatd.WatchEnded):
            watch.next()


# Closing.


def test_closing_ends_whatever_waits(server: Server) -> None:
    server.held.clear()
    client = hatd.connect(server.target)
    watch, mirror = client.watch(), client.mirror()
    listener = mirror.changes()
    pending = [
        in_thread(client.get_room, READ),
        in_thread(client.get_room, READ, cancellation=hatd.Cancellation()),
        in_thread(watch.next),
        in_thread(mirror.ready),
        in_thread(mirror.wait_for, "token"),
        in_thread(listener.next),
    ]
    server.called.wait(LIMIT)
    client.close()
    client.close()
    for result in pending:
        with pytest.raises(hatd.Closed) as raised:
            result()
        assert raised.value.code is hatd.StatusCode.CANCELLED
    for use in (lambda: client.get_room(READ), client.watch, client.mirror, watch.next):
        with pytest.raises(hatd.Closed):
            use()
    assert list(watch) == []
    names = {thread.name for thread in threading.enumerate()}
    assert not names & {"hatd-stream", "hatd-mirror"}


@in_loop
async def test_closing_ends_whatever_waits_in_asyncio(server: Server) -> None:
    server.held.clear()
    tasks = asyncio.all_tasks()
    client = hatd.aio.connect(server.target)
    watch, mirror = client.watch(), client.mirror()
    listener = mirror.changes()
    waits: list[Awaitable[object]] = [
        client.get_room(READ),
        watch.next(),
        mirror.ready(),
        mirror.wait_for("token"),
        listener.next(),
    ]
    pending = [asyncio.ensure_future(wait) for wait in waits]
    await asyncio.to_thread(server.called.wait)
    await client.close()
    await client.close()
    for result in await asyncio.gather(*pending, return_exceptions=True):
        assert isinstance(result, hatd.Closed)
    with pytest.raises(hatd.Closed):
        await client.get_room(READ)
    with pytest.raises(hatd.Closed):
        client.watch()
    assert [event async for event in watch] == []
    # What gRPC winds up by itself has nothing to do with the client.
    package = str(Path(hatd.__file__).parent)
    left = [task.get_coro() for task in asyncio.all_tasks() - tasks]
    ours = [coro for coro in left if inspect.iscoroutine(coro)]
    assert [coro for coro in ours if coro.cr_code.co_filename.startswith(package)] == []


def test_closing_interrupts_a_wait_between_attempts(server: Server) -> None:
    server.refuse = refusing(*[grpc.StatusCode.UNAVAILABLE] * 1_000)
    client = hatd.connect(server.target)
    pending = in_thread(client.get_room, READ, timeout=LIMIT * 10)
    server.called.wait(LIMIT)
    client.close()
    with pytest.raises(hatd.Closed):
        pending()


def test_asyncio_needs_its_loop() -> None:
    with pytest.raises(RuntimeError):
        hatd.aio.connect("127.0.0.1:1")
