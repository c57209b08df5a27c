"""What the client puts into requests of its callers, which it never changes."""

import uuid
from datetime import datetime
from typing import Protocol, Self, TypeVar

from hatd.v1.hat_service_pb2 import AddUserHatRequest
from hatd.v1.types_pb2 import Attachment

# Items asked for a page, unless the request says how many: the server's most.
_PAGE_SIZE = 1_000


class _Copyable(Protocol):
    def CopyFrom(self, other: Self, /) -> None: ...  # noqa: N802 - protobuf's name.


class WriteRequest(_Copyable, Protocol):
    """A request to write."""

    request_id: str


class ListRequest(_Copyable, Protocol):
    """A request for a page."""

    page_size: int
    page_token: str


_Write = TypeVar("_Write", bound=WriteRequest)
_List = TypeVar("_List", bound=ListRequest)


def with_request_id(request: _Write) -> _Write:
    """Return a request that is one write however often it is sent."""
    if request.request_id:
        return request
    copied = type(request)()
    copied.CopyFrom(request)
    copied.request_id = str(uuid.uuid4())
    return copied


def page_request(request: _List) -> _List:
    """Return the request for the first page of a list."""
    copied = type(request)()
    copied.CopyFrom(request)
    copied.page_size = copied.page_size or _PAGE_SIZE
    return copied


def next_page(request: _List, page_token: str) -> _List:
    """Return the request for the page after."""
    copied = type(request)()
    copied.CopyFrom(request)
    copied.page_token = page_token
    return copied


def give_hat_request(
    room_jid: str,
    user_jid: str,
    hat_id: str,
    *,
    title: str,
    required: bool,
    expire_time: datetime | None,
) -> AddUserHatRequest:
    """Return the request that puts a hat on a user."""
    attachment = Attachment(active=True, required=required, title=title)
    if expire_time is not None:
        attachment.expire_time.FromDatetime(expire_time)
    return AddUserHatRequest(
        room_jid=room_jid, user_jid=user_jid, hat_id=hat_id, attachment=attachment
    )
