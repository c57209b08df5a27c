"""One method for each RPC, and the lists that follow their pages."""

# The stubs are generic for type checkers only.
from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Protocol, TypeVar

from grpc import UnaryUnaryMultiCallable

from hatd._core.requests import (
    ListRequest,
    WriteRequest,
    give_hat_request,
    next_page,
    page_request,
    with_request_id,
)
from hatd._sync.cancellation import Cancellation
from hatd.v1.hat_service_pb2 import (
    AddUserHatRequest,
    AddUserHatResponse,
    DefineHatRequest,
    DefineHatResponse,
    DestroyHatRequest,
    DestroyHatResponse,
    GetUserHatsRequest,
    GetUserHatsResponse,
    ListHatDefinitionsRequest,
    ListHatDefinitionsResponse,
    ListRoomHatsRequest,
    ListRoomHatsResponse,
    ListUserHatsRequest,
    ListUserHatsResponse,
    RemoveUserHatRequest,
    RemoveUserHatResponse,
    SetHatWearersRequest,
    SetHatWearersResponse,
    SetUserHatsRequest,
    SetUserHatsResponse,
    UpdateRoomHatsRequest,
    UpdateRoomHatsResponse,
)
from hatd.v1.hat_service_pb2_grpc import HatServiceStub
from hatd.v1.room_service_pb2 import (
    DeleteRoomRequest,
    DeleteRoomResponse,
    ForgetUserRequest,
    ForgetUserResponse,
    GetRoomRequest,
    GetRoomResponse,
    ListAffiliationsRequest,
    ListAffiliationsResponse,
    ListRoomsRequest,
    ListRoomsResponse,
    PutRoomRequest,
    PutRoomResponse,
    SetAffiliationRequest,
    SetAffiliationResponse,
    SyncRoomsRequest,
    SyncRoomsResponse,
    UserAffiliation,
)
from hatd.v1.room_service_pb2_grpc import RoomServiceStub
from hatd.v1.types_pb2 import HatDefinition, Room, UserHats
from hatd.v1.wardrobe_service_pb2 import (
    ClaimHatRequest,
    ClaimHatResponse,
    DiscardHatRequest,
    DiscardHatResponse,
    DoffHatRequest,
    DoffHatResponse,
    WearHatRequest,
    WearHatResponse,
)
from hatd.v1.wardrobe_service_pb2_grpc import WardrobeServiceStub

_Request = TypeVar("_Request")
_Response = TypeVar("_Response")
_Write = TypeVar("_Write", bound=WriteRequest)
_List = TypeVar("_List", bound=ListRequest)
_ListIn = TypeVar("_ListIn", bound=ListRequest, contravariant=True)
_Item = TypeVar("_Item")


class _Page(Protocol):
    @property
    def next_page_token(self) -> str: ...


_AnyPage = TypeVar("_AnyPage", bound=_Page)
_AnyPageOut = TypeVar("_AnyPageOut", bound=_Page, covariant=True)


class _ListCall(Protocol[_ListIn, _AnyPageOut]):
    def __call__(
        self,
        request: _ListIn,
        *,
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
    ) -> _AnyPageOut: ...


class Calls(ABC):
    """The RPCs of hatd, which the contract describes in full.

    Each takes the request of the contract, which it does not change, and returns the response.
    `timeout` is how long the call may take, retries included, in seconds; without one, it is that
    of the client for reads or for writes. `cancellation` lets another thread cancel the call.

    Calls are tried again while the server is unavailable, until their timeout. A write whose
    `request_id` is empty gets one, so that it is done once however often it is tried.

    Any call can raise `DeadlineExceeded`, `Closed`, a `HatdError` with the code UNAVAILABLE if the
    server could not be reached, and what the server may answer to any request: `Overloaded`,
    `StoreUnavailable`, `ShuttingDown`, `StoreCorrupt`, `Unauthenticated`, `ScopeDenied`, the errors
    of the fields that a request has (`InvalidRoomJid`, `InvalidUserJid`, `InvalidHatId`,
    `InvalidTitle`, `InvalidField`), of its `at_least_token` (`InvalidToken`, `StoreMismatch`,
    `TokenNotReached`), of its `request_id` (`RequestIdReused`) and of its size
    (`MessageTooLarge`). Further ones are named with their calls.
    """

    _hats: HatServiceStub
    _rooms: RoomServiceStub
    _wardrobe: WardrobeServiceStub
    _read_timeout: float
    _write_timeout: float

    def add_user_hat(
        self,
        request: AddUserHatRequest,
        *,
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
    ) -> AddUserHatResponse:
        """Put a hat into a user's wardrobe, or replace how the user has it.

        It is not worn unless `attachment.active` is set: see `give_hat`.

        Raises:
            HatdError: RoomNotFound, UserNotAffiliated, HatNotDefined, TooManyHats or EtagMismatch,
                among others that any call can raise.
        """
        return self._write(
            self._hats.AddUserHat, request, timeout=timeout, cancellation=cancellation
        )

    def give_hat(
        self,
        room_jid: str,
        user_jid: str,
        hat_id: str,
        *,
        title: str = "",
        required: bool = False,
        expire_time: datetime | None = None,
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
    ) -> AddUserHatResponse:
        """Put a hat on a user: add it with `active` set.

        Args:
            room_jid: The room, a bare JID.
            user_jid: The user, a bare JID.
            hat_id: The hat, an absolute URI.
            title: What is displayed for this user. Empty: the title of the definition, else the
                hat id.
            required: Whether the user can neither doff nor discard it.
            expire_time: When the hat ends; a time without a zone is UTC. None: never.
            timeout: As for every call.
            cancellation: As for every call.

        Raises:
            HatdError: As `add_user_hat`.
        """
        request = give_hat_request(
            room_jid,
            user_jid,
            hat_id,
            title=title,
            required=required,
            expire_time=expire_time,
        )
        return self.add_user_hat(request, timeout=timeout, cancellation=cancellation)

    def remove_user_hat(
        self,
        request: RemoveUserHatRequest,
        *,
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
    ) -> RemoveUserHatResponse:
        """Take a hat out of a user's wardrobe.

        An absent hat is a success, with `changed` false.

        Raises:
            HatdError: RoomNotFound, UserNotAffiliated or EtagMismatch, among others that any call
                can raise.
        """
        return self._write(
            self._hats.RemoveUserHat, request, timeout=timeout, cancellation=cancellation
        )

    def set_user_hats(
        self,
        request: SetUserHatsRequest,
        *,
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
    ) -> SetUserHatsResponse:
        """Make the listed hats exactly the user's hats.

        With a prefix: exactly those of the user's hats whose id begins with it.

        Raises:
            HatdError: RoomNotFound, UserNotAffiliated, HatNotDefined, TooManyHats or EtagMismatch,
                among others that any call can raise.
        """
        return self._write(
            self._hats.SetUserHats, request, timeout=timeout, cancellation=cancellation
        )

    def set_hat_wearers(
        self,
        request: SetHatWearersRequest,
        *,
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
    ) -> SetHatWearersResponse:
        """Make the listed users exactly those who have the hat in the room.

        Their other hats are untouched.

        Raises:
            HatdError: RoomNotFound, UserNotAffiliated, HatNotDefined or TooManyHats, among others
                that any call can raise.
        """
        return self._write(
            self._hats.SetHatWearers, request, timeout=timeout, cancellation=cancellation
        )

    def update_room_hats(
        self,
        request: UpdateRoomHatsRequest,
        *,
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
    ) -> UpdateRoomHatsResponse:
        """Do up to 500 operations in one commit, all or nothing.

        Raises:
            HatdError: RoomNotFound, UserNotAffiliated, HatNotDefined, TooManyHats or
                PreconditionFailed, among others that any call can raise.
        """
        return self._write(
            self._hats.UpdateRoomHats, request, timeout=timeout, cancellation=cancellation
        )

    def get_user_hats(
        self,
        request: GetUserHatsRequest,
        *,
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
    ) -> GetUserHatsResponse:
        """Read one user's document in one room.

        Raises:
            HatdError: RoomNotFound or UserNotAffiliated, among others that any call can raise.
        """
        return self._read(
            self._hats.GetUserHats, request, timeout=timeout, cancellation=cancellation
        )

    def list_room_hats(
        self,
        request: ListRoomHatsRequest,
        *,
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
    ) -> ListRoomHatsResponse:
        """List a page of the documents of a room that have hats, by user JID.

        `all_room_hats` follows the pages.

        Raises:
            HatdError: RoomNotFound or InvalidPageToken, among others that any call can raise.
        """
        return self._read(
            self._hats.ListRoomHats, request, timeout=timeout, cancellation=cancellation
        )

    def list_user_hats(
        self,
        request: ListUserHatsRequest,
        *,
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
    ) -> ListUserHatsResponse:
        """List a page of a user's documents that have hats, by room.

        `all_user_hats` follows the pages.

        Raises:
            HatdError: InvalidPageToken, among others that any call can raise.
        """
        return self._read(
            self._hats.ListUserHats, request, timeout=timeout, cancellation=cancellation
        )

    def define_hat(
        self,
        request: DefineHatRequest,
        *,
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
    ) -> DefineHatResponse:
        """Create or replace a definition in a room's catalogue.

        Raises:
            HatdError: RoomNotFound, TooManyDefinitions or EtagMismatch, among others that any call
                can raise.
        """
        return self._write(
            self._hats.DefineHat, request, timeout=timeout, cancellation=cancellation
        )

    def destroy_hat(
        self,
        request: DestroyHatRequest,
        *,
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
    ) -> DestroyHatResponse:
        """Take a hat off everybody in a room and out of its catalogue.

        A hat that nobody has and that is not defined is a success, with `changed` false.

        Raises:
            HatdError: RoomNotFound, among others that any call can raise.
        """
        return self._write(
            self._hats.DestroyHat, request, timeout=timeout, cancellation=cancellation
        )

    def list_hat_definitions(
        self,
        request: ListHatDefinitionsRequest,
        *,
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
    ) -> ListHatDefinitionsResponse:
        """List a page of a room's catalogue, by hat id.

        `all_hat_definitions` follows the pages.

        Raises:
            HatdError: RoomNotFound or InvalidPageToken, among others that any call can raise.
        """
        return self._read(
            self._hats.ListHatDefinitions, request, timeout=timeout, cancellation=cancellation
        )

    def put_room(
        self,
        request: PutRoomRequest,
        *,
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
    ) -> PutRoomResponse:
        """Create a room, or change its settings.

        Raises:
            HatdError: EtagMismatch, among others that any call can raise.
        """
        return self._write(self._rooms.PutRoom, request, timeout=timeout, cancellation=cancellation)

    def get_room(
        self,
        request: GetRoomRequest,
        *,
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
    ) -> GetRoomResponse:
        """Read a room.

        Raises:
            HatdError: RoomNotFound, among others that any call can raise.
        """
        return self._read(self._rooms.GetRoom, request, timeout=timeout, cancellation=cancellation)

    def list_rooms(
        self,
        request: ListRoomsRequest,
        *,
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
    ) -> ListRoomsResponse:
        """List a page of the rooms, by domain and then local part.

        `all_rooms` follows the pages.

        Raises:
            HatdError: InvalidPageToken, among others that any call can raise.
        """
        return self._read(
            self._rooms.ListRooms, request, timeout=timeout, cancellation=cancellation
        )

    def delete_room(
        self,
        request: DeleteRoomRequest,
        *,
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
    ) -> DeleteRoomResponse:
        """Delete a room, its catalogue and all its documents, in one commit.

        Raises:
            HatdError: RoomNotFound or EtagMismatch, among others that any call can raise.
        """
        return self._write(
            self._rooms.DeleteRoom, request, timeout=timeout, cancellation=cancellation
        )

    def set_affiliation(
        self,
        request: SetAffiliationRequest,
        *,
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
    ) -> SetAffiliationResponse:
        """Set what a user is to a room.

        OUTCAST takes the user's hats away for good, as does NONE in a room for the
        affiliated.

        Raises:
            HatdError: RoomNotFound or EtagMismatch, among others that any call can raise.
        """
        return self._write(
            self._rooms.SetAffiliation, request, timeout=timeout, cancellation=cancellation
        )

    def list_affiliations(
        self,
        request: ListAffiliationsRequest,
        *,
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
    ) -> ListAffiliationsResponse:
        """List a page of the affiliations of a room other than NONE, by user JID.

        `all_affiliations` follows the pages.

        Raises:
            HatdError: RoomNotFound or InvalidPageToken, among others that any call can raise.
        """
        return self._read(
            self._rooms.ListAffiliations, request, timeout=timeout, cancellation=cancellation
        )

    def sync_rooms(
        self,
        request: SyncRoomsRequest,
        *,
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
    ) -> SyncRoomsResponse:
        """Bring rooms and their affiliations up to date in bulk.

        One entry is one commit; rooms not named stay.

        Raises:
            HatdError: SyncWouldRemove, among others that any call can raise.
        """
        return self._write(
            self._rooms.SyncRooms, request, timeout=timeout, cancellation=cancellation
        )

    def forget_user(
        self,
        request: ForgetUserRequest,
        *,
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
    ) -> ForgetUserResponse:
        """Remove a user from every room, one commit a room.

        For a deleted account, before its JID is given to anyone else.
        """
        return self._write(
            self._rooms.ForgetUser, request, timeout=timeout, cancellation=cancellation
        )

    def wear_hat(
        self,
        request: WearHatRequest,
        *,
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
    ) -> WearHatResponse:
        """Wear a hat that the user has.

        Raises:
            HatdError: RoomNotFound, UserNotAffiliated, HatNotFound or EtagMismatch, among others
                that any call can raise.
        """
        return self._write(
            self._wardrobe.WearHat, request, timeout=timeout, cancellation=cancellation
        )

    def doff_hat(
        self,
        request: DoffHatRequest,
        *,
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
    ) -> DoffHatResponse:
        """Take off a hat that the user has, unless it is required.

        Raises:
            HatdError: RoomNotFound, UserNotAffiliated, HatNotFound, HatRequired or EtagMismatch,
                among others that any call can raise.
        """
        return self._write(
            self._wardrobe.DoffHat, request, timeout=timeout, cancellation=cancellation
        )

    def claim_hat(
        self,
        request: ClaimHatRequest,
        *,
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
    ) -> ClaimHatResponse:
        """Take a hat whose definition is self-assignable, and wear it.

        A hat that the user has already is unchanged.

        Raises:
            HatdError: RoomNotFound, UserNotAffiliated, HatNotDefined, HatNotSelfAssignable,
                TooManyHats or EtagMismatch, among others that any call can raise.
        """
        return self._write(
            self._wardrobe.ClaimHat, request, timeout=timeout, cancellation=cancellation
        )

    def discard_hat(
        self,
        request: DiscardHatRequest,
        *,
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
    ) -> DiscardHatResponse:
        """Give up a hat that the user has, unless it is required.

        Raises:
            HatdError: RoomNotFound, UserNotAffiliated, HatNotFound, HatRequired or EtagMismatch,
                among others that any call can raise.
        """
        return self._write(
            self._wardrobe.DiscardHat, request, timeout=timeout, cancellation=cancellation
        )

    def all_room_hats(
        self,
        request: ListRoomHatsRequest,
        *,
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
    ) -> Iterator[UserHats]:
        """List the documents of a room that have hats, by user JID.

        A page is asked for when the one before it is used up, and `timeout` is for each. Pages need
        not be of one moment; none misses or repeats an item that stays.

        Raises:
            HatdError: As `list_room_hats`, from the iterator.
        """
        return self._pages(
            self.list_room_hats,
            page_request(request),
            lambda page: page.users,
            timeout=timeout,
            cancellation=cancellation,
        )

    def all_user_hats(
        self,
        request: ListUserHatsRequest,
        *,
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
    ) -> Iterator[UserHats]:
        """List a user's documents that have hats, by room.

        A page is asked for when the one before it is used up, and `timeout` is for each. Pages need
        not be of one moment; none misses or repeats an item that stays.

        Raises:
            HatdError: As `list_user_hats`, from the iterator.
        """
        return self._pages(
            self.list_user_hats,
            page_request(request),
            lambda page: page.rooms,
            timeout=timeout,
            cancellation=cancellation,
        )

    def all_hat_definitions(
        self,
        request: ListHatDefinitionsRequest,
        *,
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
    ) -> Iterator[HatDefinition]:
        """List a room's catalogue, by hat id.

        A page is asked for when the one before it is used up, and `timeout` is for each. Pages need
        not be of one moment; none misses or repeats an item that stays.

        Raises:
            HatdError: As `list_hat_definitions`, from the iterator.
        """
        return self._pages(
            self.list_hat_definitions,
            page_request(request),
            lambda page: page.definitions,
            timeout=timeout,
            cancellation=cancellation,
        )

    def all_rooms(
        self,
        request: ListRoomsRequest,
        *,
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
    ) -> Iterator[Room]:
        """List the rooms, by domain and then local part.

        A page is asked for when the one before it is used up, and `timeout` is for each. Pages need
        not be of one moment; none misses or repeats an item that stays.

        Raises:
            HatdError: As `list_rooms`, from the iterator.
        """
        return self._pages(
            self.list_rooms,
            page_request(request),
            lambda page: page.rooms,
            timeout=timeout,
            cancellation=cancellation,
        )

    def all_affiliations(
        self,
        request: ListAffiliationsRequest,
        *,
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
    ) -> Iterator[UserAffiliation]:
        """List the affiliations of a room other than NONE, by user JID.

        A page is asked for when the one before it is used up, and `timeout` is for each. Pages need
        not be of one moment; none misses or repeats an item that stays.

        Raises:
            HatdError: As `list_affiliations`, from the iterator.
        """
        return self._pages(
            self.list_affiliations,
            page_request(request),
            lambda page: page.affiliations,
            timeout=timeout,
            cancellation=cancellation,
        )

    def _pages(
        self,
        call: _ListCall[_List, _AnyPage],
        request: _List,
        items: Callable[[_AnyPage], Iterable[_Item]],
        *,
        timeout: float | None,
        cancellation: Cancellation | None,
    ) -> Iterator[_Item]:
        while True:
            page = call(request, timeout=timeout, cancellation=cancellation)
            yield from items(page)
            if not page.next_page_token:
                return
            request = next_page(request, page.next_page_token)

    def _read(
        self,
        method: UnaryUnaryMultiCallable[_Request, _Response],
        request: _Request,
        *,
        timeout: float | None,
        cancellation: Cancellation | None,
    ) -> _Response:
        if timeout is None:
            timeout = self._read_timeout
        return self._call(method, request, "", timeout=timeout, cancellation=cancellation)

    def _write(
        self,
        method: UnaryUnaryMultiCallable[_Write, _Response],
        request: _Write,
        *,
        timeout: float | None,
        cancellation: Cancellation | None,
    ) -> _Response:
        if timeout is None:
            timeout = self._write_timeout
        request = with_request_id(request)
        return self._call(
            method, request, request.request_id, timeout=timeout, cancellation=cancellation
        )

    @abstractmethod
    def _call(
        self,
        method: UnaryUnaryMultiCallable[_Request, _Response],
        request: _Request,
        request_id: str,
        *,
        timeout: float,
        cancellation: Cancellation | None,
    ) -> _Response:
        """Make a call. `request_id` is that of a write; empty for a read."""
