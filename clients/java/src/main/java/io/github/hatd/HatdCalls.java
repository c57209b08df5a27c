package io.github.hatd;

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
import io.github.hatd.v1.WearHatRequest;
import io.github.hatd.v1.WearHatResponse;
import java.time.Duration;

/**
 * The calls of hatd: a method for each RPC, which takes the request of the contract and returns its
 * response.
 *
 * <p>A call is tried again while the server is unavailable and there is time: 5 s for a read and 30
 * s for a write, unless the {@link HatdClient.Builder} or {@link #withTimeout} says otherwise. A
 * write without a {@code request_id} gets one before its first attempt, so that it is done once
 * however often it is tried.
 *
 * <p>Every method throws a {@link HatdException} if the call fails: of the type that belongs to the
 * server's reason; with the code {@code UNAVAILABLE} if the server cannot be reached; with {@code
 * DEADLINE_EXCEEDED} if no answer came in time, when a write may have been done all the same; with
 * {@code CANCELLED} if the thread is interrupted, and a {@link ClosedException} if the client is
 * closed.
 */
public sealed class HatdCalls permits HatdClient {

  private final AsyncHatdCalls async;

  HatdCalls(AsyncHatdCalls async) {
    this.async = async;
  }

  /**
   * Returns the same calls with another timeout.
   *
   * @param timeout how long each call may take, retries included
   * @return the calls, over the same connection
   */
  public HatdCalls withTimeout(Duration timeout) {
    return new HatdCalls(async.withTimeout(timeout));
  }

  /**
   * Puts a hat into a user's wardrobe.
   *
   * <p>A hat that is there already gets the new attachment in place of the old one.
   *
   * @param request the request
   * @return the response
   * @throws HatdException the call failed
   */
  public AddUserHatResponse addUserHat(AddUserHatRequest request) {
    return Await.answer(async.addUserHat(request));
  }

  /**
   * Takes a hat out of a user's wardrobe.
   *
   * <p>An absent hat is a success with {@code changed} false.
   *
   * @param request the request
   * @return the response
   * @throws HatdException the call failed
   */
  public RemoveUserHatResponse removeUserHat(RemoveUserHatRequest request) {
    return Await.answer(async.removeUserHat(request));
  }

  /**
   * Makes the listed hats exactly the user's hats or, with a prefix, exactly those of the user's
   * hats whose id begins with it.
   *
   * @param request the request
   * @return the response
   * @throws HatdException the call failed
   */
  public SetUserHatsResponse setUserHats(SetUserHatsRequest request) {
    return Await.answer(async.setUserHats(request));
  }

  /**
   * Makes the listed users exactly those who have the hat in the room.
   *
   * <p>Their other hats are untouched.
   *
   * @param request the request
   * @return the response
   * @throws HatdException the call failed
   */
  public SetHatWearersResponse setHatWearers(SetHatWearersRequest request) {
    return Await.answer(async.setHatWearers(request));
  }

  /**
   * Does up to 500 operations in one commit, all or nothing.
   *
   * @param request the request
   * @return the response
   * @throws HatdException the call failed
   */
  public UpdateRoomHatsResponse updateRoomHats(UpdateRoomHatsRequest request) {
    return Await.answer(async.updateRoomHats(request));
  }

  /**
   * Reads one user's document in one room.
   *
   * <p>In a room for anyone, a user of whom nothing is kept has an empty document.
   *
   * @param request the request
   * @return the response
   * @throws HatdException the call failed
   */
  public GetUserHatsResponse getUserHats(GetUserHatsRequest request) {
    return Await.answer(async.getUserHats(request));
  }

  /**
   * Lists the documents of a room that have hats, by user JID.
   *
   * @param request the request
   * @return the response
   * @throws HatdException the call failed
   */
  public ListRoomHatsResponse listRoomHats(ListRoomHatsRequest request) {
    return Await.answer(async.listRoomHats(request));
  }

  /**
   * Lists a user's documents that have hats, by room.
   *
   * @param request the request
   * @return the response
   * @throws HatdException the call failed
   */
  public ListUserHatsResponse listUserHats(ListUserHatsRequest request) {
    return Await.answer(async.listUserHats(request));
  }

  /**
   * Creates or replaces a definition in a room's catalogue.
   *
   * @param request the request
   * @return the response
   * @throws HatdException the call failed
   */
  public DefineHatResponse defineHat(DefineHatRequest request) {
    return Await.answer(async.defineHat(request));
  }

  /**
   * Takes a hat off everybody in a room and out of its catalogue.
   *
   * <p>A hat that nobody has and that is not defined is a success with {@code changed} false.
   *
   * @param request the request
   * @return the response
   * @throws HatdException the call failed
   */
  public DestroyHatResponse destroyHat(DestroyHatRequest request) {
    return Await.answer(async.destroyHat(request));
  }

  /**
   * Lists a room's catalogue, by hat id.
   *
   * @param request the request
   * @return the response
   * @throws HatdException the call failed
   */
  public ListHatDefinitionsResponse listHatDefinitions(ListHatDefinitionsRequest request) {
    return Await.answer(async.listHatDefinitions(request));
  }

  /**
   * Creates a room, or changes its settings.
   *
   * @param request the request
   * @return the response
   * @throws HatdException the call failed
   */
  public PutRoomResponse putRoom(PutRoomRequest request) {
    return Await.answer(async.putRoom(request));
  }

  /**
   * Reads a room.
   *
   * @param request the request
   * @return the response
   * @throws HatdException the call failed
   */
  public GetRoomResponse getRoom(GetRoomRequest request) {
    return Await.answer(async.getRoom(request));
  }

  /**
   * Lists rooms, by domain and then local part.
   *
   * @param request the request
   * @return the response
   * @throws HatdException the call failed
   */
  public ListRoomsResponse listRooms(ListRoomsRequest request) {
    return Await.answer(async.listRooms(request));
  }

  /**
   * Deletes a room, its catalogue and all its documents, in one commit.
   *
   * @param request the request
   * @return the response
   * @throws HatdException the call failed
   */
  public DeleteRoomResponse deleteRoom(DeleteRoomRequest request) {
    return Await.answer(async.deleteRoom(request));
  }

  /**
   * Sets what a user is to a room.
   *
   * <p>OUTCAST takes the user's hats away for good, as does NONE in a room for the affiliated.
   *
   * @param request the request
   * @return the response
   * @throws HatdException the call failed
   */
  public SetAffiliationResponse setAffiliation(SetAffiliationRequest request) {
    return Await.answer(async.setAffiliation(request));
  }

  /**
   * Lists the affiliations of a room other than NONE, by user JID.
   *
   * @param request the request
   * @return the response
   * @throws HatdException the call failed
   */
  public ListAffiliationsResponse listAffiliations(ListAffiliationsRequest request) {
    return Await.answer(async.listAffiliations(request));
  }

  /**
   * Brings rooms and their affiliations up to date in bulk.
   *
   * <p>One entry is one commit; rooms not named stay.
   *
   * @param request the request
   * @return the response
   * @throws HatdException the call failed
   */
  public SyncRoomsResponse syncRooms(SyncRoomsRequest request) {
    return Await.answer(async.syncRooms(request));
  }

  /**
   * Removes a user from every room, one commit a room: for a deleted account, before its JID is
   * given to anyone else.
   *
   * <p>Resumed by calling again.
   *
   * @param request the request
   * @return the response
   * @throws HatdException the call failed
   */
  public ForgetUserResponse forgetUser(ForgetUserRequest request) {
    return Await.answer(async.forgetUser(request));
  }

  /**
   * Wears a hat that the user has: sets {@code active}.
   *
   * @param request the request
   * @return the response
   * @throws HatdException the call failed
   */
  public WearHatResponse wearHat(WearHatRequest request) {
    return Await.answer(async.wearHat(request));
  }

  /**
   * Takes off a hat that the user has: clears {@code active}.
   *
   * <p>Not if it is required.
   *
   * @param request the request
   * @return the response
   * @throws HatdException the call failed
   */
  public DoffHatResponse doffHat(DoffHatRequest request) {
    return Await.answer(async.doffHat(request));
  }

  /**
   * Takes a hat whose definition is self-assignable, and wears it.
   *
   * <p>A hat that the user has already is unchanged.
   *
   * @param request the request
   * @return the response
   * @throws HatdException the call failed
   */
  public ClaimHatResponse claimHat(ClaimHatRequest request) {
    return Await.answer(async.claimHat(request));
  }

  /**
   * Gives up a hat that the user has.
   *
   * <p>Not if it is required.
   *
   * @param request the request
   * @return the response
   * @throws HatdException the call failed
   */
  public DiscardHatResponse discardHat(DiscardHatRequest request) {
    return Await.answer(async.discardHat(request));
  }

  /**
   * Gives a user a hat and has it worn at once: {@code AddUserHat} with {@code active} set.
   *
   * <p>That call alone adds a hat that is not worn yet.
   *
   * @param roomJid the room, a bare JID
   * @param userJid the user, a bare JID
   * @param hatId the hat, an absolute URI
   * @return the response
   * @throws HatdException the call failed
   */
  public AddUserHatResponse giveHat(String roomJid, String userJid, String hatId) {
    return Await.answer(async.giveHat(roomJid, userJid, hatId));
  }

  /**
   * Gives a user a hat with a title, as required, or for a time, and has it worn at once.
   *
   * @param roomJid the room, a bare JID
   * @param userJid the user, a bare JID
   * @param hatId the hat, an absolute URI
   * @param attachment how the user has it; {@code active} is set in any case
   * @return the response
   * @throws HatdException the call failed
   */
  public AddUserHatResponse giveHat(
      String roomJid, String userJid, String hatId, Attachment attachment) {
    return Await.answer(async.giveHat(roomJid, userJid, hatId, attachment));
  }

  /**
   * Lists the documents of a room that have hats, by user JID, page after page.
   *
   * @param request what to list; 1,000 items a page unless it says how many
   * @return all items; each iteration makes the calls anew, and fails as they do
   */
  public Iterable<UserHats> allRoomHats(ListRoomHatsRequest request) {
    return () -> new Puller<>(async.pagesRoomHats(request)).iterator();
  }

  /**
   * Lists a user's documents that have hats, by room, page after page.
   *
   * @param request what to list; 1,000 items a page unless it says how many
   * @return all items; each iteration makes the calls anew, and fails as they do
   */
  public Iterable<UserHats> allUserHats(ListUserHatsRequest request) {
    return () -> new Puller<>(async.pagesUserHats(request)).iterator();
  }

  /**
   * Lists a room's catalogue, by hat id, page after page.
   *
   * @param request what to list; 1,000 items a page unless it says how many
   * @return all items; each iteration makes the calls anew, and fails as they do
   */
  public Iterable<HatDefinition> allHatDefinitions(ListHatDefinitionsRequest request) {
    return () -> new Puller<>(async.pagesHatDefinitions(request)).iterator();
  }

  /**
   * Lists rooms, by domain and then local part, page after page.
   *
   * @param request what to list; 1,000 items a page unless it says how many
   * @return all items; each iteration makes the calls anew, and fails as they do
   */
  public Iterable<Room> allRooms(ListRoomsRequest request) {
    return () -> new Puller<>(async.pagesRooms(request)).iterator();
  }

  /**
   * Lists the affiliations of a room other than NONE, by user JID, page after page.
   *
   * @param request what to list; 1,000 items a page unless it says how many
   * @return all items; each iteration makes the calls anew, and fails as they do
   */
  public Iterable<UserAffiliation> allAffiliations(ListAffiliationsRequest request) {
    return () -> new Puller<>(async.pagesAffiliations(request)).iterator();
  }
}
