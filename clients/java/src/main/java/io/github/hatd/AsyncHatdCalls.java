package io.github.hatd;

import com.google.protobuf.Message;
import io.github.hatd.v1.AddUserHatRequest;
import io.github.hatd.v1.AddUserHatResponse;
import io.github.hatd.v1.Attachment;
import io.github.hatd.v1.ClaimHatRequest;
import io.github.hatd.v1.ClaimHatResponse;
import io.github.hatd.v1.DefineHatRequest;
import io.github.hatd.v1.DefineHatResponse;
import io.github.hatd.v1.DeleteRoomRequest;
import io.github.hatd.v1.DeleteRoomResponse;
import io.github.hatd.v1.DestroyHatRequest;
import io.github.hatd.v1.DestroyHatResponse;
import io.github.hatd.v1.DiscardHatRequest;
import io.github.hatd.v1.DiscardHatResponse;
import io.github.hatd.v1.DoffHatRequest;
import io.github.hatd.v1.DoffHatResponse;
import io.github.hatd.v1.ForgetUserRequest;
import io.github.hatd.v1.ForgetUserResponse;
import io.github.hatd.v1.GetRoomRequest;
import io.github.hatd.v1.GetRoomResponse;
import io.github.hatd.v1.GetUserHatsRequest;
import io.github.hatd.v1.GetUserHatsResponse;
import io.github.hatd.v1.HatDefinition;
import io.github.hatd.v1.HatServiceGrpc;
import io.github.hatd.v1.ListAffiliationsRequest;
import io.github.hatd.v1.ListAffiliationsResponse;
import io.github.hatd.v1.ListHatDefinitionsRequest;
import io.github.hatd.v1.ListHatDefinitionsResponse;
import io.github.hatd.v1.ListRoomHatsRequest;
import io.github.hatd.v1.ListRoomHatsResponse;
import io.github.hatd.v1.ListRoomsRequest;
import io.github.hatd.v1.ListRoomsResponse;
import io.github.hatd.v1.ListUserHatsRequest;
import io.github.hatd.v1.ListUserHatsResponse;
import io.github.hatd.v1.PutRoomRequest;
import io.github.hatd.v1.PutRoomResponse;
import io.github.hatd.v1.RemoveUserHatRequest;
import io.github.hatd.v1.RemoveUserHatResponse;
import io.github.hatd.v1.Room;
import io.github.hatd.v1.RoomServiceGrpc;
import io.github.hatd.v1.SetAffiliationRequest;
import io.github.hatd.v1.SetAffiliationResponse;
import io.github.hatd.v1.SetHatWearersRequest;
import io.github.hatd.v1.SetHatWearersResponse;
import io.github.hatd.v1.SetUserHatsRequest;
import io.github.hatd.v1.SetUserHatsResponse;
import io.github.hatd.v1.SyncRoomsRequest;
import io.github.hatd.v1.SyncRoomsResponse;
import io.github.hatd.v1.UpdateRoomHatsRequest;
import io.github.hatd.v1.UpdateRoomHatsResponse;
import io.github.hatd.v1.UserAffiliation;
import io.github.hatd.v1.UserHats;
import io.github.hatd.v1.WardrobeServiceGrpc;
import io.github.hatd.v1.WearHatRequest;
import io.github.hatd.v1.WearHatResponse;
import io.grpc.MethodDescriptor;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;
import java.util.function.Supplier;

/**
 * The calls of hatd, as {@link HatdCalls} has them, without waiting: futures that complete with the
 * response or with a {@link HatdException}, on threads of the client.
 *
 * <p>Cancelling a future that a method returned cancels the call.
 */
public sealed class AsyncHatdCalls permits AsyncHatdClient {

  private final Connection connection;
  private final Timeouts timeouts;

  AsyncHatdCalls(Connection connection, Timeouts timeouts) {
    this.connection = connection;
    this.timeouts = timeouts;
  }

  /**
   * Returns the same calls with another timeout.
   *
   * @param timeout how long each call may take, retries included
   * @return the calls, over the same connection
   */
  public AsyncHatdCalls withTimeout(Duration timeout) {
    return new AsyncHatdCalls(connection, new Timeouts(timeout, timeout));
  }

  /**
   * Puts a hat into a user's wardrobe.
   *
   * <p>A hat that is there already gets the new attachment in place of the old one.
   *
   * @param request the request
   * @return the response, or a {@link HatdException}
   */
  public CompletableFuture<AddUserHatResponse> addUserHat(AddUserHatRequest request) {
    return call(HatServiceGrpc.getAddUserHatMethod(), request);
  }

  /**
   * Takes a hat out of a user's wardrobe.
   *
   * <p>An absent hat is a success with {@code changed} false.
   *
   * @param request the request
   * @return the response, or a {@link HatdException}
   */
  public CompletableFuture<RemoveUserHatResponse> removeUserHat(RemoveUserHatRequest request) {
    return call(HatServiceGrpc.getRemoveUserHatMethod(), request);
  }

  /**
   * Makes the listed hats exactly the user's hats or, with a prefix, exactly those of the user's
   * hats whose id begins with it.
   *
   * @param request the request
   * @return the response, or a {@link HatdException}
   */
  public CompletableFuture<SetUserHatsResponse> setUserHats(SetUserHatsRequest request) {
    return call(HatServiceGrpc.getSetUserHatsMethod(), request);
  }

  /**
   * Makes the listed users exactly those who have the hat in the room.
   *
   * <p>Their other hats are untouched.
   *
   * @param request the request
   * @return the response, or a {@link HatdException}
   */
  public CompletableFuture<SetHatWearersResponse> setHatWearers(SetHatWearersRequest request) {
    return call(HatServiceGrpc.getSetHatWearersMethod(), request);
  }

  /**
   * Does up to 500 operations in one commit, all or nothing.
   *
   * @param request the request
   * @return the response, or a {@link HatdException}
   */
  public CompletableFuture<UpdateRoomHatsResponse> updateRoomHats(UpdateRoomHatsRequest request) {
    return call(HatServiceGrpc.getUpdateRoomHatsMethod(), request);
  }

  /**
   * Reads one user's document in one room.
   *
   * <p>In a room for anyone, a user of whom nothing is kept has an empty document.
   *
   * @param request the request
   * @return the response, or a {@link HatdException}
   */
  public CompletableFuture<GetUserHatsResponse> getUserHats(GetUserHatsRequest request) {
    return call(HatServiceGrpc.getGetUserHatsMethod(), request);
  }

  /**
   * Lists the documents of a room that have hats, by user JID.
   *
   * @param request the request
   * @return the response, or a {@link HatdException}
   */
  public CompletableFuture<ListRoomHatsResponse> listRoomHats(ListRoomHatsRequest request) {
    return call(HatServiceGrpc.getListRoomHatsMethod(), request);
  }

  /**
   * Lists a user's documents that have hats, by room.
   *
   * @param request the request
   * @return the response, or a {@link HatdException}
   */
  public CompletableFuture<ListUserHatsResponse> listUserHats(ListUserHatsRequest request) {
    return call(HatServiceGrpc.getListUserHatsMethod(), request);
  }

  /**
   * Creates or replaces a definition in a room's catalogue.
   *
   * @param request the request
   * @return the response, or a {@link HatdException}
   */
  public CompletableFuture<DefineHatResponse> defineHat(DefineHatRequest request) {
    return call(HatServiceGrpc.getDefineHatMethod(), request);
  }

  /**
   * Takes a hat off everybody in a room and out of its catalogue.
   *
   * <p>A hat that nobody has and that is not defined is a success with {@code changed} false.
   *
   * @param request the request
   * @return the response, or a {@link HatdException}
   */
  public CompletableFuture<DestroyHatResponse> destroyHat(DestroyHatRequest request) {
    return call(HatServiceGrpc.getDestroyHatMethod(), request);
  }

  /**
   * Lists a room's catalogue, by hat id.
   *
   * @param request the request
   * @return the response, or a {@link HatdException}
   */
  public CompletableFuture<ListHatDefinitionsResponse> listHatDefinitions(
      ListHatDefinitionsRequest request) {
    return call(HatServiceGrpc.getListHatDefinitionsMethod(), request);
  }

  /**
   * Creates a room, or changes its settings.
   *
   * @param request the request
   * @return the response, or a {@link HatdException}
   */
  public CompletableFuture<PutRoomResponse> putRoom(PutRoomRequest request) {
    return call(RoomServiceGrpc.getPutRoomMethod(), request);
  }

  /**
   * Reads a room.
   *
   * @param request the request
   * @return the response, or a {@link HatdException}
   */
  public CompletableFuture<GetRoomResponse> getRoom(GetRoomRequest request) {
    return call(RoomServiceGrpc.getGetRoomMethod(), request);
  }

  /**
   * Lists rooms, by domain and then local part.
   *
   * @param request the request
   * @return the response, or a {@link HatdException}
   */
  public CompletableFuture<ListRoomsResponse> listRooms(ListRoomsRequest request) {
    return call(RoomServiceGrpc.getListRoomsMethod(), request);
  }

  /**
   * Deletes a room, its catalogue and all its documents, in one commit.
   *
   * @param request the request
   * @return the response, or a {@link HatdException}
   */
  public CompletableFuture<DeleteRoomResponse> deleteRoom(DeleteRoomRequest request) {
    return call(RoomServiceGrpc.getDeleteRoomMethod(), request);
  }

  /**
   * Sets what a user is to a room.
   *
   * <p>OUTCAST takes the user's hats away for good, as does NONE in a room for the affiliated.
   *
   * @param request the request
   * @return the response, or a {@link HatdException}
   */
  public CompletableFuture<SetAffiliationResponse> setAffiliation(SetAffiliationRequest request) {
    return call(RoomServiceGrpc.getSetAffiliationMethod(), request);
  }

  /**
   * Lists the affiliations of a room other than NONE, by user JID.
   *
   * @param request the request
   * @return the response, or a {@link HatdException}
   */
  public CompletableFuture<ListAffiliationsResponse> listAffiliations(
      ListAffiliationsRequest request) {
    return call(RoomServiceGrpc.getListAffiliationsMethod(), request);
  }

  /**
   * Brings rooms and their affiliations up to date in bulk.
   *
   * <p>One entry is one commit; rooms not named stay.
   *
   * @param request the request
   * @return the response, or a {@link HatdException}
   */
  public CompletableFuture<SyncRoomsResponse> syncRooms(SyncRoomsRequest request) {
    return call(RoomServiceGrpc.getSyncRoomsMethod(), request);
  }

  /**
   * Removes a user from every room, one commit a room: for a deleted account, before its JID is
   * given to anyone else.
   *
   * <p>Resumed by calling again.
   *
   * @param request the request
   * @return the response, or a {@link HatdException}
   */
  public CompletableFuture<ForgetUserResponse> forgetUser(ForgetUserRequest request) {
    return call(RoomServiceGrpc.getForgetUserMethod(), request);
  }

  /**
   * Wears a hat that the user has: sets {@code active}.
   *
   * @param request the request
   * @return the response, or a {@link HatdException}
   */
  public CompletableFuture<WearHatResponse> wearHat(WearHatRequest request) {
    return call(WardrobeServiceGrpc.getWearHatMethod(), request);
  }

  /**
   * Takes off a hat that the user has: clears {@code active}.
   *
   * <p>Not if it is required.
   *
   * @param request the request
   * @return the response, or a {@link HatdException}
   */
  public CompletableFuture<DoffHatResponse> doffHat(DoffHatRequest request) {
    return call(WardrobeServiceGrpc.getDoffHatMethod(), request);
  }

  /**
   * Takes a hat whose definition is self-assignable, and wears it.
   *
   * <p>A hat that the user has already is unchanged.
   *
   * @param request the request
   * @return the response, or a {@link HatdException}
   */
  public CompletableFuture<ClaimHatResponse> claimHat(ClaimHatRequest request) {
    return call(WardrobeServiceGrpc.getClaimHatMethod(), request);
  }

  /**
   * Gives up a hat that the user has.
   *
   * <p>Not if it is required.
   *
   * @param request the request
   * @return the response, or a {@link HatdException}
   */
  public CompletableFuture<DiscardHatResponse> discardHat(DiscardHatRequest request) {
    return call(WardrobeServiceGrpc.getDiscardHatMethod(), request);
  }

  /**
   * Gives a user a hat and has it worn at once: {@code AddUserHat} with {@code active} set.
   *
   * <p>That call alone adds a hat that is not worn yet.
   *
   * @param roomJid the room, a bare JID
   * @param userJid the user, a bare JID
   * @param hatId the hat, an absolute URI
   * @return the response, or a {@link HatdException}
   */
  public CompletableFuture<AddUserHatResponse> giveHat(
      String roomJid, String userJid, String hatId) {
    return giveHat(roomJid, userJid, hatId, Attachment.getDefaultInstance());
  }

  /**
   * Gives a user a hat with a title, as required, or for a time, and has it worn at once.
   *
   * @param roomJid the room, a bare JID
   * @param userJid the user, a bare JID
   * @param hatId the hat, an absolute URI
   * @param attachment how the user has it; {@code active} is set in any case
   * @return the response, or a {@link HatdException}
   */
  public CompletableFuture<AddUserHatResponse> giveHat(
      String roomJid, String userJid, String hatId, Attachment attachment) {
    return addUserHat(
        AddUserHatRequest.newBuilder()
            .setRoomJid(roomJid)
            .setUserJid(userJid)
            .setHatId(hatId)
            .setAttachment(attachment.toBuilder().setActive(true))
            .build());
  }

  /**
   * Lists the documents of a room that have hats, by user JID, page after page.
   *
   * @param request what to list; 1,000 items a page unless it says how many
   * @return all items; each subscription makes the calls anew, and fails as they do
   */
  public Flow.Publisher<UserHats> allRoomHats(ListRoomHatsRequest request) {
    return publisher(() -> pagesRoomHats(request));
  }

  /**
   * Lists a user's documents that have hats, by room, page after page.
   *
   * @param request what to list; 1,000 items a page unless it says how many
   * @return all items; each subscription makes the calls anew, and fails as they do
   */
  public Flow.Publisher<UserHats> allUserHats(ListUserHatsRequest request) {
    return publisher(() -> pagesUserHats(request));
  }

  /**
   * Lists a room's catalogue, by hat id, page after page.
   *
   * @param request what to list; 1,000 items a page unless it says how many
   * @return all items; each subscription makes the calls anew, and fails as they do
   */
  public Flow.Publisher<HatDefinition> allHatDefinitions(ListHatDefinitionsRequest request) {
    return publisher(() -> pagesHatDefinitions(request));
  }

  /**
   * Lists rooms, by domain and then local part, page after page.
   *
   * @param request what to list; 1,000 items a page unless it says how many
   * @return all items; each subscription makes the calls anew, and fails as they do
   */
  public Flow.Publisher<Room> allRooms(ListRoomsRequest request) {
    return publisher(() -> pagesRooms(request));
  }

  /**
   * Lists the affiliations of a room other than NONE, by user JID, page after page.
   *
   * @param request what to list; 1,000 items a page unless it says how many
   * @return all items; each subscription makes the calls anew, and fails as they do
   */
  public Flow.Publisher<UserAffiliation> allAffiliations(ListAffiliationsRequest request) {
    return publisher(() -> pagesAffiliations(request));
  }

  final Source<UserHats> pagesRoomHats(ListRoomHatsRequest request) {
    return new Pages<>(request, this::listRoomHats, ListRoomHatsResponse::getUsersList);
  }

  final Source<UserHats> pagesUserHats(ListUserHatsRequest request) {
    return new Pages<>(request, this::listUserHats, ListUserHatsResponse::getRoomsList);
  }

  final Source<HatDefinition> pagesHatDefinitions(ListHatDefinitionsRequest request) {
    return new Pages<>(
        request, this::listHatDefinitions, ListHatDefinitionsResponse::getDefinitionsList);
  }

  final Source<Room> pagesRooms(ListRoomsRequest request) {
    return new Pages<>(request, this::listRooms, ListRoomsResponse::getRoomsList);
  }

  final Source<UserAffiliation> pagesAffiliations(ListAffiliationsRequest request) {
    return new Pages<>(
        request, this::listAffiliations, ListAffiliationsResponse::getAffiliationsList);
  }

  final <T> Flow.Publisher<T> publisher(Supplier<Source<T>> sources) {
    return new SourcePublisher<>(sources, connection.executor());
  }

  private <Q extends Message, P> CompletableFuture<P> call(
      MethodDescriptor<Q, P> method, Q request) {
    Duration timeout = UnaryCall.isWrite(request) ? timeouts.write() : timeouts.read();
    return UnaryCall.start(connection, method, request, timeout);
  }

  /** How long a call may take, retries included. */
  record Timeouts(Duration read, Duration write) {}
}
