package io.github.hatd;

import io.github.hatd.v1.Attachment;
import io.github.hatd.v1.Commit;
import io.github.hatd.v1.HatDefinition;
import io.github.hatd.v1.ResetReason;
import io.github.hatd.v1.Room;
import io.github.hatd.v1.RoomDefinition;
import io.github.hatd.v1.UserChange;
import io.github.hatd.v1.UserHats;
import io.github.hatd.v1.WatchHatsResponse;
import io.github.hatd.v1.WatchSnapshot;
import java.util.List;

/** Makes what a server sends. */
final class Responses {

  static final String ROOM = "den@conference.localhost";
  static final String ANN = "ann@localhost";
  static final String BOB = "bob@localhost";
  static final String HAT = "urn:example:host";

  private Responses() {}

  static WatchHatsResponse reset() {
    WatchHatsResponse.Builder response = WatchHatsResponse.newBuilder();
    response.getResetBuilder().setReason(ResetReason.RESET_REASON_INITIAL);
    return response.build();
  }

  static WatchHatsResponse complete(String token) {
    WatchHatsResponse.Builder response = WatchHatsResponse.newBuilder().setToken(token);
    response.getSnapshotBuilder().setComplete(true);
    return response.build();
  }

  static WatchHatsResponse bookmark(String after, String token) {
    WatchHatsResponse.Builder response =
        WatchHatsResponse.newBuilder().setAfter(after).setToken(token);
    response.getBookmarkBuilder();
    return response.build();
  }

  static WatchHatsResponse changes(String after, String token, Commit... commits) {
    WatchHatsResponse.Builder response =
        WatchHatsResponse.newBuilder().setAfter(after).setToken(token);
    response.getChangesBuilder().addAllCommits(List.of(commits));
    return response.build();
  }

  static Commit commit(String roomJid, long revision, UserHats... documents) {
    Commit.Builder commit = Commit.newBuilder().setRoomJid(roomJid).setRevision(revision);
    for (UserHats document : documents) {
      commit.addUsers(UserChange.newBuilder().setUserHats(document));
    }
    return commit.build();
  }

  static UserHats document(String userJid, long revision, String... hats) {
    UserHats.Builder document =
        UserHats.newBuilder().setRoomJid(ROOM).setUserJid(userJid).setRevision(revision);
    for (String hat : hats) {
      document.putHats(hat, Attachment.newBuilder().setActive(true).build());
    }
    return document.build();
  }

  static Room room(long revision) {
    return Room.newBuilder().setRoomJid(ROOM).setRevision(revision).build();
  }

  static HatDefinition definition(String hatId, String title) {
    return HatDefinition.newBuilder().setHatId(hatId).setTitle(title).build();
  }

  static Event.Snapshot page(WatchSnapshot.Builder page) {
    return new Event.Snapshot(page.build(), page.getComplete() ? "t" : "");
  }

  static WatchSnapshot.Builder snapshot() {
    return WatchSnapshot.newBuilder();
  }

  static RoomDefinition defined(HatDefinition definition) {
    return RoomDefinition.newBuilder().setRoomJid(ROOM).setDefinition(definition).build();
  }

  static Event.Changes committed(Commit... commits) {
    return new Event.Changes(List.of(commits), "t");
  }
}
