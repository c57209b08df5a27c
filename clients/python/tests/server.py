"""A server in this process that answers what a test says."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import grpc

from hatd.v1 import (
    AddUserHatRequest,
    AddUserHatResponse,
    GetRoomRequest,
    GetRoomResponse,
    ListRoomsRequest,
    ListRoomsResponse,
    Room,
    WatchHatsRequest,
    WatchHatsResponse,
)
from hatd.v1.hat_service_pb2_grpc import HatServiceServicer, add_HatServiceServicer_to_server
from hatd.v1.room_service_pb2_grpc import RoomServiceServicer, add_RoomServiceServicer_to_server

Refuse = Callable[[grpc.ServicerContext], object]
"""Aborts a call, or lets it pass."""


def refusing(*codes: grpc.StatusCode) -> Refuse:
    """Refuse with each code once, then no more."""
    rest = list(codes)

    def refuse(context: grpc.ServicerContext) -> None:
        if rest:
            context.abort(rest.pop(0), "no")

    return refuse


def accepting(*keys: str) -> Refuse:
    """Refuse other API keys."""

    def refuse(context: grpc.ServicerContext) -> None:
        given = dict(context.invocation_metadata()).get("authorization")
        if given not in {f"Bearer {key}" for key in keys}:
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "who?")

    return refuse


@dataclass
class Server(HatServiceServicer, RoomServiceServicer):
    """Answers the few RPCs that tests use."""

    refuse: Refuse = field(default_factory=refusing)
    writes: list[AddUserHatRequest] = field(default_factory=list)
    watches: list[WatchHatsRequest] = field(default_factory=list)
    sent: int = 0
    """Responses of watches that were asked for by the transport."""
    response: Callable[[int], WatchHatsResponse] | None = None
    """The nth response of a watch. None: it is silent."""
    user_agents: list[str] = field(default_factory=list)
    called: threading.Event = field(default_factory=threading.Event)
    left: threading.Event = field(default_factory=threading.Event)
    """Set when a watch was cancelled."""
    held: threading.Event = field(default_factory=threading.Event)
    """Calls wait for it."""
    target: str = ""

    def __post_init__(self) -> None:
        """Hold nothing."""
        self.held.set()

    def AddUserHat(  # noqa: N802 - gRPC's name.
        self, request: AddUserHatRequest, context: grpc.ServicerContext
    ) -> AddUserHatResponse:
        """Note the request."""
        self.writes.append(request)
        self._answer(context)
        return AddUserHatResponse(changed=True)

    def GetRoom(  # noqa: N802 - gRPC's name.
        self, request: GetRoomRequest, context: grpc.ServicerContext
    ) -> GetRoomResponse:
        """Answer with the room that was asked for."""
        self._answer(context)
        return GetRoomResponse(room=Room(room_jid=request.room_jid))

    def ListRooms(  # noqa: N802 - gRPC's name.
        self, request: ListRoomsRequest, context: grpc.ServicerContext
    ) -> ListRoomsResponse:
        """List three pages, of which one is empty, whatever their size."""
        self._answer(context)
        page = int(request.page_token or "0")
        rooms = [] if page == 1 else [Room(room_jid=f"{page}.{request.page_size}")]
        return ListRoomsResponse(rooms=rooms, next_page_token=str(page + 1) if page < 2 else "")

    def WatchHats(  # noqa: N802 - gRPC's name.
        self, request: WatchHatsRequest, context: grpc.ServicerContext
    ) -> Iterator[WatchHatsResponse]:
        """Send what the test says."""
        self.watches.append(request)
        self._answer(context)
        ended = threading.Event()
        for event in (ended, self.left):
            if not context.add_callback(event.set):
                # It was cancelled before it got here.
                event.set()
        if self.response is None:
            ended.wait()
            return
        while not ended.is_set():
            yield self.response(self.sent)
            self.sent += 1

    def _answer(self, context: grpc.ServicerContext) -> None:
        self.user_agents.append(str(dict(context.invocation_metadata())["user-agent"]))
        self.called.set()
        self.held.wait()
        self.refuse(context)


@contextmanager
def serving(credentials: grpc.ServerCredentials | None = None) -> Iterator[Server]:
    """Serve within the block."""
    server = Server()  # type: ignore[abstract]
    threads = ThreadPoolExecutor(16)
    running = grpc.server(threads)
    add_HatServiceServicer_to_server(server, running)
    add_RoomServiceServicer_to_server(server, running)
    if credentials is None:
        port = running.add_insecure_port("127.0.0.1:0")
    else:
        port = running.add_secure_port("127.0.0.1:0", credentials)
    server.target = f"127.0.0.1:{port}"
    running.start()
    try:
        yield server
    finally:
        server.held.set()
        running.stop(None).wait()
        threads.shutdown()
